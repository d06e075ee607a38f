import { z } from 'zod';
import { ArcpyPublishingResult, PublishingInputs, publishingChecks } from '../arcpy-publishing.ts';
import { CreateImageServiceDefinitionParams } from '../create-image-service-definition/schema.ts';

export const PublishImageParams = z
  .strictObject({ ...CreateImageServiceDefinitionParams.shape, ...PublishingInputs })
  .superRefine(publishingChecks)
  .meta({ id: 'PublishImageInputs', oneOf: [{ required: ['site'] }, { required: ['sites'] }] });
export type PublishImageParams = z.output<typeof PublishImageParams>;

export const PublishImageResult = ArcpyPublishingResult.meta({ id: 'PublishImageResults' });
