import type { DocumentConnection } from './document-connection.ts';
import type { MapContent, MapLayer, MapPart, MapTable } from './document-content.ts';
import { resolvePath } from './windows-path.ts';

/** Something that stands against publishing, in the codes of ArcGIS or in a word of ours where it has none. */
export type MapFault = {
  code: string;
  /** Path of the layer or table; absent when it is about the map or the document. */
  layer?: string;
  map?: string;
  detail: string;
  /** The document itself says so; else ArcGIS decides, and this is what it most often says. */
  isCertain: boolean;
};

export type FaultOptions = {
  /** Name of the map in a project; without it all of them. */
  map?: string | undefined;
  /** Extensions that the service shall have. */
  extensions: readonly string[];
  /** What the draft will be given; without it the metadata of the map count. */
  summary?: string | undefined;
  tags?: readonly string[] | undefined;
};

/**
 * What can be told of a map before it is published without opening its data. Which of its data a site has registered is
 * not looked at here.
 */
export function findMapFaults(content: MapContent, options: FaultOptions): MapFault[] {
  const maps = chosenMaps(content, options.map);
  const isLayerFile = content.kind === 'layer-file';
  return [
    ...maps.flatMap((map) => (isLayerFile ? [] : findFaultsOfMap(map, options))),
    ...maps.flatMap(findFaultsOfLayers),
    ...maps.flatMap((map) => findFaultsOfExtensions(map, options.extensions)),
    ...content.danglingReferences.map((uri) => ({
      code: 'reference_missing',
      detail: `${uri} is named and not there`,
      isCertain: true,
    })),
    ...findPasswords(content, maps),
  ];
}

export function chosenMaps({ maps }: MapContent, name: string | undefined): MapPart[] {
  return maps.filter((map) => name === undefined || map.name.toLowerCase() === name.toLowerCase());
}

function findFaultsOfMap(map: MapPart, { summary, tags }: FaultOptions): MapFault[] {
  const about = { map: map.name, isCertain: true };
  const faults: MapFault[] = [];
  if (map.layers.length + map.tables.length === 0) {
    faults.push({ ...about, code: '00001', detail: 'It lists neither layers nor tables' });
  }
  if (map.spatialReference === undefined) {
    faults.push({ ...about, code: '00002', detail: 'Its spatialReference is not set' });
  }
  const source = 'neither the metadata of the map nor the request gives any';
  if (!(summary ?? map.summary)) faults.push({ ...about, code: '00070', detail: source });
  if ((tags ?? map.tags).length === 0) faults.push({ ...about, code: '00071', detail: source });
  return [...faults, ...findFaultsOfIds(map)];
}

/** Ids count only where the map fixes them; then each layer and table has to have one of its own. */
function findFaultsOfIds({ name, usesServiceLayerIds, layers, tables }: MapPart): MapFault[] {
  if (!usesServiceLayerIds) return [];
  const all = [
    ...layers.filter(({ uri }) => uri !== ''), // a sublayer has none of its own
    ...tables.map((table) => ({ ...table, path: table.name })),
  ];
  const ids = [...new Set(all.map(({ serviceLayerId }) => serviceLayerId))];
  return ids.flatMap((id) => {
    const found = all.filter(({ serviceLayerId }) => serviceLayerId === id);
    const isFaulty = id === undefined || found.length > 1;
    return (isFaulty ? found : []).map(({ path }) => {
      const others = found.filter((each) => each.path !== path).map((each) => each.path);
      const detail =
        id === undefined ? 'It has no id' : `Its id ${id} is also that of ${others.join(', ')}`;
      return { code: '00374', map: name, layer: path, detail, isCertain: true };
    });
  });
}

function findFaultsOfLayers(map: MapPart): MapFault[] {
  return [
    ...map.layers.flatMap((layer) => [
      ...findTypeFaults(layer),
      ...findSourceFaults(layer, layer.path, '00003'),
    ]),
    ...map.tables.flatMap((table) => findSourceFaults(table, table.name, '00032')),
  ].map((fault) => ({ map: map.name, ...fault }));
}

/** Layers whose content another server draws, or that have no data of their own that a server could read. */
const notServed: Record<string, string> = {
  ...{ CIMVectorTileLayer: 'its tiles are drawn by another server' },
  ...{ CIMTiledServiceLayer: 'its tiles are drawn by another server' },
  ...{ CIMDynamicServiceLayer: 'it is drawn by another server' },
  ...{ CIMImageServiceLayer: 'it is drawn by another server' },
  ...{ CIMWMSServiceLayer: 'it is drawn by another server', CIMKMLLayer: 'it is a file of KML' },
  ...{ CIMGraphicsLayer: 'its drawings stand in the map and in no data' },
  ...{ CIMSceneServiceLayer: 'it is three-dimensional', CIMVoxelLayer: 'it is three-dimensional' },
  ...{ CIMBuildingSceneLayer: 'it is three-dimensional' },
  ...{ CIMIntegratedMeshLayer: 'it is three-dimensional' },
  ...{ CIMPointCloudLayer: 'it is three-dimensional' },
};

