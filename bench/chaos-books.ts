import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { hasEnded, type JobRecord } from '../src/jobs/job-record.ts';
import { JobRecords } from '../src/jobs/job-records.ts';
import { closeRedis, openRedis } from '../src/lib/redis.ts';
import type { ChaosHouse } from './chaos-house.ts';
import type { Asked, ChaosLog } from './chaos-run.ts';

/** What does not balance, in words; and how many jobs ended how. */
export type Books = { faults: string[]; notes: string[]; counts: Record<string, number> };

type Account = { asked: Asked; record: JobRecord };

const patienceMs = 180_000;

/** Waits until every job has ended, ends the workers, and compares all that is left with what jobs say. */
export async function balanceBooks(house: ChaosHouse, log: ChaosLog): Promise<Books> {
  for (const site of house.sites.values()) site.control.clearFaults();
  const redis = openRedis({ url: house.redisUrl, prefix: house.prefix }, 'patient');
  const records = new JobRecords(redis, { prefix: house.prefix, failedUploadDays: 7 });
  try {
    const faults = [...log.troubles, ...(await untilAllEnded(records))];
    await house.endWorkers();
    const { accounts, lost } = await openAccounts(redis, records, log.asked);
    const notes = [...(await lookAtStorage(house, redis, log, faults))];
    faults.push(...lost, ...compareSites(house, accounts, notes));
    faults.push(...(await lookAtRedis(house, redis)));
    return { faults, notes, counts: countStatuses(accounts) };
  } finally {
    await closeRedis(redis);
  }
}

async function untilAllEnded(records: JobRecords): Promise<string[]> {
  const untilMs = Date.now() + patienceMs;
  for (;;) {
    const alive = await records.findAlive();
    if (alive.length === 0) return [];
    if (Date.now() > untilMs) {
      const left = await records.findMany(alive);
      return left.map(
        ({ jobId, status, undo, step, attempt, message, parked }) =>
          `job ${jobId} has not ended: ${status} undo=${undo} step=${step} attempt=${attempt} "${message}" ${JSON.stringify(parked)}`,
      );
    }
    await pause(500);
  }
}

/** Every answer 201 has its job; a request whose answer was lost may have one. */
async function openAccounts(
  redis: Redis,
  records: JobRecords,
  asked: Asked[],
): Promise<{ accounts: Account[]; lost: string[] }> {
  const accounts: Account[] = [];
  const lost: string[] = [];
  for (const one of asked) {
    const key = records.keys.index('reference', one.reference);
    const jobIds = await redis.zrange(key, '0', '-1');
    if (jobIds.length > 1) lost.push(`${one.reference} became ${jobIds.length} jobs`);
    const record = jobIds[0] && (await records.find(jobIds[0]));
    if (record) accounts.push({ asked: one, record });
    if (one.jobId && one.jobId !== jobIds[0] && !(await records.findTombstone(one.jobId)))
      lost.push(`job ${one.jobId} was answered 201 and is lost`);
  }
  return { accounts, lost };
}

function countStatuses(accounts: Account[]): Record<string, number> {
  const counts: Record<string, number> = { accepted: accounts.length };
  for (const { record } of accounts) counts[record.status] = (counts[record.status] ?? 0) + 1;
  for (const { record } of accounts) {
    const code = record.exception?.code;
    if (code) counts[`failed ${code}`] = (counts[`failed ${code}`] ?? 0) + 1;
  }
  const ended = ['successful', 'failed', 'dismissed'].map((status) => counts[status] ?? 0);
  if (ended.reduce((sum, count) => sum + count, 0) !== accounts.length) counts.unbalanced = 1;
  return counts;
}

function compareSites(house: ChaosHouse, accounts: Account[], notes: string[]): string[] {
  const faults: string[] = [];
  for (const [name, { control }] of house.sites) {
    const { services, uploads, siteJobs, folders } = control.state();
    const here = accounts.filter(({ asked }) => asked.site === name);
    const targets = new Set([...here.map(({ asked }) => asked.target), ...services.map(toTarget)]);
    for (const target of targets) {
      const found = services.filter((service) => toTarget(service) === target);
      const fault = compareTarget(
        here.filter(({ asked }) => asked.target === target),
        found,
      );
      if (fault) faults.push(`${name} ${target}: ${fault}`);
    }
    for (const { itemName, description } of uploads)
      faults.push(`${name}: the upload ${itemName} (${description}) was left behind`);
    for (const { jobId, status, isFinal } of siteJobs)
      if (!isFinal) faults.push(`${name}: the site job ${jobId} still runs: ${status}`);
    for (const folder of folders)
      if (!services.some((service) => service.folder === folder))
        notes.push(`${name}: the folder ${folder} is empty`);
    for (const { rule, detail } of control.violations()) faults.push(`${name}: ${rule}: ${detail}`);
  }
  return faults;
}

