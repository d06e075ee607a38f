import { expect, test } from 'vitest';
import type { AttemptRecord } from '../jobs/job-record.ts';
import { waitForRoom } from './wait-for-room.ts';

const attemptsOf = (...outcomes: AttemptRecord['outcome'][]): AttemptRecord[] =>
  outcomes.map((outcome, at) => ({ attempt: at + 1, startedMs: at, ...(outcome && { outcome }) }));

const pausesAfter = (...outcomes: AttemptRecord['outcome'][]) => {
  const before = Date.now();
  const reason = { message: 'There is no room for the file.' };
  const { untilMs = 0 } = waitForRoom({ attempts: attemptsOf(...outcomes) }, reason, {
    siteClosedMs: 30_000,
  });
  return Math.floor((untilMs - before) / 30_000);
};

test('each try in a row waits longer, up to a limit; other ends of attempts do not count', () => {
  expect(pausesAfter(undefined)).toBe(1);
  expect(pausesAfter('rested', undefined)).toBe(2);
  expect(pausesAfter('rested', 'rested', undefined)).toBe(4);
  expect(pausesAfter('rested', 'rested', 'died', undefined)).toBe(1);
  expect(pausesAfter(...Array<'rested'>(19).fill('rested'), undefined)).toBe(16);
});
