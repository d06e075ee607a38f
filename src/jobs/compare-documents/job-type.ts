import { checkKinds } from '../document-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { compareDocuments } from './handler.ts';
import { CompareDocumentsParams, CompareDocumentsResult } from './schema.ts';

const comparable = [
  ...['map-file', 'layer-file', 'project', 'service-definition-draft', 'service-definition'],
  ...['connection-file', 'package'],
];

export const compareDocumentsJob = defineJobType({
  name: 'compare-documents',
  title: 'Compare documents',
  summary: 'What differs between two maps, projects, drafts or definitions, without ArcGIS',
  params: CompareDocumentsParams,
  result: CompareDocumentsResult,
  example: {
    before: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    after: { href: '/v1/artifacts/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6c' },
  },
  fileInputs: ['before', 'after'],
  queue: 'here',
  steps: [],
  scopes: () => ['publish:create'],
  accept: (_params, facts) => {
    checkKinds('before', comparable, facts);
    checkKinds('after', comparable, facts);
    return { locks: [], warnings: [] };
  },
  handler: compareDocuments,
});
