import { z } from 'zod';
import { ArcpyPublishingResult, PublishingInputs, publishingChecks } from '../arcpy-publishing.ts';
import { CreateMapServiceDefinitionParams } from '../create-map-service-definition/schema.ts';

export const PublishMapParams = z
  .strictObject({ ...CreateMapServiceDefinitionParams.shape, ...PublishingInputs })
  .superRefine(publishingChecks)
  .meta({ id: 'PublishMapInputs', oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
export type PublishMapParams = z.output<typeof PublishMapParams>;

export const PublishMapResult = ArcpyPublishingResult.meta({ id: 'PublishMapResults' });
