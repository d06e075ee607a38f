import { isJson, toUriKey } from './cim-node.ts';
import type { EditSession } from './edit-session.ts';
import type { JsonNode } from './json-node.ts';
import type { MapFile } from './map-file.ts';

const lists = ['layerDefinitions', 'tableDefinitions', 'elevationSurfaceLayerDefinitions'] as const;

/** The text of an edited map or layer file: definitions come and go, all else stands where it stood. */
export function writeMapFile(file: MapFile, session: EditSession): Buffer {
  const { root } = file;
  const leaving = new Set([...session.removedMetadata].map(toUriKey));
  for (const name of lists) {
    for (const node of root.items(name)) {
      if (session.removed.has(toUriKey(node.text('uRI')))) removeItem(root, name, node);
    }
  }
  addDefinitions(file);
  removeBinaries(file, leaving);
  addBinaries(root, session);
  return Buffer.from(root.writeDocument());
}

function addDefinitions(file: MapFile): void {
  const { root } = file;
  const there = new Set(lists.flatMap((name) => root.items(name)));
  for (const { node, kind } of file.definitions.values()) {
    if (!isJson(node) || there.has(node)) continue;
    const name = kind === 'table' ? 'tableDefinitions' : 'layerDefinitions';
    const after =
      kind === 'table' ? 'layerDefinitions' : file.kind === 'map-file' ? 'mapDefinition' : 'layers';
    const list = root.child(name) ?? root.createList(name, after);
    list.insert(list.children.length, node);
  }
}

/** Metadata that only what was removed named go with it. */
function removeBinaries({ root, definitions }: MapFile, leaving: ReadonlySet<string>): void {
  const needed = new Set(
    [...definitions.values()].map(({ node }) => toUriKey(node.text('metadataURI'))),
  );
  for (const reference of root.items('binaryReferences')) {
    const key = toUriKey(reference.text('uRI'));
    if (leaving.has(key) && !needed.has(key)) removeItem(root, 'binaryReferences', reference);
  }
}

function addBinaries(root: JsonNode, session: EditSession): void {
  for (const [uri, data] of session.addedBinaries) {
    const list =
      root.child('binaryReferences') ?? root.createList('binaryReferences', 'layerDefinitions');
    list.insert(
      list.children.length,
      list.createObject({ type: 'CIMBinaryReference', uRI: uri, data }),
    );
  }
}

/** An empty list is left out, as ArcGIS Pro does. */
function removeItem(root: JsonNode, name: string, node: JsonNode): void {
  const list = root.child(name);
  if (!list) return;
  list.removeChild(node);
  if (list.children.length === 0) root.removeChild(list);
}
