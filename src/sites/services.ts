import { z } from 'zod';
import { redactDeep } from '../lib/redact.ts';
import { JsonObject, lenient, NumberLike, parseAnswer, TextLike } from './answer-shapes.ts';
import {
  type ServiceTarget,
  sameName,
  sameTarget,
  toAdminPath,
  toFolder,
  toFolderPath,
  toText,
} from './service-target.ts';
import type { CallOptions } from './site-client.ts';
import { isNotFound, isRefusal, tellsNothing } from './site-errors.ts';
import type { Site } from './sites.ts';

const Listing = z.looseObject({
  folders: lenient(z.array(z.string())),
  services: z.array(
    z.looseObject({ folderName: TextLike, serviceName: z.string(), type: z.string() }),
  ),
});

async function readListing(site: Site, folder: string, { signal }: CallOptions) {
  const to = `list the services of ${folder === '' ? 'its root folder' : `the folder ${folder}`}`;
  const json = await site.client.read('admin', toFolderPath(folder), { to, signal });
  return parseAnswer(Listing, json, { site: site.name, to, kind: 'read' });
}

/** All folders but the root, `System` and `Utilities` among them. There is one level only. */
export async function listFolders(site: Site, options: CallOptions = {}): Promise<string[]> {
  return (await readListing(site, '', options)).folders ?? [];
}

/** The folder as the site writes it; the root is always there. Asked afresh each time. */
export async function findFolder(
  site: Site,
  folder: string,
  options: CallOptions = {},
): Promise<string | undefined> {
  const wanted = toFolder(folder);
  if (wanted === '') return '';
  return (await listFolders(site, options)).find((name) => sameName(name, wanted));
}

export async function folderExists(
  site: Site,
  folder: string,
  options: CallOptions = {},
): Promise<boolean> {
  return (await findFolder(site, folder, options)) !== undefined;
}

/** Services of one folder, '' for the root. @throws SiteError (404) when there is no such folder */
export async function listServices(
  site: Site,
  folder: string,
  options: CallOptions = {},
): Promise<ServiceTarget[]> {
  const { services } = await readListing(site, toFolder(folder), options);
  return services.map(({ folderName, serviceName, type }) => ({
    folder: toFolder(folderName),
    serviceName,
    type,
  }));
}

