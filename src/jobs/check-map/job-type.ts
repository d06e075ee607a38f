import { checkKinds } from '../document-inputs.ts';
import { defineJobType } from '../job-type.ts';
import { checkMap } from './handler.ts';
import { CheckMapParams, CheckMapResult } from './schema.ts';

export const checkMapJob = defineJobType({
  name: 'check-map',
  title: 'Check a map',
  summary: 'Finds what publishing will complain about, in the codes of ArcGIS, without ArcGIS',
  params: CheckMapParams,
  result: CheckMapResult,
  example: {
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    site: 'demo',
    extensions: ['FeatureServer'],
  },
  fileInputs: ['document'],
  queue: 'either',
  steps: [],
  scopes: () => ['publish:create'],
  accept: (_params, facts) => {
    const kinds = ['map-file', 'project', 'layer-file', 'service-definition-draft'];
    checkKinds('document', kinds, facts);
    return { locks: [], warnings: [] };
  },
  handler: checkMap,
});
