import { expect, test } from 'vitest';
import { pause, withJitter } from './wait.ts';

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

test('jitter is half to all of a pause, and not always the same', () => {
  const waits = Array.from({ length: 200 }, () => withJitter(1_000));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(500);
  expect(Math.max(...waits)).toBeLessThanOrEqual(1_000);
  expect(new Set(waits).size).toBeGreaterThan(100);
});
