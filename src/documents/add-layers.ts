import { DocumentError } from '../lib/errors.ts';
import { isJson, toUriKey } from './cim-node.ts';
import { type EditSession, type Item, isMeant, select } from './edit-session.ts';
import type { JsonNode } from './json-node.ts';
import { type WalkedLayer, walkLayers } from './layer-walk.ts';
import type { LayerAddition, MapEdits } from './map-edits.ts';
import type { MapFile } from './map-file.ts';
import { listNearest } from './nearest-names.ts';
import { rebaseSources } from './rebase-sources.ts';

/** What a layer file holds, read anew for each addition, since a node can hang in one place only. */
export type LayerSource = { open: () => MapFile };

/**
 * Adds layers of a layer file (or of a map file): their definitions under addresses that are free, with what is below
 * them, their metadata and tables.
 *
 * @throws DocumentError edit_refused for a document of XML: a definition of JSON leaves out what XML has to say
 */
export function addLayers(
  session: EditSession,
  additions: readonly LayerAddition[],
  {
    source,
    folders,
  }: { source: LayerSource; folders: Pick<MapEdits, 'folder' | 'layerFileFolder'> },
): void {
  for (const addition of additions) {
    const map = chooseMap(session);
    if (!isJson(map.node)) {
      throw new DocumentError(
        'edit_refused',
        'addLayers: the document is a project of ArcGIS Pro 2 (XML). Layers can be added to a project of Pro 3, to a .mapx or a .lyrx: save it with Pro 3, or export the map as .mapx and import that.',
      );
    }
    const file = source.open();
    const chosen = chooseLayers(file, addition);
    const adding = new Adding(session, file);
    adding.takeOver(chosen);
    const notes = rebaseSources(adding.nodes(), folders);
    for (const note of notes) session.notes.add(note);
    hang(
      session,
      { map: map.node, layerList: map.layerList, tableList: map.tableList },
      { adding, chosen, addition },
    );
  }
}

function chooseMap(session: EditSession) {
  const [map, ...others] = session.maps();
  if (!map) throw new DocumentError('edit_refused', 'addLayers: the document holds no map.');
  if (others.length === 0) return map;
  const names = session.maps().map(({ name }) => name);
  throw new DocumentError(
    'edit_refused',
    `addLayers: the project holds ${names.length} maps (${names.join(', ')}); say which one with \`map\`.`,
  );
}

type Chosen = { layers: WalkedLayer[]; tables: WalkedLayer[] };

function chooseLayers(file: MapFile, { layers: selector, withTables }: LayerAddition): Chosen {
  const [tree] = file.maps;
  if (!tree) throw new DocumentError('edit_refused', 'addLayers: the layer file holds nothing.');
  const walk = walkLayers(file, tree);
  const layers =
    selector === undefined
      ? walk.layers.filter(({ depth }) => depth === 0)
      : walk.layers.filter((layer) => !layer.isSublayer && isMeant(selector, layer));
  const tables = (withTables ?? selector === undefined) ? walk.tables : [];
  const named =
    selector === undefined ? [] : walk.tables.filter((table) => isMeant(selector, table));
  const all = { layers: withoutInner(layers), tables: [...new Set([...tables, ...named])] };
  if (all.layers.length + all.tables.length > 0) return all;
  const names = [...walk.layers, ...walk.tables].map(({ path }) => path);
  throw new DocumentError(
    'nothing_matched',
    `addLayers: the layer file has nothing called ${JSON.stringify(selector ?? '*')}. The nearest: ${listNearest(selector ?? '', names)}.`,
  );
}

/** A layer that comes with its group does not come again by itself. */
function withoutInner(layers: readonly WalkedLayer[]): WalkedLayer[] {
  return layers.filter(
    (layer) => !layers.some((other) => other !== layer && layer.path.startsWith(`${other.path}/`)),
  );
}

