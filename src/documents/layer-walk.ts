import { type CimNode, toUriKey } from './cim-node.ts';
import type { CimStore, Definition, LayerTree } from './cim-store.ts';

/** A layer as it hangs in a map. */
export type WalkedLayer = {
  name: string;
  path: string;
  uri: string;
  node: CimNode;
  depth: number;
  isGroup: boolean;
  /** The map or group that lists it. */
  parent: CimNode;
  /** A sublayer stands inside of its layer and has no definition of its own. */
  isSublayer: boolean;
};

export type LayerWalk = {
  layers: WalkedLayer[];
  tables: WalkedLayer[];
  dangling: string[];
  isCut: boolean;
};

const maxLayers = 20_000;
const maxDepth = 60;

/**
 * Layers in drawing order, the topmost first, a group before its children. Lists name them by URI; older forms
 * hold sublayers in place. A hostile group may hold itself: nothing is visited twice.
 */
export function walkLayers(store: CimStore, map: LayerTree): LayerWalk {
  const walk: LayerWalk = { layers: [], tables: [], dangling: [], isCut: false };
  const seen = new Set<CimNode>();
  const visit = (parent: CimNode, groups: string[], lists: readonly string[]) => {
    if (groups.length > maxDepth) {
      walk.isCut = true;
      return;
    }
    for (const item of lists.flatMap((list) => parent.items(list) as CimNode[])) {
      if (walk.layers.length >= maxLayers) {
        walk.isCut = true;
        return;
      }
      const found = resolve(store, item, walk);
      if (!found || seen.has(found.node)) continue;
      seen.add(found.node);
      const name = found.node.text('name');
      const children = childLists(found.node);
      walk.layers.push({
        ...found,
        name,
        path: [...groups, name].join('/'),
        depth: groups.length,
        isGroup: children.length > 0 || /Group/.test(found.node.className),
        parent,
      });
      visit(found.node, [...groups, name], children);
    }
  };
  visit(map.node, [], [map.layerList]);
  for (const item of map.node.items(map.tableList) as CimNode[]) {
    const found = resolve(store, item, walk);
    if (!found || seen.has(found.node) || walk.tables.length >= maxLayers) continue;
    seen.add(found.node);
    const name = found.node.text('name');
    const shape = { depth: 0, isGroup: false, parent: map.node };
    walk.tables.push({ ...found, ...shape, name, path: name });
  }
  return walk;
}

function childLists(node: CimNode): string[] {
  return ['layers', 'subtypeLayers', 'subLayers'].filter((list) => node.items(list).length > 0);
}

function resolve(
  store: CimStore,
  item: CimNode,
  walk: LayerWalk,
): { node: CimNode; uri: string; isSublayer: boolean } | undefined {
  const uri = item.text();
  if (item.children.length > 0) return { node: item, uri: item.text('uRI'), isSublayer: true };
  if (uri === '') return undefined;
  const definition = findDefinition(store, uri);
  if (definition) return { node: definition.node, uri: definition.uri, isSublayer: false };
  walk.dangling.push(uri);
  return undefined;
}

/** Case counts only where two members differ in nothing else. */
export function findDefinition(store: CimStore, uri: string): Definition | undefined {
  const key = toUriKey(uri);
  const exact = store.definitions.get(`${key}\n${uri.replace(/^CIMPATH=/i, '')}`);
  return exact ?? store.definitions.get(key);
}
