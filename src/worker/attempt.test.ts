import { expect } from 'vitest';
import { attemptOf } from '../../test/support/attempts.ts';
import { beginAgain, begun, found, type JobCore, test } from '../../test/support/job-core.ts';
import { pause } from '../lib/wait.ts';
import { AttemptStopped } from './attempt.ts';

const minuteMs = 60_000;

async function openAttempt(core: JobCore, lockMs?: number) {
  const { jobId, attempt } = await begun(core);
  return { jobId, attempt: attemptOf(core, jobId, attempt, lockMs) };
}

const stopped = (reason: string) => expect.objectContaining({ name: 'AttemptStopped', reason });

test('the newest attempt of a job that goes on may change things', async ({ core }) => {
  const { attempt } = await openAttempt(core);
  await attempt.guard();
  expect(attempt.stopReason).toBeUndefined();
  expect(attempt.signal.aborted).toBe(false);
});

test('an attempt with a successor is lost, and writes nothing', async ({ core }) => {
  const { jobId, attempt } = await openAttempt(core);
  await beginAgain(core, jobId);
  await expect(attempt.guard()).rejects.toEqual(stopped('lost'));
  expect(attempt.stopReason).toBe('lost');

  const other = attemptOf(core, jobId, 1);
  await expect(other.write('step', { message: 'late' })).rejects.toEqual(stopped('lost'));
  expect(other.signal.reason).toEqual(stopped('lost'));
  expect((await found(core, jobId)).message).toBe('');
});

test('an attempt of a job that is gone is lost', async ({ core }) => {
  const { jobId, attempt } = await openAttempt(core);
  await core.redis.del(core.records.keys.job(jobId));
  await expect(attempt.guard()).rejects.toEqual(stopped('lost'));
});

test('a dismissal stops the work, also when nobody told of it, and does not stop the undoing', async ({
  core,
}) => {
  const { jobId, attempt } = await openAttempt(core);
  await core.records.dismiss(jobId);
  await expect(attempt.guard()).rejects.toEqual(stopped('dismissed'));
  expect(attempt.stopReason).toBe('dismissed');
  await expect(attempt.pause(minuteMs)).rejects.toEqual(stopped('dismissed'));

  attempt.beginUndo();
  await attempt.guard();
  attempt.stop('dismissed');
  attempt.stop('deadline');
  await attempt.guard();
  expect([attempt.stopReason, attempt.signal.aborted]).toEqual([undefined, false]);
});

test('undoing is stopped by a successor all the same', async ({ core }) => {
  const { jobId, attempt } = await openAttempt(core);
  attempt.stop('deadline');
  attempt.beginUndo();
  await beginAgain(core, jobId);
  await expect(attempt.guard()).rejects.toEqual(stopped('lost'));
});

test.for(['lost', 'draining'] as const)(
  'who is %s does not begin to undo',
  async (reason, { core }) => {
    const { attempt } = await openAttempt(core);
    attempt.stop(reason);
    attempt.beginUndo();
    expect(attempt.stopReason).toBe(reason);
    await expect(attempt.guard()).rejects.toEqual(stopped(reason));
  },
);

test('a lock that is not renewed is waited for, and then the attempt is lost', async ({ core }) => {
  const { attempt } = await openAttempt(core, 20);
  await pause(25, new AbortController().signal); // the lock time goes by
  await expect(attempt.guard()).rejects.toEqual(stopped('lost'));
});

test('a lock that is renewed while it is waited for lets the attempt go on', async ({ core }) => {
  const { attempt } = await openAttempt(core, 100);
  await pause(105, new AbortController().signal); // the lock time goes by
  const asked = attempt.guard();
  attempt.renewed();
  await asked;
  expect(attempt.stopReason).toBeUndefined();
});

test('after a pause in which the lock ran out nothing is done before it is known whose it is', async ({
  core,
}) => {
  const { attempt } = await openAttempt(core, 50);
  const paused = attempt.pause(60);
  let isOver = false;
  paused.then(
    () => {
      isOver = true;
    },
    () => undefined,
  );
  await pause(250, new AbortController().signal); // several lock times: Redis is away
  expect(isOver).toBe(false);
  attempt.stop('lost'); // the renewal failed
  await expect(paused).rejects.toEqual(stopped('lost'));
});

test('an attempt that waits for its lock hears that it has to stop', async ({ core }) => {
  const { attempt } = await openAttempt(core, 10_000);
  const waiting = attempt.pause(minuteMs);
  attempt.stop('lost');
  await expect(waiting).rejects.toBeInstanceOf(AttemptStopped);
});

test('draining lets a request come to its end, and stops at the next record or pause', async ({
  core,
}) => {
  const { attempt } = await openAttempt(core);
  attempt.drain();
  expect(attempt.signal.aborted).toBe(false);
  expect(attempt.stopReason).toBe('draining');
  await expect(attempt.guard()).rejects.toEqual(stopped('draining'));
  await expect(attempt.pause(minuteMs)).rejects.toEqual(stopped('draining'));
  expect(() => attempt.checkpoint()).toThrow(AttemptStopped);
  await attempt.write('handed-over', { isOpen: false });
});

test('what a job that ended lets go on is kept for the worker', async ({ core }) => {
  const { jobId, attempt: number } = await begun(core, { locks: ['roads'] });
  const next = await begun(core, { locks: ['roads'] });
  await core.locks.take(jobId);
  await core.locks.take(next.jobId);
  const attempt = attemptOf(core, jobId, number);
  await attempt.write('ended', { status: 'successful', results: {} });
  expect(attempt.promoted).toEqual([next.jobId]);
});
