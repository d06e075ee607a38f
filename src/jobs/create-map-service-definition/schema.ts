import { z } from 'zod';
import { JudgingInputs, RuntimeInput, ServiceInputs, TargetInputs } from '../arcpy-inputs.ts';
import { DefinitionResult } from '../definition-making.ts';
import { MapServiceProperties, MapSourceInputs } from '../map-inputs.ts';

export const CreateMapServiceDefinitionParams = z
  .strictObject({
    ...MapSourceInputs,
    ...ServiceInputs,
    ...TargetInputs,
    service: MapServiceProperties,
    ...JudgingInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'CreateMapServiceDefinitionInputs' });
export type CreateMapServiceDefinitionParams = z.output<typeof CreateMapServiceDefinitionParams>;

export const CreateMapServiceDefinitionResult = DefinitionResult.meta({
  id: 'CreateMapServiceDefinitionResults',
});