function findTypeFaults(layer: MapLayer): MapFault[] {
  const faults: MapFault[] = [];
  const why = Object.hasOwn(notServed, layer.className) ? notServed[layer.className] : undefined;
  if (why !== undefined) {
    const detail = `A ${layer.type} is no part of a map service: ${why}`;
    faults.push({ code: '00005', layer: layer.path, detail, isCertain: false });
  }
  if (layer.className === 'CIMBasemapGroupLayer' || layer.className === 'CIMBasemapLayer') {
    faults.push({ code: '00037', layer: layer.path, detail: layer.className, isCertain: false });
  }
  if (layer.name.trim() === '') {
    faults.push({ code: '00115', layer: layer.path, detail: 'Its name is empty', isCertain: true });
  }
  return faults;
}

function findSourceFaults(
  { connections, isBroken, fault }: Pick<MapTable, 'connections' | 'isBroken' | 'fault'>,
  layer: string,
  code: '00003' | '00032',
): MapFault[] {
  const faults: MapFault[] = [];
  if (isBroken && fault) faults.push({ code, layer, detail: fault, isCertain: true });
  for (const connection of connections) {
    if (leavesFolder(connection)) {
      faults.push({
        ...{ code: 'path_leaves_folder', layer, isCertain: true },
        detail: `The path ${connection.path}`,
      });
    }
    if (connection.fault === 'not-understood' && !isBroken) {
      faults.push({
        ...{ code: 'not_understood', layer, isCertain: true },
        detail: `A ${connection.className} that names no workspace`,
      });
    }
  }
  return faults;
}

/** Inside of some folder, whichever it is: a relative path that climbs out of it is not part of what is sent. */
export function leavesFolder({ isRelative, path }: DocumentConnection): boolean {
  return isRelative === true && path !== undefined && resolvePath('/', path) === undefined;
}

const featureClasses =
  /^CIM(?:Feature|Annotation|Dimension|SubtypeGroup|UtilityNetwork|ParcelFabric)/;
const isRaster = ({ className }: MapLayer) => /^CIM(?:Raster|Mosaic)/.test(className);
const isFeature = ({ className }: MapLayer) => featureClasses.test(className);
const isEither = (layer: MapLayer) => isFeature(layer) || isRaster(layer);

const needs: Record<string, { isMet: (layer: MapLayer) => boolean; words: string }> = {
  featureserver: { isMet: isFeature, words: 'a feature layer' },
  wfsserver: { isMet: isFeature, words: 'a feature layer' },
  wcsserver: { isMet: isRaster, words: 'a raster layer' },
  wmsserver: { isMet: isEither, words: 'a feature or raster layer' },
  kmlserver: { isMet: isEither, words: 'a feature or raster layer' },
};

function findFaultsOfExtensions(map: MapPart, extensions: readonly string[]): MapFault[] {
  const faults: MapFault[] = extensions.flatMap((extension) => {
    const need = needs[extension.toLowerCase()];
    if (!need || map.layers.some(need.isMet)) return [];
    const detail = `${extension} needs ${need.words}`;
    return [{ code: '00102', map: map.name, detail, isCertain: true }];
  });
  const isFeatureService = extensions.some((each) => each.toLowerCase() === 'featureserver');
  const databases = new Set(
    [...map.layers, ...map.tables]
      .flatMap(({ connections }) => connections)
      .filter(({ kind }) => kind === 'sde')
      .map(({ host, instance, database, user, version }) =>
        [host ?? instance, database, user, version].join('/').toLowerCase(),
      ),
  );
  if (isFeatureService && databases.size > 1) {
    const detail = `Its data come through ${databases.size} connections to databases`;
    faults.push({ code: '00062', map: map.name, detail, isCertain: false });
  }
  return faults;
}

function findPasswords(content: MapContent, maps: readonly MapPart[]): MapFault[] {
  const inLayers = maps.flatMap((map) =>
    [...map.layers, ...map.tables.map((table) => ({ ...table, path: table.name }))]
      .filter(({ connections }) => connections.some(({ hasPassword }) => hasPassword))
      .map(({ path }) => ({
        ...{ code: 'password_inside', map: map.name, layer: path, isCertain: true },
        detail: 'Its connection keeps a password',
      })),
  );
  if (inLayers.length > 0 || content.secretsFound.length === 0) return inLayers;
  const places = content.secretsFound.slice(0, 5).map(({ where }) => where);
  return [
    { code: 'password_inside', detail: `It stands in ${places.join(', ')}`, isCertain: true },
  ];
}
