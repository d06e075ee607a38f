import { expect } from 'vitest';
import { test } from '../../test/support/job-core.ts';

test('counts services, not tries, and each step by itself', async ({ core }) => {
  const { siteTroubles } = core;
  const noted = async (step: string, service: string) =>
    (await siteTroubles.note('demo', { step, service })).services;
  expect(await noted('upload', 'Roads.MapServer')).toBe(1);
  expect(await noted('upload', 'roads.mapserver')).toBe(1);
  expect(await noted('upload', 'Rails.MapServer')).toBe(2);
  expect(await noted('await', 'Rails.MapServer')).toBe(1);
});

test('holds a site for a while, but never changes what somebody else has decided', async ({
  core,
}) => {
  const { siteTroubles, siteRecords } = core;
  await siteTroubles.hold('demo', 'three in a row');
  const hold = await siteRecords.findHold('demo');
  expect(hold).toMatchObject({ by: 'Pressroom', reason: 'three in a row' });
  expect((hold?.untilMs ?? 0) - Date.now()).toBeGreaterThan(14 * 60_000);

  await siteRecords.hold('test', { reason: 'election', by: 'ann', sinceMs: Date.now() });
  await siteTroubles.hold('test', 'three in a row');
  expect(await siteRecords.findHold('test')).toMatchObject({ by: 'ann', reason: 'election' });
});
