import { type DefinitionResult, makeDefinition } from '../definition-making.ts';
import { draftGeocode } from '../geocode-drafting.ts';
import type { JobContext } from '../job-type.ts';
import type { CreateGeocodeServiceDefinitionParams } from './schema.ts';

export async function createGeocodeServiceDefinition(
  params: CreateGeocodeServiceDefinitionParams,
  context: JobContext,
): Promise<DefinitionResult> {
  const drafting = draftGeocode(params);
  return await context.step(makeDefinition, { wish: params, drafting, context });
}
