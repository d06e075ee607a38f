import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { test as base, expect, inject } from 'vitest';
import { ChildRows } from '../../src/jobs/child-row.ts';
import { DataStoreValidations } from '../../src/jobs/data-store-validations.ts';
import { EndedJobs } from '../../src/jobs/ended-jobs.ts';
import { FolderUses } from '../../src/jobs/folder-uses.ts';
import { IdempotencyRecords } from '../../src/jobs/idempotency.ts';
import { JobEvents } from '../../src/jobs/job-events.ts';
import { JobIntake, type NewJob } from '../../src/jobs/job-intake.ts';
import { JobList } from '../../src/jobs/job-list.ts';
import { JobLocks } from '../../src/jobs/job-locks.ts';
import { JobQueues } from '../../src/jobs/job-queue.ts';
import { hasEnded, isFinal, type JobRecord } from '../../src/jobs/job-record.ts';
import { JobRecords } from '../../src/jobs/job-records.ts';
import { JobSubmission } from '../../src/jobs/job-submission.ts';
import { PublishLedger } from '../../src/jobs/publish-ledger.ts';
import { RuntimeRecords } from '../../src/jobs/runtime-records.ts';
import { KnownSiteJobItems } from '../../src/jobs/site-job-items.ts';
import { SiteJobTimes } from '../../src/jobs/site-job-times.ts';
import { SiteRecords } from '../../src/jobs/site-records.ts';
import { SiteTroubles } from '../../src/jobs/site-troubles.ts';
import { UploadRecords } from '../../src/jobs/upload-records.ts';
import { createLog } from '../../src/lib/log.ts';
import { closeRedis, openRedis } from '../../src/lib/redis.ts';

/** What is known of jobs, on a real Redis, below a prefix of its own. */
export type JobCore = {
  redis: Redis;
  prefix: string;
  records: JobRecords;
  intake: JobIntake;
  locks: JobLocks;
  endedJobs: EndedJobs;
  queues: JobQueues;
  submission: JobSubmission;
  childRows: ChildRows;
  list: JobList;
  events: JobEvents;
  uploads: UploadRecords;
  idempotency: IdempotencyRecords;
  siteRecords: SiteRecords;
  runtimes: RuntimeRecords;
  siteTroubles: SiteTroubles;
  folderUses: FolderUses;
  siteJobTimes: SiteJobTimes;
  siteJobItems: KnownSiteJobItems;
  ledger: PublishLedger;
  validations: DataStoreValidations;
};

export const silent = createLog({ level: 'silent' });

export const test = base.extend<{ core: JobCore }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  core: async ({}, use) => {
    const prefix = `t${randomUUID().slice(0, 13)}`;
    const redis = openRedis({ url: inject('redisUrl'), prefix }, 'patient');
    const records = new JobRecords(redis, { prefix, failedUploadDays: 7 });
    const { keys } = records;
    const intake = new JobIntake(redis, keys, { failedUploadDays: 7 });
    const queues = new JobQueues(redis, keys);
    const siteRecords = new SiteRecords(redis, keys);
    await use({
      redis,
      prefix,
      records,
      intake,
      locks: new JobLocks(redis, keys),
      endedJobs: new EndedJobs(redis, keys),
      queues,
      submission: new JobSubmission(
        { records, intake, queues, log: silent },
        {
          jobDeadlineHours: 24,
          idempotencyHours: 24,
        },
      ),
      childRows: new ChildRows(redis, keys),
      list: new JobList(redis, records),
      events: new JobEvents(redis, keys),
      uploads: new UploadRecords(redis, keys),
      idempotency: new IdempotencyRecords(redis, keys),
      runtimes: new RuntimeRecords(redis, keys),
      siteRecords,
      siteTroubles: new SiteTroubles(redis, keys, siteRecords),
      folderUses: new FolderUses(redis, keys),
      siteJobTimes: new SiteJobTimes(redis, keys),
      siteJobItems: new KnownSiteJobItems(redis, keys),
      ledger: new PublishLedger(redis, keys, { keepVersions: 2, keepDays: 90 }),
      validations: new DataStoreValidations(redis, keys),
    });
    await queues.close();
    await closeRedis(redis);
  },
});

export function newJob(wanted: Partial<NewJob> = {}): NewJob {
  const createdMs = wanted.createdMs ?? Date.now();
  return {
    jobId: randomUUID(),
    processID: 'echo',
    owner: 'ci',
    queue: 'here',
    priority: 1_000,
    labels: [],
    params: {},
    locks: [],
    uploads: [],
    deadlineMs: createdMs + 3_600_000,
    ...wanted,
    createdMs,
  };
}

/** As it is in the moment of acceptance. */
export function toRecord(job: NewJob): JobRecord {
  const { createdMs: updatedMs, warnings = [] } = job;
  const counted = { seq: 1, rev: 1, attempt: 0, progress: 0, deaths: 0 };
  return {
    ...job,
    ...counted,
    warnings,
    status: 'accepted',
    updatedMs,
    message: '',
    steps: [],
    attempts: [],
  };
}

