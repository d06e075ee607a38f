import { expect } from 'vitest';
import { test } from '../../test/support/job-core.ts';

const roads = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };
const rivers = { folder: '', serviceName: 'Rivers', type: 'MapServer' };

test('a service is judged by itself, else by what is of its type on the site', async ({ core }) => {
  const times = core.siteJobTimes;
  await times.note('demo', roads, 60_000);
  await times.note('demo', { ...rivers, serviceName: 'Lakes' }, 900.4);
  expect(await times.find('demo', { ...roads, folder: 'TRANSPORT' })).toEqual([60_000]);
  expect(await times.find('demo', rivers)).toEqual([900, 60_000]);
  await times.note('demo', rivers, 1_100);
  expect(await times.find('demo', rivers)).toEqual([1_100]);
  expect(await times.find('demo', { ...rivers, type: 'ImageServer' })).toEqual([]);
  expect(await times.find('other', roads)).toEqual([]);
});

test('only the last ten count, and not for ever', async ({ core }) => {
  const times = core.siteJobTimes;
  for (let tookMs = 1; tookMs <= 12; tookMs += 1) await times.note('demo', roads, tookMs);
  expect(await times.find('demo', roads)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
  const key = core.records.keys.siteJobTimes('demo', 'transport/roads.mapserver');
  expect(await core.redis.pttl(key)).toBeGreaterThan(0);
});
