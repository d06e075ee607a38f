import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { EndedJobs } from '../src/jobs/ended-jobs.ts';
import { isFinal } from '../src/jobs/job-record.ts';
import { JobRecords } from '../src/jobs/job-records.ts';
import { closeRedis, openRedis } from '../src/lib/redis.ts';
import type { ChaosHouse } from './chaos-house.ts';
import { type Asked, postJson } from './chaos-jobs.ts';
import { lookAtRedis, lookAtStorage } from './chaos-leftovers.ts';
import type { ChaosLog } from './chaos-run.ts';
import { type Account, compareSites } from './chaos-site-books.ts';

/** What does not balance, in words; and how many jobs ended how. */
export type Books = { faults: string[]; notes: string[]; counts: Record<string, number> };

const patienceMs = 180_000;
const deliveryPatienceMs = 60_000;

/** Waits until every job has ended, ends the workers, and compares all that is left with what jobs say. */
export async function balanceBooks(house: ChaosHouse, log: ChaosLog): Promise<Books> {
  for (const site of house.sites.values()) site.control.clearFaults();
  await releaseSites(house);
  const redis = openRedis({ url: house.redisUrl, prefix: house.prefix }, 'patient');
  const records = new JobRecords(redis, { prefix: house.prefix, failedUploadDays: 7 });
  try {
    const faults = [...log.troubles, ...(await untilAllEnded(records))];
    const { accounts, lost } = await openAccounts(redis, records, log.asked);
    faults.push(...lost, ...(await untilAllTold(house, accounts)));
    await house.endWorkers();
    const notes = [...(await lookAtStorage(house, redis, log, faults))];
    faults.push(...findFaultsOfOurs(house, accounts));
    faults.push(...compareSites(house, accounts, notes), ...(await lookAtRedis(house, redis)));
    return { faults, notes, counts: countStatuses(accounts) };
  } finally {
    await closeRedis(redis);
  }
}

/** A site on which much failed is held by Pressroom for a while: its people look after it, and let jobs go on. */
async function releaseSites(house: ChaosHouse): Promise<void> {
  for (const site of house.sites.keys())
    await postJson(house, `/v1/sites/${site}/release`).catch(() => undefined); // it is not held
}

async function untilAllEnded(records: JobRecords): Promise<string[]> {
  for (let untilMs = Date.now() + patienceMs, before = 0; ; ) {
    const alive = await records.findAlive();
    if (alive.length === 0) return [];
    if (alive.length !== before) untilMs = Date.now() + patienceMs; // it goes on
    before = alive.length;
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
    if (
      one.jobId &&
      one.jobId !== jobIds[0] &&
      !(await new EndedJobs(redis, records.keys).findTombstone(one.jobId))
    )
      lost.push(`job ${one.jobId} was answered 201 and is lost`);
  }
  return { accounts, lost };
}

/** The receiver has heard of the end of every job, at least once, and of no other end. */
async function untilAllTold(house: ChaosHouse, accounts: Account[]): Promise<string[]> {
  const untilMs = Date.now() + deliveryPatienceMs;
  for (;;) {
    const faults = findUntold(house, accounts);
    if (faults.length === 0 || Date.now() > untilMs) return faults;
    await pause(500);
  }
}

function findUntold({ receiver }: ChaosHouse, accounts: Account[]): string[] {
  const told = new Map<string, Set<string>>();
  for (const { body } of receiver.calls) {
    const event = JSON.parse(body.toString()) as { type: string; data: { jobId: string } };
    told.set(event.data.jobId, (told.get(event.data.jobId) ?? new Set()).add(event.type));
  }
  return accounts.flatMap(({ record: { jobId, status } }) => {
    if (!isFinal(status)) return [];
    const types = [...(told.get(jobId) ?? [])];
    if (types.length === 1 && types[0] === `job.${status}`) return [];
    return [
      `job ${jobId} is ${status}, and the receiver was told ${types.join(', ') || 'nothing'}`,
    ];
  });
}

/** Whatever goes wrong outside, a job never ends for a fault of ours. */
function findFaultsOfOurs(house: ChaosHouse, accounts: Account[]): string[] {
  return accounts
    .filter(({ record }) => record.exception?.code === 'internal_error')
    .map(({ record: { jobId } }) => {
      const lines = house.findLogLines(jobId, /fault of ours/);
      return `job ${jobId} ended for a fault of ours: ${lines.join(' ')}`;
    });
}

function countStatuses(accounts: Account[]): Record<string, number> {
  const counts: Record<string, number> = { accepted: accounts.length };
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  for (const { record } of accounts) count(record.status);
  for (const { record } of accounts) if (record.exception) count(`failed ${record.exception.code}`);
  const ended = ['successful', 'failed', 'dismissed'].map((status) => counts[status] ?? 0);
  if (ended.reduce((sum, one) => sum + one, 0) !== accounts.length) counts.unbalanced = 1;
  return counts;
}
