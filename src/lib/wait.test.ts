import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { pause, startPause, withJitter } from './wait.ts';

const hourMs = 3_600_000;

test('a pause ends by itself', async () => {
  await expect(pause(1, new AbortController().signal)).resolves.toBeUndefined();
});

test('a pause ends early with the reason of its signal', async () => {
  const stop = new AbortController();
  const reason = new Error('draining');
  const waiting = pause(hourMs, stop.signal);
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test('a pause does not begin when it should have ended', async () => {
  const reason = new Error('dismissed');
  await expect(pause(hourMs, AbortSignal.abort(reason))).rejects.toBe(reason);
  await expect(pause(0, AbortSignal.abort(reason))).rejects.toBe(reason);
});

test.each([
  ['is ended', (end: () => void) => end()],
  ['is broken off', (_end: () => void, stop: AbortController) => stop.abort()],
])('a pause that %s is over and leaves nothing at its signal', async (_how, finish) => {
  const stop = new AbortController();
  const { over, end } = startPause(hourMs, stop.signal);
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
  finish(end, stop);
  await over;
  expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
});

test('a started pause is over by itself, and at once where it should not begin', async () => {
  const { signal } = new AbortController();
  await startPause(1, signal).over;
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  await startPause(hourMs, AbortSignal.abort()).over;
});

test('jitter is half to all of a pause, and not always the same', () => {
  const waits = Array.from({ length: 200 }, () => withJitter(1_000));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
  expect(new Set(waits).size).toBeGreaterThan(100);
});
