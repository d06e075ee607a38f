import { z } from 'zod';
import {
  AnalysisInputs,
  AnalyzedServiceInputs,
  RuntimeInput,
  TargetInputs,
} from '../arcpy-inputs.ts';
import { AnalysisResult } from '../definition-making.ts';
import { GeoprocessingServiceProperties, ToolSourceInputs } from '../geoprocessing-drafting.ts';

export const AnalyzeGeoprocessingParams = z
  .strictObject({
    ...ToolSourceInputs,
    ...AnalyzedServiceInputs,
    ...TargetInputs,
    service: GeoprocessingServiceProperties,
    ...AnalysisInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'AnalyzeGeoprocessingInputs' });
export type AnalyzeGeoprocessingParams = z.output<typeof AnalyzeGeoprocessingParams>;

export const AnalyzeGeoprocessingResult = AnalysisResult.meta({
  id: 'AnalyzeGeoprocessingResults',
});
