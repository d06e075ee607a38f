import { defineJobType } from '../job-type.ts';
import { reportServiceFailure } from '../service-failure.ts';
import { stopServices } from './handler.ts';
import { StopServicesParams, StopServicesResult } from './schema.ts';

export const stopServicesJob = defineJobType({
  name: 'stop-services',
  title: 'Stop services',
  summary: 'Stops services, and remembers which of them ran',
  params: StopServicesParams,
  result: StopServicesResult,
  example: { site: 'demo', services: { usesDataset: 'gis.editor.roads' } },
  queue: 'site',
  steps: ['find', 'stop', 'keep'],
  scopes: () => ['services:operate'],
  handler: stopServices,
  failure: reportServiceFailure,
});
