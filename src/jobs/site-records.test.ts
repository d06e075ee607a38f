import { expect, vi } from 'vitest';
import { test } from '../../test/support/job-core.ts';
import type { SiteRecord } from './site-records.ts';

const seen: SiteRecord = {
  readAt: '2026-01-01T00:00:00Z',
  health: 'up',
  slots: 2,
  version: '10.9.1',
};
const hourMs = 3_600_000;

test('what was seen of a site is found again; another shape is not', async ({ core }) => {
  expect(await core.siteRecords.find('demo')).toBeUndefined();
  await core.siteRecords.save('demo', seen);
  expect(await core.siteRecords.find('demo')).toEqual(seen);
  await core.redis.set(core.records.keys.site('demo'), '{"health":"splendid"}');
  expect(await core.siteRecords.find('demo')).toBeUndefined();
});

test('a closure that goes on keeps its beginning', async ({ core }) => {
  const sites = core.siteRecords;
  await sites.close('demo', { reason: 'site_read_only', detail: 'read-only', untilMs: 1 });
  const first = await sites.findClosed('demo');
  await sites.close('demo', { reason: 'site_upgrading', detail: 'upgrade', untilMs: 2 });
  expect(await sites.findClosed('demo')).toEqual({
    reason: 'site_upgrading',
    detail: 'upgrade',
    untilMs: 2,
    sinceMs: first?.sinceMs,
  });
  expect(await sites.findClosed('other')).toBeUndefined();
  await sites.reopen('demo');
  expect(await sites.findClosed('demo')).toBeUndefined();
});

test('one job at a time tries a closed site', async ({ core }) => {
  const sites = core.siteRecords;
  expect(await sites.takeProbe('demo', 'one', hourMs)).toBe(true);
  expect(await sites.takeProbe('demo', 'two', hourMs)).toBe(false);
  expect(await sites.takeProbe('demo', 'one', hourMs)).toBe(true);
  expect(await sites.takeProbe('other', 'two', hourMs)).toBe(true);
  await sites.reopen('demo');
  expect(await sites.takeProbe('demo', 'two', hourMs)).toBe(true);
});

test('a probe that never came back makes room', async ({ core }) => {
  await core.siteRecords.takeProbe('demo', 'lost', 1);
  await vi.waitFor(async () =>
    expect(await core.siteRecords.takeProbe('demo', 'next', hourMs)).toBe(true),
  );
});

test('one worker reads a site until it lets go or falls silent', async ({ core }) => {
  const sites = core.siteRecords;
  expect(await sites.holdLease('demo', 'w1', hourMs)).toBe(true);
  expect(await sites.holdLease('demo', 'w2', hourMs)).toBe(false);
  await sites.giveLeaseBack('demo', 'w2');
  expect(await sites.holdLease('demo', 'w2', hourMs)).toBe(false);
  await sites.giveLeaseBack('demo', 'w1');
  expect(await sites.holdLease('demo', 'w2', 1)).toBe(true);
  await vi.waitFor(async () => expect(await sites.holdLease('demo', 'w1', hourMs)).toBe(true));
});
