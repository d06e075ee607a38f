import { scopesOfPublishing } from '../arcpy-publishing.ts';
import { defineJobType } from '../job-type.ts';
import { acceptMap } from '../map-inputs.ts';
import { publishMap } from './handler.ts';
import { PublishMapParams, PublishMapResult } from './schema.ts';

export const publishMapJob = defineJobType({
  name: 'publish-map',
  title: 'Publish a map',
  summary: 'ArcPy makes a definition of a map, and the definition becomes a running service',
  params: PublishMapParams,
  result: PublishMapResult,
  example: {
    site: 'demo',
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    serviceName: 'Roads',
    folder: 'Transport',
    edit: { changeSources: [{ from: { host: 'gis-test' }, to: { host: 'gis-production' } }] },
    ifExists: 'replace',
  },
  fileInputs: ['document', 'data', 'layerFile'],
  queue: 'here',
  isParent: true,
  steps: ['hand-over'],
  scopes: scopesOfPublishing,
  accept: (params, facts) => ({ locks: [], warnings: acceptMap(params, facts) }),
  handler: publishMap,
});
