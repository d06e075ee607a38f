import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { deleteServices } from './handler.ts';
import { DeleteServicesParams, DeleteServicesResult } from './schema.ts';

export const deleteServicesJob = defineJobType({
  name: 'delete-services',
  title: 'Delete services',
  summary: 'Deletes services for good, and keeps a picture of their settings',
  params: DeleteServicesParams,
  result: DeleteServicesResult,
  example: { site: 'demo', services: { names: ['Transport/Roads2019.MapServer'] } },
  queue: 'site',
  steps: ['find', 'pictures', 'delete', 'keep'],
  scopes: () => ['services:delete'],
  handler: deleteServices,
  failure: reportServiceFailure,
});
