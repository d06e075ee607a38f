import { createHash } from 'node:crypto';
import { redactSecrets } from '../lib/redact.ts';
import { type CimNode, isJson, textsOf, toUriKey } from './cim-node.ts';
import type { CimStore, LayerTree } from './cim-store.ts';
import { type DescribeOptions, describeConnection } from './describe-connection.ts';
import type { DocumentConnection } from './document-connection.ts';
import type { MapContent, MapLayer, MapPart, MapTable } from './document-content.ts';
import { findConnections } from './found-connections.ts';
import { type LayerWalk, type WalkedLayer, walkLayers } from './layer-walk.ts';
import { readMapMetadata } from './map-metadata.ts';

const maxListed = 5_000;
const maxPlaces = 200;
const maxConnections = 1_000;

/** What an opened document holds, in the one form for all of them. */
export function describeMaps(store: CimStore, options: DescribeOptions = {}): MapContent {
  const walks = store.maps.map((map) => ({ map, walk: walkLayers(store, map) }));
  let left = maxListed;
  const maps = walks.map(({ map, walk }) => {
    const layers = walk.layers.slice(0, left);
    left -= layers.length;
    return describeMap(store, map, { ...walk, layers }, options);
  });
  const shown = new Set(
    walks.flatMap(({ walk }) => [...walk.layers, ...walk.tables].map((each) => each.node)),
  );
  const defined = [...store.definitions.values()].filter(
    ({ kind }) => kind === 'layer' || kind === 'table',
  );
  const layerCount = walks.reduce((sum, { walk }) => sum + walk.layers.length, 0);
  return {
    kind: store.kind,
    ...(store.version !== undefined && { version: store.version }),
    ...(store.build !== undefined && { build: store.build }),
    form: store.form,
    maps,
    layerCount,
    tableCount: walks.reduce((sum, { walk }) => sum + walk.tables.length, 0),
    danglingReferences: [...new Set(walks.flatMap(({ walk }) => walk.dangling))].slice(
      0,
      maxPlaces,
    ),
    unusedDefinitions: defined.filter(({ node }) => !shown.has(node) && !isGround(node)).length,
    ...(store.memberCount !== undefined && { memberCount: store.memberCount }),
    isCut:
      layerCount > maxListed ||
      walks.some(({ walk }) => walk.isCut) ||
      maps.some(hasManyConnections),
    secretsFound: store.secretPlaces.slice(0, maxPlaces).map((where) => ({ where })),
  };
}

function hasManyConnections({ layers, tables }: MapPart): boolean {
  return [...layers, ...tables].some(({ connections }) => connections.length >= maxConnections);
}

/** The ground of a map is named by the map itself, not in its list of layers. */
function isGround(node: CimNode): boolean {
  return node.className === 'CIMElevationSurfaceLayer';
}

function describeMap(
  store: CimStore,
  map: LayerTree,
  walk: LayerWalk,
  options: DescribeOptions,
): MapPart {
  const mapType = map.node.text('mapType');
  const reference = describeSpatialReference(map.node);
  const isDocument = store.kind === 'layer-file';
  const metadata = readMapMetadata(store.metadata.get(toUriKey(map.node.text('metadataURI'))));
  return {
    name: map.name,
    uri: map.uri,
    ...(mapType && { mapType }),
    ...(reference !== undefined && { spatialReference: reference }),
    ...(metadata.summary && { summary: metadata.summary }),
    tags: metadata.tags,
    usesServiceLayerIds: map.node.text('useServiceLayerIDs').toLowerCase() === 'true',
    layers: walk.layers.map((layer) => describeLayer(store, layer, options)),
    tables: walk.tables.map((table) => describeTable(table, options)),
    connections: isDocument ? [] : describeAll(map.node, options),
  };
}

/** The id that is in use now; a custom one has only a text, of which the name is told. */
function describeSpatialReference(map: CimNode): string | undefined {
  const reference = map.child('spatialReference');
  if (!reference) return undefined;
  const id = reference.text('latestWkid') || reference.text('wkid');
  if (id && id !== '0') return id;
  const text = reference.text('wkt');
  const name = /^\w+\["([^"]{1,120})"/.exec(text)?.[1];
  return name ?? (text ? 'custom' : undefined);
}

