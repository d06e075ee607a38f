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

function upkeepOf(core: JobCore, storage: FolderStorage): Upkeep {
  const {
    queue,
    uploads: uploadsConfig,
    retention,
  } = Config.parse({
    queue: { sweepSeconds: 0.02, reconcileSeconds: 0.02 },
  });
  const options = { jobDeadlineHours: 1, idempotencyHours: 1 };
  const submission = new JobSubmission(core.records, core.queues, silent, options);
  return new Upkeep({ ...core, submission, storage, queue, uploadsConfig, retention, log: silent });
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
  const success = { status: 'successful' as const, results: {} };
  for (const { jobId, attempt } of [old, fresh])
    await core.records.change(jobId, attempt, 'ended', success);
  await core.redis.zadd(core.records.keys.ended, Date.now() - 31 * dayMs, old.jobId);
  await kept.storage.writeText(`snapshots/${old.jobId}.json`, '{}');
  await kept.upkeep.expire();
  const left = await core.records.findMany([old.jobId, running.jobId, fresh.jobId]);
  expect(left.map(({ jobId }) => jobId)).toEqual([running.jobId, fresh.jobId]);
  expect(await kept.storage.findText(`snapshots/${old.jobId}.json`)).toBeUndefined();
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
  await kept.upkeep.expire();
  expect(await core.uploads.find(unused)).toBeUndefined();
  expect((await readdir(join(kept.folder, 'uploads'))).sort()).toEqual([needed, fresh].sort());
});

test('many old uploads that are needed do not hide those that are not', async ({ core, kept }) => {
  for (let index = 0; index < 220; index += 1)
    await core.uploads.hold(await savedUpload(core, { createdMs: 1_000 + index }), 'published');
  const unused = await storedUpload(core, kept, 2_000);
  await kept.upkeep.expire();
  expect(await core.uploads.find(unused)).toBeUndefined();
});

test('files that no record knows of go at the age of uploads', async ({ core, kept }) => {
  const known = await storedUpload(core, kept, Date.now());
  for (const name of ['orphan', 'young']) await kept.storage.writeText(`uploads/${name}`, 'roads');
  for (const name of ['orphan', known]) await utimes(join(kept.folder, 'uploads', name), 1, 1);
  await kept.upkeep.expire();
  expect((await readdir(join(kept.folder, 'uploads'))).sort()).toEqual([known, 'young'].sort());
});

test('what broken-off writes left goes after a day', async ({ kept }) => {
  const [old, young] = [join(kept.folder, 'old.part'), join(kept.folder, 'young.part')];
  await writeFile(old, '');
  await writeFile(young, '');
  await utimes(old, 1, 1);
  for (const name of ['old', 'young']) await kept.storage.writeText(`scratch/${name}`, 'copy');
  await utimes(join(kept.folder, 'scratch/old'), 1, 1);
  await kept.upkeep.expire();
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
