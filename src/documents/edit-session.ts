import { DocumentError } from '../lib/errors.ts';
import { type CimNode, toUriKey } from './cim-node.ts';
import type { CimStore, LayerTree } from './cim-store.ts';
import { type WalkedLayer, walkLayers } from './layer-walk.ts';
import type { MapChange } from './map-edits.ts';
import { listNearest } from './nearest-names.ts';
import { matchWildcard } from './wildcard.ts';

/** A layer or table, with the map that shows it. */
export type Item = WalkedLayer & { map: LayerTree; isTable: boolean };

/** One editing of a document: what it holds, what was changed, what people should know. */
export class EditSession {
  readonly store: CimStore;
  readonly changes: MapChange[] = [];
  readonly notes = new Set<string>();
  /** Keys of definitions that were taken out. */
  readonly removed = new Set<string>();
  /** Metadata of what was taken out. */
  readonly removedMetadata = new Set<string>();
  /** Metadata that were put in: their texts by URI. */
  readonly addedBinaries = new Map<string, string>();
  readonly #mapName: string | undefined;

  /** @throws DocumentError nothing_matched when there is no map of that name */
  constructor(store: CimStore, mapName: string | undefined) {
    this.store = store;
    this.#mapName = mapName;
    if (mapName !== undefined && this.maps().length === 0) {
      const names = store.maps.map(({ name }) => name).join(', ');
      throw new DocumentError(
        'nothing_matched',
        `There is no map ${JSON.stringify(mapName)}; the document holds ${names || 'none'}.`,
      );
    }
  }

  maps(): LayerTree[] {
    const wanted = this.#mapName?.toLowerCase();
    return this.store.maps.filter(
      ({ name }) => wanted === undefined || name.toLowerCase() === wanted,
    );
  }

  /** Everything in the chosen maps as it hangs there now; what two maps share comes once. */
  items(): Item[] {
    const seen = new Set<CimNode>();
    return this.maps().flatMap((map) => {
      const walk = walkLayers(this.store, map);
      const items = [
        ...walk.layers.map((layer) => ({ ...layer, map, isTable: false })),
        ...walk.tables.map((table) => ({ ...table, map, isTable: true })),
      ];
      return items.filter(({ node }) => !seen.has(node) && seen.add(node));
    });
  }

  /** Definitions that no map shows are pointed at other data too, so that nothing of the old place is left. */
  unusedItems(items: readonly Item[]): Item[] {
    const [map] = this.store.maps;
    if (this.#mapName !== undefined || !map) return [];
    const shown = new Set(items.map(({ node }) => node));
    return [...this.store.definitions.values()]
      .filter(({ kind, node }) => (kind === 'layer' || kind === 'table') && !shown.has(node))
      .map(({ uri, node, kind }) => {
        const name = node.text('name');
        const place = { depth: 0, isGroup: false, isSublayer: false, parent: map.node };
        return { ...place, name, path: name, uri, node, map, isTable: kind === 'table' };
      });
  }

  tell(item: Item, change: Pick<MapChange, 'operation' | 'before' | 'after'>): void {
    this.changes.push({ ...change, map: item.map.name, layer: item.path, uri: item.uri });
  }
}

export function isMeant(selector: string, item: Pick<Item, 'path' | 'uri'>): boolean {
  if (/^CIMPATH=/i.test(selector)) return toUriKey(selector) === toUriKey(item.uri);
  return matchWildcard(selector, item.path) !== undefined;
}

/** @throws DocumentError nothing_matched, naming what comes nearest */
export function select(selector: string, items: readonly Item[], what: string): Item[] {
  const found = items.filter((item) => isMeant(selector, item));
  if (found.length > 0) return found;
  const paths = items.map(({ path }) => path);
  throw new DocumentError(
    'nothing_matched',
    `${what}: no layer or table is called ${JSON.stringify(selector)}. The nearest: ${listNearest(selector, paths)}.`,
    { facts: { operation: what, selector } },
  );
}
