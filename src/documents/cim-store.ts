import type { CimNode } from './cim-node.ts';

export type Definition = {
  /** With its prefix, as it is written. */
  uri: string;
  kind: 'map' | 'layer' | 'table' | 'other';
  node: CimNode;
};

/** A map, or the list of layers that a layer file is. */
export type LayerTree = {
  name: string;
  uri: string;
  node: CimNode;
  /** Members of the node that list layers and tables by URI. */
  layerList: 'layers';
  tableList: 'standaloneTables' | 'tables';
};

/**
 * What an opened document holds, whether it is one JSON text or a zip of many: definitions by URI, and the maps
 * that show them.
 */
export type CimStore = {
  kind: 'project' | 'map-file' | 'layer-file';
  form: 'json' | 'xml';
  version: string | undefined;
  build: number | undefined;
  maps: readonly LayerTree[];
  /** By `toUriKey`. */
  definitions: Map<string, Definition>;
  /** Keys of what can be named by URI beside definitions: metadata, thumbnails. */
  binaries: ReadonlySet<string>;
  /** Texts of the metadata of maps, by the key of their URI. */
  metadata: ReadonlyMap<string, string>;
  memberCount: number | undefined;
  secretPlaces: readonly string[];
};
