import { readdir } from 'node:fs/promises';
import { isFinal } from '../../src/jobs/job-record.ts';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Scenario, Scene } from './crash-scenarios.ts';
import type { Gateway } from './gateway.ts';
import type { PressroomProcess } from './pressroom-process.ts';
import { endWell, environmentOf, type WorkerPool } from './worker-pool.ts';

/**
 * What happens around one request: the worker is killed or frozen right before the site works on it or right
 * after; or the worker lives and the line does not: `cut` before the work, `lost` after it, `late` when the
 * request arrives after its line was cut.
 */
export const disturbances = [
  'killed before',
  'killed after',
  'frozen before',
  'frozen after',
  'cut',
  'lost',
  'late',
] as const;
export type Disturbance = (typeof disturbances)[number];

/**
 * The job is dismissed right before the site works on a request, or right after; `and killed` ends the worker
 * after the first change with which it puts something back.
 */
export const dismissals = ['dismissed before', 'dismissed after', 'dismissed and killed'] as const;
type Dismissal = (typeof dismissals)[number];
type Way = Disturbance | Dismissal;

/** The nth request of a kind, counted from 0. */
type Place = { operation: string; nth: number };
type Disturbed = Place & { how: Disturbance };
type Dismissed = Place & { how: Dismissal };
export type Moment = Disturbed | Dismissed;

export function isDismissal(moment: Moment): moment is Dismissed {
  return moment.how.startsWith('dismissed');
}

export const crashSettings = {
  queue: { lockSeconds: 1.5, stalledCheckSeconds: 0.5, sweepSeconds: 1, siteReadSeconds: 3_600 },
};

/** How it all ended, without what is another one each time: ids and times. */
export type Outcome = {
  job: Record<string, unknown>;
  site: Record<string, unknown>;
  /** Keys in Redis and files in storage, with ids left out. */
  left: string[];
  /** How often each changing request was carried out. */
  changes: Record<string, number>;
  violations: string[];
};

export type Trial = Scene & { pool: WorkerPool; scenario: Scenario };

const patienceMs = 90_000;

/** Runs the scenario without a disturbance, and tells each request that it makes. */
export async function runUndisturbed(
  trial: Trial,
): Promise<{ outcome: Outcome; operations: string[] }> {
  const worker = await prepare(trial);
  const operations: string[] = [];
  const stop = trial.site.control.onRequest(({ operation, phase }) => {
    if (phase === 'before') operations.push(operation);
  });
  const jobId = await trial.scenario.ask(trial);
  await trial.gateway.ended(jobId, patienceMs);
  stop();
  await endWell(worker);
  return { outcome: await readOutcome(trial, jobId), operations };
}

/** Every request of a run, disturbed in these ways. Only what is submitted waits in a line before a site. */
export function toMoments(operations: readonly string[], ways: readonly Way[]): Moment[] {
  const counts = new Map<string, number>();
  return operations.flatMap((operation) => {
    const nth = counts.get(operation) ?? 0;
    counts.set(operation, nth + 1);
    return ways
      .filter((how) => how !== 'late' || operation === 'submit')
      .map((how) => ({ operation, nth, how }));
  });
}

/**
 * Runs the scenario, disturbs it in the moment, and lets another worker go on where the first cannot. What is
 * killed before a request is one that never arrived.
 *
 * @returns no outcome when the job ended before the moment came
 */
export async function runDisturbed(trial: Trial, moment: Disturbed): Promise<Outcome | undefined> {
  const first = await prepare(trial);
  const { control } = trial.site;
  const { isThere, stop } = atMoment(control, moment, () => disturb(control, first, moment));
  const jobId = await trial.scenario.ask(trial);
  const ended = trial.gateway.ended(jobId, patienceMs);
  ended.catch(() => undefined);
  const came = await Promise.race([isThere.then(() => true), ended.then(() => false)]);
  stop();
  const isOut = came && /^(killed|frozen)/.test(moment.how);
  const second = isOut ? await start(trial) : undefined;
  await (second ? trial.gateway.ended(jobId, patienceMs) : ended);
  if (moment.how.startsWith('frozen')) first.signal('SIGCONT');
  if (!came || !moment.how.startsWith('killed')) await endWell(first);
  if (second) await endWell(second);
  if (!came) return undefined;
  const outcome = await readOutcome(trial, jobId);
  return ['killed before', 'cut'].includes(moment.how)
    ? withoutCut(outcome, moment.operation)
    : outcome;
}

/**
 * Runs the scenario, dismisses its job in the moment, and waits until all is put back.
 *
 * @returns what is not as it was before, in words; nothing when the job ended before the moment came
 */
