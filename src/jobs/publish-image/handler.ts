import { type ArcpyPublishingResult, publishWithArcpy } from '../arcpy-publishing.ts';
import { createImageServiceDefinitionJob } from '../create-image-service-definition/job-type.ts';
import type { JobContext } from '../job-type.ts';
import type { PublishImageParams } from './schema.ts';

export async function publishImage(
  params: PublishImageParams,
  context: JobContext,
): Promise<ArcpyPublishingResult> {
  return await publishWithArcpy(createImageServiceDefinitionJob, params, context);
}
