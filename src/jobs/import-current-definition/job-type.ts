import { toText } from '../../sites/service-target.ts';
import { checkKinds } from '../document-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { wantedTarget } from '../publish-service-definition/acceptance.ts';
import { importCurrentDefinition } from './handler.ts';
import { ImportCurrentDefinitionParams, ImportCurrentDefinitionResult } from './schema.ts';

export const importCurrentDefinitionJob = defineJobType({
  name: 'import-current-definition',
  title: 'Import the definition of a live service',
  summary: 'The definition that made a live service is kept, so that it can be put back',
  params: ImportCurrentDefinitionParams,
  result: ImportCurrentDefinitionResult,
  example: {
    site: 'demo',
    folder: 'Transport',
    serviceDefinition: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
  },
  fileInputs: ['serviceDefinition'],
  queue: 'site',
  steps: ['compare', 'remember'],
  scopes: () => ['publish:create', 'publish:overwrite'],
  accept: (params, facts) => {
    checkKinds('serviceDefinition', ['service-definition'], facts);
    const definition = facts.uploads.serviceDefinition?.content;
    if (definition?.kind !== 'service-definition') return { locks: [], warnings: [] };
    const service = toText(wantedTarget(params, definition)).toLowerCase();
    return { locks: [`${params.site}:service:${service}`], warnings: [] };
  },
  handler: importCurrentDefinition,
});
