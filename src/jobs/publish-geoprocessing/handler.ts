import { type ArcpyPublishingResult, publishWithArcpy } from '../arcpy-publishing.ts';
import { createGeoprocessingServiceDefinitionJob } from '../create-geoprocessing-service-definition/job-type.ts';
import type { JobContext } from '../job-type.ts';
import type { PublishGeoprocessingParams } from './schema.ts';

export async function publishGeoprocessing(
  params: PublishGeoprocessingParams,
  context: JobContext,
): Promise<ArcpyPublishingResult> {
  return await publishWithArcpy(createGeoprocessingServiceDefinitionJob, params, context);
}
