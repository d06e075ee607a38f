import { z } from 'zod';
import {
  AnalysisInputs,
  AnalyzedServiceInputs,
  RuntimeInput,
  TargetInputs,
} from '../arcpy-inputs.ts';
import { AnalysisResult } from '../definition-making.ts';
import { MapServiceProperties, MapSourceInputs } from '../map-inputs.ts';

export const AnalyzeMapParams = z
  .strictObject({
    ...MapSourceInputs,
    ...AnalyzedServiceInputs,
    ...TargetInputs,
    service: MapServiceProperties,
    ...AnalysisInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'AnalyzeMapInputs' });
export type AnalyzeMapParams = z.output<typeof AnalyzeMapParams>;

export const AnalyzeMapResult = AnalysisResult.meta({ id: 'AnalyzeMapResults' });
