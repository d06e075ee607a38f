import { needsOf } from '../arcpy-inputs.ts';
import { acceptTools } from '../geoprocessing-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { analyzeGeoprocessing } from './handler.ts';
import { AnalyzeGeoprocessingParams, AnalyzeGeoprocessingResult } from './schema.ts';

export const analyzeGeoprocessingJob = defineJobType({
  name: 'analyze-geoprocessing',
  title: 'Analyze tools',
  summary: 'What ArcPy finds when it stages geoprocessing tools, as data; nothing is kept',
  params: AnalyzeGeoprocessingParams,
  result: AnalyzeGeoprocessingResult,
  example: {
    toolbox: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    tools: [{ name: 'CleanRoads', parameters: { distance: '10 Meters' } }],
  },
  fileInputs: ['toolbox', 'result', 'data'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['analyze'],
  scopes: () => ['publish:create', 'publish:geoprocessing'],
  accept: (params, facts) => ({ locks: [], warnings: acceptTools(params, facts) }),
  handler: analyzeGeoprocessing,
});
