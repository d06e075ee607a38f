import { scopesOfPublishing } from '../arcpy-publishing.ts';
import { acceptTools } from '../geoprocessing-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { publishGeoprocessing } from './handler.ts';
import { PublishGeoprocessingParams, PublishGeoprocessingResult } from './schema.ts';

export const publishGeoprocessingJob = defineJobType({
  name: 'publish-geoprocessing',
  title: 'Publish tools',
  summary:
    'ArcPy runs tools with sample inputs and makes a definition, which becomes a running service',
  params: PublishGeoprocessingParams,
  result: PublishGeoprocessingResult,
  example: {
    site: 'demo',
    toolbox: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    tools: [{ name: 'CleanRoads', parameters: { distance: '10 Meters' } }],
    serviceName: 'CleanRoads',
    summary: 'Cleans roads',
    tags: ['roads'],
  },
  fileInputs: ['toolbox', 'result', 'data'],
  queue: 'here',
  isParent: true,
  steps: ['hand-over'],
  scopes: (params) => [...scopesOfPublishing(params), 'publish:geoprocessing'],
  accept: (params, facts) => ({ locks: [], warnings: acceptTools(params, facts) }),
  handler: publishGeoprocessing,
});
