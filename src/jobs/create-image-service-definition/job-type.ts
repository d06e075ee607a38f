import { needsOf } from '../arcpy-inputs.ts';
import { acceptImage } from '../image-drafting.ts';
import { defineJobType } from '../job-type.ts';
import { createImageServiceDefinition } from './handler.ts';
import {
  CreateImageServiceDefinitionParams,
  CreateImageServiceDefinitionResult,
} from './schema.ts';

export const createImageServiceDefinitionJob = defineJobType({
  name: 'create-image-service-definition',
  title: 'Make a service definition of imagery',
  summary:
    'ArcPy drafts, analyzes and stages a raster or mosaic dataset; the definition (.sd) is kept',
  params: CreateImageServiceDefinitionParams,
  result: CreateImageServiceDefinitionResult,
  example: {
    path: '/data/imagery/county.gdb/Ortho2026',
    serviceName: 'Ortho2026',
    folder: 'Imagery',
    summary: 'Aerial images of 2026',
    tags: ['imagery'],
  },
  fileInputs: ['data'],
  queue: 'arcpy',
  needs: needsOf,
  steps: ['stage'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => ({ locks: [], warnings: acceptImage(params, facts) }),
  handler: createImageServiceDefinition,
});
