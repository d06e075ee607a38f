import { RequestError } from '../../lib/errors.ts';
import { checkKinds } from '../document-inputs.ts';
import { type Acceptance, type AcceptanceFacts, defineJobType } from '../job-type.ts';
import { editMap } from './handler.ts';
import { EditMapParams, EditMapResult } from './schema.ts';

const operations = [
  ...(['changeSources', 'addLayers', 'removeLayers', 'renameLayers'] as const),
  ...(['setDefinitionExpression', 'setVisibility'] as const),
];

export const editMapJob = defineJobType({
  name: 'edit-map',
  title: 'Edit a map',
  summary: 'Points layers at other data, adds, removes and renames layers, without ArcGIS',
  params: EditMapParams,
  result: EditMapResult,
  example: {
    document: { href: '/v1/uploads/0197a3b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b' },
    changeSources: [{ from: { host: 'gis-test' }, to: { host: 'gis-production' } }],
  },
  fileInputs: ['document', 'layerFile'],
  queue: 'here',
  steps: ['edit'],
  scopes: () => ['publish:create'],
  accept: acceptEditing,
  handler: editMap,
});

function acceptEditing(params: EditMapParams, facts: AcceptanceFacts): Acceptance {
  checkKinds('document', ['map-file', 'layer-file', 'project'], facts);
  checkKinds('layerFile', ['layer-file', 'map-file'], facts);
  if (operations.every((name) => params[name] === undefined)) {
    throw missing('changeSources', `say what to change: ${operations.join(', ')}`);
  }
  if (params.addLayers && !params.layerFile) {
    throw missing('layerFile', 'addLayers takes its layers from a layerFile');
  }
  return { locks: [], warnings: [] };
}

function missing(input: string, detail: string): RequestError {
  return new RequestError('validation_error', '1 fault in the inputs.', {
    errors: [{ pointer: `#/inputs/${input}`, code: 'missing', detail }],
  });
}
