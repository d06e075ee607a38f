/** Objects of the CIM for tests: small, and laid out as ArcGIS Pro lays them out. */
type CimObject = { type: string } & { [key: string]: unknown };

/** Canary passwords: they must not turn up anywhere. */
const canaryHex = '00022e68c0ffeec0ffee0ddba115ca1ab1e02a00';

/** As Pro writes it; without a password unless one is asked for. */
function sde({
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

function connection(
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

const uriOf = (name: string) =>
  `CIMPATH=map/${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}.json`;

type MapSpec = {
  name?: string;
  layers?: CimObject[];
  tables?: CimObject[];
  /** More members of the map, or of the document. */
  map?: Record<string, unknown>;
  document?: Record<string, unknown>;
};

const urisOf = (objects: readonly CimObject[]) => objects.map(({ uRI }) => String(uRI));

/** Groups hold their children here; in a document they name them. */
function flatten(layers: readonly CimObject[]): CimObject[] {
  return layers.flatMap((layer) => {
    const children = (layer.layers ?? []) as CimObject[];
    if (!Array.isArray(layer.layers)) return [layer];
    return [{ ...layer, layers: urisOf(children) }, ...flatten(children)];
  });
}

function toMap({ name = 'Map', layers = [], tables = [], map = {} }: MapSpec): CimObject {
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

function definitionsOf({ layers = [], tables = [] }: MapSpec): Record<string, unknown> {
  return {
    ...(layers.length > 0 && { layerDefinitions: flatten(layers) }),
    ...(tables.length > 0 && { tableDefinitions: tables }),
  };
}

/** Two blanks, blanks around the colon, no line feed at the end. */
function toProText(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/^(\s*"(?:[^"\\]|\\.)*"): /gm, '$1 : ');
}
