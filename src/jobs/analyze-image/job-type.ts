import { needsOf } from '../arcpy-inputs.ts';
import { acceptImage } from '../image-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { analyzeImage } from './handler.ts';
import { AnalyzeImageParams, AnalyzeImageResult } from './schema.ts';

export const analyzeImageJob = defineJobType({
  name: 'analyze-image',
  title: 'Analyze imagery',
  summary: 'What ArcPy finds when it stages a raster or mosaic dataset, as data; nothing is kept',
  params: AnalyzeImageParams,
  result: AnalyzeImageResult,
  example: {
    path: '/data/imagery/county.gdb/Ortho2026',
  },
  fileInputs: ['data'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['analyze'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => ({ locks: [], warnings: acceptImage(params, facts) }),
  handler: analyzeImage,
});
