import { DraftEdits } from '../../documents/draft-edits.ts';
import { RequestError } from '../../lib/errors.ts';
import { checkKinds } from '../document-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { editServiceDefinitionDraft } from './handler.ts';
import { EditServiceDefinitionDraftParams, EditServiceDefinitionDraftResult } from './schema.ts';

export const editServiceDefinitionDraftJob = defineJobType({
  name: 'edit-service-definition-draft',
  title: 'Edit a service definition draft',
  summary: 'Changes name, texts, capabilities, extensions and instances of a draft or a definition',
  params: EditServiceDefinitionDraftParams,
  result: EditServiceDefinitionDraftResult,
  example: {
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    folder: 'Transport',
    extensions: [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }],
  },
  fileInputs: ['document'],
  queue: 'here',
  steps: ['edit'],
  scopes: () => ['publish:create'],
  accept: (params, facts) => {
    checkKinds('document', ['service-definition-draft', 'service-definition'], facts);
    const names = Object.keys(DraftEdits.shape) as (keyof DraftEdits)[];
    if (names.every((name) => params[name] === undefined)) {
      throw new RequestError('validation_error', '1 fault in the inputs.', {
        errors: [
          {
            pointer: '#/inputs',
            code: 'missing',
            detail: `say what to change: ${names.join(', ')}`,
          },
        ],
      });
    }
    return { locks: [], warnings: [] };
  },
  handler: editServiceDefinitionDraft,
});
