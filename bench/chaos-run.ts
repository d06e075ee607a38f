import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { buildServiceDefinition } from '../src/documents/service-definition-builder.ts';
import type { Fault } from '../src/simulated-site/simulated-site.ts';
import type { ChaosHouse } from './chaos-house.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What was asked for. Without a job id the answer was lost: the job may exist all the same. */
export type Asked = {
  reference: string;
  site: string;
  target: string;
  layer: string;
  jobId?: string;
};

type Say = (line: string) => void;

const folders = ['', 'Transport', 'Water'] as const;
const names = ['Roads', 'Bridges', 'Rivers'] as const;

const faults: readonly ((random: SeededRandom) => Fault)[] = [
  (random) => ({
    kind: 'answer-lost',
    operation: random.pick(['upload', 'submit', 'create-folder', 'delete-upload', 'poll']),
  }),
  (random) => ({
    kind: 'connection-cut',
    operation: random.pick(['upload', 'submit', 'list-services', 'poll', 'delete-upload']),
  }),
  (random) => ({
    kind: 'proxy-error',
    operation: random.pick(['upload', 'submit', 'service', 'poll']),
    work: random.pick(['before', 'after']),
  }),
  () => ({ kind: 'busy-store', text: 1 }),
  () => ({ kind: 'late-submit', ms: 300 }),
  () => ({ kind: 'slow', ms: 700 }),
  () => ({ kind: 'expire-token' }),
  () => ({ kind: 'lying-success' }),
  () => ({ kind: 'fewer-layers', by: 1 }),
  () => ({ kind: 'not-listed-yet', ms: 500 }),
  (random) => ({
    kind: 'fail-publish',
    messages: ['ERROR 001369: Failed to create the service.'],
    leaves: random.pick(['nothing', 'half-made']),
  }),
];

type Disturbance = (house: ChaosHouse, random: SeededRandom) => Promise<string>;

const disturbances: readonly Disturbance[] = [
  (house, random) => replaceWorker(house, random, 'SIGKILL'),
  (house, random) => replaceWorker(house, random, 'SIGKILL'),
  (house, random) => replaceWorker(house, random, 'SIGTERM'),
  async (house, random) => {
    const worker = random.pick([...house.workers]);
    const ms = random.between(1_000, 7_000);
    worker.signal('SIGSTOP');
    await pause(ms);
    worker.signal('SIGCONT');
    return `worker ${worker.pid} frozen for ${Math.round(ms)} ms`;
  },
  async (house, random) => {
    const signal = random.pick(['SIGKILL', 'SIGTERM'] as const);
    house.http?.signal(signal);
    await house.http?.ended;
    await house.startHttp();
    return `http ${signal}`;
  },
  async (house, random) => {
    const ms = random.between(100, 3_000);
    if (random.chance(0.7)) process.kill(house.redis?.pid ?? 0, 'SIGKILL');
    await house.redis?.close();
    await pause(ms);
    await house.startRedis();
    return `Redis away for ${Math.round(ms)} ms`;
  },
];

async function replaceWorker(
  house: ChaosHouse,
  random: SeededRandom,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<string> {
  const worker = random.pick([...house.workers]);
  house.workers.delete(worker);
  worker.signal(signal);
  const [{ code }] = await Promise.all([worker.ended, house.startWorker()]);
  if (signal === 'SIGTERM' && code !== 0) return `worker ${worker.pid} ended badly: ${code}`;
  return `worker ${worker.pid} ${signal}`;
}

export type ChaosLog = { asked: Asked[]; done: Record<string, number>; troubles: string[] };

/** Publishes, dismisses, and makes things go wrong, until the time is over. */
export async function runChaos(
  house: ChaosHouse,
  { minutes, random, say }: { minutes: number; random: SeededRandom; say: Say },
): Promise<ChaosLog> {
  const log: ChaosLog = { asked: [], done: {}, troubles: [] };
  const untilMs = Date.now() + minutes * 60_000;
  const dismissals: Promise<void>[] = [];

  async function publishOn(): Promise<void> {
    while (Date.now() < untilMs) {
      const asked = await publish(house, random, log.asked.length);
      log.asked.push(asked);
      if (asked.jobId && random.chance(0.12))
        dismissals.push(dismissLater(house, asked.jobId, random.between(0, 4_000)));
      if (random.chance(0.25)) {
        house.sites
          .get(random.pick(['north', 'south']))
          ?.control.fault(random.pick(faults)(random));
      }
      await pause(random.between(200, 1_400));
    }
  }

  async function disturbOn(): Promise<void> {
    while (Date.now() < untilMs) {
      await pause(random.between(2_000, 7_000));
      const what = await random.pick(disturbances)(house, random);
      const kind = what.replaceAll(/\d+ ?/g, '');
      log.done[kind] = (log.done[kind] ?? 0) + 1;
      if (what.includes('badly')) log.troubles.push(what);
      say(
        `${Math.round((untilMs - Date.now()) / 1000)} s left, ${log.asked.length} asked: ${what}`,
      );
    }
  }

  await Promise.all([publishOn(), disturbOn()]);
  await Promise.all(dismissals);
  return log;
}

async function publish(house: ChaosHouse, random: SeededRandom, number: number): Promise<Asked> {
  const [site, folder, serviceName] = [
    random.pick([...house.sites.keys()]),
    random.pick(folders),
    random.pick(names),
  ];
  const layer = `Job${number}`;
  const ifExists = random.pick(['replace', 'replace', 'replace', 'skip', 'fail']);
  const path = join(house.folder, `${randomUUID()}.sd`);
  await buildServiceDefinition(path, { serviceName, layers: ['Base', layer] });
  const asked = {
    reference: `chaos-${number}`,
    site,
    target: folder ? `${folder}/${serviceName}` : serviceName,
    layer,
  };
  const form = new FormData();
  const inputs = { site, folder: folder || '/', serviceName, ifExists };
  for (const [name, value] of Object.entries(inputs)) form.set(name, value);
  form.set('reference', asked.reference);
  form.set('serviceDefinition', await openAsBlob(path), 'definition.sd');
  try {
    const response = await fetch(`${house.url}/v1/processes/publish-service-definition/execution`, {
      method: 'POST',
      body: form,
      signal: AbortSignal.timeout(20_000),
    });
    const { jobID } = (await response.json()) as { jobID?: string };
    return response.status === 201 && jobID ? { ...asked, jobId: jobID } : asked;
  } catch {
    return asked; // the API was away: whether the job exists is seen when the books are balanced
  } finally {
    await rm(path, { force: true });
  }
}

async function dismissLater(house: ChaosHouse, jobId: string, ms: number): Promise<void> {
  await pause(ms);
  const signal = AbortSignal.timeout(20_000);
  const job = `${house.url}/v1/jobs/${jobId}`;
  try {
    const { status } = (await (await fetch(job, { signal })).json()) as { status?: string };
    // To delete a job that has ended removes its record, and the books need that.
    if (status === 'accepted' || status === 'running')
      await fetch(job, { method: 'DELETE', signal });
  } catch {
    return; // the API is away: then it is not dismissed
  }
}
