import { needsOf } from '../arcpy-inputs.ts';
import { acceptTools } from '../geoprocessing-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { createGeoprocessingServiceDefinition } from './handler.ts';
import {
  CreateGeoprocessingServiceDefinitionParams,
  CreateGeoprocessingServiceDefinitionResult,
} from './schema.ts';

export const createGeoprocessingServiceDefinitionJob = defineJobType({
  name: 'create-geoprocessing-service-definition',
  title: 'Make a service definition of tools',
  summary: 'ArcPy drafts, analyzes and stages geoprocessing tools; the definition (.sd) is kept',
  params: CreateGeoprocessingServiceDefinitionParams,
  result: CreateGeoprocessingServiceDefinitionResult,
  example: {
    toolbox: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    tools: [{ name: 'CleanRoads', parameters: { distance: '10 Meters' } }],
    serviceName: 'CleanRoads',
    folder: 'Tools',
    summary: 'Cleans roads',
    tags: ['roads'],
    service: { executionType: 'Asynchronous', messageLevel: 'Info' },
  },
  fileInputs: ['toolbox', 'result', 'data'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['stage'],
  scopes: () => ['publish:create', 'publish:geoprocessing'],
  accept: (params, facts) => ({ locks: [], warnings: acceptTools(params, facts) }),
  handler: createGeoprocessingServiceDefinition,
});
