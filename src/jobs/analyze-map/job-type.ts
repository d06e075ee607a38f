import { needsOf } from '../arcpy-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { acceptMap } from '../map-inputs.ts';
import { analyzeMap } from './handler.ts';
import { AnalyzeMapParams, AnalyzeMapResult } from './schema.ts';

export const analyzeMapJob = defineJobType({
  name: 'analyze-map',
  title: 'Analyze a map',
  summary: 'What ArcPy finds when it stages a map, as data; nothing is kept and nothing published',
  params: AnalyzeMapParams,
  result: AnalyzeMapResult,
  example: {
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    map: 'Layers',
    site: 'demo',
  },
  fileInputs: ['document', 'data', 'layerFile'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['analyze'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => ({ locks: [], warnings: acceptMap(params, facts) }),
  handler: analyzeMap,
});
