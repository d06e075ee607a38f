import { afterAll, expect } from 'vitest';
import { test } from '../support/publishing-test.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

const jobCount = 50;
const rounds = 2;

test('workers are restarted one after the other while 50 jobs run: each is done, and done once', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 200, publishingInstances: 4 });
  const gateway = await open(site, {
    hasWorker: false,
    settings: { queue: { lockSeconds: 3, stalledCheckSeconds: 1, sweepSeconds: 1 } },
    site: { slots: 4 },
  });
  const env = await environmentOf(gateway);
  let workers = [await pool.start(env), await pool.start(env)];
  const definition = await gateway.build();
  const jobIds: string[] = [];
  for (let index = 0; index < jobCount; index += 1) {
    const inputs = { site: 'demo', folder: `Folder${index % 3}`, serviceName: `Roads${index}` };
    jobIds.push((await gateway.publish(definition, inputs)).body.jobID);
  }

  for (let round = 0; round < rounds; round += 1) {
    for (const old of [...workers]) {
      workers = [...workers.filter((worker) => worker !== old), await pool.start(env)];
      await endWell(old);
    }
  }
  const jobs = await Promise.all(jobIds.map((jobId) => gateway.ended(jobId, 110_000)));
  await Promise.all(workers.map(endWell));

  expect(jobs.map(({ status, exception }) => exception ?? status)).toEqual(
    jobIds.map(() => 'successful'),
  );
  expect(jobs.map(({ deaths }) => deaths)).toEqual(jobIds.map(() => 0));
  expect(jobs.filter(({ attempt }) => attempt > 1).length).toBeGreaterThan(0);
  const { siteJobs, services, uploads } = site.control.state();
  expect(siteJobs).toHaveLength(jobCount);
  expect(services.filter(({ generation }) => generation === 1)).toHaveLength(jobCount);
  expect(uploads).toEqual([]);
}, 180_000);
