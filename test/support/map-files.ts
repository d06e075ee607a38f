/** Objects of the CIM for tests: small, and laid out as ArcGIS Pro lays them out. */
export type CimObject = { type: string } & { [key: string]: unknown };

/** Canary passwords: they must not turn up anywhere. */
export const canaryHex = '00022e68c0ffeec0ffee0ddba115ca1ab1e02a00';
export const canaryPlain = 'Canary-Pa55word';

/** As Pro writes it; without a password unless one is asked for. */
export function sde({
  host = 'gis-test',
  database = 'transport',
  user = 'editor',
  platform = 'sqlserver',
  hasPassword = false,
}: {
  host?: string;
  database?: string;
  user?: string;
  platform?: string;
  hasPassword?: boolean;
} = {}): string {
  const password = hasPassword
    ? `ENCRYPTED_PASSWORD_UTF8=${canaryHex};ENCRYPTED_PASSWORD=${canaryHex};`
    : '';
  return `${password}SERVER=${host};INSTANCE=sde:${platform}:${host};DBCLIENT=${platform};DB_CONNECTION_PROPERTIES=${host};DATABASE=${database};USER=${user};VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`;
}

export function connection(
  workspaceConnectionString: string,
  workspaceFactory: string,
  dataset: string,
  more: Record<string, unknown> = {},
): CimObject {
  return {
    type: 'CIMStandardDataConnection',
    ...more,
    workspaceConnectionString,
    workspaceFactory,
    dataset,
    datasetType: 'esriDTFeatureClass',
  };
}

export const inDatabase = (dataset: string, options: Parameters<typeof sde>[0] = {}) =>
  connection(sde(options), 'SDE', dataset);
export const inGeodatabase = (path: string, dataset: string) =>
  connection(`DATABASE=${path}`, 'FileGDB', dataset);

export function featureLayer(
  name: string,
  dataConnection: CimObject,
  more: Record<string, unknown> = {},
): CimObject {
  const { featureTable, ...rest } = more as { featureTable?: object };
  return {
    type: 'CIMFeatureLayer',
    name,
    uRI: uriOf(name),
    visibility: true,
    serviceLayerID: -1,
    featureTable: {
      type: 'CIMFeatureTable',
      displayField: 'NAME',
      dataConnection,
      ...featureTable,
    },
    renderer: {
      type: 'CIMSimpleRenderer',
      patch: 'Default',
      symbol: { type: 'CIMSymbolReference', width: 0.40000000000000002, note: '<1 & 2>' },
    },
    ...rest,
  };
}

export function groupLayer(name: string, layers: CimObject[]): CimObject {
  return { type: 'CIMGroupLayer', name, uRI: uriOf(name), visibility: true, layers };
}

export function table(
  name: string,
  dataConnection: CimObject,
  more: Record<string, unknown> = {},
): CimObject {
  return {
    type: 'CIMStandaloneTable',
    name,
    uRI: uriOf(name),
    serviceTableID: -1,
    dataConnection,
    ...more,
  };
}

export const uriOf = (name: string) =>
  `CIMPATH=map/${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}.json`;

export type MapSpec = {
  name?: string;
  layers?: CimObject[];
  tables?: CimObject[];
  /** More members of the map, or of the document. */
  map?: Record<string, unknown>;
  document?: Record<string, unknown>;
};

const urisOf = (objects: readonly CimObject[]) => objects.map(({ uRI }) => String(uRI));

/** Groups hold their children here; in a document they name them. */
export function flatten(layers: readonly CimObject[]): CimObject[] {
  return layers.flatMap((layer) => {
    const children = (layer.layers ?? []) as CimObject[];
    if (!Array.isArray(layer.layers)) return [layer];
    return [{ ...layer, layers: urisOf(children) }, ...flatten(children)];
  });
}

export function toMap({ name = 'Map', layers = [], tables = [], map = {} }: MapSpec): CimObject {
  return {
    type: 'CIMMap',
    name,
    uRI: `CIMPATH=map/${name.toLowerCase()}.json`,
    ...(layers.length > 0 && { layers: urisOf(layers) }),
    mapType: 'Map',
    ...(tables.length > 0 && { standaloneTables: urisOf(tables) }),
    defaultExtent: { xmin: 'NaN', ymin: 'NaN', xmax: 'NaN', ymax: 'NaN' },
    spatialReference: { wkid: 102100, latestWkid: 3857 },
    ...map,
  };
}

/** The text of a .mapx. */
export function mapFile(spec: MapSpec = {}): string {
  return toProText({
    type: 'CIMMapDocument',
    version: '2.7.0',
    build: 26828,
    mapDefinition: toMap(spec),
    ...definitionsOf(spec),
    ...spec.document,
  });
}

/** The text of a .lyrx. */
export function layerFile(spec: MapSpec = {}): string {
  return toProText({
    type: 'CIMLayerDocument',
    version: '3.3.0',
    build: 52636,
    layers: urisOf(spec.layers ?? []),
    ...(spec.tables && { tables: urisOf(spec.tables) }),
    ...definitionsOf(spec),
    ...spec.document,
  });
}

function definitionsOf({ layers = [], tables = [] }: MapSpec): Record<string, unknown> {
  return {
    ...(layers.length > 0 && { layerDefinitions: flatten(layers) }),
    ...(tables.length > 0 && { tableDefinitions: tables }),
  };
}

/** Two blanks, blanks around the colon, no line feed at the end. */
export function toProText(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/^(\s*"(?:[^"\\]|\\.)*"): /gm, '$1 : ');
}
