import { z } from 'zod';
import { ArcpyPublishingResult, PublishingInputs, publishingChecks } from '../arcpy-publishing.ts';
import { CreateGeocodeServiceDefinitionParams } from '../create-geocode-service-definition/schema.ts';

export const PublishGeocodeParams = z
  .strictObject({ ...CreateGeocodeServiceDefinitionParams.shape, ...PublishingInputs })
  .superRefine(publishingChecks)
  .meta({ id: 'PublishGeocodeInputs', oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
export type PublishGeocodeParams = z.output<typeof PublishGeocodeParams>;

export const PublishGeocodeResult = ArcpyPublishingResult.meta({ id: 'PublishGeocodeResults' });
