import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { type JobCore, savedUpload, test } from '../../test/support/job-core.ts';
import type { LedgerEntry, LiveLook } from './publish-ledger.ts';
import { PublishLedger } from './publish-ledger.ts';

const roads = 'Transport/Roads.MapServer';

/** Records a publish of a file of its own, unless it is told which. */
async function publish(
  core: JobCore,
  wanted: Partial<LedgerEntry> & { uploadId?: string; live?: LiveLook | null } = {},
) {
  const { uploadId = await savedUpload(core), live = {}, ...more } = wanted;
  const entry: LedgerEntry = {
    jobId: randomUUID(),
    owner: 'ci',
    publishedMs: 1_000,
    result: 'created',
    sha256: uploadId,
    fileName: 'roads.sd',
    sizeBytes: 7,
    inputs: {},
    ...more,
  };
  const version = await core.ledger.record('demo', roads, entry, {
    uploadId,
    ...(live && { live }),
  });
  return { version, uploadId, jobId: entry.jobId };
}

const isHeld = async (core: JobCore, uploadId: string) =>
  (await core.uploads.findHolders(uploadId)).length > 0;

test('versions are counted per service, whatever the case of its name', async ({ core }) => {
  const first = await publish(core, { live: { lastModifiedMs: 900 } });
  const second = await publish(core);
  expect([first.version, second.version]).toEqual([1, 2]);
  expect(await core.ledger.findLive('demo', roads.toUpperCase())).toMatchObject({
    version: 2,
    uploadId: second.uploadId,
  });
  expect(await core.ledger.findVersion('demo', roads, 1)).toMatchObject({
    jobId: first.jobId,
    live: { lastModifiedMs: 900 },
  });
  expect(await core.ledger.findLive('other', roads)).toBeUndefined();
  expect(await core.ledger.findLive('demo', 'Roads.MapServer')).toBeUndefined();
});

test('a job has one version, however often it is recorded', async ({ core }) => {
  const { jobId, uploadId, version } = await publish(core);
  expect((await publish(core, { jobId, uploadId })).version).toBe(version);
  expect((await core.ledger.readPage('demo', roads, { limit: 10 })).versions).toHaveLength(1);
});

test('the newest definitions are kept, and the live one always', async ({ core }) => {
  const all = [];
  for (let count = 0; count < 5; count += 1) all.push(await publish(core));
  const held = await Promise.all(all.map(({ uploadId }) => isHeld(core, uploadId)));
  expect(held).toEqual([false, false, true, true, true]); // two beside the live one
  const { versions } = await core.ledger.readPage('demo', roads, { limit: 10 });
  expect(versions.map(({ uploadId }) => uploadId !== undefined)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('equal bytes are kept once, and for as long as a version needs them', async ({ core }) => {
  const first = await publish(core, { sha256: 'same' });
  await publish(core);
  const again = await publish(core, { sha256: 'same' });
  expect(await isHeld(core, again.uploadId)).toBe(false);
  expect((await core.ledger.findLive('demo', roads))?.uploadId).toBe(first.uploadId);
  for (let count = 0; count < 2; count += 1) await publish(core);
  expect(await isHeld(core, first.uploadId)).toBe(true);
  await publish(core);
  expect(await isHeld(core, first.uploadId)).toBe(false);
});

test('definitions go when they have not been live for long; the live one stays', async ({
  core,
}) => {
  const impatient = new PublishLedger(core.redis, core.records.keys, {
    keepVersions: 10,
    keepDays: -1,
  });
  const old = await publish(core);
  const live = await publish(core);
  await core.ledger.letGoOld();
  expect(await isHeld(core, old.uploadId)).toBe(true);
  await impatient.letGoOld();
  expect(await isHeld(core, old.uploadId)).toBe(false);
  expect(await isHeld(core, live.uploadId)).toBe(true);
  expect(await core.ledger.findVersion('demo', roads, 1)).toMatchObject({ sha256: old.uploadId });
});

test('a failed publish holds nothing and does not become the live one', async ({ core }) => {
  const good = await publish(core);
  const failed = await publish(core, { result: 'failed', live: null });
  expect(await isHeld(core, failed.uploadId)).toBe(false);
  expect(await core.ledger.readPage('demo', roads, { limit: 10 })).toMatchObject({
    current: good.version,
    versions: [{ version: 2, result: 'failed' }, { version: 1 }],
  });
});

test('what is put back is the live one again', async ({ core }) => {
  const old = await publish(core, { live: { lastModifiedMs: 1 } });
  const bad = await publish(core);
  await publish(core, { ...bad, result: 'failed', live: null });
  expect(await isHeld(core, bad.uploadId)).toBe(true); // it may still be what is live
  await core.ledger.setLive('demo', roads, old.version, { lastModifiedMs: 2 });
  expect(await core.ledger.findLive('demo', roads)).toMatchObject({
    version: 1,
    live: { lastModifiedMs: 2 },
  });
  expect(await isHeld(core, bad.uploadId)).toBe(false);
  expect(await isHeld(core, old.uploadId)).toBe(true);
  await core.ledger.setLive('demo', roads, undefined);
  expect(await core.ledger.findLive('demo', roads)).toBeUndefined();
});

test('the history comes page by page, newest first', async ({ core }) => {
  for (let count = 0; count < 5; count += 1) await publish(core);
  const first = await core.ledger.readPage('demo', roads, { limit: 2 });
  const second = await core.ledger.readPage('demo', roads, { limit: 2, before: first.nextBefore });
  const third = await core.ledger.readPage('demo', roads, { limit: 2, before: second.nextBefore });
  const numbers = [first, second, third].map(({ versions }) => versions.map((it) => it.version));
  expect(numbers).toEqual([[5, 4], [3, 2], [1]]);
  expect(third.nextBefore).toBeUndefined();
  const whole = await core.ledger.readPage('demo', roads, { limit: 5 });
  expect(whole.nextBefore).toBeUndefined();
});
