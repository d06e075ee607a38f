import { expect } from 'vitest';
import { test } from '../../test/support/job-core.ts';

test('which upload a site job was given is known per site, and not for ever', async ({ core }) => {
  const items = core.siteJobItems;
  await items.keep('demo', new Map(Object.entries({ j1: 'i1', j2: 'i2' })));
  expect(await items.find('demo', ['j1', 'j2', 'j3'])).toEqual(
    new Map(Object.entries({ j1: 'i1', j2: 'i2' })),
  );
  expect(await items.find('other', ['j1'])).toEqual(new Map());
  expect(await core.redis.pttl(core.records.keys.siteJobItem('demo', 'j1'))).toBeGreaterThan(0);
});

test('nothing asked for and nothing learned is no fault', async ({ core }) => {
  await core.siteJobItems.keep('demo', new Map());
  expect(await core.siteJobItems.find('demo', [])).toEqual(new Map());
});
