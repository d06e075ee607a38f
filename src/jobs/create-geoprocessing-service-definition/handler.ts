import { type DefinitionResult, makeDefinition } from '../definition-making.ts';
import { draftGeoprocessing } from '../geoprocessing-drafting.ts';
import type { JobContext } from '../job-type.ts';
import type { CreateGeoprocessingServiceDefinitionParams } from './schema.ts';

export async function createGeoprocessingServiceDefinition(
  params: CreateGeoprocessingServiceDefinitionParams,
  context: JobContext,
): Promise<DefinitionResult> {
  const drafting = draftGeoprocessing(params);
  return await context.step(makeDefinition, { wish: params, drafting, context });
}
