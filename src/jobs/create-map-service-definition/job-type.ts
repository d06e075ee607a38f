import { needsOf } from '../arcpy-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { acceptMap } from '../map-inputs.ts';
import { createMapServiceDefinition } from './handler.ts';
import { CreateMapServiceDefinitionParams, CreateMapServiceDefinitionResult } from './schema.ts';

export const createMapServiceDefinitionJob = defineJobType({
  name: 'create-map-service-definition',
  title: 'Make a service definition of a map',
  summary: 'ArcPy drafts, analyzes and stages a map; the definition (.sd) is kept to be published',
  params: CreateMapServiceDefinitionParams,
  result: CreateMapServiceDefinitionResult,
  example: {
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    serviceName: 'Roads',
    folder: 'Transport',
    summary: 'Roads of the county',
    tags: ['roads'],
    service: { extension: { feature: { isEnabled: true, featureCapabilities: ['Query'] } } },
  },
  fileInputs: ['document', 'data', 'layerFile'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['stage'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => ({ locks: [], warnings: acceptMap(params, facts) }),
  handler: createMapServiceDefinition,
});
