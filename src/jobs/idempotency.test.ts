import { expect, vi } from 'vitest';
import { expectConsistent, newJob, test } from '../../test/support/job-core.ts';
import type { ClaimOutcome, IdempotencyRecords, Lease } from './idempotency.ts';

const key = '8e03978e-40d5-43e8-bc93-6894a57f9324';
const minuteMs = 60_000;

async function claimed(
  records: IdempotencyRecords,
  owner = 'ci',
  leaseMs = minuteMs,
): Promise<Lease> {
  const claim: ClaimOutcome = await records.claim(owner, key, leaseMs);
  if (claim.kind !== 'claimed') throw new Error(`The key is ${claim.kind}`);
  return claim;
}

const claimOf = (lease: Lease, answer = '{"jobID":"1"}') => ({
  ...lease,
  answer,
  keepMs: minuteMs,
});

test('of many who ask at once one gets the key, the others hear that it is in use', async ({
  core,
}) => {
  const claims = await Promise.all(
    Array.from({ length: 20 }, () => core.idempotency.claim('ci', key, minuteMs)),
  );
  expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
  expect(claims.filter(({ kind }) => kind === 'in-flight')).toHaveLength(19);
});

test('a job and its answer are remembered together, with what was asked for', async ({ core }) => {
  const lease = await claimed(core.idempotency);
  await core.idempotency.setFingerprint(lease, 'sha256');
  const job = newJob();
  expect(await core.intake.submit(job, { claim: claimOf(lease) })).toMatchObject({
    kind: 'accepted',
  });

  expect(await core.idempotency.claim('ci', key, minuteMs)).toEqual({
    kind: 'done',
    fingerprint: 'sha256',
    jobId: job.jobId,
    answer: '{"jobID":"1"}',
  });
  expect(await core.redis.pttl(lease.key)).toBeGreaterThan(minuteMs / 2);
});

test('another caller with the same key has a request of its own', async ({ core }) => {
  const ours = await claimed(core.idempotency, 'ci');
  const theirs = await claimed(core.idempotency, 'night');
  expect(theirs.key).not.toBe(ours.key);
  expect([ours.key, theirs.key].join()).not.toContain(key);
});

test('a released key may be used again', async ({ core }) => {
  const first = await claimed(core.idempotency);
  await core.idempotency.setFingerprint(first, 'refused');
  await core.idempotency.release(first);
  const second = await claimed(core.idempotency);
  await core.intake.submit(newJob(), { claim: claimOf(second) });
  expect(await core.idempotency.claim('ci', key, minuteMs)).toMatchObject({
    kind: 'done',
    fingerprint: '',
  });
});

test('a key of a job that exists cannot be released', async ({ core }) => {
  const lease = await claimed(core.idempotency);
  await core.intake.submit(newJob(), { claim: claimOf(lease) });
  await core.idempotency.release(lease);
  await core.idempotency.setFingerprint(lease, 'late');
  expect(await core.idempotency.claim('ci', key, minuteMs)).toMatchObject({
    kind: 'done',
    fingerprint: '',
  });
});

test('a lease that ends frees the key, and who had it writes nothing any more', async ({
  core,
}) => {
  const late = await claimed(core.idempotency, 'ci', 1);
  await vi.waitFor(async () => expect(await core.redis.exists(late.key)).toBe(0));
  const job = newJob();
  expect(await core.intake.submit(job, { claim: claimOf(late) })).toEqual({
    kind: 'idempotency-lost',
  });

  const next = await claimed(core.idempotency);
  await core.idempotency.release(late);
  await core.idempotency.setFingerprint(late, 'late');
  expect(await core.intake.submit(job, { claim: claimOf(late) })).toEqual({
    kind: 'idempotency-lost',
  });
  expect(await core.records.find(job.jobId)).toBeUndefined();
  expect(await core.idempotency.claim('ci', key, minuteMs)).toEqual({ kind: 'in-flight' });
  expect(await core.intake.submit(job, { claim: claimOf(next) })).toMatchObject({
    kind: 'accepted',
  });
  await expectConsistent(core);
});

test('a refused job leaves its key in flight, to be released', async ({ core }) => {
  const lease = await claimed(core.idempotency);
  const job = newJob({ uploads: ['00000000-0000-7000-8000-000000000000'] });
  expect(await core.intake.submit(job, { claim: claimOf(lease) })).toMatchObject({
    kind: 'no-upload',
  });
  expect(await core.idempotency.claim('ci', key, minuteMs)).toEqual({ kind: 'in-flight' });
  await core.idempotency.release(lease);
  expect(await core.idempotency.claim('ci', key, minuteMs)).toMatchObject({ kind: 'claimed' });
});
