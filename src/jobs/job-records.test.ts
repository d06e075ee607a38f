import { expect } from 'vitest';
import {
  beginAgain,
  begun,
  expectConsistent,
  found,
  newJob,
  readChanges,
  savedUpload,
  submitted,
  test,
} from '../../test/support/job-core.ts';
import { toProblem } from '../lib/problem.ts';
import { FencedOffError, JobEndedError } from './job-change.ts';

const broken = toProblem(new Error('broken'));

test('a new job is what was submitted: accepted, in order, pending and told', async ({ core }) => {
  const job = newJob({ site: 'demo', labels: ['night', 'roads'], reference: 'build 7' });
  const first = await core.intake.submit(job);
  const second = await core.intake.submit(newJob());

  expect([first, second]).toEqual([
    { kind: 'accepted', seq: 1, priority: 1_000, promoted: [] },
    { kind: 'accepted', seq: 2, priority: 1_000, promoted: [] },
  ]);
  expect(await core.records.find(job.jobId)).toEqual({
    ...job,
    status: 'accepted',
    seq: 1,
    rev: 1,
    attempt: 0,
    updatedMs: job.createdMs,
    message: '',
    progress: 0,
    steps: [],
    attempts: [],
    warnings: [],
    deaths: 0,
  });
  expect(await core.records.readPending()).toMatchObject({ [job.jobId]: 'here' });
  expect(await readChanges(core)).toMatchObject([
    { jobId: job.jobId, kind: 'accepted', status: 'accepted', rev: '1', site: 'demo' },
    { kind: 'accepted', rev: '1' },
  ]);
  await expectConsistent(core);
});

test('a job id is given once', async ({ core }) => {
  const job = newJob();
  await core.intake.submit(job);
  expect(await core.intake.submit({ ...job, owner: 'other' })).toEqual({ kind: 'exists' });
  expect(await found(core, job.jobId)).toMatchObject({ owner: 'ci' });
  await expectConsistent(core);
});

test('params come back as they were, whatever is in them', async ({ core }) => {
  const params = {
    text: 'ä "q" \\ \u0000 \ud83d\ude00 ;',
    list: [],
    nothing: null,
    deep: { a: [{ b: 1.5 }] },
  };
  const jobId = await submitted(core, { params, response: { raw: true } });
  expect(await found(core, jobId)).toMatchObject({ params, response: { raw: true } });
});

test('text with half a character in it is kept with a replacement, and does not stop the job', async ({
  core,
}) => {
  const { jobId, attempt } = await begun(core, { reference: 'half \ud83d', labels: ['\udc00'] });
  await core.records.change(jobId, attempt, 'step', { message: 'The site said \ud83d' });
  expect(await found(core, jobId)).toMatchObject({
    reference: 'half \ufffd',
    labels: ['\ufffd'],
    message: 'The site said \ufffd',
  });
  await expectConsistent(core);
});

test('a job is not accepted on an upload that is gone or of somebody else', async ({ core }) => {
  const other = await savedUpload(core, { owner: 'other' });
  const gone = newJob().jobId;
  for (const uploadId of [other, gone]) {
    const job = newJob({ uploads: [uploadId] });
    expect(await core.intake.submit(job)).toEqual({ kind: 'no-upload', uploadId });
    expect(await core.records.find(job.jobId)).toBeUndefined();
  }
  expect(await core.records.readPending()).toEqual({});
  await expectConsistent(core);
});

test('every attempt has a number, and writes by an older one are refused', async ({ core }) => {
  const { jobId, attempt: first } = await begun(core);
  const second = await beginAgain(core, jobId);
  expect([first, second]).toEqual([1, 2]);

  await expect(
    core.records.change(jobId, first, 'step', { message: 'from the grave' }),
  ).rejects.toThrow(FencedOffError);
  await expect(
    core.records.change(jobId, first, 'ended', { status: 'successful', results: {} }),
  ).rejects.toThrow(FencedOffError);

  await core.records.change(jobId, second, 'step', { message: 'alive', progress: 10 });
  expect(await found(core, jobId)).toMatchObject({ status: 'running', message: 'alive', rev: 4 });
  expect(await core.records.readFence(jobId)).toEqual({ attempt: 2, status: 'running' });
  await expectConsistent(core);
});

test('nothing is written to a job that is gone', async ({ core }) => {
  const { jobId } = newJob();
  await expect(core.records.change(jobId, 1, 'step', {})).rejects.toThrow(FencedOffError);
  await core.records.park(jobId, { reason: 'site' });
  expect(await core.records.begin(jobId, 'worker')).toBeUndefined();
  expect(await core.records.dismiss(jobId)).toEqual({ kind: 'missing' });
  expect(await core.locks.take(jobId)).toEqual({ kind: 'missing' });
  expect(await core.records.readFence(jobId)).toBeUndefined();
  expect(await core.redis.exists(core.records.keys.job(jobId))).toBe(0);
  expect(await readChanges(core)).toEqual([]);
});