/** Submits and returns the id. */
export async function submitted(
  { intake }: Pick<JobCore, 'intake'>,
  wanted: Partial<NewJob> = {},
): Promise<string> {
  const job = newJob(wanted);
  expect(await intake.submit(job)).toMatchObject({ kind: 'accepted' });
  return job.jobId;
}

/** Submits and begins: the id, and the number of the attempt. */
export async function begun(
  core: Pick<JobCore, 'records' | 'intake'>,
  wanted: Partial<NewJob> = {},
): Promise<{ jobId: string; attempt: number }> {
  const jobId = await submitted(core, wanted);
  return { jobId, attempt: await beginAgain(core, jobId) };
}

export async function beginAgain({ records }: Pick<JobCore, 'records'>, jobId: string) {
  const attempt = await records.begin(jobId, 'worker');
  if (attempt === undefined) throw new Error('The job has ended');
  return attempt;
}

export async function found({ records }: Pick<JobCore, 'records'>, jobId: string) {
  const record = await records.find(jobId);
  if (!record) throw new Error(`No job ${jobId}`);
  return record;
}

export async function savedUpload(
  { uploads }: Pick<JobCore, 'uploads'>,
  wanted: { owner?: string; createdMs?: number } = {},
): Promise<string> {
  const uploadId = randomUUID();
  const plain = {
    name: 'roads.sd',
    sizeBytes: 7,
    sha256: 'ab',
    owner: 'ci',
    createdMs: Date.now(),
  };
  await uploads.save({ uploadId, ...plain, ...wanted });
  return uploadId;
}

/** Every entry of the stream of changes, oldest first. */
export async function readChanges({ redis, records }: JobCore): Promise<Record<string, string>[]> {
  const rows = await redis.xrange(records.keys.changes, '-', '+');
  return rows.map(([, fields]) =>
    Object.fromEntries(
      fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? '']] : [])),
    ),
  );
}

/** The messages in a job's log, oldest first. */
export async function readMessages({ events }: JobCore, jobId: string): Promise<string[]> {
  const rows = await events.readLog(jobId, '', 1_000);
  return rows.map(({ entry }) => (entry as { message: string }).message);
}

/** Indexes, stream and events say exactly what the records say. */
export async function expectConsistent(core: JobCore): Promise<void> {
  const ids = (await core.redis.keys(`${core.prefix}:job:*`)).map((key) => key.split(':')[2] ?? '');
  const records = await core.records.findMany(ids);
  expect(records).toHaveLength(ids.length);
  expect(await readIndexes(core)).toEqual(expectedIndexes(records));
  const ended = records.filter((record) => isFinal(record.status)).map(({ jobId }) => jobId);
  expect((await core.redis.zrange(core.records.keys.ended, '0', '-1')).sort()).toEqual(
    ended.sort(),
  );
  const changes = await readChanges(core);
  for (const record of records) {
    const told = changes.filter(({ jobId, kind }) => jobId === record.jobId && kind !== 'log');
    const revisions = Array.from({ length: record.rev }, (_, index) => index + 1);
    expect(told.map(({ rev }) => Number(rev))).toEqual(revisions);
    expect(told.at(-1)).toMatchObject({ status: record.status, owner: record.owner });
    const events = await core.events.readAfter(record.jobId, 0);
    expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index + 1));
    const last = events.findLast(({ kind }) => kind === 'status');
    const { rev, status, message, progress } = record;
    expect(last).toMatchObject({ rev, status, message, progress });
  }
}

async function readIndexes({ redis, prefix }: JobCore): Promise<Record<string, string[]>> {
  const names = await redis.keys(`${prefix}:index:*`);
  const read = names.map(
    async (name): Promise<[string, string[]]> => [
      name.slice(`${prefix}:index:`.length),
      (await redis.zrange(name, '0', '-1')).sort(),
    ],
  );
  return Object.fromEntries(await Promise.all(read));
}

function expectedIndexes(records: JobRecord[]): Record<string, string[]> {
  const indexes: Record<string, string[]> = {};
  const add = (name: string, jobId: string) => {
    indexes[name] = [...(indexes[name] ?? []), jobId].sort();
  };
  for (const record of records) {
    const { jobId } = record;
    add('all', jobId);
    add(`status:${record.status}`, jobId);
    add(`owner:${record.owner}`, jobId);
    add(`process:${record.processID}`, jobId);
    if (record.site) add(`site:${record.site}`, jobId);
    if (record.reference) add(`reference:${record.reference}`, jobId);
    if (record.parentID) add(`parent:${record.parentID}`, jobId);
    for (const label of record.labels) add(`label:${label}`, jobId);
    if (record.status === 'accepted') add(`waiting:${record.queue}`, jobId);
    if (record.status === 'dismissed' && !hasEnded(record)) add('undo:pending', jobId);
  }
  return indexes;
}
