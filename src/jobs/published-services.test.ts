import { expect } from 'vitest';
import { test } from '../../test/support/job-core.ts';

const first = {
  jobId: 'j1',
  uploadId: 'u1',
  sha256: 'ab',
  publishedMs: 1_000,
  lastModifiedMs: 900,
};

test('the last definition of a service is remembered, whatever the case of its name', async ({
  core,
}) => {
  await core.published.save('demo', 'Transport/Roads.MapServer', first);
  expect(await core.published.find('demo', 'transport/ROADS.MapServer')).toEqual(first);
  expect(await core.published.find('other', 'Transport/Roads.MapServer')).toBeUndefined();
  expect(await core.published.find('demo', 'Roads.MapServer')).toBeUndefined();
});

test('the next one replaces all of it', async ({ core }) => {
  await core.published.save('demo', 'Roads.MapServer', first);
  const next = { jobId: 'j2', uploadId: 'u2', sha256: 'cd', publishedMs: 2_000 };
  await core.published.save('demo', 'Roads.MapServer', next);
  expect(await core.published.find('demo', 'Roads.MapServer')).toEqual(next);
});

test('a time that is not known stays unknown', async ({ core }) => {
  await core.published.save('demo', 'Roads.MapServer', { ...first, lastModifiedMs: undefined });
  expect((await core.published.find('demo', 'Roads.MapServer'))?.lastModifiedMs).toBeUndefined();
});
