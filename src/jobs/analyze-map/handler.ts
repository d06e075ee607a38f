import { type AnalysisResult, analyzeWithArcpy } from '../definition-making.ts';
import type { JobContext } from '../job-type.ts';
import { draftMap } from '../map-drafting.ts';
import type { AnalyzeMapParams } from './schema.ts';

export async function analyzeMap(
  params: AnalyzeMapParams,
  context: JobContext,
): Promise<AnalysisResult> {
  return await context.step(analyzeWithArcpy, {
    wish: params,
    drafting: draftMap(params),
    context,
  });
}