test('a change leaves what it does not name, and null removes', async ({ core }) => {
  const { jobId, attempt } = await begun(core);
  const step = { name: 'upload', state: 'begun' as const, attempt, startedMs: 5, before: { a: 1 } };
  await core.records.change(jobId, attempt, 'step', {
    stepRecords: [step],
    step: 'upload',
    progress: 7,
  });
  await core.records.change(jobId, attempt, 'parked', { parked: { reason: 'site', untilMs: 9 } });
  expect(await found(core, jobId)).toMatchObject({
    step: 'upload',
    progress: 7,
    steps: [step],
    parked: { untilMs: 9 },
  });

  await core.records.change(jobId, attempt, 'parked', { parked: null });
  const done = { ...step, state: 'done' as const, result: { itemId: 'i1' }, finishedMs: 8 };
  await core.records.change(jobId, attempt, 'step', { stepRecords: [done] });
  const record = await found(core, jobId);
  expect(record.parked).toBeUndefined();
  expect(record.steps).toEqual([done]);
  await expectConsistent(core);
});

test('the first final status wins, whichever comes first', async ({ core }) => {
  const success = { status: 'successful' as const, results: { a: 1 } };
  const one = await begun(core);
  await core.records.dismiss(one.jobId);
  await expect(core.records.change(one.jobId, one.attempt, 'ended', success)).rejects.toThrow(
    JobEndedError,
  );
  expect(await found(core, one.jobId)).toMatchObject({ status: 'dismissed', undo: 'pending' });
  expect((await found(core, one.jobId)).results).toBeUndefined();

  const two = await begun(core);
  await core.records.change(two.jobId, two.attempt, 'ended', success);
  expect(await core.records.dismiss(two.jobId)).toEqual({ kind: 'ended', status: 'successful' });
  const failure = { status: 'failed' as const, exception: broken };
  await expect(core.records.change(two.jobId, two.attempt, 'ended', failure)).rejects.toThrow(
    JobEndedError,
  );
  const record = await found(core, two.jobId);
  expect(record).toMatchObject({ status: 'successful', results: { a: 1 } });
  expect(record.exception).toBeUndefined();
  await expectConsistent(core);
});

test('dismissing a job that nobody began ends it at once', async ({ core }) => {
  const jobId = await submitted(core);
  expect(await core.records.dismiss(jobId)).toEqual({ kind: 'never-began', promoted: [] });
  expect(await found(core, jobId)).toMatchObject({
    status: 'dismissed',
    undo: 'nothing-to-do',
    attempt: 0,
  });
  expect(await core.records.readPending()).toEqual({});
  expect(await core.records.begin(jobId, 'worker')).toBeUndefined();
  expect(await core.records.dismiss(jobId)).toEqual({ kind: 'ended', status: 'dismissed' });
  expect(await core.records.findAlive()).toEqual([]);
  await expectConsistent(core);
});

test('dismissing a running job leaves it alive until it is undone', async ({ core }) => {
  const { jobId, attempt } = await begun(core);
  expect(await core.records.dismiss(jobId)).toEqual({ kind: 'running' });
  expect(await core.records.dismiss(jobId)).toEqual({ kind: 'ended', status: 'dismissed' });
  expect(await core.records.findAlive()).toEqual([jobId]);
  expect(await core.endedJobs.forget(jobId)).toBe('alive');
  await expectConsistent(core);

  await core.records.change(jobId, attempt, 'ended', { undo: 'done', message: 'Put back' });
  expect(await found(core, jobId)).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(await core.records.findAlive()).toEqual([]);
  expect(await core.records.begin(jobId, 'worker')).toBeUndefined();
  await expectConsistent(core);
});

test('a dismissed job whose worker died is begun again, to be undone', async ({ core }) => {
  const { jobId } = await begun(core);
  await core.records.dismiss(jobId);
  const second = await beginAgain(core, jobId);
  expect(await found(core, jobId)).toMatchObject({
    status: 'dismissed',
    undo: 'pending',
    attempt: 2,
  });
  await core.records.change(jobId, second, 'ended', { undo: 'failed' });
  expect(await found(core, jobId)).toMatchObject({ status: 'dismissed', undo: 'failed' });
  await expectConsistent(core);
});

