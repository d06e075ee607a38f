import { z } from 'zod';
import { JsonObject, lenient, NumberLike, parseAnswer, TextLike } from './answer-shapes.ts';
import type { FormFields } from './request-body.ts';
import {
  type ServiceTarget,
  toFolder,
  toFolderPath,
  toRestPath,
  toText,
} from './service-target.ts';
import type { CallOptions } from './site-client.ts';
import { SiteError } from './site-errors.ts';
import type { Site } from './sites.ts';

/** What users of a service meet, for seeing whether it really works. */
export type ServiceLayer = {
  id: number;
  name: string;
  /** A group has no rows of its own to count. */
  isGroup: boolean;
};

export type ServiceRoot = {
  layers: ServiceLayer[];
  tables: ServiceLayer[];
  /** Of a geoprocessing service. */
  tasks: string[];
  /** All that the root says. */
  json: JsonObject;
};

const Layers = z.array(
  z.looseObject({
    id: NumberLike,
    name: TextLike,
    type: TextLike,
    subLayerIds: lenient(z.array(z.unknown()).nullable()),
  }),
);
const RootAnswer = z.looseObject({
  layers: lenient(Layers),
  tables: lenient(Layers),
  tasks: lenient(z.array(z.string())),
});

async function readRest(
  site: Site,
  path: readonly string[],
  { to, params, signal }: CallOptions & { to: string; params?: FormFields },
): Promise<JsonObject> {
  const json = await site.client.read('rest', path, { to, signal, ...(params && { params }) });
  return parseAnswer(JsonObject, json, { site: site.name, to, kind: 'read' });
}

/** @throws SiteError when the service is not there (404) or does not run (500, "not started") */
export async function readServiceRoot(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<ServiceRoot> {
  const to = `show ${toText(target)} to its users`;
  const json = await readRest(site, toRestPath(target), { to, signal });
  const root = parseAnswer(RootAnswer, json, { site: site.name, to, kind: 'read' });
  return {
    layers: (root.layers ?? []).map(toLayer),
    tables: (root.tables ?? []).map(toLayer),
    tasks: root.tasks ?? [],
    json,
  };
}

function toLayer({ id, name, type, subLayerIds }: z.output<typeof Layers>[number]): ServiceLayer {
  const isGroup = (subLayerIds ?? []).length > 0 || type === 'Group Layer';
  return { id, name: name ?? '', isGroup };
}

const CountAnswer = z.looseObject({ count: NumberLike });

/** Reads the data, which the root does not: a service may look healthy and have lost its source. */
export async function countFeatures(
  site: Site,
  target: ServiceTarget,
  layerId: number,
  { signal }: CallOptions = {},
): Promise<number> {
  const to = `count the features of layer ${layerId} of ${toText(target)}`;
  const params = { where: '1=1', returnCountOnly: true };
  const path = [...toRestPath(target), String(layerId), 'query'];
  const json = await readRest(site, path, { to, params, signal });
  return parseAnswer(CountAnswer, json, { site: site.name, to, kind: 'read' }).count;
}

/** One small drawn picture: its address on the site. */
export type ExportedImage = { href: string; width?: number; height?: number };

const ExportAnswer = z.looseObject({
  href: z.string().min(1),
  width: lenient(NumberLike),
  height: lenient(NumberLike),
});
const Extent = z.looseObject({
  xmin: NumberLike,
  ymin: NumberLike,
  xmax: NumberLike,
  ymax: NumberLike,
});

/** Draws the whole extent, 64 pixels wide. @see Esri, "Export Map" */
export function exportMap(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ExportedImage> {
  return exportSmall(site, target, 'export', options);
}

/** @see Esri, "Export Image" */
export function exportImage(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ExportedImage> {
  return exportSmall(site, target, 'exportImage', options);
}

async function exportSmall(
  site: Site,
  target: ServiceTarget,
  operation: 'export' | 'exportImage',
  options: CallOptions,
): Promise<ExportedImage> {
  const { json: root } = await readServiceRoot(site, target, options);
  const to = `draw ${toText(target)}`;
  const params = { bbox: toBbox(site, target, root), size: '64,64', format: 'png' };
  const path = [...toRestPath(target), operation];
  const json = await readRest(site, path, { to, params, signal: options.signal });
  const answer = parseAnswer(ExportAnswer, json, { site: site.name, to, kind: 'read' });
  const { href, width, height } = answer;
  return { href, ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
}

function toBbox(site: Site, target: ServiceTarget, root: JsonObject): string {
  for (const candidate of [root.initialExtent, root.extent, root.fullExtent]) {
    const { data: extent } = Extent.safeParse(candidate);
    if (extent) return [extent.xmin, extent.ymin, extent.xmax, extent.ymax].join(',');
  }
  throw new SiteError(`${toText(target)} on ${site.name} tells no extent to draw.`, {
    site: site.name,
  });
}

const GeocodeRoot = z.looseObject({
  singleLineAddressField: lenient(z.looseObject({ name: TextLike })),
  addressFields: lenient(z.array(z.looseObject({ name: TextLike }))),
});
const CandidateList = z.looseObject({ candidates: z.array(z.unknown()) });

/** The number of candidates for one made-up address: that it answers counts, not what. */
export async function geocodeOnce(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<number> {
  const { json: root } = await readServiceRoot(site, target, options);
  const { data: fields } = GeocodeRoot.safeParse(root);
  const field = fields?.singleLineAddressField?.name ?? fields?.addressFields?.[0]?.name;
  const to = `find an address with ${toText(target)}`;
  const params = { [field ?? 'SingleLine']: '1 Main Street', maxLocations: 1 };
  const path = [...toRestPath(target), 'findAddressCandidates'];
  const json = await readRest(site, path, { to, params, signal: options.signal });
  return parseAnswer(CandidateList, json, { site: site.name, to, kind: 'read' }).candidates.length;
}

const Catalog = z.looseObject({
  folders: lenient(z.array(z.string())),
  services: z.array(z.looseObject({ name: z.string(), type: z.string() })),
});

/** The directory of a folder as users see it: a service that runs extensions stands once per endpoint. */
export async function readRestCatalog(
  site: Site,
  folder: string,
  { signal }: CallOptions = {},
): Promise<{ folders: string[]; services: ServiceTarget[] }> {
  const to = 'show its services directory';
  const json = await readRest(site, toFolderPath(toFolder(folder)), { to, signal });
  const catalog = parseAnswer(Catalog, json, { site: site.name, to, kind: 'read' });
  return {
    folders: catalog.folders ?? [],
    services: catalog.services.map(({ name, type }) => {
      const [serviceName = name, inFolder = ''] = name.split('/').reverse();
      return { folder: inFolder, serviceName, type };
    }),
  };
}

/** Helps where a new service does not show in the directory. Needs an administrator. */
export async function clearRestCache(site: Site, { signal }: CallOptions = {}): Promise<void> {
  const path = ['system', 'handlers', 'rest', 'cache', 'clear'];
  await site.client.change('admin', path, { to: 'forget its services directory', signal });
}