function describeAll(node: CimNode, options: DescribeOptions): DocumentConnection[] {
  return findConnections(node)
    .slice(0, maxConnections)
    .map((found) => describeConnection(found, options));
}

function describeTable(table: WalkedLayer, options: DescribeOptions): MapTable {
  const connections = describeAll(table.node, options);
  const expression = table.node.text('definitionExpression');
  const fault = findFault(connections, 'a table');
  return {
    name: table.name,
    uri: table.uri,
    ...serviceId(table.node, 'serviceTableID'),
    ...(expression && { definitionExpression: redactSecrets(expression) }),
    connections,
    isBroken: fault !== undefined,
    ...(fault && { fault }),
  };
}

function describeLayer(store: CimStore, layer: WalkedLayer, options: DescribeOptions): MapLayer {
  const { node } = layer;
  const table = node.child('featureTable') as CimNode | undefined;
  const connections = layer.isSublayer ? [] : describeAll(node, options);
  const expression = table?.text('definitionExpression') || node.text('definitionExpression');
  const renderer = (node.child('renderer') ?? node.child('colorizer'))?.className;
  const digest = options.digests === 'without' ? undefined : digestSymbology(node);
  const needsSource = !layer.isGroup && !layer.isSublayer && takesSource(node.className);
  const missing = missingChildren(store, node);
  const fault =
    missing.length > 0
      ? `${missing.length} of the layers in it are not in the document`
      : needsSource
        ? findFault(connections, 'a layer')
        : undefined;
  return {
    name: layer.name,
    path: layer.path,
    uri: layer.uri,
    className: node.className || layer.node.key,
    type: toType(node.className),
    depth: layer.depth,
    isGroup: layer.isGroup,
    isVisible: node.text('visibility').toLowerCase() === 'true',
    ...serviceId(node, 'serviceLayerID'),
    ...(expression && { definitionExpression: redactSecrets(expression) }),
    ...(renderer && { renderer }),
    ...(digest && { symbologyDigest: digest }),
    connections,
    isBroken: fault !== undefined,
    ...(fault && { fault }),
  };
}

function missingChildren(store: CimStore, node: CimNode): string[] {
  return ['layers', 'subtypeLayers']
    .flatMap((list) => textsOf(node, list))
    .filter((uri) => uri !== '' && !store.definitions.has(toUriKey(uri)));
}

/** Drawings, notes and grounds carry their content in themselves. */
function takesSource(className: string): boolean {
  return !/^CIM(?:Graphics|ElevationSurface|Composite|Group|BasemapGroup|NetworkAnalysis|Diagram)/.test(
    className,
  );
}

function findFault(connections: readonly DocumentConnection[], what: string): string | undefined {
  if (connections.length === 0) return `${what} without a connection to data`;
  const broken = connections.find(
    ({ fault, role }) => fault && (role === 'source' || role === 'join'),
  );
  if (!broken) return undefined;
  if (broken.fault === 'empty') return 'its connection is empty';
  if (broken.fault === 'no-dataset') return 'its connection names no dataset';
  if (broken.fault === 'not-in-package') return 'its data are not in the package';
  return 'its connection is of a kind that is not understood';
}

function serviceId(node: CimNode, name: string): { serviceLayerId?: number } {
  const id = Number.parseInt(node.text(name), 10);
  return Number.isSafeInteger(id) && id >= 0 ? { serviceLayerId: id } : {};
}

const symbolParts = ['renderer', 'colorizer', 'labelClasses', 'symbolLayerDrawing', 'transparency'];

/** Of the values, not of their layout: the same in every text. */
function digestSymbology(node: CimNode): string | undefined {
  const parts = symbolParts.flatMap((name) => {
    const part = node.child(name) as CimNode | undefined;
    return part ? [`${name}:${toPlain(part)}`] : [];
  });
  if (parts.length === 0) return undefined;
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
}

function toPlain(part: CimNode): string {
  return isJson(part) ? JSON.stringify(JSON.parse(part.write())) : part.write();
}

/** `CIMFeatureLayer` as `Feature Layer`. */
export function toType(className: string): string {
  return className
    .replace(/^CIM(?:DE)?/, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .trim();
}
