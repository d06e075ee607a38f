import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, vi } from 'vitest';
import {
  test as base,
  begun,
  expectConsistent,
  found,
  type JobCore,
  savedUpload,
  silent,
  submitted,
} from '../../test/support/job-core.ts';
import { findArtifact, keepArtifact } from '../jobs/artifact-records.ts';
import { DeliveryRecords } from '../jobs/delivery-records.ts';
import { JobSubmission } from '../jobs/job-submission.ts';
import { storageKeyOfUpload } from '../jobs/upload-records.ts';
import { Config } from '../lib/config.ts';
import { FolderStorage } from '../storage/folder-storage.ts';
import { Upkeep } from './upkeep.ts';

const dayMs = 86_400_000;

type Kept = { upkeep: Upkeep; storage: FolderStorage; folder: string };

const test = base.extend<{ kept: Kept }>({
  kept: async ({ core }, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'upkeep-'));
    const storage = new FolderStorage(folder);
    await use({ upkeep: upkeepOf(core, storage), storage, folder });
    await rm(folder, { recursive: true, force: true });
  },
});

function upkeepOf(core: JobCore, storage: FolderStorage, more: object = {}): Upkeep {
  const {
    queue,
    uploads: uploadsConfig,
    retention,
    webhooks,
  } = Config.parse({
    queue: { sweepSeconds: 0.02, reconcileSeconds: 0.02 },
    ...more,
  });
  const deliveries = new DeliveryRecords(core.redis, core.records.keys, webhooks);
  const options = { jobDeadlineHours: 1, idempotencyHours: 1 };
  const submission = new JobSubmission({ ...core, log: silent }, options);
  return new Upkeep({
    ...core,
    submission,
    deliveries,
    storage,
    queue,
    uploadsConfig,
    retention,
    log: silent,
  });
}

/** An upload with its file. */
async function storedUpload(core: JobCore, { storage }: Kept, createdMs: number): Promise<string> {
  const uploadId = await savedUpload(core, { createdMs });
  await storage.write(storageKeyOfUpload(uploadId), Readable.from([Buffer.from('roads')]), {
    maxBytes: 10,
  });
  return uploadId;
}

test('what is pending is queued, once', async ({ core, kept }) => {
  const jobId = await submitted(core, { queue: 'site-demo', site: 'demo' });
  const record = await found(core, jobId);
  expect(await core.queues.findMissing([record])).toEqual([true]);
  await kept.upkeep.sweepPending();
  await kept.upkeep.sweepPending();
  expect(await core.queues.findMissing([record])).toEqual([false]);
  expect(await core.queues.count('site-demo')).toMatchObject({ prioritized: 1 });
  expect(await core.records.readPending()).toEqual({});
});

test('a job that was lost between is queued again; what has ended is left', async ({
  core,
  kept,
}) => {
  const accepted = await submitted(core);
  const running = (await begun(core)).jobId;
  const dismissed = (await begun(core)).jobId;
  const done = await begun(core);
  await core.records.dismiss(dismissed);
  await core.records.change(done.jobId, done.attempt, 'ended', {
    status: 'successful',
    results: {},
  });
  await kept.upkeep.reconcile();
  const records = await core.records.findMany([accepted, running, dismissed, done.jobId]);
  expect(await core.queues.findMissing(records)).toEqual([false, false, false, true]);
  await expectConsistent(core);
});

test('jobs go at their age, and not before they have ended', async ({ core, kept }) => {
  const old = await begun(core, { createdMs: 1 });
  const running = await begun(core, { createdMs: 1 });
  const fresh = await begun(core);
  for (const { jobId, attempt } of [old, fresh])
    await core.records.change(jobId, attempt, 'ended', success);
  await core.redis.zadd(core.records.keys.ended, Date.now() - 31 * dayMs, old.jobId);
  await kept.storage.writeText(`snapshots/${old.jobId}.json`, '{}');
  await kept.upkeep.retention.sweep();
  const left = await core.records.findMany([old.jobId, running.jobId, fresh.jobId]);
  expect(left.map(({ jobId }) => jobId)).toEqual([running.jobId, fresh.jobId]);
  expect(await kept.storage.findText(`snapshots/${old.jobId}.json`)).toBeUndefined();
});

const success = { status: 'successful' as const, results: {} };

