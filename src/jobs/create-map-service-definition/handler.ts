import { type DefinitionResult, makeDefinition } from '../definition-making.ts';
import type { JobContext } from '../job-type.ts';
import { draftMap } from '../map-drafting.ts';
import type { CreateMapServiceDefinitionParams } from './schema.ts';

export async function createMapServiceDefinition(
  params: CreateMapServiceDefinitionParams,
  context: JobContext,
): Promise<DefinitionResult> {
  return await context.step(makeDefinition, { wish: params, drafting: draftMap(params), context });
}
