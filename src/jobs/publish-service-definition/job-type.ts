import { defineJobType, type JobType } from '../job-type.ts';
import { planSites } from '../publish-plan/plan-sites.ts';
import { acceptPublishing } from './acceptance.ts';
import { reportFailure } from './failure-report.ts';
import { publishingSteps, publishServiceDefinition } from './handler.ts';
import { PublishServiceDefinitionParams, PublishServiceDefinitionResult } from './schema.ts';

export const publishServiceDefinitionJob: JobType = defineJobType({
  name: 'publish-service-definition',
  title: 'Publish a service definition',
  summary: 'One service definition (.sd) becomes one running service of a site',
  params: PublishServiceDefinitionParams,
  result: PublishServiceDefinitionResult,
  example: {
    site: 'demo',
    folder: 'Transport',
    serviceDefinition: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
  },
  fileInputs: ['serviceDefinition'],
  queue: 'site',
  prepareSites: (params, sites, context) =>
    planSites(publishServiceDefinitionJob, params, { sites, context }),
  steps: [...publishingSteps, 'check-plan'],
  scopes: ({ ifExists }) => [
    'publish:create',
    ...(ifExists === 'replace' ? ['publish:overwrite'] : []),
  ],
  accept: acceptPublishing,
  handler: publishServiceDefinition,
  failure: reportFailure,
});
