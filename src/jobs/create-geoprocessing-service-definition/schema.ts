import { z } from 'zod';
import { JudgingInputs, RuntimeInput, ServiceInputs, TargetInputs } from '../arcpy-inputs.ts';
import { DefinitionResult } from '../definition-making.ts';
import { GeoprocessingServiceProperties, ToolSourceInputs } from '../geoprocessing-drafting.ts';

export const CreateGeoprocessingServiceDefinitionParams = z
  .strictObject({
    ...ToolSourceInputs,
    ...ServiceInputs,
    ...TargetInputs,
    service: GeoprocessingServiceProperties,
    ...JudgingInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'CreateGeoprocessingServiceDefinitionInputs' });
export type CreateGeoprocessingServiceDefinitionParams = z.output<
  typeof CreateGeoprocessingServiceDefinitionParams
>;

export const CreateGeoprocessingServiceDefinitionResult = DefinitionResult.meta({
  id: 'CreateGeoprocessingServiceDefinitionResults',
});
