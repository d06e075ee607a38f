import { type ArcpyPublishingResult, publishWithArcpy } from '../arcpy-publishing.ts';
import { createGeocodeServiceDefinitionJob } from '../create-geocode-service-definition/job-type.ts';
import type { JobContext } from '../job-type.ts';
import type { PublishGeocodeParams } from './schema.ts';

export async function publishGeocode(
  params: PublishGeocodeParams,
  context: JobContext,
): Promise<ArcpyPublishingResult> {
  return await publishWithArcpy(createGeocodeServiceDefinitionJob, params, context);
}
