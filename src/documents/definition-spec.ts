/** A layer, or a group with its layers. */
export type LayerSpec = string | { name: string; layers: LayerSpec[] };

export type DatabaseSpec = {
  /** Such as `roads.gdb`. */
  name: string;
  isCopied: boolean;
  /** Of the author's machine; by default a path. */
  connectionString?: string;
  /** ProgID; by default that of a file geodatabase. */
  workspaceFactory?: string;
  datasets?: { name: string; type?: string }[];
};

export type DefinitionSpec = {
  serviceName: string;
  /** `''` or absent: the root. */
  folder?: string;
  type?:
    | 'MapServer'
    | 'GPServer'
    | 'ImageServer'
    | 'GeocodeServer'
    | 'FeatureServer'
    | 'GeoDataServer';
  capabilities?: string[];
  runtime?: 'ArcMap' | 'ArcGIS Pro';
  isHosted?: boolean;
  publishType?: 'New' | 'Replacement';
  /** Asks to keep the tiles of the service that it replaces. */
  keepsMapCache?: boolean;
  layers?: LayerSpec[];
  tables?: string[];
  /** Geoprocessing tools. */
  tasks?: string[];
  extensions?: { typeName: string; isEnabled?: boolean; capabilities?: string[] }[];
  databases?: DatabaseSpec[];
  title?: string;
  summary?: string;
  tags?: string[];
  minInstances?: number;
  maxInstances?: number;
  /** Added to the service's `properties`. */
  properties?: Record<string, string>;
  /** Added to the manifest's StagingSettings. */
  stagingSettings?: Record<string, string>;
  /** Size of one more member that does not pack, to make a large file. */
  paddingBytes?: number;
};

/** A spec with everything decided. */
export type CompleteSpec = Required<Omit<DefinitionSpec, 'paddingBytes'>> & {
  schemaVersion: string;
  /** `v101` or `p20`. */
  versionFolder: string;
  /** Path of the published map or toolbox inside the definition. */
  resourcePath: string;
};

const defaultCapabilities: Record<NonNullable<DefinitionSpec['type']>, string[]> = {
  MapServer: ['Map', 'Query', 'Data'],
  FeatureServer: ['Query'],
  ImageServer: ['Image', 'Metadata', 'Catalog', 'Mensuration'],
  GPServer: [],
  GeocodeServer: ['Geocode', 'ReverseGeocode'],
  GeoDataServer: ['Query', 'Extraction', 'Replication', 'Uploads'],
};

/** Versions as in files that were seen: ArcMap 10.3 (schema 10.1, v101) and ArcGIS Pro 2.9 (2.9.0, p20). */
export function completeSpec(spec: DefinitionSpec): CompleteSpec {
  const type = spec.type ?? 'MapServer';
  const runtime = spec.runtime ?? 'ArcGIS Pro';
  const versionFolder = runtime === 'ArcMap' ? 'v101' : 'p20';
  const hasMap = type === 'MapServer' || type === 'FeatureServer';
  return {
    ...{ folder: '', isHosted: false, publishType: 'New', keepsMapCache: false },
    ...{ extensions: [], databases: [] },
    ...{ layers: hasMap ? [spec.serviceName] : [], tables: [], tasks: [], summary: '', tags: [] },
    ...{ title: spec.serviceName, minInstances: 1, maxInstances: 2 },
    ...{ capabilities: defaultCapabilities[type], properties: {}, stagingSettings: {} },
    ...spec,
    ...{ type, runtime, versionFolder },
    schemaVersion: runtime === 'ArcMap' ? '10.1' : '2.9.0',
    resourcePath: resourcePathOf(spec.serviceName, type, runtime, versionFolder),
  };
}

function resourcePathOf(
  serviceName: string,
  type: NonNullable<DefinitionSpec['type']>,
  runtime: 'ArcMap' | 'ArcGIS Pro',
  versionFolder: string,
): string {
  const mapExtension = runtime === 'ArcMap' ? 'mxd' : 'msd';
  if (type === 'MapServer' || type === 'FeatureServer') {
    return `${versionFolder}/${serviceName}.${mapExtension}`;
  }
  return type === 'GPServer' ? `${versionFolder}/${serviceName}.tbx` : '';
}