export async function runDismissed(trial: Trial, moment: Dismissed): Promise<string[] | undefined> {
  const { site, gateway, scenario } = trial;
  const first = await prepare(trial);
  const before = readSite(site);
  let tell = (_jobId: string) => {};
  const known = new Promise<string>((resolve) => {
    tell = resolve;
  });
  let isDismissed = false;
  const { stop } = atMoment(site.control, moment, async () => {
    isDismissed = await dismiss(gateway, await known);
  });
  let second: PressroomProcess | undefined;
  const stopKilling = site.control.onRequest(async ({ phase }) => {
    const isChange = site.control.requests().at(-1)?.isChange;
    if (moment.how !== 'dismissed and killed' || !isDismissed || !isChange || phase !== 'after')
      return;
    stopKilling();
    first.signal('SIGKILL');
    await first.ended;
    second = await start(trial);
  });
  const jobId = await scenario.ask(trial);
  tell(jobId);
  await gateway.ended(jobId, patienceMs);
  stop();
  stopKilling();
  await endWell(second ?? first);
  return isDismissed ? tellDismissed(trial, { jobId, before }) : undefined;
}

/** @returns false when the job had ended: to delete it then removes its record */
async function dismiss({ core, url }: Gateway, jobId: string): Promise<boolean> {
  const record = await core.records.find(jobId);
  if (!record || isFinal(record.status)) return false;
  const response = await fetch(`${url}/v1/jobs/${jobId}`, { method: 'DELETE' });
  return response.ok;
}

async function tellDismissed(
  { site, gateway, scenario }: Trial,
  { jobId, before }: { jobId: string; before: object },
): Promise<string[]> {
  const record = await gateway.core.records.find(jobId);
  const differences: string[] = [];
  const { status, undo = '', message = '', children } = record ?? {};
  if (status !== 'dismissed') differences.push(`the job is ${status}`);
  if (scenario.cannotUndo ? !/failed|nothing/.test(undo) : !/done|nothing/.test(undo))
    differences.push(`undo is ${undo}: ${message}`);
  const [was, is] = [JSON.stringify(before), JSON.stringify(readSite(site))];
  const isKept = (children?.successful ?? 0) > 0; // what children have done that had ended stays
  if (was !== is && undo !== 'failed' && !isKept) differences.push(`site: ${is} instead of ${was}`);
  for (const { rule, detail } of site.control.violations().filter(isOurs))
    differences.push(`${rule}: ${detail}`);
  const left = (await readFiles(gateway)).filter((name) => /scratch|snapshots/.test(name));
  if (left.length > 0) differences.push(`left: ${left.join(', ')}`);
  return differences;
}

/**
 * Without what no undoing takes back: how often it was published, the order in which items are told, and entries of
 * permissions that say what is inherited anyway: the public may, and nobody else was allowed.
 */
function readSite(site: SimulatedSite): object {
  const { services, folders, uploads, dataItems } = site.control.state();
  return {
    services: services.map(({ lastmodified: _, generation: __, json, permissions, ...kept }) => ({
      ...kept,
      permissions: permissions.filter(
        ({ principal, isAllowed }) => isAllowed !== (principal === 'esriEveryone'),
      ),
      json: { ...json, properties: Object.keys(json.properties ?? {}).sort() },
    })),
    ...{ folders, uploads: uploads.length },
    dataItems: dataItems
      .map(({ id: _, ...item }) => withoutCode(item))
      .map((item) => JSON.stringify(item))
      .sort(),
  };
}

/** Awaited by the site: it goes on with the request when this is done. */
async function disturb(
  control: SimulatedSite['control'],
  worker: PressroomProcess,
  { how, operation }: Disturbed,
): Promise<void> {
  if (how === 'cut') control.fault({ kind: 'connection-cut', operation });
  if (how === 'lost') control.fault({ kind: 'answer-lost', operation });
  if (how === 'late') control.fault({ kind: 'late-submit', ms: 300 });
  if (how.startsWith('frozen')) worker.signal('SIGSTOP');
  if (!how.startsWith('killed')) return;
  worker.signal('SIGKILL');
  await worker.ended;
  if (how === 'killed before') control.fault({ kind: 'connection-cut', operation });
}

/** Does something once, in the moment. */
function atMoment(
  control: SimulatedSite['control'],
  { operation, nth, how }: Moment,
  act: () => Promise<void>,
): { isThere: Promise<void>; stop: () => void } {
  const wantedPhase = how.endsWith('after') ? 'after' : 'before';
  const underWay = new Map<string, number[]>();
  let next = 0;
  let arrived = () => {};
  const isThere = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const stop = control.onRequest(async ({ operation: asked, phase, path }) => {
    if (asked !== operation) return;
    const numbers = underWay.get(path) ?? [];
    underWay.set(path, numbers);
    if (phase === 'before') numbers.push(next++);
    const number = phase === 'before' ? numbers.at(-1) : numbers.shift();
    if (number !== nth || phase !== wantedPhase) return;
    stop();
    await act();
    arrived();
  });
  return { isThere, stop };
}