/** Folder and service as the site writes them, whatever the case they were asked in. Asked afresh each time. */
export async function findPlace(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<{ folder?: string; service?: ServiceTarget }> {
  const folder = await findFolder(site, target.folder, options);
  if (folder === undefined) return {};
  try {
    const services = await listServices(site, folder, options);
    const service = services.find((each) => sameTarget(each, { ...target, folder }));
    return { folder, ...(service && { service }) };
  } catch (error) {
    if (isNotFound(error)) return {}; // the folder went meanwhile
    throw error;
  }
}

/** The service as the site writes it, whatever the case it was asked in. Asked afresh each time. */
export async function findService(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ServiceTarget | undefined> {
  return (await findPlace(site, target, options)).service;
}

/**
 * The same with one request less, for a target whose folder is written as the site writes it.
 *
 * @see findService which asks for the folder first, since whether a site takes another case is not verified
 */
export async function findServiceIn(
  site: Site,
  target: ServiceTarget,
  options: CallOptions = {},
): Promise<ServiceTarget | undefined> {
  try {
    const services = await listServices(site, target.folder, options);
    return services.find((each) => sameTarget(each, target));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The same name and type in all folders: where a service went that was reported as published. */
export async function findServiceAnywhere(
  site: Site,
  { serviceName, type }: Pick<ServiceTarget, 'serviceName' | 'type'>,
  options: CallOptions = {},
): Promise<ServiceTarget[]> {
  const found: ServiceTarget[] = [];
  for (const folder of ['', ...(await listFolders(site, options))]) {
    const target = await findService(site, { folder, serviceName, type }, options);
    if (target) found.push(target);
  }
  return found;
}

/**
 * The whole description of a service, with keys that we do not know: it is sent back whole. Connection strings
 * in it hold passwords.
 */
export async function readService(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<JsonObject> {
  const to = `show the service ${toText(target)}`;
  const json = await site.client.read('admin', toAdminPath(target), { to, signal });
  return parseAnswer(JsonObject, json, { site: site.name, to, kind: 'read' });
}

/** `STARTED` and `STOPPED`; others in between are possible (not verified), so compare with what you want. */
export type ServiceStatus = { configuredState: string; realTimeState: string };

const StatusAnswer = z.looseObject({ configuredState: z.string(), realTimeState: z.string() });

export async function readServiceStatus(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<ServiceStatus> {
  const to = `tell the state of ${toText(target)}`;
  const json = await site.client.read('admin', [...toAdminPath(target), 'status'], { to, signal });
  const { configuredState, realTimeState } = parseAnswer(StatusAnswer, json, {
    site: site.name,
    to,
    kind: 'read',
  });
  return { configuredState, realTimeState };
}

const LifecycleAnswer = z.looseObject({ lastmodified: lenient(NumberLike) });

/** When the service was changed last, by the site's clock; undocumented, so it may be missing. */
export async function readLifecycle(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<{ lastModifiedMs?: number }> {
  const to = `tell when ${toText(target)} was changed`;
  try {
    const path = [...toAdminPath(target), 'lifecycleinfos'];
    const json = await site.client.read('admin', path, { to, signal });
    const { data: answer } = LifecycleAnswer.safeParse(json);
    return answer?.lastmodified === undefined ? {} : { lastModifiedMs: answer.lastmodified };
  } catch (error) {
    if (isRefusal(error)) return {};
    throw error;
  }
}

/** Where a service's data come from, passwords masked; undefined where no service definition made it. */
export async function readManifest(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<JsonObject | undefined> {
  const to = `show the manifest of ${toText(target)}`;
  const path = [...toAdminPath(target), 'iteminfo', 'manifest', 'manifest.json'];
  try {
    const json = await site.client.read('admin', path, { to, signal });
    const { data: manifest } = JsonObject.safeParse(json);
    return manifest && Object.keys(manifest).length > 0
      ? (redactDeep(manifest) as JsonObject)
      : undefined;
  } catch (error) {
    if (tellsNothing(error)) return undefined; // in some releases the refusal is no JSON either
    throw error;
  }
}

export type InstanceCounts = {
  machineName?: string;
  max?: number;
  busy?: number;
  free?: number;
  initializing?: number;
};

const Counts = z.looseObject({
  machineName: TextLike,
  max: lenient(NumberLike),
  busy: lenient(NumberLike),
  free: lenient(NumberLike),
  initializing: lenient(NumberLike),
});
const StatisticsAnswer = z.looseObject({
  summary: Counts,
  perMachine: lenient(z.array(Counts)),
});

/** @see Esri, "Statistics" */
export async function readStatistics(
  site: Site,
  target: ServiceTarget,
  { signal }: CallOptions = {},
): Promise<{ summary: InstanceCounts; perMachine: InstanceCounts[] }> {
  const to = `tell the instances of ${toText(target)}`;
  const path = [...toAdminPath(target), 'statistics'];
  const json = await site.client.read('admin', path, { to, signal });
  const answer = parseAnswer(StatisticsAnswer, json, { site: site.name, to, kind: 'read' });
  return {
    summary: toCounts(answer.summary),
    perMachine: (answer.perMachine ?? []).map(toCounts),
  };
}

function toCounts({ machineName, max, busy, free, initializing }: z.output<typeof Counts>) {
  return {
    ...(machineName !== undefined && { machineName }),
    ...(max !== undefined && { max }),
    ...(busy !== undefined && { busy }),
    ...(free !== undefined && { free }),
    ...(initializing !== undefined && { initializing }),
  };
}
