import { defineJobType } from '../job-type.ts';
import { acceptSource } from './accept-source.ts';
import { publishFolder } from './handler.ts';
import { PublishFolderParams, PublishFolderResult } from './schema.ts';

export const publishFolderJob = defineJobType({
  name: 'publish-folder',
  title: 'Publish many service definitions',
  summary:
    'Every service definition of some files, a zip, a list or a folder becomes a service, on one or more sites',
  params: PublishFolderParams,
  result: PublishFolderResult,
  example: {
    sites: ['demo', 'staging'],
    source: [{ href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' }],
    ifExists: 'replace',
  },
  fileInputs: ['source'],
  queue: 'here',
  isParent: true,
  steps: ['read-source', 'check-plan'],
  scopes: ({ ifExists }) => [
    'publish:create',
    ...(ifExists === 'replace' ? ['publish:overwrite'] : []),
  ],
  accept: acceptSource,
  handler: publishFolder,
});
