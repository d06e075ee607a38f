import { isDeepStrictEqual } from 'node:util';
import type { DocumentDifference } from './compare-contents.ts';
import type { MapContent, MapLayer, MapPart, MapTable } from './document-content.ts';

/** Layers and tables in one form; only layers have what is optional here. */
type Entry = MapTable & { path: string; isTable: boolean } & Partial<MapLayer>;

/** Layers that are in both have the same address, or the same path; a layer that got another name keeps its address. */
export function compareMaps(before: MapContent, after: MapContent): DocumentDifference[] {
  const differences: DocumentDifference[] = [];
  const left = [...after.maps];
  for (const map of before.maps) {
    const at = findMap(map, left, before.maps.length === 1 && after.maps.length === 1);
    const [found] = at < 0 ? [] : left.splice(at, 1);
    if (found) differences.push(...compareMap(map, found, before.form === after.form));
    else differences.push({ map: map.name, what: 'map', before: map.name, after: null });
  }
  for (const map of left) {
    differences.push({ map: map.name, what: 'map', before: null, after: map.name });
  }
  return differences;
}

function findMap(map: MapPart, among: readonly MapPart[], areAlone: boolean): number {
  if (areAlone) return 0;
  const byUri = among.findIndex(({ uri }) => uri !== '' && sameText(uri, map.uri));
  return byUri >= 0 ? byUri : among.findIndex(({ name }) => sameText(name, map.name));
}

/** Digests of symbols are those of one form: the same symbol has another one in XML and in JSON. */
function compareMap(before: MapPart, after: MapPart, isSameForm: boolean): DocumentDifference[] {
  const differences: DocumentDifference[] = [];
  const tell = (what: string, one: unknown, other: unknown, layer?: string) => {
    if (isDeepStrictEqual(one, other)) return;
    const place = { map: after.name, ...(layer !== undefined && { layer }) };
    differences.push({ ...place, what, before: one ?? null, after: other ?? null });
  };
  tell('name', before.name, after.name);
  tell('spatialReference', before.spatialReference, after.spatialReference);
  tell('summary', before.summary, after.summary);
  tell('tags', before.tags, after.tags);
  tell('usesServiceLayerIds', before.usesServiceLayerIds, after.usesServiceLayerIds);
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const paired = pair(old, now);
  const { removed, added } = paired;
  const pairs = [...paired.pairs].sort(([one], [other]) => old.indexOf(one) - old.indexOf(other));
  for (const { path, isTable } of removed) tell(isTable ? 'table' : 'layer', path, null, path);
  for (const { path, isTable } of added) tell(isTable ? 'table' : 'layer', null, path, path);
  for (const [one, other] of pairs) {
    for (const [what, value] of Object.entries(factsOf(one))) {
      if (what === 'symbology' && !isSameForm) continue;
      tell(what, value, factsOf(other)[what], other.path);
    }
  }
  const orders = ordersOf(paired, old, now);
  tell('order', orders.before, orders.after);
  return differences;
}

function entriesOf({ layers, tables }: MapPart): Entry[] {
  return [
    ...layers.map((layer) => ({ ...layer, isTable: false })),
    ...tables.map((table) => ({ ...table, path: table.name, isTable: true })),
  ];
}

type Pairs = { pairs: [Entry, Entry][]; removed: Entry[]; added: Entry[] };

function pair(before: readonly Entry[], after: readonly Entry[]): Pairs {
  const pairs: [Entry, Entry][] = [];
  let [removed, added] = [[...before], [...after]];
  const isSame: ((one: Entry, other: Entry) => boolean)[] = [
    (one, other) => one.path === other.path && sameText(one.uri, other.uri),
    (one, other) => one.uri !== '' && sameText(one.uri, other.uri),
    (one, other) => one.path === other.path,
  ];
  for (const isOne of isSame) {
    const free = new Map<string, Entry[]>();
    for (const entry of added) {
      for (const key of keysOf(entry)) free.set(key, [...(free.get(key) ?? []), entry]);
    }
    const taken = new Set<Entry>();
    removed = removed.filter((one) => {
      const candidates = keysOf(one).flatMap((key) => free.get(key) ?? []);
      const other = candidates.find(
        (each) => !taken.has(each) && each.isTable === one.isTable && isOne(one, each),
      );
      if (!other) return true;
      taken.add(other);
      pairs.push([one, other]);
      return false;
    });
    added = added.filter((entry) => !taken.has(entry));
  }
  return { pairs, removed, added };
}

/** Under which it is looked for, so that thousands of layers are not compared with one another. */
function keysOf({ uri, path }: Entry): string[] {
  return [`uri ${uri.toLowerCase()}`, `path ${path}`];
}

function factsOf(entry: Entry): Record<string, unknown> {
  return {
    name: entry.name,
    place: entry.path.split('/').slice(0, -1).join('/'),
    type: entry.className,
    source: entry.connections,
    definitionExpression: entry.definitionExpression,
    renderer: entry.renderer,
    symbology: entry.symbologyDigest,
    visibility: entry.isVisible,
    serviceLayerId: entry.serviceLayerId,
    isBroken: entry.isBroken,
  };
}

/** Of what is in both, in the drawing order of each, by the path that it has now. */
function ordersOf({ pairs }: Pairs, before: readonly Entry[], after: readonly Entry[]) {
  const places = (entries: readonly Entry[]) => new Map(entries.map((entry, at) => [entry, at]));
  const [old, now] = [places(before), places(after)];
  const inOrder = (placeOf: (pair: [Entry, Entry]) => number) =>
    [...pairs].sort((one, other) => placeOf(one) - placeOf(other)).map(([, { path }]) => path);
  return {
    before: inOrder(([one]) => old.get(one) ?? 0),
    after: inOrder(([, other]) => now.get(other) ?? 0),
  };
}

function sameText(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
