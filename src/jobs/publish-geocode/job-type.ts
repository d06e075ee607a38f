import { scopesOfPublishing } from '../arcpy-publishing.ts';
import { acceptLocator } from '../geocode-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { publishGeocode } from './handler.ts';
import { PublishGeocodeParams, PublishGeocodeResult } from './schema.ts';

export const publishGeocodeJob = defineJobType({
  name: 'publish-geocode',
  title: 'Publish a locator',
  summary: 'ArcPy makes a definition of a locator, which becomes a running service',
  params: PublishGeocodeParams,
  result: PublishGeocodeResult,
  example: {
    site: 'demo',
    locator: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    locatorData: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6c' },
    serviceName: 'Addresses',
  },
  fileInputs: ['locator', 'locatorData'],
  queue: 'here',
  isParent: true,
  steps: ['hand-over'],
  scopes: scopesOfPublishing,
  accept: (params, facts) => ({ locks: [], warnings: acceptLocator(params, facts) }),
  handler: publishGeocode,
});