const toTarget = ({ folder, name }: { folder: string; name: string }) =>
  folder ? `${folder}/${name}` : name;

/** The service is the one of the job that succeeded last; what failed or was dismissed after it left no trace. */
function compareTarget(
  accounts: Account[],
  found: { layers: string[]; realTimeState: string }[],
): string | undefined {
  const inOrder = accounts
    .filter(({ record }) => record.attempt > 0)
    .sort((a, b) => a.record.updatedMs - b.record.updatedMs);
  let expected: string | undefined;
  for (const { asked, record } of inOrder) {
    if (!hasEnded(record)) return undefined; // said already
    const outcome = (record.results as { outcome?: string } | undefined)?.outcome;
    if (outcome === 'created' || outcome === 'replaced' || outcome === 'unchanged')
      expected = asked.layer;
    if (record.undo === 'failed')
      return `${record.jobId} (${record.status}) could not be undone: ${record.message}`;
  }
  const told = inOrder
    .slice(-4)
    .map(
      ({ asked, record }) => `${asked.layer} ${record.jobId} ${record.status} undo=${record.undo}`,
    );
  if (found.length > 1) return `${found.length} services`;
  const [service] = found;
  if (!expected) return service && `a service with ${service.layers} that no job owns (${told})`;
  if (!service) return `no service, ${expected} is expected (${told})`;
  if (!service.layers.includes(expected))
    return `a service with ${service.layers}, ${expected} is expected (${told})`;
  return service.realTimeState === 'STARTED' ? undefined : `is ${service.realTimeState} (${told})`;
}

/** What a killed process left waits for the sweeper of a day later; each kill may leave one file. */
async function lookAtStorage(
  house: ChaosHouse,
  redis: Redis,
  log: ChaosLog,
  faults: string[],
): Promise<string[]> {
  const folder = join(house.folder, 'storage');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const known = new Set(await redis.zrange(`${house.prefix}:uploads`, '0', '-1'));
  const notes: string[] = [];
  for (const file of files.filter((each) => each !== 'sealing.key')) {
    const uploadId = /^uploads\/([^.]+)$/.exec(file)?.[1];
    if (uploadId && known.delete(uploadId)) continue;
    if (file.startsWith('uploads/')) notes.push(`${file} waits for the sweeper`);
    else faults.push(`${file} is left in storage`);
  }
  for (const uploadId of known) faults.push(`the upload ${uploadId} has a record and no file`);
  const kills = log.done['http SIGKILL'] ?? 0;
  if (notes.length > kills) faults.push(`${notes.length} files without owner after ${kills} kills`);
  return notes;
}

/** Keys that may stand for nobody once nothing is under way. */
const unowned =
  /:(lock|line|pending|site-closed|site-probe|folder-remover):?|:bull:(site-[^:]+|here):([0-9a-f-]{36}.*|active|wait|prioritized|delayed|stalled)$/;

async function lookAtRedis(house: ChaosHouse, redis: Redis): Promise<string[]> {
  const keys = await redis.keys(`${house.prefix}:*`);
  const faults = keys
    .filter((key) => unowned.test(key.slice(house.prefix.length)))
    .map((key) => `${key} is left in Redis`);
  for (const key of keys.filter((each) => each.includes(':folder-users:'))) {
    const users = await redis.smembers(key);
    if (users.length > 0) faults.push(`${key} still counts ${users}`);
  }
  for (const key of keys.filter((each) => each.includes(':upload-holds:'))) {
    const holders = await redis.zrangebyscore(key, '+inf', '+inf');
    const stale = holders.filter((holder) => !holder.startsWith('live:'));
    if (stale.length > 0) faults.push(`${key} is held for ever by ${stale}`);
  }
  return faults;
}
