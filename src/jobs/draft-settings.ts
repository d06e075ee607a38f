import type { DraftSetting } from '../arcpy/arcpy-session.ts';
import type { DraftEdits } from '../documents/draft-edits.ts';
import { GatewayError } from '../lib/errors.ts';
import type { DraftWish } from './arcpy-inputs.ts';

/** Lists and maps that ArcPy takes as such; all other lists are texts with commas first. */
const kept = new Set(['constantValues', 'choiceLists']);

/**
 * Every property that a draft object gets, in order. The target, what happens to the data and whether a service is
 * replaced are always said, for their defaults differ from function to function.
 *
 * @param options.hasTarget false for the class that is not known to have `offlineTarget`: it is set where it is there
 */
export function toDraftSettings(
  wish: DraftWish,
  target: 'ENTERPRISE_11' | 'ENTERPRISE_10x',
  service: Record<string, unknown>,
  { hasTarget = true }: { hasTarget?: boolean } = {},
): DraftSetting[] {
  const { folder, summary, tags, description, credits, useLimitations } = wish;
  return [
    ...toSettings({ offline: true }),
    { name: 'offlineTarget', value: target, isWanted: hasTarget },
    ...toSettings({ copyDataToServer: wish.copyDataToServer }),
    ...toSettings({ overwriteExistingService: wish.replace }),
    ...toSettings({ serverFolder: folder, summary, tags, description, credits, useLimitations }),
    ...toSettings(service),
  ];
}

/** `{ pooling: { minInstances: 2 } }` as `pooling.minInstances`. */
export function toSettings(properties: Record<string, unknown>, above = ''): DraftSetting[] {
  return Object.entries(properties).flatMap(([key, value]): DraftSetting[] => {
    if (value === undefined) return [];
    const name = above + key;
    if (kept.has(key)) return [{ name, value, isWanted: true }];
    if (Array.isArray(value))
      return [{ name, value: value.join(','), list: value, isWanted: true }];
    if (value !== null && typeof value === 'object')
      return toSettings(value as Record<string, unknown>, `${name}.`);
    return [{ name, value, isWanted: true }];
  });
}

/** This ArcPy has no way to set what was asked for. */
export class UnsupportedPropertyError extends GatewayError {
  override readonly name = 'UnsupportedPropertyError';
  readonly code = 'arcpy_unsupported';
}

type Kind = 'MapServer' | 'ImageServer' | 'GPServer' | 'GeocodeServer';

/**
 * Edits of the draft for properties that this ArcPy does not have as such.
 *
 * @param known keys of the draft's own properties
 * @throws UnsupportedPropertyError for what a draft has no place for
 */
export function toEditsInstead(
  missing: readonly string[],
  settings: readonly DraftSetting[],
  { kind, known }: { kind: Kind; known: readonly string[] },
): DraftEdits {
  const edits: DraftEdits = {};
  const properties: Record<string, string> = {};
  const lost: string[] = [];
  for (const name of missing) {
    const value = settings.find((setting) => setting.name === name)?.value;
    const key = kind === 'MapServer' && name !== 'maxRecordCount' ? undefined : name;
    const isThere = known.some((each) => each.toLowerCase() === key?.toLowerCase());
    if (setInstead(edits, name, value)) continue;
    if (key !== undefined && isThere) properties[key] = String(value);
    else lost.push(name);
  }
  if (lost.length > 0) {
    throw new UnsupportedPropertyError(
      `The ArcPy of this worker has no property ${lost.join(', ')} for this kind of service, and its draft has no place for it. Leave it out, or name a runtime of a newer version.`,
      { facts: { properties: lost } },
    );
  }
  return { ...edits, ...(Object.keys(properties).length > 0 && { properties }) };
}

/** @returns whether a named edit does the same */
function setInstead(edits: DraftEdits, name: string, value: unknown): boolean {
  const feature = () => {
    edits.extensions ??= [{ typeName: 'FeatureServer' }];
    return edits.extensions[0];
  };
  switch (name) {
    case 'overwriteExistingService':
      edits.replace = value === true;
      return true;
    case 'serverFolder':
      edits.folder = String(value);
      return true;
    case 'summary':
    case 'description':
    case 'credits':
      edits[name] = String(value);
      return true;
    case 'useLimitations':
      edits.useLimitation = String(value);
      return true;
    case 'tags':
      edits.tags = String(value).split(',');
      return true;
    case 'capabilities':
      edits.capabilities = String(value).split(',');
      return true;
    case 'pooling.minInstances':
    case 'minInstances':
      edits.instances = { ...edits.instances, min: Number(value) };
      return true;
    case 'pooling.maxInstances':
    case 'maxInstances':
      edits.instances = { ...edits.instances, max: Number(value) };
      return true;
    case 'cache.useExistingCache':
      edits.keepCache = value === true;
      return true;
    case 'extension.feature.isEnabled':
      Object.assign(feature() ?? {}, { isEnabled: value === true });
      return true;
    case 'extension.feature.featureCapabilities':
      Object.assign(feature() ?? {}, { capabilities: String(value).split(',') });
      return true;
    default:
      return false;
  }
}

/** One set of edits over another: what callers ask for comes last. */
export function mergeEdits(below: DraftEdits, above: DraftEdits): DraftEdits {
  const one = <K extends 'instances' | 'timeouts' | 'properties'>(key: K) =>
    below[key] || above[key] ? { [key]: { ...below[key], ...above[key] } } : {};
  const extensions = [...(below.extensions ?? []), ...(above.extensions ?? [])];
  return {
    ...below,
    ...above,
    ...one('instances'),
    ...one('timeouts'),
    ...one('properties'),
    ...(extensions.length > 0 && { extensions }),
  };
}

/** What the older functions have no parameter for, as edits of the draft. */
export function toTextEdits({
  description,
  credits,
  useLimitations,
  replace,
}: Pick<DraftWish, 'description' | 'credits' | 'useLimitations' | 'replace'>): DraftEdits {
  return {
    ...(description !== undefined && { description }),
    ...(credits !== undefined && { credits }),
    ...(useLimitations !== undefined && { useLimitation: useLimitations }),
    ...(replace && { replace: true }),
  };
}
