import { z } from 'zod';
import { JudgingInputs, RuntimeInput, ServiceInputs, TargetInputs } from '../arcpy-inputs.ts';
import { DefinitionResult } from '../definition-making.ts';
import { GeocodeServiceProperties, LocatorInputs } from '../geocode-drafting.ts';

export const CreateGeocodeServiceDefinitionParams = z
  .strictObject({
    ...LocatorInputs,
    ...ServiceInputs,
    ...TargetInputs,
    service: GeocodeServiceProperties,
    ...JudgingInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'CreateGeocodeServiceDefinitionInputs' });
export type CreateGeocodeServiceDefinitionParams = z.output<
  typeof CreateGeocodeServiceDefinitionParams
>;

export const CreateGeocodeServiceDefinitionResult = DefinitionResult.meta({
  id: 'CreateGeocodeServiceDefinitionResults',
});
