import { defineJobType } from '../job-type.ts';
import { acceptPlan } from './accept-plan.ts';
import { publishPlan } from './handler.ts';
import { isForMany, PublishPlanParams, PublishPlanResult } from './schema.ts';

export const publishPlanJob = defineJobType({
  name: 'publish-plan',
  title: 'Plan a publish',
  summary:
    'What publishing one or many service definitions would do now, without touching anything',
  params: PublishPlanParams,
  result: PublishPlanResult,
  example: {
    site: 'demo',
    folder: 'Transport',
    ifExists: 'replace',
    serviceDefinition: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
  },
  fileInputs: ['serviceDefinition', 'source'],
  queue: 'site',
  worksHere: isForMany,
  steps: ['read-source', 'plan'],
  scopes: () => ['publish:create'],
  accept: acceptPlan,
  handler: publishPlan,
});
