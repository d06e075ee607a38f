import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import {
  beginAgain,
  expectConsistent,
  found,
  type JobCore,
  savedUpload,
  silent,
  test,
} from '../../test/support/job-core.ts';
import { QueueUnavailableError } from '../lib/errors.ts';
import { openRedis } from '../lib/redis.ts';
import { echoJob } from './echo/job-type.ts';
import { JobIntake } from './job-intake.ts';
import { JobQueues } from './job-queue.ts';
import { JobRecords } from './job-records.ts';
import { type JobRequest, JobSubmission } from './job-submission.ts';

const options = { jobDeadlineHours: 24, idempotencyHours: 24 };

const submissionOf = (core: Pick<JobCore, 'records' | 'intake' | 'queues'>) =>
  new JobSubmission({ ...core, log: silent }, options);

function requestOf(wanted: Partial<JobRequest> = {}): JobRequest {
  return {
    jobId: randomUUID(),
    owner: 'ci',
    params: { echo: 'hello' },
    uploads: [],
    acceptance: { locks: [], warnings: [] },
    labels: [],
    ...wanted,
  };
}

/** Nothing listens there. */
function openNothing(prefix: string) {
  const redis = openRedis({ url: 'redis://127.0.0.1:1', prefix }, 'impatient');
  const records = new JobRecords(redis, { prefix, failedUploadDays: 7 });
  return {
    records,
    intake: new JobIntake(redis, records.keys, { failedUploadDays: 7 }),
    queues: new JobQueues(redis, records.keys),
    close: () => redis.disconnect(),
  };
}

test('an accepted job has a record, stands in its queue, and is not pending any more', async ({
  core,
}) => {
  const uploadId = await savedUpload(core);
  const more = {
    labels: ['night'],
    reference: 'r',
    requestId: 'q',
    retryOf: 'old',
    uploads: [uploadId],
  };
  const acceptance = { locks: ['a'], warnings: ['careful'] };
  const record = await submissionOf(core).submit(
    echoJob,
    requestOf({ ...more, acceptance }),
    1_000,
  );
  expect(record).toMatchObject({
    status: 'accepted',
    seq: 1,
    queue: 'here',
    ...more,
    ...acceptance,
  });
  expect(record.deadlineMs).toBe(1_000 + 24 * 3_600_000);
  expect(await core.records.find(record.jobId)).toEqual(record);
  expect(await core.records.readPending()).toEqual({});
  expect(await core.queues.findMissing([record])).toEqual([false]);
  await expectConsistent(core);
});

test('a job of a site stands in the queue of the site', async ({ core }) => {
  const ofSite = { ...echoJob, queue: 'site' as const };
  const record = await submissionOf(core).submit(
    ofSite,
    requestOf({ params: { site: 'demo' } }),
    1,
  );
  expect(record).toMatchObject({ site: 'demo', queue: 'site-demo' });
  expect(await core.queues.count('site-demo')).toMatchObject({ prioritized: 1 });
});

test('when only the queue cannot be told the job exists all the same, and is pending', async ({
  core,
}) => {
  const nothing = openNothing(core.prefix);
  const submission = submissionOf({ ...core, queues: nothing.queues });
  const later = requestOf({ atMs: Date.now() + 60_000 }); // BullMQ itself adds what waits for its time
  const { jobId } = await submission.submit(echoJob, later, Date.now());
  expect(await found(core, jobId)).toMatchObject({ status: 'accepted' });
  expect(await core.records.readPending()).toEqual({ [jobId]: 'here' });
  nothing.close();
});

test('when Redis is away nothing is accepted nor dismissed, and the caller hears so', async ({
  core,
}) => {
  const nothing = openNothing(core.prefix);
  const submission = submissionOf(nothing);
  await expect(submission.submit(echoJob, requestOf(), 1)).rejects.toThrow(QueueUnavailableError);
  const record = await submissionOf(core).submit(echoJob, requestOf(), 1);
  await expect(submission.dismiss(record)).rejects.toThrow(QueueUnavailableError);
  nothing.close();
});

test('an upload that has gone meanwhile is told as a fault of the request', async ({ core }) => {
  const gone = randomUUID();
  await expect(
    submissionOf(core).submit(echoJob, requestOf({ uploads: [gone] }), 1),
  ).rejects.toMatchObject({
    code: 'validation_error',
    facts: { errors: [{ code: 'upload_not_found', detail: `no upload ${gone}` }] },
  });
});

test('the answer that a repetition gets is written with the job', async ({ core }) => {
  const key = 'a-key-of-sixteen-letters';
  const claim = await core.idempotency.claim('ci', key, 60_000);
  if (claim.kind !== 'claimed') throw new Error('not claimed');
  const request = requestOf({ idempotency: { ...claim, answer: ({ jobId }) => `job ${jobId}` } });
  await submissionOf(core).submit(echoJob, request, 1);
  expect(await core.idempotency.claim('ci', key, 60_000)).toMatchObject({
    kind: 'done',
    jobId: request.jobId,
    answer: `job ${request.jobId}`,
  });
  const late = requestOf({ idempotency: { ...claim, lease: 'another', answer: () => '' } });
  await expect(submissionOf(core).submit(echoJob, late, 1)).rejects.toMatchObject({
    code: 'idempotency_in_flight',
    headers: { 'retry-after': '1' },
  });
});

test('dismissing takes a job that nobody began out of its queue', async ({ core }) => {
  const submission = submissionOf(core);
  const record = await submission.submit(echoJob, requestOf(), 1);
  expect(await submission.dismiss(record)).toEqual({ kind: 'never-began', promoted: [] });
  expect(await core.queues.findMissing([record])).toEqual([true]);
  expect(await submission.dismiss(record)).toEqual({ kind: 'ended', status: 'dismissed' });
  expect(await submission.dismiss({ ...record, jobId: randomUUID() })).toEqual({
    kind: 'missing',
  });
});

test('dismissing a job in the line wakes nobody; dismissing the holder wakes the next', async ({
  core,
}) => {
  const submission = submissionOf(core);
  const acceptance = { locks: ['roads'], warnings: [] };
  const jobs = [];
  for (let index = 0; index < 3; index += 1)
    jobs.push(await submission.submit(echoJob, requestOf({ acceptance }), 1));
  const [holder, second, third] = jobs;
  if (!holder || !second || !third) throw new Error('three jobs');
  for (const { jobId } of jobs) await core.locks.take(jobId);
  expect(await submission.dismiss(second)).toEqual({ kind: 'never-began', promoted: [] });
  expect(await submission.dismiss(holder)).toEqual({
    kind: 'never-began',
    promoted: [third.jobId],
  });
  expect(await core.locks.take(third.jobId)).toEqual({ kind: 'taken' });
});

test('a running job is dismissed, and stays in its queue to be undone', async ({ core }) => {
  const submission = submissionOf(core);
  const record = await submission.submit(echoJob, requestOf(), 1);
  await beginAgain(core, record.jobId);
  expect(await submission.dismiss(record)).toEqual({ kind: 'running' });
  expect(await core.queues.findMissing([record])).toEqual([false]);
  expect(await found(core, record.jobId)).toMatchObject({ status: 'dismissed', undo: 'pending' });
});
