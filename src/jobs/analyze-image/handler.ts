import { type AnalysisResult, analyzeWithArcpy } from '../definition-making.ts';
import { draftImage } from '../image-drafting.ts';
import type { JobContext } from '../job-type.ts';
import type { AnalyzeImageParams } from './schema.ts';

export async function analyzeImage(
  params: AnalyzeImageParams,
  context: JobContext,
): Promise<AnalysisResult> {
  const drafting = draftImage(params);
  return await context.step(analyzeWithArcpy, { wish: params, drafting, context });
}
