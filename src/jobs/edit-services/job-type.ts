import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { editServices } from './handler.ts';
import { refusePast } from './refuse-past.ts';
import { EditServicesParams, EditServicesResult } from './schema.ts';

export const editServicesJob = defineJobType({
  name: 'edit-services',
  title: 'Edit services',
  summary: 'Changes settings of services, shows old and new values, and puts them back on request',
  params: EditServicesParams,
  result: EditServicesResult,
  example: {
    site: 'demo',
    services: { folder: 'Transport' },
    set: { maxInstancesPerNode: 4, properties: { maxRecordCount: 5000 } },
  },
  queue: 'site',
  steps: ['find', 'edit', 'keep', 'plan'],
  scopes: () => ['services:edit'],
  accept: refusePast,
  handler: editServices,
  failure: reportServiceFailure,
});
