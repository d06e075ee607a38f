import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { findFreePort, openOwnRedisAt } from '../../src/lib/own-redis.ts';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { crashSettings } from '../support/crash-matrix.ts';
import { test } from '../support/publishing-test.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

const pool = new WorkerPool(1);
afterAll(() => pool.close());

const submits = (site: SimulatedSite) =>
  site.control.requests().filter(({ operation }) => operation === 'submit');

const portOf = (url: string | undefined) => Number(new URL(url ?? '').port);

test.for([
  { operation: 'upload', phase: 'before' },
  { operation: 'upload-item', phase: 'after' },
  { operation: 'poll', phase: 'after' },
] as const)(
  'a worker that loses Redis $phase $operation is overtaken, and the fence holds when the line is mended',
  async (moment, { openSite, open }) => {
    const site = await openSite({ publishMs: 600 });
    const gateway = await open(site, { hasWorker: false, settings: crashSettings });
    const { redis } = gateway.config;
    const line = new TcpProxy(portOf(redis.url));
    const url = `redis://127.0.0.1:${await line.open()}`;
    const first = await pool.start(await environmentOf(gateway, { redis: { ...redis, url } }));
    const wasCut = new Promise<void>((resolve) => {
      const stop = site.control.onRequest(({ operation, phase }) => {
        if (operation !== moment.operation || phase !== moment.phase) return;
        stop();
        line.cut();
        resolve();
      });
    });
    const inputs = { site: 'demo', folder: 'Transport' };
    const { body } = await gateway.publish(await gateway.build(), inputs);
    await wasCut;

    const second = await pool.start(await environmentOf(gateway));
    const job = await gateway.ended(body.jobID, 40_000);
    line.mend();
    for (const worker of [first, second]) await endWell(worker);
    await line.close();

    expect(job.exception).toBeUndefined();
    expect(job).toMatchObject({
      status: 'successful',
      attempts: [{ outcome: 'died' }, { outcome: 'ended' }],
    });
    expect(await gateway.messages(body.jobID)).toContainEqual(
      expect.stringMatching(/^Attempt 1 broke off in the step .* Attempt 2 goes on from there\.$/),
    );
    expect(submits(site)).toHaveLength(1);
    expect(site.control.state()).toMatchObject({ services: [{ generation: 1 }], uploads: [] });
  },
);

test('a Redis that takes 200 ms for every answer slows things down, and nothing else', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const direct = await open(site, { hasWorker: false });
  const line = new TcpProxy(portOf(direct.config.redis.url));
  const url = `redis://127.0.0.1:${await line.open()}`;
  const gateway = await open(site, {
    settings: {
      redis: { ...direct.config.redis, url },
      queue: { lockSeconds: 3, stalledCheckSeconds: 1, sweepSeconds: 1 },
    },
  });
  line.slowDown(200);

  const definition = await gateway.build();
  const first = await gateway.publish(definition, { site: 'demo', folder: 'Transport' });
  const second = await gateway.publish(definition, { site: 'demo', serviceName: 'Rivers' });

  expect([first.response.status, second.response.status]).toEqual([201, 201]);
  for (const { body } of [first, second]) {
    const job = await gateway.ended(body.jobID, 60_000);
    expect(job).toMatchObject({ status: 'successful', attempt: 1, deaths: 0 });
  }
  const health = await fetch(`${gateway.url}/health/ready`);
  expect(health.status).toBe(200);
  await gateway.close();
  await line.close();
});

test('Redis is killed in the middle of several jobs and comes back: all end, none is done twice', async ({
  openSite,
  open,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  const port = await findFreePort();
  // A kill is tried here, and no power cut: what Redis itself would lose of a second is not our affair.
  const persistence = { kind: 'append-only', folder, fsync: 'no' } as const;
  const redis = await openOwnRedisAt(port, persistence);
  const site = await openSite({ publishMs: 600 });
  const gateway = await open(site, {
    settings: {
      redis: { url: redis.url },
      queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1, reconcileSeconds: 2 },
    },
  });
  const definition = await gateway.build();
  const jobIds: string[] = [];
  for (let index = 0; index < 6; index += 1) {
    const inputs = { site: 'demo', folder: `Folder${index % 2}`, serviceName: `Roads${index}` };
    jobIds.push((await gateway.publish(definition, inputs)).body.jobID);
  }
  await new Promise<void>((resolve) => {
    const stop = site.control.onRequest(({ operation, phase }) => {
      if ((operation !== 'submit' && operation !== 'upload') || phase !== 'after') return;
      stop();
      process.kill(redis.pid, 'SIGKILL');
      resolve();
    });
  });
  await redis.close();

  const again = await openOwnRedisAt(port, persistence);
  const jobs = await Promise.all(jobIds.map((jobId) => gateway.ended(jobId, 50_000)));

  expect(jobs.map(({ status, exception }) => exception ?? status)).toEqual(
    jobIds.map(() => 'successful'),
  );
  expect(submits(site)).toHaveLength(6);
  expect(site.control.state().services.map(({ generation }) => generation)).toEqual(
    jobIds.map(() => 1),
  );
  expect(site.control.state().uploads).toEqual([]);
  await gateway.close();
  await again.close();
  await rm(folder, { recursive: true, force: true });
});
