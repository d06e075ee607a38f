import { z } from 'zod';
import { redactDeep } from '../lib/redact.ts';
import {
  BooleanLike,
  JsonObject,
  lenient,
  NumberLike,
  parseAnswer,
  TextLike,
  withLowerCaseKeys,
} from './answer-shapes.ts';
import { isHostingServerOfPortal } from './portal.ts';
import {
  type PublishingToolsName,
  publishingToolsNames,
  publishingToolsTarget,
} from './publishing-tools.ts';
import type { RestInfo } from './rest-info.ts';
import { readService, readServiceStatus } from './services.ts';
import type { CallOptions, SiteCall } from './site-client.ts';
import { isNotFound, isRefusal, SiteError, SiteFailure, tellsNothing } from './site-errors.ts';
import type { Site } from './sites.ts';

async function readAdmin<T extends z.ZodType>(
  site: Site,
  path: string[],
  shape: T,
  call: SiteCall,
): Promise<z.output<T>> {
  const json = await site.client.read('admin', path, call);
  return parseAnswer(shape, json, { site: site.name, to: call.to, kind: 'read' });
}

/** Needs no token. A federated site names its portal in `owningSystemUrl`. */
export function readRestInfo(site: Site, { signal }: CallOptions = {}): Promise<RestInfo> {
  return site.client.readRestInfo(signal);
}

/** The same, and how far the site's clock is ahead of ours, to about a second; undefined where it shows none. */
export async function readRestInfoAndClock(
  site: Site,
  options: CallOptions = {},
): Promise<RestInfo & { clockSkewMs?: number }> {
  const askedAtMs = Date.now();
  const info = await readRestInfo(site, options);
  if (info.siteTimeMs === undefined) return info;
  const ourTimeMs = (askedAtMs + Date.now()) / 2;
  // The header cuts off milliseconds.
  return { ...info, clockSkewMs: Math.round(info.siteTimeMs + 500 - ourTimeMs) };
}

/** How far the site's clock is ahead of ours, to about a second; undefined where it shows none. */
export async function readClockSkewMs(
  site: Site,
  options: CallOptions = {},
): Promise<number | undefined> {
  return (await readRestInfoAndClock(site, options)).clockSkewMs;
}

const AdminInfoAnswer = z.preprocess(
  withLowerCaseKeys,
  z.looseObject({
    fullversion: TextLike,
    currentversion: TextLike,
    loggedinuser: TextLike,
    loggedinuserprivilege: TextLike,
  }),
);

export type AdminInfo = {
  version?: string;
  username?: string;
  /** `ADMINISTER`, `PUBLISH` or `ACCESS`. */
  privilege?: string;
};

/** Proves that the account can log in, and says what it may do (Esri, "Info"). */
export async function readAdminInfo(site: Site, { signal }: CallOptions = {}): Promise<AdminInfo> {
  const to = 'tell who is logged in';
  const answer = await readAdmin(site, ['info'], AdminInfoAnswer, { to, signal });
  const version = answer.fullversion ?? answer.currentversion;
  return {
    ...(version !== undefined && { version }),
    ...(answer.loggedinuser !== undefined && { username: answer.loggedinuser }),
    ...(answer.loggedinuserprivilege !== undefined && { privilege: answer.loggedinuserprivilege }),
  };
}

const ModeAnswer = z.looseObject({ siteMode: z.string(), lastModified: lenient(NumberLike) });

export type SiteMode = {
  /**
   * `EDITABLE` or `READ_ONLY`; sites before 10.4 have no mode and are always editable. `UNKNOWN` where our
   * account may not see it: whether a publisher may is not verified.
   */
  siteMode: string;
  lastModifiedMs?: number;
};

export async function readSiteMode(site: Site, { signal }: CallOptions = {}): Promise<SiteMode> {
  try {
    const call = { to: 'tell its mode', signal };
    const { siteMode, lastModified } = await readAdmin(site, ['mode'], ModeAnswer, call);
    return { siteMode, ...(lastModified !== undefined && { lastModifiedMs: lastModified }) };
  } catch (error) {
    if (isNotFound(error)) return { siteMode: 'EDITABLE' };
    if (tellsNothing(error)) return { siteMode: 'UNKNOWN' };
    throw error;
  }
}

