import { expect, test } from 'vitest';
import { WebhookConfig } from '../lib/webhook-config.ts';
import { toNextAttemptMs } from './retry-schedule.ts';

const { scheduleSeconds } = WebhookConfig.parse({});

test('the usual schedule goes on for more than three days', () => {
  expect(scheduleSeconds).toEqual([0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]);
});

test.each(scheduleSeconds.map((seconds, tries) => [tries, seconds]))(
  'after %i attempts it waits %i seconds and a little more',
  (tries, seconds) => {
    for (let round = 0; round < 20; round += 1) {
      const pauseMs = (toNextAttemptMs(scheduleSeconds, { tries, nowMs: 1_000 }) ?? 0) - 1_000;
      expect(pauseMs).toBeGreaterThanOrEqual(seconds * 1000);
      expect(pauseMs).toBeLessThanOrEqual(seconds * 1100 + 1);
    }
  },
);

test('ends after the last attempt', () => {
  const tries = scheduleSeconds.length;
  expect(toNextAttemptMs(scheduleSeconds, { tries, nowMs: 0, retryAfterMs: 1 })).toBeUndefined();
});

test.each([
  ['longer than the schedule counts', 120_000, 120_000],
  ['shorter than the schedule does not', 1_000, 5_000],
  ['of a year is a day', 365 * 86_400_000, 86_400_000],
])('Retry-After %s', (_what, retryAfterMs, leastMs) => {
  const nextMs = toNextAttemptMs([0, 5, 300], { tries: 1, nowMs: 0, retryAfterMs }) ?? 0;
  expect(nextMs).toBeGreaterThanOrEqual(leastMs);
  expect(nextMs).toBeLessThanOrEqual(Math.max(leastMs, 5_501));
});
