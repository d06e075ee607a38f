import { z } from 'zod';
import { matchesPattern } from '../lib/text-pattern.ts';
import { isSame, isSameLogin, parsePairs, readConnectionFacts } from './connection-strings.ts';
import { isWithin } from './data-places.ts';
import type { WholeDataStoreItem } from './data-store-reader.ts';
import { isSystemService } from './service-states.ts';
import { type ServiceTarget, toText } from './service-target.ts';
import { listFolders, listServices, readManifest, readService } from './services.ts';
import type { CallOptions } from './site-client.ts';
import { isRefusal } from './site-errors.ts';
import type { Site } from './sites.ts';

/** Where the data of a service come from, as its manifest tells, or its settings where it has none. */
export type ServiceData = {
  service: ServiceTarget;
  databases: { onServer: string; onPremise: string; datasets: string[] }[];
};

/** Which services tell what they read, and which do not: they have no manifest that our account can read. */
export type SiteData = { services: ServiceData[]; withoutManifest: string[] };

/** How many manifests are read at a time. */
const atOnce = 6;

const Text = z
  .string()
  .nullish()
  .transform((text) => text ?? '');
const Manifest = z.looseObject({
  databases: z
    .array(
      z.looseObject({
        byReference: z.unknown(),
        onServerConnectionString: Text,
        onPremiseConnectionString: Text,
        datasets: z.array(z.looseObject({ onServerName: Text })).nullish(),
      }),
    )
    .nullish(),
});

/** Reads the manifests of these services, or of all that people published. @see Esri, "Service Manifest" */
export async function readSiteData(
  site: Site,
  { targets, ...options }: CallOptions & { targets?: readonly ServiceTarget[] } = {},
): Promise<SiteData> {
  const asked = targets ?? (await listPublished(site, options));
  const data: SiteData = { services: [], withoutManifest: [] };
  for (let first = 0; first < asked.length; first += atOnce) {
    const some = asked.slice(first, first + atOnce);
    const found = await Promise.all(some.map((target) => findDatabases(site, target, options)));
    for (const [at, service] of some.entries()) {
      const databases = found[at];
      if (databases) data.services.push({ service, databases });
      else data.withoutManifest.push(toText(service));
    }
  }
  return data;
}

async function listPublished(site: Site, options: CallOptions): Promise<ServiceTarget[]> {
  const targets: ServiceTarget[] = [];
  for (const folder of ['', ...(await listFolders(site, options))]) {
    if (isSystemService({ folder })) continue;
    targets.push(...(await listServices(site, folder, options)));
  }
  return targets;
}

async function findDatabases(
  site: Site,
  target: ServiceTarget,
  options: CallOptions,
): Promise<ServiceData['databases'] | undefined> {
  const databases = toDatabases(await readManifest(site, target, options));
  return databases ?? (await findOwnSource(site, target, options));
}

/** Types whose settings themselves name the data (Esri, "Service JSON"); no definition need have made them. */
const typesWithOwnSource = ['ImageServer', 'GeocodeServer', 'GeoDataServer'];

const OwnSource = z.looseObject({
  properties: z.looseObject({
    path: Text,
    connectionString: Text,
    raster: Text,
    locatorWorkspacePath: Text,
    locatorWorkspaceConnectionString: Text,
  }),
});

async function findOwnSource(
  site: Site,
  target: ServiceTarget,
  options: CallOptions,
): Promise<ServiceData['databases'] | undefined> {
  if (!typesWithOwnSource.includes(target.type)) return undefined;
  try {
    const { data } = OwnSource.safeParse(await readService(site, target, options));
    const { path, connectionString, raster, ...locator } = data?.properties ?? emptySource;
    const place =
      path ||
      connectionString ||
      locator.locatorWorkspacePath ||
      locator.locatorWorkspaceConnectionString;
    if (!place) return undefined;
    const dataset = raster || (path ? (path.split(/[\\/]/).at(-1) ?? '') : '');
    return [{ onServer: place, onPremise: '', datasets: dataset ? [dataset] : [] }];
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

const emptySource = {
  path: '',
  connectionString: '',
  raster: '',
  locatorWorkspacePath: '',
  locatorWorkspaceConnectionString: '',
};

function toDatabases(manifest: unknown): ServiceData['databases'] | undefined {
  const { data } = Manifest.safeParse(manifest);
  if (!data) return undefined;
  return (data.databases ?? [])
    .filter(({ byReference }) => String(byReference).toLowerCase() !== 'false') // those were copied to the site
    .map((database) => ({
      onServer: database.onServerConnectionString,
      onPremise: database.onPremiseConnectionString,
      datasets: (database.datasets ?? []).map(({ onServerName }) => onServerName),
    }));
}

/**
 * The services that read a dataset, as `Folder/Name.Type`. `roads` finds `gis.editor.roads`, and so does
 * `editor.roads`; `*` stands for any text. Data that were copied to the site are not looked at: nothing
 * holds the original.
 */
export function findServicesReading(dataset: string, { services }: SiteData): string[] {
  return services
    .filter(({ databases }) =>
      databases.some(({ datasets }) => datasets.some((each) => isNamed(dataset, each))),
    )
    .map(({ service }) => toText(service));
}

function isNamed(wanted: string, dataset: string): boolean {
  const parts = dataset.split('.');
  return parts.some((_, at) => matchesPattern(wanted, parts.slice(at).join('.')));
}

/** The services that read an item, as `Folder/Name.Type`. */
export function findServicesOn(item: WholeDataStoreItem, { services }: SiteData): string[] {
  return services
    .filter(({ databases }) => databases.some((database) => isOn(item, database)))
    .map(({ service }) => toText(service));
}

/** Whether a place, as the site itself sees it, lies in what an item registers. */
export function isPlaceOn(item: WholeDataStoreItem, place: string): boolean {
  if (item.type !== 'rasterStore')
    return isOn(item, { onServer: place, onPremise: '', datasets: [] });
  return isBelow(place, item.path) || isBelow(place, pathOfStore(item));
}

/** A raster store keeps its connection as JSON text (Esri, "Data Item"). */
function pathOfStore({ info }: WholeDataStoreItem): unknown {
  try {
    return (JSON.parse(String(info.connectionString)) as { path?: unknown } | null)?.path;
  } catch {
    return undefined;
  }
}

function isOn(
  item: WholeDataStoreItem,
  { onServer, onPremise }: ServiceData['databases'][number],
): boolean {
  const { connectionString, clientConnectionString, path } = item.info;
  switch (item.type) {
    case 'folder':
      return isBelow(onServer, path) || isBelow(onPremise, item.clientPath);
    case 'egdb':
      return (
        isSameDatabase(onServer, connectionString) ||
        isSameDatabase(onPremise, clientConnectionString)
      );
    default:
      return isBelow(onServer, item.path); // stores are addressed by the path of their item
  }
}

function isSameDatabase(used: string, registered: unknown): boolean {
  if (typeof registered !== 'string' || registered === '' || used === '') return false;
  const [one, other] = [readConnectionFacts(used), readConnectionFacts(registered)];
  if (one.host === undefined && one.database === undefined) return false;
  return (
    isSameLogin(one, other) &&
    isSame(one.database ?? '', other.database ?? '') &&
    isSame(one.version, other.version)
  );
}

function isBelow(used: string, root: unknown): boolean {
  if (typeof root !== 'string') return false;
  const place = new Map(parsePairs(used)).get('DATABASE') ?? used;
  return isWithin(place, root);
}