export type SiteHealth = { isHealthy: boolean; detail?: string };

/** Never throws for a sick site: that is an answer too (Esri, "Health Check"). */
export async function readHealth(site: Site, { signal }: CallOptions = {}): Promise<SiteHealth> {
  try {
    const to = 'tell its health';
    const { json } = await site.client.readPublic(['info', 'healthcheck'], { to, signal });
    const isHealthy = (json as { success?: unknown }).success === true;
    return isHealthy ? { isHealthy } : { isHealthy, detail: 'the health check says no' };
  } catch (error) {
    if (error instanceof SiteFailure) return { isHealthy: false, detail: error.message };
    throw error;
  }
}

/** `adminUrl` may be reachable from inside only. */
export type SiteMachine = { machineName: string; adminUrl?: string };

const MachineList = z.looseObject({
  machines: z.array(z.looseObject({ machineName: z.string(), adminURL: TextLike })),
});

/** @see Esri, "Machines" */
export async function readMachines(
  site: Site,
  { signal }: CallOptions = {},
): Promise<SiteMachine[]> {
  const call = { to: 'list its machines', signal };
  const { machines } = await readAdmin(site, ['machines'], MachineList, call);
  return machines.map(({ machineName, adminURL }) => ({
    machineName,
    ...(adminURL !== undefined && { adminUrl: adminURL }),
  }));
}

export type SiteDirectory = {
  type: string;
  physicalPath: string;
  virtualPath?: string | undefined;
};

const DirectoryList = z.looseObject({
  directories: z.array(
    z.looseObject({ directoryType: z.string(), physicalPath: z.string(), virtualPath: TextLike }),
  ),
});

/** Where services put what they make; empty where our account is not shown them. @see Esri, "Server Directories" */
export async function readDirectories(
  site: Site,
  { signal }: CallOptions = {},
): Promise<SiteDirectory[]> {
  try {
    const call = { to: 'list its directories', signal };
    const { directories } = await readAdmin(site, ['system', 'directories'], DirectoryList, call);
    return directories.map(({ directoryType, physicalPath, virtualPath }) => ({
      type: directoryType,
      physicalPath,
      ...(virtualPath !== undefined && { virtualPath }),
    }));
  } catch (error) {
    if (isRefusal(error)) return [];
    throw error;
  }
}

const DataConfigAnswer = z.looseObject({ blockDataCopy: lenient(BooleanLike) });

/** True where the site refuses definitions that bring data along (Esri, "Data Store Configuration"). */
export async function readBlockDataCopy(
  site: Site,
  { signal }: CallOptions = {},
): Promise<boolean> {
  const call = { to: 'tell whether data may be copied in', signal };
  const answer = await readAdmin(site, ['data', 'config'], DataConfigAnswer, call);
  return answer.blockDataCopy ?? false;
}

/** Flat; some keys exist only where an administrator has set them. May need an administrator. */
export function readServerProperties(
  site: Site,
  { signal }: CallOptions = {},
): Promise<JsonObject> {
  const call = { to: 'show its properties', signal };
  return readAdmin(site, ['system', 'properties'], JsonObject, call);
}

const defaultUploadExtensions = ['soe', 'sd', 'sde', 'odc', 'csv', 'txt', 'zshp', 'kmz'];

/** Lower-case, without dots. The property has two names: renamed at 10.9 (Esri, "Server Properties"). */
export async function readAllowedUploadExtensions(
  site: Site,
  options: CallOptions = {},
): Promise<string[]> {
  const properties = await readServerProperties(site, options);
  const written =
    properties.uploadFileExtensionAllowedList ?? properties.uploadFileExtensionWhitelist;
  if (typeof written !== 'string' || written.trim() === '') return defaultUploadExtensions;
  return written
    .split(',')
    .map((extension) => extension.trim().replace(/^\./, '').toLowerCase())
    .filter((extension) => extension !== '');
}

