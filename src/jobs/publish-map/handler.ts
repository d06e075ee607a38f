import { type ArcpyPublishingResult, publishWithArcpy } from '../arcpy-publishing.ts';
import { createMapServiceDefinitionJob } from '../create-map-service-definition/job-type.ts';
import type { JobContext } from '../job-type.ts';
import type { PublishMapParams } from './schema.ts';

export async function publishMap(
  params: PublishMapParams,
  context: JobContext,
): Promise<ArcpyPublishingResult> {
  return await publishWithArcpy(createMapServiceDefinitionJob, params, context);
}
