import { type AnalysisResult, analyzeWithArcpy } from '../definition-making.ts';
import { draftGeoprocessing } from '../geoprocessing-drafting.ts';
import type { JobContext } from '../job-type.ts';
import type { AnalyzeGeoprocessingParams } from './schema.ts';

export async function analyzeGeoprocessing(
  params: AnalyzeGeoprocessingParams,
  context: JobContext,
): Promise<AnalysisResult> {
  const drafting = draftGeoprocessing(params);
  return await context.step(analyzeWithArcpy, { wish: params, drafting, context });
}