/** What differs from the undisturbed run, in words; nothing when all is as it should be. */
export function compare(
  undisturbed: Outcome,
  disturbed: Outcome,
  { mayRepeat = [] }: Pick<Scenario, 'mayRepeat'> = {},
): string[] {
  const differences: string[] = [];
  const expectEqual = (what: string, expected: unknown, found: unknown) => {
    const [a, b] = [JSON.stringify(expected), JSON.stringify(found)];
    if (a !== b) differences.push(`${what}: ${b} instead of ${a}`);
  };
  const once = ({ changes }: Outcome) =>
    Object.entries(changes).map(([operation, count]) =>
      mayRepeat.includes(operation) ? operation : `${operation} ${count}`,
    );
  expectEqual('job', undisturbed.job, disturbed.job);
  expectEqual('site', undisturbed.site, disturbed.site);
  expectEqual('left', undisturbed.left, disturbed.left);
  expectEqual('changes', once(undisturbed), once(disturbed));
  expectEqual('violations', [], disturbed.violations);
  return differences;
}

async function prepare(trial: Trial): Promise<PressroomProcess> {
  const { site, gateway, scenario } = trial;
  // The site monitor of the worker would ask things in between: somebody else has its lease.
  await gateway.core.siteRecords.holdLease('demo', 'the test', 3_600_000);
  const worker = await start(trial);
  await scenario.arrange?.(trial);
  site.control.clearRequests();
  if (scenario.fault) site.control.fault(scenario.fault);
  return worker;
}

async function start({ pool, gateway }: Trial): Promise<PressroomProcess> {
  return pool.start(await environmentOf(gateway));
}

async function readOutcome({ site, gateway }: Trial, jobId: string): Promise<Outcome> {
  const record = await gateway.core.records.find(jobId);
  if (!record) throw new Error(`No job ${jobId}`);
  const { services, folders, uploads, siteJobs, dataItems } = site.control.state();
  const { status, undo, exception } = record;
  const results = (record.results ?? {}) as Record<string, unknown>;
  const { outcome, verification, changed, putBack, valid, items } = results;
  const { done, already, version } = results;
  const { successful, failed, dismissed } = record.children ?? {};
  return {
    job: {
      ...{ status, undo, code: exception?.code },
      children: { successful, failed, dismissed },
      ...{ putBack: exception?.putBack, notPutBack: exception?.notPutBack },
      results: {
        ...{ outcome, verification, changed, putBack, valid, items: countOf(items) },
        ...{ done, already, version },
      },
    },
    site: {
      services: services.map(({ lastmodified: _, json, ...kept }) => ({
        ...kept,
        json: { ...json, properties: Object.keys(json.properties ?? {}).sort() },
      })),
      folders,
      uploads: uploads.map(({ itemName, description }) => ({ itemName, description })),
      siteJobs: siteJobs.map((job) => ({ status: job.status, isFinal: job.isFinal })),
      dataItems: dataItems.map(({ id: _, ...item }) => withoutCode(item)),
    },
    left: [...(await readKeys(gateway)), ...(await readFiles(gateway))],
    changes: countChanges(site),
    violations: site.control
      .violations()
      .filter(isOurs)
      .map(({ rule, detail }) => `${rule}: ${detail}`),
  };
}

/** An answer that was lost is asked for again, and tests are quick about it. */
const isOurs = ({ rule }: { rule: string }) => !['login-storm', 'polling-too-fast'].includes(rule);

/** A password is written another way each time. */
function withoutCode(item: object): object {
  return JSON.parse(JSON.stringify(item).replaceAll(/ENCRYPTED_PASSWORD=[^;"]*/g, 'PASSWORD=***'));
}

const countOf = (items: unknown) => (Array.isArray(items) ? items.length : undefined);

/** To delete an upload item twice leaves what once leaves, and a site deletes most of them by itself. */
const unimportant = ['delete-upload'];

function countChanges(site: SimulatedSite): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation, isChange } of site.control.requests()) {
    if (isChange && !unimportant.includes(operation))
      counts[operation] = (counts[operation] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).sort());
}

/** The request that was cut off was counted and never carried out. */
function withoutCut(outcome: Outcome, operation: string): Outcome {
  const { [operation]: count, ...others } = outcome.changes;
  if (count === undefined) return outcome;
  const changes = count > 1 ? { ...others, [operation]: count - 1 } : others;
  return { ...outcome, changes: Object.fromEntries(Object.entries(changes).sort()) };
}

const anyId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;
const allIds = new RegExp(anyId, 'g');
/** These come and go by themselves; what is known of site jobs hangs on what was seen of them. */
const passing =
  /:(turn|site-lease|site-job-times:.+|site-job-item:.+|bull:[^:]+:[^:]+$|bull:[^:]+$|seq$)/;

async function readKeys({ redis, config }: Gateway): Promise<string[]> {
  const { prefix } = config.redis;
  const keys = await redis.keys(`${prefix}:*`);
  return keys
    .map((key) => key.slice(prefix.length))
    .filter((key) => !passing.test(key) || anyId.test(key))
    .map((key) => key.replaceAll(allIds, '<id>').replace(/:plan:[0-9a-f]{64}$/, ':plan:<digest>'))
    .sort();
}

async function readFiles({ folder }: Gateway): Promise<string[]> {
  const names = await readdir(`${folder}/storage`, { recursive: true, withFileTypes: true });
  return names
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.length))
    .map((name) => name.replaceAll(allIds, '<id>'))
    .sort();
}
