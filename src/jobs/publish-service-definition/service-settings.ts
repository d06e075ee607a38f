import type { JsonObject } from '../../sites/answer-shapes.ts';
import type { ServiceTarget } from '../../sites/service-target.ts';
import type {
  ChangedSetting,
  KeptSetting,
  PublishServiceDefinitionParams,
  ServiceOverrides,
} from './schema.ts';

/** Which members of the service JSON each kind of setting is about (Esri, "Service JSON"). */
const keptMembers: Record<Exclude<KeptSetting, 'extensions'>, readonly string[]> = {
  instances: [
    'minInstancesPerNode',
    'maxInstancesPerNode',
    'instancesPerContainer',
    'isolationLevel',
  ],
  timeouts: [
    'maxWaitTime',
    'maxStartupTime',
    'maxIdleTime',
    'maxUsageTime',
    'recycleInterval',
    'recycleStartTime',
    'keepAliveInterval',
  ],
  state: ['configuredState'],
  limits: [
    'properties.maxRecordCount',
    'properties.maximumRecords',
    'properties.maxBufferCount',
    'properties.maxImageHeight',
    'properties.maxImageWidth',
    'properties.maxDomainCodeCount',
    'properties.maxSampleCount',
    'properties.maxMosaicImageCount',
    'properties.maxDownloadImageCount',
    'properties.maxDownloadSizeLimit',
    'properties.maxBatchSize',
    'properties.suggestedBatchSize',
    'properties.maxResultSize',
    'properties.maxExportTilesCount',
  ],
  cache: [
    'properties.isCached',
    'properties.cacheOnDemand',
    'properties.ignoreCache',
    'properties.clientCachingAllowed',
    'properties.exportTilesAllowed',
    'properties.cacheControlMaxAge',
  ],
};

export type ServiceSettings = {
  /** The whole serviceconfiguration.json with changes, ready to be sent. */
  document: JsonObject;
  kept: { key: string; value: unknown }[];
  changed: ChangedSetting[];
};

/**
 * Lays the live service's settings, then the caller's, over the definition's own. The whole document is
 * sent back: what a site makes of a part of it is not verified (Esri, "Publish Service Definition").
 */
export function composeSettings(
  document: JsonObject,
  target: ServiceTarget,
  params: Pick<PublishServiceDefinitionParams, 'keep' | 'overrides' | 'state'>,
  live: JsonObject | undefined,
): ServiceSettings {
  const own = toObject(document.service);
  const service = structuredClone(own);
  const kept = live ? keepSettings(service, live, params.keep) : [];
  if (params.overrides) layOver(service, params.overrides);
  if (params.state) service.configuredState = params.state === 'started' ? 'STARTED' : 'STOPPED';
  service.serviceName = target.serviceName;
  return {
    document: { ...document, folderName: target.folder, service },
    kept: kept.filter(({ key, value }) => same(readKept(service, key), value)),
    changed: differencesBetween(own, service),
  };
}

function keepSettings(
  service: JsonObject,
  live: JsonObject,
  keep: readonly KeptSetting[],
): ServiceSettings['kept'] {
  const kept: ServiceSettings['kept'] = [];
  for (const kind of keep) {
    if (kind === 'extensions') {
      kept.push(...keepExtensions(service, live));
      continue;
    }
    for (const key of keptMembers[kind]) {
      const value = readMember(live, key);
      if (value === undefined || value === readMember(service, key)) continue;
      writeMember(service, key, value);
      kept.push({ key, value });
    }
  }
  return kept;
}

/** Only extensions that the new definition offers: others would name what it cannot serve. */
function keepExtensions(service: JsonObject, live: JsonObject): ServiceSettings['kept'] {
  const kept: ServiceSettings['kept'] = [];
  for (const extension of toList(service.extensions)) {
    const before = toList(live.extensions).find((each) => each.typeName === extension.typeName);
    if (!before) continue;
    for (const member of ['enabled', 'capabilities', 'properties'] as const) {
      if (before[member] === undefined || same(before[member], extension[member])) continue;
      extension[member] = before[member];
      kept.push({
        key: `extensions.${String(extension.typeName)}.${member}`,
        value: before[member],
      });
    }
  }
  return kept;
}

function readKept(service: JsonObject, key: string): unknown {
  const [kind, typeName, member = ''] = key.split('.');
  if (kind !== 'extensions') return readMember(service, key);
  return toList(service.extensions).find((each) => each.typeName === typeName)?.[member];
}

function layOver(
  service: JsonObject,
  { properties, extensions, ...members }: ServiceOverrides,
): void {
  Object.assign(service, members);
  if (properties) service.properties = { ...toObject(service.properties), ...asTexts(properties) };
  for (const wanted of extensions ?? []) {
    const list = toList(service.extensions);
    let extension = list.find((each) => each.typeName === wanted.typeName);
    if (!extension) {
      extension = { typeName: wanted.typeName, enabled: 'false', capabilities: '', properties: {} };
      service.extensions = [...list, extension];
    }
    if (wanted.enabled !== undefined) extension.enabled = String(wanted.enabled);
    if (wanted.capabilities !== undefined) extension.capabilities = wanted.capabilities;
    if (wanted.properties)
      extension.properties = { ...toObject(extension.properties), ...asTexts(wanted.properties) };
  }
}

/** Every value in `properties` is text, also where it means a number or a boolean. */
function asTexts(values: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

function differencesBetween(from: JsonObject, to: JsonObject, prefix = ''): ChangedSetting[] {
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return keys.flatMap((key) => {
    const [a, b] = [from[key], to[key]];
    if (same(a, b)) return [];
    if (prefix === '' && key === 'properties')
      return differencesBetween(toObject(a), toObject(b), 'properties.');
    return [{ key: prefix + key, from: a ?? null, to: b ?? null }];
  });
}

function readMember(service: JsonObject, key: string): unknown {
  const [first = '', second] = key.split('.');
  return second === undefined ? service[first] : toObject(service[first])[second];
}

function writeMember(service: JsonObject, key: string, value: unknown): void {
  const [first = '', second] = key.split('.');
  if (second === undefined) service[first] = value;
  else service[first] = { ...toObject(service[first]), [second]: value };
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function toObject(value: unknown): JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

export function toList(value: unknown): JsonObject[] {
  return Array.isArray(value) ? (value as JsonObject[]) : [];
}
