import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { startServices } from './handler.ts';
import { StartServicesParams, StartServicesResult } from './schema.ts';

export const startServicesJob = defineJobType({
  name: 'start-services',
  title: 'Start services',
  summary: 'Starts services, or exactly those that an earlier job stopped',
  params: StartServicesParams,
  result: StartServicesResult,
  example: { site: 'demo', services: { folder: 'Transport', state: 'stopped' } },
  queue: 'site',
  steps: ['resume', 'find', 'start', 'keep'],
  scopes: () => ['services:operate'],
  handler: startServices,
  failure: reportServiceFailure,
});
