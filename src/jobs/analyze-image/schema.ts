import { z } from 'zod';
import {
  AnalysisInputs,
  AnalyzedServiceInputs,
  RuntimeInput,
  TargetInputs,
} from '../arcpy-inputs.ts';
import { AnalysisResult } from '../definition-making.ts';
import { ImageServiceProperties, ImageSourceInputs } from '../image-drafting.ts';

export const AnalyzeImageParams = z
  .strictObject({
    ...ImageSourceInputs,
    ...AnalyzedServiceInputs,
    ...TargetInputs,
    service: ImageServiceProperties,
    ...AnalysisInputs,
    ...RuntimeInput,
  })
  .meta({ id: 'AnalyzeImageInputs' });
export type AnalyzeImageParams = z.output<typeof AnalyzeImageParams>;

export const AnalyzeImageResult = AnalysisResult.meta({ id: 'AnalyzeImageResults' });
