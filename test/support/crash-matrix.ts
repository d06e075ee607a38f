import { readdir } from 'node:fs/promises';
import type { Fault, SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from './gateway.ts';
import type { PressroomProcess } from './pressroom-process.ts';
import { endWell, environmentOf, type WorkerPool } from './worker-pool.ts';

/** A request of the worker, counted from 0, right before the site works on it or right after. */
export type Moment = { index: number; operation: string; phase: 'before' | 'after' };

export type Scenario = {
  name: string;
  inputs: Record<string, string>;
  /** What the service is made of. */
  layers: string[];
  /** Published beforehand, so that there is something to replace. */
  firstLayers?: string[];
  fault?: Fault;
};

export const scenarios: readonly Scenario[] = [
  { name: 'create', inputs: { folder: 'Transport' }, layers: ['Roads', 'Bridges'] },
  {
    name: 'replace',
    inputs: { folder: 'Transport', ifExists: 'replace' },
    firstLayers: ['Roads'],
    layers: ['Roads', 'Bridges', 'Tunnels'],
  },
  {
    name: 'undo a create',
    inputs: { folder: 'Transport' },
    layers: ['Roads', 'Bridges'],
    fault: {
      kind: 'fail-publish',
      messages: ['ERROR 001369: Failed to create the service.'],
      leaves: 'half-made',
    },
  },
  {
    name: 'undo a replacement',
    inputs: { folder: 'Transport', ifExists: 'replace' },
    firstLayers: ['Roads'],
    layers: ['Roads', 'Bridges', 'Tunnels'],
    fault: { kind: 'fewer-layers', by: 1 },
  },
];

export const crashSettings = {
  queue: { lockSeconds: 1.5, stalledCheckSeconds: 0.5, sweepSeconds: 1, siteReadSeconds: 3_600 },
};

/** Operations that change something on a site. Deleting an upload item twice leaves what once leaves. */
const changing = [
  'upload',
  'upload-register',
  'upload-part',
  'upload-commit',
  'create-folder',
  'delete-folder',
  'submit',
  'edit',
  'start',
  'stop',
  'delete-service',
  'item-info-edit',
  'permissions-add',
];

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

export type Trial = { site: SimulatedSite; gateway: Gateway; pool: WorkerPool; scenario: Scenario };

/** Runs the scenario without a disturbance, and tells each request that it makes. */
export async function runUndisturbed(
  trial: Trial,
): Promise<{ outcome: Outcome; operations: string[] }> {
  const worker = await prepare(trial);
  const operations: string[] = [];
  const stop = trial.site.control.onRequest(({ operation, phase }) => {
    if (phase === 'before') operations.push(operation);
  });
  const jobId = await publish(trial);
  await trial.gateway.ended(jobId, 40_000);
  stop();
  await endWell(worker);
  return { outcome: await readOutcome(trial, jobId), operations };
}

/**
 * Runs the scenario, kills the worker in the moment and starts another one. What is killed before a
 * request is one that never arrived.
 *
 * @returns no outcome when the job ended before the moment came
 */
export async function runKilled(trial: Trial, moment: Moment): Promise<Outcome | undefined> {
  const worker = await prepare(trial);
  const { control } = trial.site;
  let killed = () => {};
  const wasKilled = new Promise<true>((resolve) => {
    killed = () => resolve(true);
  });
  let next = 0;
  const seen = new Map<string, number[]>();
  const stop = control.onRequest(async ({ operation, phase, path }) => {
    const isIt = countRequest({ operation, phase, path });
    if (!isIt) return;
    stop();
    worker.signal('SIGKILL');
    await worker.ended;
    if (phase === 'before') control.fault({ kind: 'connection-cut', operation });
    killed();
  });
  function countRequest({
    operation,
    phase,
    path,
  }: {
    operation: string;
    phase: string;
    path: string;
  }) {
    const key = `${operation} ${path}`;
    const indexes = seen.get(key) ?? [];
    seen.set(key, indexes);
    if (phase === 'before') indexes.push(next++);
    const index = phase === 'before' ? indexes.at(-1) : indexes.shift();
    return index === moment.index && phase === moment.phase;
  }
  const jobId = await publish(trial);
  const ended = trial.gateway.ended(jobId, 40_000);
  ended.catch(() => undefined);
  const came = await Promise.race([wasKilled, ended.then(() => false)]);
  stop();
  if (!came) {
    await endWell(worker);
    return undefined;
  }
  const second = await start(trial);
  await trial.gateway.ended(jobId, 40_000);
  await endWell(second);
  const outcome = await readOutcome(trial, jobId);
  return moment.phase === 'before' ? withoutCut(outcome, moment.operation) : outcome;
}

/** What differs from the undisturbed run, in words; nothing when all is as it should be. */
export function compare(undisturbed: Outcome, killed: Outcome): string[] {
  const differences: string[] = [];
  const expectEqual = (what: string, expected: unknown, found: unknown) => {
    const [a, b] = [JSON.stringify(expected), JSON.stringify(found)];
    if (a !== b) differences.push(`${what}: ${b} instead of ${a}`);
  };
  expectEqual('job', undisturbed.job, killed.job);
  expectEqual('site', undisturbed.site, killed.site);
  expectEqual('left', undisturbed.left, killed.left);
  expectEqual('changes', undisturbed.changes, killed.changes);
  expectEqual('violations', [], killed.violations);
  return differences;
}

async function prepare(trial: Trial): Promise<PressroomProcess> {
  const { site, gateway, scenario } = trial;
  // The site monitor of the worker would ask things in between: somebody else has its lease.
  await gateway.core.siteRecords.holdLease('demo', 'the test', 3_600_000);
  const worker = await start(trial);
  if (scenario.firstLayers) {
    const definition = await gateway.build({ layers: scenario.firstLayers });
    const inputs = { site: 'demo', ...scenario.inputs };
    const { body } = await gateway.publish(definition, inputs);
    await gateway.ended(body.jobID, 40_000);
  }
  site.control.clearRequests();
  if (scenario.fault) site.control.fault(scenario.fault);
  return worker;
}

async function publish({ gateway, scenario }: Trial): Promise<string> {
  const definition = await gateway.build({ layers: scenario.layers });
  const { body } = await gateway.publish(definition, { site: 'demo', ...scenario.inputs });
  return body.jobID;
}

async function start({ pool, gateway }: Trial): Promise<PressroomProcess> {
  return pool.start(await environmentOf(gateway));
}

async function readOutcome({ site, gateway }: Trial, jobId: string): Promise<Outcome> {
  const record = await gateway.core.records.find(jobId);
  if (!record) throw new Error(`No job ${jobId}`);
  const { services, folders, uploads, siteJobs } = site.control.state();
  const results = record.results as { outcome?: string; verification?: string } | undefined;
  return {
    job: {
      status: record.status,
      undo: record.undo,
      code: record.exception?.code,
      putBack: record.exception?.putBack,
      notPutBack: record.exception?.notPutBack,
      outcome: results?.outcome,
      verification: results?.verification,
    },
    site: {
      services: services.map(({ lastmodified: _, json, ...kept }) => ({
        ...kept,
        json: { ...json, properties: Object.keys(json.properties ?? {}).sort() },
      })),
      folders,
      uploads: uploads.map(({ itemName, description }) => ({ itemName, description })),
      siteJobs: siteJobs.map(({ status, isFinal }) => ({ status, isFinal })),
    },
    left: [...(await readKeys(gateway)), ...(await readFiles(gateway))],
    changes: countChanges(site),
    violations: site.control.violations().map(({ rule, detail }) => `${rule}: ${detail}`),
  };
}

function countChanges(site: SimulatedSite): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation } of site.control.requests()) {
    if (changing.includes(operation)) counts[operation] = (counts[operation] ?? 0) + 1;
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

const anyId = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** These come and go by themselves. */
const passing = /:(turn|site-lease|bull:[^:]+:[^:]+$|bull:[^:]+$|seq$)/;

async function readKeys({ redis, config }: Gateway): Promise<string[]> {
  const { prefix } = config.redis;
  const keys = await redis.keys(`${prefix}:*`);
  return keys
    .map((key) => key.slice(prefix.length))
    .filter((key) => !passing.test(key) || anyId.test(key))
    .map((key) => key.replaceAll(anyId, '<id>'))
    .sort();
}

async function readFiles({ folder }: Gateway): Promise<string[]> {
  const names = await readdir(`${folder}/storage`, { recursive: true, withFileTypes: true });
  return names
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`.slice(folder.length))
    .map((name) => name.replaceAll(anyId, '<id>'))
    .sort();
}