/** Jobs that ended one after the other, each with a message in its log. */
async function endedJobs(core: JobCore, count: number): Promise<string[]> {
  const jobIds: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { jobId, attempt } = await begun(core);
    await core.records.appendLog(jobId, { message: `of ${index}` });
    await core.records.change(jobId, attempt, 'ended', success);
    await core.redis.zadd(core.records.keys.ended, Date.now() - 1_000 + index, jobId);
    jobIds.push(jobId);
  }
  return jobIds;
}

test('of ended jobs so many are kept, and of their logs', async ({ core, kept }) => {
  const running = await begun(core);
  const jobIds = await endedJobs(core, 6);
  const upkeep = upkeepOf(core, kept.storage, { retention: { endedJobs: 4, logs: 2 } });
  await upkeep.retention.sweep();
  await upkeep.retention.sweep();

  const left = await core.records.findMany([running.jobId, ...jobIds]);
  expect(left.map(({ jobId }) => jobId)).toEqual([running.jobId, ...jobIds.slice(2)]);
  const logs = await Promise.all(jobIds.map((jobId) => core.events.readLog(jobId, '', 10)));
  expect(logs.map(({ length }) => length)).toEqual([0, 0, 0, 0, 1, 1]);
});

test('a child is kept as long as its parent is at work, and hides nobody behind it', async ({
  core,
  kept,
}) => {
  const parent = await begun(core);
  const [child = '', other = ''] = await endedJobs(core, 2);
  await core.redis.hset(core.records.keys.job(child), 'parentID', parent.jobId);
  const upkeep = upkeepOf(core, kept.storage, { retention: { endedJobs: 1, endedJobDays: 1e-9 } });
  await upkeep.retention.sweep();
  expect(await core.records.find(other)).toBeUndefined();
  expect(await core.records.find(child)).toBeDefined();

  await core.records.change(parent.jobId, parent.attempt, 'ended', success);
  await upkeep.retention.sweep();

  expect(await core.records.find(child)).toBeUndefined();
});

test('of made files so many are kept, and those that a job at work has made', async ({
  core,
  kept,
}) => {
  const source = join(kept.folder, 'map.mapx');
  await writeFile(source, '{}');
  const atWork = await begun(core);
  const made = [atWork.jobId, ...(await endedJobs(core, 3))];
  for (const [index, jobId] of made.entries()) {
    const signal = AbortSignal.timeout(10_000);
    const file = { jobId, owner: 'ci', name: 'map.mapx', path: source, signal };
    await keepArtifact(kept.storage, file);
    await utimes(join(kept.folder, 'artifacts', jobId), 1_000 + index, 1_000 + index);
  }
  const limits = { retention: { artifacts: 1, artifactDays: 1_000_000 } };
  await upkeepOf(core, kept.storage, limits).retention.sweepBelongings();

  const left = await Promise.all(made.map((jobId) => findArtifact(kept.storage, jobId)));
  expect(left.map((each) => each !== undefined)).toEqual([true, false, false, true]);
});

test('what belonged to a job that is gone goes, a moment after', async ({ core, kept }) => {
  const alive = await begun(core);
  const gone = randomUUID();
  const files = [alive.jobId, gone].flatMap((jobId) => [
    ...[`snapshots/${jobId}.json`, `plans/${jobId}.json`],
    ...[`artifacts/${jobId}`, `artifacts/${jobId}.json`],
  ]);
  for (const file of [...files, `plans/${randomUUID()}.json`])
    await kept.storage.writeText(file, '{}');
  for (const file of files) await utimes(join(kept.folder, file), 1, 1);
  const limits = { retention: { artifactDays: 1_000_000 } };
  await upkeepOf(core, kept.storage, limits).retention.sweepBelongings();

  const left = await Promise.all(files.map((file) => kept.storage.findSize(file)));
  expect(left.map((size) => size !== undefined)).toEqual([
    ...[true, true, true, true],
    ...[false, false, false, false],
  ]);
  expect(await readdir(join(kept.folder, 'plans'))).toHaveLength(2); // the young one waits
});

