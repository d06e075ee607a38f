import { scopesOfPublishing } from '../arcpy-publishing.ts';
import { acceptImage } from '../image-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { publishImage } from './handler.ts';
import { PublishImageParams, PublishImageResult } from './schema.ts';

export const publishImageJob = defineJobType({
  name: 'publish-image',
  title: 'Publish imagery',
  summary:
    'ArcPy makes a definition of a raster or a mosaic dataset, which becomes a running service',
  params: PublishImageParams,
  result: PublishImageResult,
  example: {
    site: 'demo',
    path: '/data/imagery/county.gdb/Ortho2026',
    serviceName: 'Ortho2026',
    registerData: true,
  },
  fileInputs: ['data'],
  queue: 'here',
  isParent: true,
  steps: ['hand-over'],
  scopes: scopesOfPublishing,
  accept: (params, facts) => ({ locks: [], warnings: acceptImage(params, facts) }),
  handler: publishImage,
});
