import { inventedFeatures, inventedFields, layerFullExtent } from './invented-features.ts';
import { type Call, FileAnswer, type Operation, restService } from './operation.ts';
import { drawPng } from './picture.ts';
import { endpointTypes } from './portal.ts';
import { restLabel, type Service } from './services.ts';
import { toCurrentVersion } from './settings.ts';
import { SiteRefusal } from './site-refusal.ts';
import type { SiteState } from './site-state.ts';

type OfService = (service: Service, call: Call) => unknown;

/** What users of the services see. @see Esri, ArcGIS REST API, "Catalog", "Map Service", "Query" */
export function restOperations(site: SiteState): Operation[] {
  const operation = (
    name: string,
    paths: string[],
    handle: (call: Call) => unknown,
  ): Operation => ({
    name,
    paths,
    face: 'rest',
    access: 'anyone',
    handle,
  });
  const of = (name: string, type: string, path: string, handle: OfService) =>
    operation(name, restService(type, path), (call) => handle(runningService(site, call), call));
  const layered = '(?:Map|Feature)Server';
  const layer = '/:layer(^\\d+$)';
  return [
    operation('catalog', ['/rest/services', '/rest/services/:folder'], (call) =>
      catalog(site, call),
    ),
    of('rest-service', '[A-Za-z]+Server', '', (service, call) => root(site, service, call)),
    of('rest-layers', layered, '/layers', (service) => ({
      layers: service.content.layers.map((one) => describeLayer(service, one.id)),
      tables: service.content.tables.map((one) => describeLayer(service, one.id)),
    })),
    of('rest-layer', layered, layer, (service, { names }) =>
      describeLayer(service, Number(names.layer)),
    ),
    of('query', layered, `${layer}/query`, (service, call) => query(site, service, call)),
    of('export', 'MapServer', '/export', picture),
    of('export-image', 'ImageServer', '/exportImage', picture),
    of('rest-task', 'GPServer', '/:task', ({ content }, { names }) => ({
      name: names.task,
      executionType: 'esriExecutionTypeAsynchronous',
      parameters: [],
      ...(!content.tasks.includes(names.task ?? '') && { helpUrl: '' }),
    })),
    of('geocode', 'GeocodeServer', '/findAddressCandidates', () => ({
      spatialReference: { wkid: 4326, latestWkid: 4326 },
      candidates: [
        { address: '1 Example Street', location: { x: 8.5, y: 47.4 }, score: 100, attributes: {} },
      ],
    })),
  ];
}

/** A service that runs extensions stands there once per endpoint. */
function catalog(site: SiteState, { names }: Call): object {
  const folder = names.folder ?? '';
  if (folder && !site.services.findFolder(folder)) {
    throw new SiteRefusal(404, `Folder ${folder} not found `); // text not verified
  }
  const services = site.services
    .inFolder(folder, 'rest')
    .filter(({ json }) => json.private !== true)
    .flatMap((service) =>
      endpointTypes(service)
        .filter((type) => /^(Map|Feature|Image|GP|Geocode|Geometry|GeoData)Server$/.test(type))
        .map((type) => ({
          name: `${service.folder ? `${service.folder}/` : ''}${service.json.serviceName}`,
          type,
        })),
    );
  const folders = folder ? [] : site.services.folders().map(({ folderName }) => folderName);
  return { currentVersion: toCurrentVersion(site.settings.version), folders, services };
}

/** Both texts end with a blank on real sites. */
function runningService(site: SiteState, { names }: Call): Service {
  const asked = { folder: names.folder ?? '', name: names.name ?? '', type: names.type ?? '' };
  const direct = site.services.find(asked, 'rest');
  const asMap = direct ?? site.services.find({ ...asked, type: 'MapServer' }, 'rest');
  if (!asMap || !endpointTypes(asMap).includes(asked.type)) {
    throw new SiteRefusal(404, `Service ${restLabel(asked)} not found `);
  }
  if (asMap.realTimeState !== 'STARTED') {
    throw new SiteRefusal(500, `Service ${restLabel(asked)} not started `);
  }
  return asMap;
}

