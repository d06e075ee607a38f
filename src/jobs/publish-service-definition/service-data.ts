import { GatewayError } from '../../lib/errors.ts';
import {
  countFeatures,
  exportImage,
  exportMap,
  geocodeOnce,
  readServiceRoot,
  type ServiceLayer,
  type ServiceRoot,
} from '../../sites/rest-services.ts';
import { type ServiceTarget, toText } from '../../sites/service-target.ts';
import type { Site } from '../../sites/sites.ts';
import { inShort } from './acceptance.ts';
import type { ConfiguredSettings } from './configure-service.ts';
import type { Publishing } from './publishing-context.ts';
import { NotVisibleYetError } from './publishing-errors.ts';

export type SeenService = {
  layers: { id: number; name: string }[];
  tables: { id: number; name: string }[];
};

type Looking = Publishing & { settings: Pick<ConfiguredSettings, 'capabilities'> };

/** How many layers are asked at a time. */
const atOnce = 4;

/**
 * Uses the service as its users would. The root comes from the map file and needs no data, so layers
 * are counted, or a small picture is made.
 *
 * @throws NotVisibleYetError saying what is missing
 */
export async function lookAtData(
  input: Looking,
  target: ServiceTarget,
  signal: AbortSignal,
): Promise<SeenService> {
  const { site } = input;
  const root = await readServiceRoot(site, target, { signal });
  switch (target.type) {
    case 'MapServer':
    case 'FeatureServer':
      await compareLayers(input, root, target);
      await useLayers(input, root, target, signal);
      break;
    case 'ImageServer':
      await exportImage(site, target, { signal });
      break;
    case 'GPServer':
      compareTasks(input, root, target);
      break;
    case 'GeocodeServer':
      await geocodeOnce(site, target, { signal });
      break;
    default: // of other types the root itself is all that can be asked without knowing more
  }
  return { layers: root.layers.map(toNamed), tables: root.tables.map(toNamed) };
}

async function compareLayers(
  { definition, warn }: Publishing,
  root: ServiceRoot,
  target: ServiceTarget,
): Promise<void> {
  if (definition.layersFrom === 'nothing') return; // the definition does not say what to expect
  const wanted = [...definition.layers, ...definition.tables];
  const seen = [...root.layers, ...root.tables];
  const names = (list: { name: string }[]) => list.map((each) => each.name);
  const missing = names(wanted).filter((name) => !names(seen).includes(name));
  if (seen.length < wanted.length) {
    throw new NotVisibleYetError(
      `${toText(target)} shows ${seen.length} layers and tables, and the definition holds ${wanted.length}; missing are ${inShort(missing)}.`,
      { facts: { layers: missing, shown: seen.length, expected: wanted.length } },
    );
  }
  if (missing.length > 0)
    await warn(`Layers have other names than in the definition; not found: ${inShort(missing)}.`);
}

async function useLayers(
  { site, settings }: Looking,
  root: ServiceRoot,
  target: ServiceTarget,
  signal: AbortSignal,
): Promise<void> {
  const can = (capability: string) =>
    settings.capabilities.some((each) => each.trim().toLowerCase() === capability);
  const rows = [...root.layers, ...root.tables].filter(
    (layer) => !layer.isGroup && isCountable(root, layer),
  );
  if ((can('query') || target.type === 'FeatureServer') && rows.length > 0)
    return countAll(site, target, rows, signal);
  if (target.type === 'MapServer' && can('map')) await exportMap(site, target, { signal });
}

/** Rasters and annotations have no rows to count; the root tells the kind of each layer since 10.x only. */
function isCountable({ json }: ServiceRoot, layer: ServiceLayer): boolean {
  const lists = [json.layers, json.tables].flatMap((list) =>
    Array.isArray(list) ? (list as { id?: unknown; type?: unknown }[]) : [],
  );
  const type = lists.find((each) => each.id === layer.id && each.type !== undefined)?.type;
  return typeof type !== 'string' || /feature layer|table/i.test(type);
}

async function countAll(
  site: Site,
  target: ServiceTarget,
  layers: ServiceLayer[],
  signal: AbortSignal,
): Promise<void> {
  const broken: string[] = [];
  let first: GatewayError | undefined;
  for (let at = 0; at < layers.length; at += atOnce) {
    const some = layers.slice(at, at + atOnce);
    const counts = await Promise.allSettled(
      some.map((layer) => countFeatures(site, target, layer.id, { signal })),
    );
    for (const [index, count] of counts.entries()) {
      if (count.status === 'fulfilled') continue;
      const error: unknown = count.reason;
      if (!(error instanceof GatewayError) || error.again !== 'never') throw error;
      broken.push(some[index]?.name ?? '');
      first ??= error;
    }
  }
  if (broken.length > 0) {
    throw new NotVisibleYetError(
      `${toText(target)} runs, but ${inShort(broken)} cannot be read: ${first?.message}`,
      {
        facts: { ...first?.facts, layers: broken },
      },
    );
  }
}

function compareTasks(
  { definition }: Publishing,
  { tasks }: ServiceRoot,
  target: ServiceTarget,
): void {
  if (tasks.length === 0) throw new NotVisibleYetError(`${toText(target)} shows no tasks.`);
  const missing = (definition.tasks ?? []).filter(
    (task) => !tasks.some((seen) => normal(seen) === normal(task)),
  );
  if (tasks.length < (definition.tasks ?? []).length) {
    throw new NotVisibleYetError(`${toText(target)} lacks the tasks ${inShort(missing)}.`, {
      facts: { layers: missing, shown: tasks.length, expected: (definition.tasks ?? []).length },
    });
  }
}

/** A task's name and its title differ in blanks. */
function normal(name: string): string {
  return name.replaceAll(/[\s_]+/g, '').toLowerCase();
}

function toNamed({ id, name }: ServiceLayer): { id: number; name: string } {
  return { id, name };
}
