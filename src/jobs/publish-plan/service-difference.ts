import { redactDeep } from '../../lib/redact.ts';
import type { JsonObject } from '../../sites/answer-shapes.ts';
import { capabilitiesOf } from '../publish-service-definition/configure-service.ts';
import type { ChangedSetting } from '../publish-service-definition/schema.ts';
import { toList, toObject } from '../publish-service-definition/service-settings.ts';
import { siteDirectories, siteWrittenPaths } from '../publish-service-definition/site-paths.ts';
import type { ServiceDifference } from './schema.ts';

type Layer = { id: number; name: string };

/** What is named by the request itself, compared apart, or belongs to the portal. */
const comparedApart = new Set([
  'serviceName',
  'type',
  'capabilities',
  'extensions',
  'properties',
  'portalProperties',
]);
const writtenBySite = new Set([...siteWrittenPaths, ...siteDirectories]);

/** Compares what would be sent with what the site has. Keys that only the site has are its own affair. */
export function compareSettings(
  planned: JsonObject,
  live: JsonObject,
): Pick<ServiceDifference, 'settings' | 'capabilities' | 'extensions'> {
  const members = Object.keys(planned).filter((key) => !comparedApart.has(key));
  const properties = Object.keys(toObject(planned.properties)).filter(
    (key) => !writtenBySite.has(key),
  );
  const [now, before] = [capabilitiesOf(planned), capabilitiesOf(live)];
  return {
    settings: [
      ...changesIn(members, planned, live),
      ...changesIn(properties, toObject(planned.properties), toObject(live.properties), {
        prefix: 'properties.',
      }),
    ],
    capabilities: { added: without(now, before), removed: without(before, now) },
    extensions: compareExtensions(toList(planned.extensions), toList(live.extensions)),
  };
}

function changesIn(
  keys: string[],
  planned: JsonObject,
  live: JsonObject,
  { prefix = '' } = {},
): ChangedSetting[] {
  const changes = keys
    .filter((key) => !isSame(planned[key], live[key]))
    .map((key) => ({ key: prefix + key, from: live[key] ?? null, to: planned[key] ?? null }));
  return redactDeep(changes) as ChangedSetting[];
}

/** A definition and a site write the same number or boolean in different ways; nothing and empty are equal. */
function isSame(one: unknown, other: unknown): boolean {
  const plain = (value: unknown) => {
    if (value === undefined || value === null) return '';
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  return plain(one) === plain(other);
}

const isOn = (extension: JsonObject | undefined) =>
  String(extension?.enabled).toLowerCase() === 'true';

function compareExtensions(planned: JsonObject[], live: JsonObject[]) {
  const names = [...new Set([...planned, ...live].map(({ typeName }) => String(typeName)))];
  return names.flatMap((typeName): ServiceDifference['extensions'] => {
    const [now, before] = [planned, live].map((list) =>
      list.find((each) => each.typeName === typeName),
    );
    if (!isOn(now) && !isOn(before)) return [];
    const settings = now && before ? settingsOfExtension(now, before) : [];
    if (isOn(now) !== isOn(before))
      return [{ typeName, change: isOn(now) ? 'switched-on' : 'switched-off', settings }];
    return settings.length > 0 ? [{ typeName, change: 'changed', settings }] : [];
  });
}

function settingsOfExtension(now: JsonObject, before: JsonObject): ChangedSetting[] {
  const own = toObject(now.properties);
  return [
    ...changesIn(['capabilities'], now, before),
    ...changesIn(Object.keys(own), own, toObject(before.properties), { prefix: 'properties.' }),
  ];
}

/** Layers and tables by name and id: what clients address is the id. */
export function compareLayers(planned: Layer[], live: Layer[]): ServiceDifference['layers'] {
  const has = (list: Layer[], name: string) => list.some((each) => each.name === name);
  const added = planned.filter(({ name }) => !has(live, name));
  const removed = live.filter(({ name }) => !has(planned, name));
  const renamed = added.flatMap(({ id, name }) => {
    const before = removed.find((each) => each.id === id);
    return before ? [{ id, from: before.name, to: name }] : [];
  });
  const isRenamed = ({ id }: Layer) => renamed.some((each) => each.id === id);
  const isUnique = (name: string) =>
    [planned, live].every((list) => list.filter((each) => each.name === name).length === 1);
  const renumbered = planned.flatMap(({ id, name }) => {
    const before = live.find((each) => each.name === name);
    if (!before || before.id === id || !isUnique(name)) return [];
    return [{ name, from: before.id, to: id }];
  });
  return {
    added: added.filter((each) => !isRenamed(each)).map(toNamed),
    removed: removed.filter((each) => !isRenamed(each)).map(toNamed),
    renamed,
    renumbered,
  };
}

function toNamed({ id, name }: Layer): Layer {
  return { id, name };
}

export function without(list: string[], other: string[]): string[] {
  return list.filter((name) => !other.includes(name));
}