export type DataStoreItem = {
  /** Unique on the site, such as `/fileShares/roads`. */
  path: string;
  type: string;
  id?: string;
  clientPath?: string;
  provider?: string;
  /** As the site tells it, passwords masked (encrypted ones too). */
  info: JsonObject;
};

const DataStoreItemList = z.looseObject({
  items: z.array(
    z.looseObject({
      path: z.string(),
      type: z.string(),
      id: TextLike,
      clientPath: TextLike,
      provider: TextLike,
      info: lenient(JsonObject),
    }),
  ),
});

/** Those that people register; containers and what a data store manages for itself are left out. */
const registeredTypes = [
  'folder',
  'egdb',
  'bigDataFileShare',
  'cloudStore',
  'rasterStore',
  'nosql',
  'objectStore',
];

/** @see Esri, "Find Data Items"; what a site says to a type newer than itself is not verified */
export async function findDataStoreItems(
  site: Site,
  { types = registeredTypes, signal }: CallOptions & { types?: readonly string[] } = {},
): Promise<DataStoreItem[]> {
  const params = { types: types.join(',') };
  const call = { to: 'list its registered data stores', params, signal };
  const { items } = await readAdmin(site, ['data', 'findItems'], DataStoreItemList, call);
  return items.map((item) => ({
    path: item.path,
    type: item.type,
    ...(item.id !== undefined && { id: item.id }),
    ...(item.clientPath !== undefined && { clientPath: item.clientPath }),
    ...(item.provider !== undefined && { provider: item.provider }),
    info: redactDeep(item.info ?? {}) as JsonObject,
  }));
}

export type PublishingTools = {
  name: PublishingToolsName;
  /** Site jobs at a time and machine; more of them wait in the site's own queue. */
  maxInstancesPerNode: number;
  machineCount: number;
  maxUsageTimeSeconds: number;
  configuredState: string;
  realTimeState: string;
};

const ToolsAnswer = z.looseObject({
  maxInstancesPerNode: lenient(NumberLike),
  maxUsageTime: lenient(NumberLike),
});

/**
 * The tools to publish with: of those that exist the first that runs, else the first.
 *
 * @throws SiteError when the site has neither
 */
export async function readPublishingTools(
  site: Site,
  options: CallOptions = {},
): Promise<PublishingTools> {
  const stopped: PublishingTools[] = [];
  for (const name of publishingToolsNames) {
    const tools = await findPublishingTools(site, name, options);
    if (tools?.realTimeState === 'STARTED') return tools;
    if (tools) stopped.push(tools);
  }
  const [first] = stopped;
  if (first) return first;
  const message = `${site.name} has no publishing tools: nothing can be published there.`;
  throw new SiteError(message, { site: site.name });
}

async function findPublishingTools(
  site: Site,
  name: PublishingToolsName,
  options: CallOptions,
): Promise<PublishingTools | undefined> {
  const target = publishingToolsTarget(name);
  try {
    const json = await readService(site, target, options);
    const asked = { site: site.name, to: `show ${name}`, kind: 'read' } as const;
    const { maxInstancesPerNode = 2, maxUsageTime = 600 } = parseAnswer(ToolsAnswer, json, asked);
    const status = await readServiceStatus(site, target, options);
    const machineCount = Math.max(1, await countMachines(site, options));
    const maxUsageTimeSeconds = maxUsageTime;
    return { name, maxInstancesPerNode, machineCount, maxUsageTimeSeconds, ...status };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** None where our account may not see them: machines are an administrator's. */
async function countMachines(site: Site, options: CallOptions): Promise<number> {
  try {
    return (await readMachines(site, options)).length;
  } catch (error) {
    if (isRefusal(error)) return 0;
    throw error;
  }
}

/** Whether hosted layers belong here. Undefined where our account cannot find out. */
export async function isHostingServer(
  site: Site,
  options: CallOptions = {},
): Promise<boolean | undefined> {
  const { owningSystemUrl } = await readRestInfo(site, options);
  return owningSystemUrl === undefined ? false : isHostingServerOfPortal(site, options);
}
