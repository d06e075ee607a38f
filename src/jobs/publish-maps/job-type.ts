import { refuseHosted } from '../arcpy-inputs.ts';
import { scopesOfPublishing } from '../arcpy-publishing.ts';
import { defineJobType } from '../job-type.ts';
import { publishMaps } from './handler.ts';
import { PublishMapsParams, PublishMapsResult } from './schema.ts';

export const publishMapsJob = defineJobType({
  name: 'publish-maps',
  title: 'Publish a folder of maps',
  summary: 'Every map document of a ZIP becomes a service, by way of a definition that ArcPy makes',
  params: PublishMapsParams,
  result: PublishMapsResult,
  example: {
    site: 'demo',
    source: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    folder: 'Transport',
    ifExists: 'replace',
  },
  fileInputs: ['source', 'layerFile'],
  queue: 'here',
  isParent: true,
  steps: ['find-maps'],
  scopes: scopesOfPublishing,
  accept: (params) => {
    refuseHosted(params);
    return { locks: [], warnings: [] };
  },
  handler: publishMaps,
});
