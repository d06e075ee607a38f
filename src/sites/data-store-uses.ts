import { z } from 'zod';
import { isSame, isSameLogin, parsePairs, readConnectionFacts } from './connection-strings.ts';
import { isWithin } from './data-places.ts';
import type { WholeDataStoreItem } from './data-store-reader.ts';
import { type ServiceTarget, toText } from './service-target.ts';
import { listFolders, listServices, readManifest } from './services.ts';
import type { CallOptions } from './site-client.ts';
import type { Site } from './sites.ts';

/** Where the data of a service come from, as its manifest tells. */
export type ServiceData = {
  service: ServiceTarget;
  databases: { onServer: string; onPremise: string; datasets: string[] }[];
};

/** What the manifests of a site tell, and which services have none that our account can read. */
export type SiteData = { services: ServiceData[]; withoutManifest: string[] };

const systemFolders = new Set(['system', 'utilities']);
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

/** Reads the manifest of every service that people published. @see Esri, "Service Manifest" */
export async function readSiteData(site: Site, options: CallOptions = {}): Promise<SiteData> {
  const targets: ServiceTarget[] = [];
  for (const folder of ['', ...(await listFolders(site, options))]) {
    if (systemFolders.has(folder.toLowerCase())) continue;
    targets.push(...(await listServices(site, folder, options)));
  }
  const data: SiteData = { services: [], withoutManifest: [] };
  for (let first = 0; first < targets.length; first += atOnce) {
    const some = targets.slice(first, first + atOnce);
    const manifests = await Promise.all(some.map((target) => readManifest(site, target, options)));
    for (const [at, service] of some.entries()) {
      const databases = toDatabases(manifests[at]);
      if (databases) data.services.push({ service, databases });
      else data.withoutManifest.push(toText(service));
    }
  }
  return data;
}

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

/** The services that read an item, as `Folder/Name.Type`. */
export function findServicesOn(item: WholeDataStoreItem, { services }: SiteData): string[] {
  return services
    .filter(({ databases }) => databases.some((database) => isOn(item, database)))
    .map(({ service }) => toText(service));
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
