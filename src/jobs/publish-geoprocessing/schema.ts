import { z } from 'zod';
import { ArcpyPublishingResult, PublishingInputs, publishingChecks } from '../arcpy-publishing.ts';
import { CreateGeoprocessingServiceDefinitionParams } from '../create-geoprocessing-service-definition/schema.ts';

export const PublishGeoprocessingParams = z
  .strictObject({ ...CreateGeoprocessingServiceDefinitionParams.shape, ...PublishingInputs })
  .superRefine(publishingChecks)
  .meta({
    id: 'PublishGeoprocessingInputs',
    oneOf: [{ required: ['site'] }, { required: ['sites'] }],
  });
export type PublishGeoprocessingParams = z.output<typeof PublishGeoprocessingParams>;

export const PublishGeoprocessingResult = ArcpyPublishingResult.meta({
  id: 'PublishGeoprocessingResults',
});
