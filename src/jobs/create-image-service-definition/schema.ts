import { z } from 'zod';
import { JudgingInputs, RuntimeInput, ServiceInputs, TargetInputs } from '../arcpy-inputs.ts';
import { DefinitionResult } from '../definition-making.ts';
import { ImageServiceProperties, ImageSourceInputs } from '../image-drafting.ts';

export const CreateImageServiceDefinitionParams = z
  .strictObject({
    ...ImageSourceInputs,
    ...ServiceInputs,
    ...TargetInputs,
    service: ImageServiceProperties,
    ...JudgingInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'CreateImageServiceDefinitionInputs' });
export type CreateImageServiceDefinitionParams = z.output<
  typeof CreateImageServiceDefinitionParams
>;

export const CreateImageServiceDefinitionResult = DefinitionResult.meta({
  id: 'CreateImageServiceDefinitionResults',
});
