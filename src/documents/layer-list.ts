import type { CimElement } from './cim-document.ts';
import type { ServiceDefinitionLayer, ServiceDefinitionTable } from './service-definition.ts';

export type LayerList = { layers: ServiceDefinitionLayer[]; tables: ServiceDefinitionTable[] };

type Found = { element: CimElement; parent: Found | undefined; id: number };

const maxLayers = 10_000;
const maxDepth = 50;

/** In the words of the REST API; of other classes its word was not seen. */
const layerTypes: Record<string, string> = {
  cimgrouplayer: 'Group Layer',
  cimdegrouplayer: 'Group Layer',
  cimfeaturelayer: 'Feature Layer',
  cimdegeographicfeaturelayer: 'Feature Layer',
  cimrasterlayer: 'Raster Layer',
  cimannotationlayer: 'Annotation Layer',
};

/**
 * Numbers the layers of a map as a service does: depth first in drawing order, a group before its children,
 * tables after the layers; or by the ids the map fixes, where it says that it does. That sublayers of
 * annotation and subtype groups count like children is not verified.
 */
export function listLayers(
  map: CimElement,
  find: (uri: string) => CimElement | undefined,
): LayerList {
  const found: Found[] = [];
  collect(map.list('Layers'), undefined, { find, found, seen: new Set(), depth: 0 });
  const tables = map
    .list('StandaloneTables')
    .slice(0, maxLayers)
    .map((entry) => (typeof entry === 'string' ? find(entry) : entry))
    .filter((table) => table !== undefined);
  const areIdsFixed = map.text('UseServiceLayerIDs').toLowerCase() === 'true';
  const nextId = createNumbering(areIdsFixed ? fixedIds(found, tables) : []);
  for (const layer of found) layer.id = nextId(areIdsFixed ? fixedId(layer.element) : -1);
  return {
    layers: found.map(toLayer),
    tables: tables.map((table) => ({
      id: nextId(areIdsFixed ? fixedId(table) : -1),
      name: nameOf(table),
    })),
  };
}

type Walk = {
  find: (uri: string) => CimElement | undefined;
  found: Found[];
  seen: Set<CimElement>;
  depth: number;
};

function collect(
  entries: readonly (string | CimElement)[],
  parent: Found | undefined,
  walk: Walk,
): void {
  if (walk.depth > maxDepth) return;
  for (const entry of entries) {
    const element = typeof entry === 'string' ? walk.find(entry) : entry;
    if (!element || walk.seen.has(element) || walk.found.length >= maxLayers) continue;
    walk.seen.add(element); // a hostile group may hold itself
    const layer: Found = { element, parent, id: -1 };
    walk.found.push(layer);
    const children = ['Layers', 'SubLayers', 'SubtypeLayers'].flatMap((name) => element.list(name));
    collect(children, layer, { ...walk, depth: walk.depth + 1 });
  }
}

/** Gives the wanted id, or for -1 the least one that is free. */
function createNumbering(taken: readonly number[]): (wanted: number) => number {
  const used = new Set(taken);
  let next = 0;
  return (wanted) => {
    if (wanted >= 0) return wanted;
    while (used.has(next)) next += 1;
    used.add(next);
    return next;
  };
}

function fixedIds(layers: readonly Found[], tables: readonly CimElement[]): number[] {
  return [...layers.map(({ element }) => element), ...tables].map(fixedId);
}

function fixedId(element: CimElement): number {
  const written = element.text('ServiceLayerID') || element.text('ServiceTableID') || '-1';
  const id = Number.parseInt(written, 10);
  return Number.isSafeInteger(id) ? id : -1;
}

function nameOf(element: CimElement): string {
  return element.text('Name') || element.text('DisplayName');
}

function toLayer({ element, parent, id }: Found): ServiceDefinitionLayer {
  const type = layerTypes[element.className.toLowerCase()];
  return {
    id,
    name: nameOf(element),
    ...(parent && { parentId: parent.id }),
    ...(type && { type }),
  };
}
