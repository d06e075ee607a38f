import { DocumentError } from '../lib/errors.ts';
import { toText, toUriKey } from './cim-node.ts';
import type { CimStore, Definition, LayerTree } from './cim-store.ts';
import { findSecrets } from './document-secrets.ts';
import { type JsonNode, parseJsonNode } from './json-node.ts';

export type MapFile = CimStore & { kind: 'map-file' | 'layer-file'; root: JsonNode };

const lists = [
  ['layerDefinitions', 'layer'],
  ['tableDefinitions', 'table'],
  ['elevationSurfaceLayerDefinitions', 'layer'],
] as const;

/**
 * Opens a .mapx or .lyrx: one JSON text in which layers and tables stand side by side and name each other by URI.
 *
 * @throws DocumentError unreadable_document
 */
export function openMapFile(content: Buffer, name: string): MapFile {
  const root = parseJsonNode(toText(content, name), name);
  const kind = kindOf(root, name);
  const definitions = new Map<string, Definition>();
  for (const [list, definitionKind] of lists) {
    for (const node of root.items(list)) {
      const uri = node.text('uRI');
      if (uri && !definitions.has(toUriKey(uri))) {
        definitions.set(toUriKey(uri), { uri, kind: definitionKind, node });
      }
    }
  }
  const build = Number(root.text('build'));
  const maps = [toTree(root, kind)];
  return {
    kind,
    root,
    form: 'json',
    version: root.text('version') || undefined,
    build: Number.isSafeInteger(build) && build > 0 ? build : undefined,
    maps,
    definitions,
    binaries: new Set(root.items('binaryReferences').map((each) => toUriKey(each.text('uRI')))),
    metadata: metadataOf(root, maps),
    memberCount: undefined,
    secretPlaces: findSecrets(root),
  };
}

function metadataOf(root: JsonNode, maps: readonly LayerTree[]): Map<string, string> {
  const wanted = new Set(maps.map(({ node }) => toUriKey(node.text('metadataURI'))));
  return new Map(
    root
      .items('binaryReferences')
      .map((each): [string, string] => [toUriKey(each.text('uRI')), each.text('data')])
      .filter(([key]) => key !== '' && wanted.has(key)),
  );
}

function kindOf(root: JsonNode, name: string): MapFile['kind'] {
  if (root.className === 'CIMMapDocument') return 'map-file';
  if (root.className === 'CIMLayerDocument') return 'layer-file';
  const what = root.className ? `a ${root.className.slice(0, 60)}` : 'no document of ArcGIS Pro';
  throw new DocumentError(
    'unreadable_document',
    `${name} is ${what}; a map file is a CIMMapDocument, a layer file a CIMLayerDocument.`,
  );
}

function toTree(root: JsonNode, kind: MapFile['kind']): LayerTree {
  if (kind === 'layer-file') {
    return { name: '', uri: '', node: root, layerList: 'layers', tableList: 'tables' };
  }
  const node = root.child('mapDefinition');
  if (node?.kind !== 'object') {
    throw new DocumentError('unreadable_document', 'The map file has no mapDefinition.');
  }
  return {
    name: node.text('name'),
    uri: node.text('uRI'),
    node,
    layerList: 'layers',
    tableList: 'standaloneTables',
  };
}
