import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fault } from '../src/simulated-site/simulated-site.ts';
import { hang, status } from '../test/support/receiver.ts';
import type { ChaosHouse } from './chaos-house.ts';
import { postJson } from './chaos-jobs.ts';
import type { SeededRandom } from './seeded-random.ts';

const siteFaults: readonly ((random: SeededRandom) => Fault)[] = [
  (random) => ({
    kind: 'answer-lost',
    operation: random.pick([
      ...['upload', 'submit', 'create-folder', 'delete-upload', 'poll', 'delete-service'],
      ...['register-item', 'edit-data-item', 'unregister-item'],
    ]),
  }),
  (random) => ({
    kind: 'connection-cut',
    operation: random.pick([
      ...['upload', 'submit', 'list-services', 'poll', 'delete-upload', 'register-item'],
    ]),
  }),
  (random) => ({
    kind: 'proxy-error',
    operation: random.pick(['upload', 'submit', 'service', 'poll', 'edit-data-item']),
    work: random.pick(['before', 'after']),
  }),
  () => ({ kind: 'busy-store', text: 1 }),
  () => ({ kind: 'late-submit', ms: 300 }),
  () => ({ kind: 'slow', ms: 700 }),
  () => ({ kind: 'expire-token' }),
  () => ({ kind: 'lying-success' }),
  () => ({ kind: 'fewer-layers', by: 1 }),
  () => ({ kind: 'not-listed-yet', ms: 500 }),
  () => ({ kind: 'refuse-cancel' }),
  () => ({ kind: 'refuse-jobs-query', forMs: 6_000 }),
  () => ({ kind: 'read-only', forMs: 2_500 }),
  () => ({ kind: 'upgrading', forMs: 2_500 }),
  () => ({ kind: 'connection-cut', times: 1_000, forMs: 2_500 }), // the site is down
  () => ({ kind: 'disk-full' }),
  (random) => ({
    kind: 'fail-publish',
    messages: ['ERROR 001369: Failed to create the service.'],
    leaves: random.pick(['nothing', 'half-made']),
  }),
];

/** Something that goes wrong on one of the sites. @returns what, in a word */
export function spoilSite(house: ChaosHouse, random: SeededRandom): string {
  const fault = random.pick(siteFaults)(random);
  random.pick([...house.sites.values()]).control.fault(fault);
  return fault.kind;
}

/** Something that goes wrong with our own machines; over when it resolves. @returns what, in a few words */
type Disturbance = (house: ChaosHouse, random: SeededRandom) => Promise<string>;

export const disturbances: readonly Disturbance[] = [
  (house, random) => replaceWorker(house, random, 'SIGKILL'),
  (house, random) => replaceWorker(house, random, 'SIGKILL'),
  (house, random) => replaceWorker(house, random, 'SIGTERM'),
  freezeWorker,
  restartHttp,
  restartRedis,
  cutLine,
  slowRedis,
  restartAllWorkers,
  fillDisk,
  holdSite,
  deafReceiver,
];

/** Only killing, for a run with many jobs. */
export const killings: readonly Disturbance[] = [
  (house, random) => replaceWorker(house, random, 'SIGKILL'),
];

async function replaceWorker(
  house: ChaosHouse,
  random: SeededRandom,
  signal: 'SIGKILL' | 'SIGTERM',
): Promise<string> {
  const worker = random.pick([...house.workers]);
  const [code] = await Promise.all([house.endWorker(worker, signal), house.startWorker()]);
  const isBad = signal === 'SIGTERM' && code !== 0;
  return isBad ? `worker ended badly: ${code}` : `worker ${signal}`;
}

async function freezeWorker(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const { process } = random.pick([...house.workers]);
  process.signal('SIGSTOP');
  await pause(random.between(1_000, 7_000));
  process.signal('SIGCONT');
  return 'worker frozen';
}

async function restartHttp(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const signal = random.pick(['SIGKILL', 'SIGTERM'] as const);
  house.http?.signal(signal);
  const ended = await house.http?.ended;
  await house.startHttp();
  const isBad = signal === 'SIGTERM' && ended?.code !== 0;
  return isBad ? `http ended badly: ${ended?.code}` : `http ${signal}`;
}

async function restartRedis(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const isKilled = random.chance(0.7);
  if (isKilled) process.kill(house.redis?.pid ?? 0, 'SIGKILL');
  await house.redis?.close();
  await pause(random.between(100, 3_000));
  await house.startRedis();
  return `Redis ${isKilled ? 'killed' : 'ended'} and started again`;
}

/** The worker lives and cannot reach Redis: another attempt begins beside its own. */
async function cutLine(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const { line } = random.pick([...house.workers]);
  line.cut();
  await pause(random.between(500, 6_000));
  line.mend();
  return 'line to Redis cut';
}

async function slowRedis(house: ChaosHouse, random: SeededRandom): Promise<string> {
  for (const { line } of house.workers) line.slowDown(random.between(20, 250));
  await pause(random.between(2_000, 5_000));
  for (const { line } of house.workers) line.slowDown(0);
  return 'Redis slow';
}

async function restartAllWorkers(house: ChaosHouse): Promise<string> {
  for (const old of [...house.workers]) {
    await house.startWorker();
    const code = await house.endWorker(old, 'SIGTERM');
    if (code !== 0) return `worker ended badly: ${code}`;
  }
  return 'rolling restart';
}

/** Where storage is a small disk of its own, all that is left of it is taken for a while. */
async function fillDisk(house: ChaosHouse, random: SeededRandom): Promise<string> {
  if (!house.isStorageSmall) return 'disk not filled: that needs root';
  const ballast = join(house.folder, 'storage', 'ballast');
  const block = Buffer.alloc(1 << 20);
  try {
    for (;;) await writeFile(ballast, block, { flag: 'a' });
  } catch {
    await pause(random.between(500, 3_000));
  } finally {
    await rm(ballast, { force: true });
  }
  return 'disk full';
}

async function holdSite(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const site = `/v1/sites/${random.pick([...house.sites.keys()])}`;
  try {
    await postJson(house, `${site}/hold`, {
      reason: 'Chaos',
      until: new Date(Date.now() + 6_000).toISOString(),
    });
    await pause(random.between(500, 3_000));
    await postJson(house, `${site}/release`);
    return 'site held and released';
  } catch {
    return 'site held'; // or not: the API was away. It ends by itself
  }
}

/** The receiver hangs, lies or sends elsewhere; after that it is well again, and owed all of it. */
async function deafReceiver(house: ChaosHouse, random: SeededRandom): Promise<string> {
  const answer = random.pick([hang, status(500), status(302, { location: 'http://127.0.0.1:1/' })]);
  house.receiver.answerAlways(answer);
  await pause(random.between(1_000, 4_000));
  house.receiver.answerAlways(status(204));
  return 'receiver deaf';
}