test('of uploads so many are kept, and those that somebody needs', async ({ core, kept }) => {
  const uploadIds: string[] = [];
  for (let index = 0; index < 4; index += 1)
    uploadIds.push(await storedUpload(core, kept, Date.now() - 1_000 + index));
  await core.uploads.hold(uploadIds[0] ?? '', 'a schedule');
  await upkeepOf(core, kept.storage, { uploads: { keepCount: 2 } }).retention.sweep();

  const left = await Promise.all(uploadIds.map((uploadId) => core.uploads.find(uploadId)));
  expect(left.map((each) => each !== undefined)).toEqual([true, false, true, true]);
});

test('of settled deliveries so many are kept, and all that are owed', async ({ core, kept }) => {
  const deliveries = new DeliveryRecords(core.redis, core.records.keys, {
    keepDays: 1,
    keepCount: 1,
  });
  const ids = ['owed', 'first', 'second'];
  for (const deliveryId of ids) {
    const plain = {
      owner: 'ci',
      url: 'https://ci.example.org/',
      body: '{}',
      createdMs: Date.now(),
    };
    const kind = { kind: 'endpoint', endpointId: 'e1', event: 'job.successful' } as const;
    await deliveries.create({ deliveryId, ...plain, ...kind });
    if (deliveryId !== 'owed') await deliveries.settle(deliveryId, { status: 'delivered' });
  }
  await upkeepOf(core, kept.storage, { webhooks: { keepCount: 1 } }).retention.sweep();

  const left = await deliveries.listOfEndpoint('e1', { count: 10 });
  expect(left.map(({ deliveryId }) => deliveryId).sort()).toEqual(['owed', 'second']);
});

test('uploads go at their age with their files, unless somebody needs them', async ({
  core,
  kept,
}) => {
  const long = Date.now() - 2 * dayMs;
  const [unused, needed, fresh] = [
    await storedUpload(core, kept, long),
    await storedUpload(core, kept, long),
    await storedUpload(core, kept, Date.now()),
  ];
  await begun(core, { uploads: [needed] });
  await kept.upkeep.retention.sweep();
  expect(await core.uploads.find(unused)).toBeUndefined();
  expect((await readdir(join(kept.folder, 'uploads'))).sort()).toEqual([needed, fresh].sort());
});

test('many old uploads that are needed do not hide those that are not', async ({ core, kept }) => {
  for (let index = 0; index < 220; index += 1)
    await core.uploads.hold(await savedUpload(core, { createdMs: 1_000 + index }), 'published');
  const unused = await storedUpload(core, kept, 2_000);
  await kept.upkeep.retention.sweep();
  expect(await core.uploads.find(unused)).toBeUndefined();
});

test('files that no record knows of go at the age of uploads', async ({ core, kept }) => {
  const known = await storedUpload(core, kept, Date.now());
  for (const name of ['orphan', 'young']) await kept.storage.writeText(`uploads/${name}`, 'roads');
  for (const name of ['orphan', known]) await utimes(join(kept.folder, 'uploads', name), 1, 1);
  await kept.upkeep.retention.sweep();
  expect((await readdir(join(kept.folder, 'uploads'))).sort()).toEqual([known, 'young'].sort());
});

test('what broken-off writes left goes after a day', async ({ kept }) => {
  const [old, young] = [join(kept.folder, 'old.part'), join(kept.folder, 'young.part')];
  await writeFile(old, '');
  await writeFile(young, '');
  await utimes(old, 1, 1);
  for (const name of ['old', 'young']) await kept.storage.writeText(`scratch/${name}`, 'copy');
  await utimes(join(kept.folder, 'scratch/old'), 1, 1);
  await kept.upkeep.retention.sweep();
  expect((await readdir(kept.folder)).sort()).toEqual(['scratch', 'young.part']);
  expect(await readdir(join(kept.folder, 'scratch'))).toEqual(['young']);
});

test('it goes on by itself, survives a failure, and ends when it is closed', async ({
  core,
  kept,
}) => {
  await core.redis.set(core.records.keys.pending, 'not a hash: every sweep fails');
  kept.upkeep.open();
  await core.redis.del(core.records.keys.pending);
  const jobId = await submitted(core);
  const running = await begun(core);
  await vi.waitFor(async () => {
    const records = await core.records.findMany([jobId, running.jobId]);
    expect(await core.queues.findMissing(records)).toEqual([false, false]);
  });
  await kept.upkeep.close();
  await submitted(core);
  expect(Object.keys(await core.records.readPending())).toHaveLength(1);
});