test('an ended job keeps neither its ending nor what it waited for', async ({ core }) => {
  const { jobId, attempt } = await begun(core);
  await core.records.change(jobId, attempt, 'ending', { ending: { problem: broken } });
  await core.records.change(jobId, attempt, 'parked', { parked: { reason: 'site' } });
  await core.records.change(jobId, attempt, 'ended', {
    status: 'failed',
    exception: broken,
    undo: 'done',
  });
  const record = await found(core, jobId);
  expect(record).toMatchObject({ status: 'failed', exception: { code: 'internal_error' } });
  expect([record.ending, record.parked]).toEqual([undefined, undefined]);
  expect(record.finishedMs).toBeGreaterThanOrEqual(record.createdMs);

  const waiting = await submitted(core);
  await core.records.park(waiting, { reason: 'site', untilMs: 5 });
  await core.records.dismiss(waiting);
  await core.records.park(waiting, { reason: 'site', untilMs: 6 });
  expect((await found(core, waiting)).parked).toBeUndefined();
  await expectConsistent(core);
});

test('deaths in the same step are counted; a hand-over is none, another step begins anew', async ({
  core,
}) => {
  const { jobId } = await begun(core);
  const deaths: number[] = [];
  const die = async (step?: string) => {
    const { attempt } = await found(core, jobId);
    if (step) await core.records.change(jobId, attempt, 'step', { step });
    await beginAgain(core, jobId);
    deaths.push((await found(core, jobId)).deaths);
  };
  await die();
  await die();
  await die('upload');
  await die();
  const { attempt } = await found(core, jobId);
  await core.records.change(jobId, attempt, 'handed-over', { isOpen: false });
  await beginAgain(core, jobId);
  deaths.push((await found(core, jobId)).deaths);
  await die();
  await die('submit');
  expect(deaths).toEqual([1, 2, 1, 2, 2, 3, 1]);
  await expectConsistent(core);
});

test('places in a queue follow the order of acceptance until a job is begun', async ({ core }) => {
  const ids = [
    await submitted(core),
    await submitted(core),
    await submitted(core, { queue: 'site-a' }),
  ];
  const places = () => Promise.all(ids.map((id) => core.records.readPlaceInQueue('here', id)));
  expect(await places()).toEqual([1, 2, undefined]);
  await core.records.begin(ids[0] ?? '', 'worker');
  expect(await places()).toEqual([undefined, 1, undefined]);
});

test('an ended job can be forgotten; who made it is remembered for a while', async ({ core }) => {
  const uploadId = await savedUpload(core);
  const labels = ['a', 'b'];
  const { jobId, attempt } = await begun(core, {
    site: 'demo',
    labels,
    reference: 'r',
    uploads: [uploadId],
  });
  expect(await core.endedJobs.forget(jobId)).toBe('alive');
  await core.records.appendLog(jobId, { message: 'one' });
  await core.records.change(jobId, attempt, 'ended', { status: 'failed', exception: broken });
  expect(await core.endedJobs.findOldest(0, 10)).toMatchObject([{ jobId }]);

  expect(await core.endedJobs.forget(jobId)).toBe('forgotten');
  expect(await core.endedJobs.forget(jobId)).toBe('missing');
  expect(await core.records.find(jobId)).toBeUndefined();
  expect(await core.endedJobs.findTombstone(jobId)).toBe('ci');
  expect(await core.uploads.findHolders(uploadId)).toEqual([]);
  expect(await core.events.readAfter(jobId, 0)).toEqual([]);
  expect((await readChanges(core)).at(-1)).toMatchObject({
    jobId,
    kind: 'removed',
    status: 'failed',
  });
  await expectConsistent(core);
});

test('findMany keeps the order and leaves out what is gone', async ({ core }) => {
  const [one, two] = [await submitted(core), await submitted(core)];
  const records = await core.records.findMany([two, newJob().jobId, one]);
  expect(records.map(({ jobId }) => jobId)).toEqual([two, one]);
  expect(await core.records.findMany([])).toEqual([]);
});

test('how a job stands is read without what may be long', async ({ core }) => {
  const long = 'x'.repeat(500_000);
  const job = newJob({ params: { list: long } });
  const { jobId } = job;
  await core.intake.submit(job);
  const attempt = (await core.records.begin(jobId, 'w')) ?? 0;
  const stepRecord = { name: 'a', state: 'done', result: long, attempt, startedMs: 1 } as const;
  await core.records.change(jobId, attempt, 'step', {
    stepRecords: [stepRecord],
    results: { long },
  });

  const summary = await core.records.findSummary(jobId);

  const { params: _, results: __, steps: ___, ...shown } = (await core.records.find(jobId)) ?? {};
  expect(shown).toMatchObject(summary ?? { jobId: 'none' });
  expect(summary).toMatchObject({ jobId, status: 'running', attempts: [{ attempt: 1 }] });
  expect(JSON.stringify(summary).length).toBeLessThan(2_000);
  expect(await core.records.findSummary('nothing')).toBeUndefined();
});
