import { defineJobType } from '../job-type.ts';
import { inspectDocument } from './handler.ts';
import { InspectDocumentParams, InspectDocumentResult } from './schema.ts';

export const inspectDocumentJob = defineJobType({
  name: 'inspect-document',
  title: 'Inspect a document',
  summary: 'What is in a map, a project, a draft, a definition or a package, without ArcGIS',
  params: InspectDocumentParams,
  result: InspectDocumentResult,
  example: { document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' } },
  fileInputs: ['document'],
  queue: 'here',
  steps: [],
  scopes: () => ['publish:create'],
  handler: inspectDocument,
});