function root(site: SiteState, service: Service, { names }: Call): object {
  const { json, content } = service;
  const common = {
    currentVersion: toCurrentVersion(site.settings.version),
    serviceDescription: json.description ?? '',
    capabilities: json.capabilities ?? '',
  };
  if (names.type === 'GPServer') {
    const executionType = `esriExecutionType${json.properties?.executionType ?? 'Asynchronous'}`;
    return { ...common, tasks: content.tasks, executionType, maximumRecords: 1000 };
  }
  if (names.type === 'ImageServer') {
    return { ...common, name: json.serviceName, extent: layerFullExtent, bandCount: 3 };
  }
  if (names.type === 'GeocodeServer') {
    return { ...common, addressFields: [], candidateFields: [], spatialReference: { wkid: 4326 } };
  }
  if (names.type === 'GeometryServer') return common;
  return {
    ...common,
    mapName: 'Map',
    layers: content.layers.map(({ id, name, parentId, type }) => ({
      id,
      name,
      parentLayerId: parentId ?? -1,
      defaultVisibility: true,
      subLayerIds: null,
      type: type ?? 'Feature Layer',
    })),
    tables: content.tables,
    spatialReference: layerFullExtent.spatialReference,
    fullExtent: layerFullExtent,
    maxRecordCount: Number(json.properties?.maxRecordCount ?? 1000),
    supportedImageFormatTypes: 'PNG32,PNG24,PNG,JPG',
  };
}

function describeLayer({ content, json }: Service, id: number): object {
  const layer = content.layers.find((one) => one.id === id);
  const table = content.tables.find((one) => one.id === id);
  const found = layer ?? table;
  // Text not verified.
  if (!found) throw new SiteRefusal(500, 'Unable to complete operation.', `No layer ${id}.`);
  const capabilities = json.capabilities ?? '';
  if (!layer) return { id, name: found.name, type: 'Table', fields: inventedFields, capabilities };
  return {
    id,
    name: found.name,
    type: layer.type ?? 'Feature Layer',
    geometryType: 'esriGeometryPoint',
    fields: inventedFields,
    capabilities,
    extent: layerFullExtent,
  };
}

/** The root comes from the map file and needs no data; a query does. */
function query(site: SiteState, service: Service, call: Call): object {
  const id = Number(call.names.layer);
  describeLayer(service, id);
  const broken = site.faults.look(
    'broken-data',
    undefined,
    (fault) =>
      (fault.layer === undefined || Number(fault.layer) === id) &&
      (fault.service === undefined || fault.service === service.json.serviceName),
  );
  if (broken) throw new SiteRefusal(500, 'Error performing query operation', '');
  const group = service.content.layers.find((one) => one.id === id)?.type === 'Group Layer';
  if (group) throw new SiteRefusal(400, 'Requested operation is not supported by this layer.');
  const features = inventedFeatures(id);
  if (call.params.returnCountOnly === 'true') return { count: features.length };
  return { geometryType: 'esriGeometryPoint', fields: inventedFields, features };
}

function picture(_service: Service, { params, origin, path }: Call): unknown {
  const [width = 400, height = 400] = (params.size ?? '400,400').split(',').map(Number);
  const isSize = (n: number) => Number.isInteger(n) && n > 0 && n <= 4096;
  if (!isSize(width) || !isSize(height)) throw new SiteRefusal(400, 'Invalid size.');
  if (!params.bbox) throw new SiteRefusal(400, "The parameter 'bbox' is missing."); // text not verified
  if (params.f === 'image') return new FileAnswer('image/png', drawPng(width, height));
  const href = `${origin}${path}?f=image&bbox=${encodeURIComponent(params.bbox)}&size=${width},${height}`;
  return { href, width, height, extent: layerFullExtent, scale: 1_000_000 };
}
