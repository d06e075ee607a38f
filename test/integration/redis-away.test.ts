import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { findFreePort, openOwnRedisAt } from '../../src/lib/own-redis.ts';
import { test } from '../support/publishing-test.ts';

test('Redis is killed in the middle and comes back: callers hear 503, the job goes on by itself', async ({
  openSite,
  open,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await findFreePort();
  const persistence = { kind: 'append-only', folder } as const;
  const redis = await openOwnRedisAt(port, persistence);
  const site = await openSite({ publishMs: 1_500 });
  const gateway = await open(site, {
    settings: {
      redis: { url: redis.url },
      queue: { lockSeconds: 3, stalledCheckSeconds: 1, sweepSeconds: 1 },
    },
  });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.until(body.jobID, (record) => record.step === 'await');

  process.kill(redis.pid, 'SIGKILL');
  await redis.close();
  const refused = await fetch(`${gateway.url}/v1/jobs/${body.jobID}`);
  const ready = await fetch(`${gateway.url}/health/ready`);
  const live = await fetch(`${gateway.url}/health/live`);
  const upload = await fetch(`${gateway.url}/v1/uploads?name=x.sd`, {
    method: 'POST',
    body: new Uint8Array(10),
    headers: { 'content-type': 'application/octet-stream' },
  });
  const again = await openOwnRedisAt(port, persistence);

  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await refused.json()).toMatchObject({ code: 'queue_unavailable' });
  expect({ ready: ready.status, live: live.status, upload: upload.status }).toEqual({
    ready: 503,
    live: 200,
    upload: 503,
  });
  expect(await gateway.ended(body.jobID, 40_000)).toMatchObject({ status: 'successful' });
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(1);
  await gateway.close();
  await again.close();
  await rm(folder, { recursive: true, force: true });
});
