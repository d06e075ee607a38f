import { defineJobType } from '../job-type.ts';
import { publishingSteps } from '../publish-service-definition/handler.ts';
import { reportRollbackFailure, rollbackService } from './handler.ts';
import { RollbackServiceParams, RollbackServiceResult } from './schema.ts';

export const rollbackServiceJob = defineJobType({
  name: 'rollback-service',
  title: 'Roll a service back',
  summary: 'An earlier version of a service is published again, from the definition that made it',
  params: RollbackServiceParams,
  result: RollbackServiceResult,
  example: { site: 'demo', service: 'Transport/Roads.MapServer', version: 3 },
  queue: 'site',
  steps: ['version', ...publishingSteps, 'let-go'],
  scopes: () => ['publish:create', 'publish:overwrite'],
  accept: ({ site, service }) => ({
    locks: [`${site}:service:${service.toLowerCase()}`],
    warnings: [],
  }),
  handler: rollbackService,
  failure: reportRollbackFailure,
});
