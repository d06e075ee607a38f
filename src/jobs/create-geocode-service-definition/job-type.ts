import { needsOf } from '../arcpy-inputs.ts';
import { acceptLocator } from '../geocode-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { createGeocodeServiceDefinition } from './handler.ts';
import {
  CreateGeocodeServiceDefinitionParams,
  CreateGeocodeServiceDefinitionResult,
} from './schema.ts';

export const createGeocodeServiceDefinitionJob = defineJobType({
  name: 'create-geocode-service-definition',
  title: 'Make a service definition of a locator',
  summary: 'ArcPy drafts, analyzes and stages a locator; the definition (.sd) is kept',
  params: CreateGeocodeServiceDefinitionParams,
  result: CreateGeocodeServiceDefinitionResult,
  example: {
    locator: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    locatorData: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6c' },
    serviceName: 'Addresses',
    service: { supportedOperations: ['GEOCODE', 'SUGGEST'] },
  },
  fileInputs: ['locator', 'locatorData'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['stage'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => ({ locks: [], warnings: acceptLocator(params, facts) }),
  handler: createGeocodeServiceDefinition,
});
