import { toFolder, toText } from '../../sites/service-target.ts';
import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { lockOfService } from '../service-lock.ts';
import { createImageService } from './handler.ts';
import { CreateImageServiceParams, CreateImageServiceResult } from './schema.ts';

export const createImageServiceJob = defineJobType({
  name: 'create-image-service',
  title: 'Create an image service',
  summary: 'A registered raster or mosaic dataset becomes an image service, without ArcGIS Pro',
  params: CreateImageServiceParams,
  result: CreateImageServiceResult,
  example: {
    site: 'demo',
    folder: 'Imagery',
    serviceName: 'Ortho2025',
    path: '\\\\files\\imagery\\ortho.gdb\\ortho2025',
  },
  queue: 'site',
  steps: ['check', 'folder', 'create', 'verify', 'permissions', 'clean-up'],
  scopes: () => ['publish:create'],
  accept: ({ site, folder, serviceName }) => {
    const target = { folder: toFolder(folder), serviceName, type: 'ImageServer' };
    return { locks: [lockOfService(site, target)], warnings: [], service: toText(target) };
  },
  handler: createImageService,
  failure: reportServiceFailure,
});
