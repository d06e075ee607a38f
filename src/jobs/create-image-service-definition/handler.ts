import { type DefinitionResult, makeDefinition } from '../definition-making.ts';
import { draftImage } from '../image-drafting.ts';
import type { JobContext } from '../job-type.ts';
import type { CreateImageServiceDefinitionParams } from './schema.ts';

export async function createImageServiceDefinition(
  params: CreateImageServiceDefinitionParams,
  context: JobContext,
): Promise<DefinitionResult> {
  const drafting = draftImage(params);
  return await context.step(makeDefinition, { wish: params, drafting, context });
}
