import { z } from 'zod';
import type { RuntimeProbe } from '../arcpy/runtime-probe.ts';
import { RequestError } from '../lib/errors.ts';
import type { RuntimeRecord } from './runtime-records.ts';
import { isBefore, toProVersion } from './runtime-versions.ts';

const Version = z.string().regex(/^\d{1,2}\.\d{1,2}(?:\.\d{1,2})?$/);

/** The same input of every job that ArcPy carries out. */
export const RuntimeWish = z
  .strictObject({
    pool: z.string().max(63).optional().describe('Pool of workers; omitted: any that can do it'),
    product: z
      .enum(['server', 'pro'])
      .optional()
      .describe('ArcPy of ArcGIS Server, or of ArcGIS Pro'),
    platform: z.enum(['windows', 'linux']).optional().describe('Machine it has to run on'),
    minVersion: Version.optional().describe(
      'Oldest version, of Pro (`3.1`) or of the server (`11.1`)',
    ),
    maxVersion: Version.optional().describe('Newest version, of Pro or of the server'),
    extensions: z
      .array(z.string().regex(/^[A-Za-z0-9]{1,40}$/))
      .max(20)
      .default([])
      .describe('Extensions that are needed, by their ArcPy code, such as `Spatial`'),
    ifNone: z
      .enum(['wait', 'fail'])
      .default('wait')
      .describe('What to do when no live worker can run the job: wait for one, or be refused'),
  })
  .prefault({})
  .describe('Which ArcPy may carry out the job')
  .meta({ id: 'RuntimeWish' });
export type RuntimeWish = z.output<typeof RuntimeWish>;

/** What a job needs of an ArcPy: what was wished, and what follows from its other inputs. */
export type RuntimeNeeds = Partial<Omit<RuntimeWish, 'ifNone' | 'extensions'>> & {
  ifNone: 'wait' | 'fail';
  extensions: readonly string[];
  /** In words, for a refusal: what `minVersion` comes of, if not of the wish. */
  because?: string;
  /** A tool of the allow-list. */
  tool?: string;
};

export const defaultPool = 'default';

/** @returns why this ArcPy cannot run a job, or nothing when it can */
export function findUnfit(needs: RuntimeNeeds, runtime: RuntimeRecord): string | undefined {
  const { probe } = runtime;
  if (needs.pool !== undefined && needs.pool !== runtime.pool)
    return `it is of the pool ${runtime.pool}`;
  if (!probe || runtime.state === 'unusable')
    return runtime.detail ?? 'its ArcPy has not been looked at yet';
  if (needs.product !== undefined && needs.product !== probe.product)
    return `it is ArcPy of ${probe.product === 'pro' ? 'ArcGIS Pro' : 'ArcGIS Server'}`;
  if (needs.platform !== undefined && needs.platform !== platformOf(probe))
    return `it runs on ${platformOf(probe)}`;
  return findUnfitVersion(needs, probe) ?? findUnfitAbility(needs, runtime, probe);
}

function findUnfitVersion(needs: RuntimeNeeds, probe: RuntimeProbe): string | undefined {
  const own = toProVersion(probe.version);
  if (!own) return undefined; // what is not understood is tried
  const least = needs.minVersion && toProVersion(needs.minVersion);
  const most = needs.maxVersion && toProVersion(needs.maxVersion);
  if (least && isBefore(own, least))
    return `its version ${probe.version} is older than ${needs.minVersion}${needs.because ? `, which ${needs.because} needs` : ''}`;
  if (most && isBefore(most, own))
    return `its version ${probe.version} is newer than ${needs.maxVersion}`;
  return undefined;
}

function findUnfitAbility(
  { extensions, tool }: RuntimeNeeds,
  { tools }: RuntimeRecord,
  probe: RuntimeProbe,
): string | undefined {
  const usable = new Set(['Available', 'CheckedOut']);
  const lacking = extensions.find((name) => {
    const status = probe.extensions[name];
    return status !== undefined && !usable.has(status); // one that was not asked for is tried
  });
  if (lacking !== undefined)
    return `the extension ${lacking} is ${probe.extensions[lacking]} there`;
  if (tool !== undefined && !tools.some(({ name }) => name === tool))
    return `it may not run ${tool}`;
  return undefined;
}

/** Under Wine Python says that it is on Windows. */
function platformOf({ platform }: RuntimeProbe): 'windows' | 'linux' {
  return platform === 'win32' ? 'windows' : 'linux';
}

/** Where a job goes, and whether somebody is there to take it. */
export type Route = { pool: string; reasons: string[]; isServed: boolean };

export function findRoute(needs: RuntimeNeeds, runtimes: readonly RuntimeRecord[]): Route {
  const judged = runtimes.map((runtime) => ({ runtime, unfit: findUnfit(needs, runtime) }));
  const fit = judged.filter(({ unfit }) => unfit === undefined).map(({ runtime }) => runtime);
  const chosen = fit.find(({ state }) => state === 'idle') ?? fit[0];
  return {
    pool: chosen?.pool ?? needs.pool ?? defaultPool,
    isServed: chosen !== undefined,
    reasons: judged.map(
      ({ runtime, unfit }) => `${runtime.runtimeId}: ${unfit?.replace(/\.$/, '') ?? 'fits'}`,
    ),
  };
}

export function noRuntimeText({ reasons }: Route): string {
  return reasons.length === 0
    ? 'No live worker has an ArcPy.'
    : `No live worker's ArcPy can run this. ${reasons.join('; ')}.`;
}

/** @throws RequestError no_runtime when the caller does not want to wait */
export function routeOrRefuse(needs: RuntimeNeeds, runtimes: readonly RuntimeRecord[]): Route {
  const route = findRoute(needs, runtimes);
  if (!route.isServed && needs.ifNone === 'fail') {
    throw new RequestError('no_runtime', noRuntimeText(route), {
      headers: { 'retry-after': '60' },
      errors: [{ pointer: '#/inputs/runtime', code: 'no_runtime', detail: noRuntimeText(route) }],
    });
  }
  return route;
}
