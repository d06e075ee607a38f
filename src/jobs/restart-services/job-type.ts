import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { restartServices } from './handler.ts';
import { RestartServicesParams, RestartServicesResult } from './schema.ts';

export const restartServicesJob = defineJobType({
  name: 'restart-services',
  title: 'Restart services',
  summary: 'Stops and starts services that run or should run, one after the other',
  params: RestartServicesParams,
  result: RestartServicesResult,
  example: { site: 'demo', services: { state: 'failed' } },
  queue: 'site',
  steps: ['find', 'stop', 'start', 'keep'],
  scopes: () => ['services:operate'],
  handler: restartServices,
  failure: reportServiceFailure,
});