/** Definitions on their way from one document to another. */
class Adding {
  readonly #session: EditSession;
  readonly #file: MapFile;
  readonly #taken = new Map<string, { node: JsonNode; kind: 'layer' | 'table'; uri: string }>();
  readonly #newUris = new Map<string, string>();

  constructor(session: EditSession, file: MapFile) {
    this.#session = session;
    this.#file = file;
  }

  nodes(): JsonNode[] {
    return [...this.#taken.values()].map(({ node }) => node);
  }

  newUriOf(uri: string): string {
    return this.#newUris.get(toUriKey(uri)) ?? uri;
  }

  takeOver({ layers, tables }: Chosen): void {
    for (const layer of layers) this.#take(layer.uri, 'layer');
    for (const table of tables) this.#take(table.uri, 'table');
    for (const [key, { uri }] of this.#taken) this.#newUris.set(key, this.#freeUri(uri));
    for (const { node } of this.#taken.values()) this.#adapt(node);
    for (const [key, { node, kind }] of this.#taken) {
      const uri = this.#newUris.get(key) ?? '';
      this.#session.store.definitions.set(toUriKey(uri), { uri, kind, node });
    }
  }

  #take(uri: string, kind: 'layer' | 'table'): void {
    const open = [uri];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const key = toUriKey(at);
      const definition = this.#file.definitions.get(key);
      if (!definition || this.#taken.has(key) || !isJson(definition.node)) continue;
      this.#taken.set(key, { node: definition.node, kind, uri: definition.uri });
      for (const list of ['layers', 'subtypeLayers']) {
        open.push(...definition.node.items(list).map((each) => each.text()));
      }
    }
  }

  /** The old address where it is free, else with a number; case does not tell two apart. */
  #freeUri(uri: string): string {
    const { store } = this.#session;
    const given = new Set([...this.#newUris.values()].map(toUriKey));
    const maps = new Set(store.maps.map((map) => toUriKey(map.uri)));
    const isTaken = (key: string) =>
      store.definitions.has(key) || store.binaries.has(key) || given.has(key) || maps.has(key);
    const name = uri.replace(/^CIMPATH=/i, '');
    const base = name.replace(/\.(?:xml|json)$/i, '');
    const ending = store.kind === 'project' ? '.json' : name.slice(base.length);
    for (let number = 0; ; number += 1) {
      const candidate = `${base}${number === 0 ? '' : `_${number}`}${ending}`;
      if (!isTaken(toUriKey(candidate))) return `CIMPATH=${candidate}`;
    }
  }

  /** Every text that is an old address gets the new one; addresses that stay behind are taken out. */
  #adapt(node: JsonNode): void {
    node.walk((each) => {
      if (each.kind !== 'scalar' || !each.literal.startsWith('"CIMPATH=')) return;
      const renamed = this.#newUris.get(toUriKey(each.text()));
      if (renamed !== undefined && renamed !== each.text()) each.setOwnText(renamed);
    });
    this.#adaptGround(node);
    this.#adaptMetadata(node);
    this.#adaptServiceId(node);
  }

  /** The ground of the layer file stays behind; the map has its own, or none. */
  #adaptGround(node: JsonNode): void {
    const elevation = node.child('layerElevation');
    const uri = elevation?.text('elevationSurfaceLayerURI');
    if (!elevation || !uri || this.#taken.has(toUriKey(uri))) return;
    const [map] = this.#session.maps();
    const ground = map?.node.text('groundElevationSurfaceLayer');
    if (ground) elevation.setText('elevationSurfaceLayerURI', ground);
    else elevation.remove('elevationSurfaceLayerURI');
  }

  /** Metadata come along, or the address of them goes. */
  #adaptMetadata(node: JsonNode): void {
    const uri = node.text('metadataURI');
    if (!uri) return;
    const reference = this.#file.root
      .items('binaryReferences')
      .find((each) => toUriKey(each.text('uRI')) === toUriKey(uri));
    const text = reference?.text('data');
    const { binaries } = this.#session.store;
    const isTaken = binaries.has(toUriKey(uri)) || this.#session.addedBinaries.has(uri);
    if (text && !isTaken) this.#session.addedBinaries.set(uri, text);
    else if (!isTaken) node.remove('metadataURI');
  }

  /** Ids count only where the map fixes them; then each has to be there once. */
  #adaptServiceId(node: JsonNode): void {
    const [map] = this.#session.maps();
    const name = node.child('serviceTableID') ? 'serviceTableID' : 'serviceLayerID';
    if (!node.child(name) || !map) return;
    const isFixed = map.node.text('useServiceLayerIDs').toLowerCase() === 'true';
    if (!isFixed) {
      if (node.text(name) !== '-1') node.setLiteral(name, '-1');
      return;
    }
    const used = new Set(
      [...this.#session.store.definitions.values(), ...this.#taken.values()]
        .filter((each) => each.node !== node)
        .map((each) => each.node.text('serviceLayerID') || each.node.text('serviceTableID')),
    );
    const own = node.text(name);
    if (own !== '-1' && !used.has(own)) return;
    let free = 0;
    while (used.has(String(free))) free += 1;
    node.setLiteral(name, String(free));
  }
}

function hang(
  session: EditSession,
  target: { map: JsonNode; layerList: string; tableList: string },
  { adding, chosen, addition }: { adding: Adding; chosen: Chosen; addition: LayerAddition },
): void {
  const before = session.items();
  const { parent, list, siblings } = findPlace(target, { items: before, addition });
  let at = positionOf(addition, siblings, before);
  for (const layer of chosen.layers) {
    list.insert(at, parent.createText(adding.newUriOf(layer.uri)));
    at += 1;
  }
  for (const table of chosen.tables) {
    const tables = target.map.child(target.tableList) ?? target.map.createList(target.tableList);
    tables.insert(tables.children.length, parent.createText(adding.newUriOf(table.uri)));
  }
  const known = new Set(before.map(({ node }) => node));
  for (const item of session.items()) {
    if (known.has(item.node)) continue;
    session.tell(item, { operation: 'addLayers', before: null, after: item.uri });
  }
}

function findPlace(
  { map, layerList }: { map: JsonNode; layerList: string },
  { items, addition }: { items: readonly Item[]; addition: LayerAddition },
) {
  const group = addition.group === undefined ? undefined : getGroup(addition.group, items);
  const parent = group ?? map;
  const name = group ? 'layers' : layerList;
  const list = parent.child(name) ?? parent.createList(name, 'illumination');
  return { parent, list, siblings: parent.items(name).map((each) => toUriKey(each.text())) };
}

function getGroup(selector: string, items: readonly Item[]): JsonNode {
  const groups = select(selector, items, 'addLayers').filter(
    ({ node }) => node.className === 'CIMGroupLayer',
  );
  const [group, ...others] = groups;
  if (!group) throw new DocumentError('edit_refused', `addLayers: ${selector} is no group layer.`);
  if (others.length > 0) {
    throw new DocumentError(
      'edit_refused',
      `addLayers: ${groups.length} groups are called ${selector}.`,
    );
  }
  if (isJson(group.node)) return group.node;
  throw new DocumentError('edit_refused', 'addLayers: the group is written as XML.');
}

function positionOf(
  { position = 'top' }: LayerAddition,
  siblings: readonly string[],
  items: readonly Item[],
): number {
  if (position === 'top') return 0;
  if (position === 'bottom') return siblings.length;
  if (typeof position === 'number') return Math.min(position, siblings.length);
  const selector = 'before' in position ? position.before : position.after;
  const [neighbour] = select(selector, items, 'addLayers');
  const at = siblings.indexOf(toUriKey(neighbour?.uri ?? ''));
  if (at < 0) {
    throw new DocumentError(
      'edit_refused',
      `addLayers: ${selector} is not in the same map or group.`,
    );
  }
  return 'before' in position ? at : at + 1;
}
