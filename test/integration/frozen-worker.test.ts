import { afterAll, expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { crashSettings } from '../support/crash-matrix.ts';
import type { Gateway } from '../support/gateway.ts';
import type { PressroomProcess } from '../support/pressroom-process.ts';
import { test } from '../support/publishing-test.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { makeTestCertificate } from '../support/test-certificate.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

const changes = [
  'upload',
  'create-folder',
  'submit',
  'delete-upload',
  'delete-service',
  'delete-folder',
  'stop',
  'start',
  'edit',
];

/** What BullMQ sends to keep the locks of jobs: where stalled ones are noted, and the jobs' ids. */
const renewal = /:stalled\r\n.*[0-9a-f]{8}-[0-9a-f]{4}-7/s;

const changesOf = (site: SimulatedSite) =>
  site.control
    .requests()
    .map(({ operation }) => operation)
    .filter((operation) => changes.includes(operation));

/** Resolves, and lets the request go on, at the first request of a kind. */
function atRequest(
  site: SimulatedSite,
  wanted: { operation: string; phase: 'before' | 'after' },
  act: () => unknown,
): Promise<void> {
  return new Promise((resolve) => {
    const stop = site.control.onRequest(async ({ operation, phase }) => {
      if (operation !== wanted.operation || phase !== wanted.phase) return;
      stop();
      await act();
      resolve();
    });
  });
}

/** Lets a second worker do the job while the first one cannot, and then the first one go on. */
async function overtake(
  {
    site,
    gateway,
    first,
    jobId,
  }: {
    site: SimulatedSite;
    gateway: Gateway;
    first: PressroomProcess;
    jobId: string;
  },
  wake: () => void,
): Promise<void> {
  const second = await pool.start(await environmentOf(gateway));
  const job = await gateway.ended(jobId, 40_000);
  const done = changesOf(site);
  wake();
  await endWell(first);
  await endWell(second);

  expect(job.exception).toBeUndefined();
  expect(job.status).toBe('successful');
  expect(job.attempt).toBeGreaterThan(1);
  expect(changesOf(site)).toEqual(done);
  expect(done.filter((operation) => operation === 'submit')).toHaveLength(1);
  expect(site.control.state().siteJobs).toHaveLength(1);
  expect(site.control.state().uploads).toEqual([]);
}

test.for([
  { operation: 'upload-member', phase: 'after' },
  { operation: 'upload-item', phase: 'after' },
  { operation: 'submit', phase: 'after' },
  { operation: 'poll', phase: 'after' },
] as const)(
  'a worker frozen $phase $operation, that wakes up after its lock has gone, changes nothing',
  async (moment, { openSite, open }) => {
    const site = await openSite({ publishMs: 600 });
    const gateway = await open(site, { hasWorker: false, settings: crashSettings });
    const first = await pool.start(await environmentOf(gateway));
    const frozen = atRequest(site, moment, () => first.signal('SIGSTOP'));
    const inputs = { site: 'demo', folder: 'Transport' };
    const { body } = await gateway.publish(await gateway.build(), inputs);
    await frozen;

    await overtake({ site, gateway, first, jobId: body.jobID }, () => first.signal('SIGCONT'));
  },
);

test('a worker whose connection to the site comes about after its lock has gone sends nothing', async ({
  openSite,
  open,
  skip,
}) => {
  const certificate = await makeTestCertificate('localhost', 'IP:127.0.0.1');
  if (!certificate) return skip('openssl is needed to make a certificate');
  const site = await openSite({ publishMs: 600, tls: certificate });
  const line = new TcpProxy(site.port);
  const port = await line.open();
  const gateway = await open(site, {
    hasWorker: false,
    settings: crashSettings,
    site: { tls: { ca: certificate.file } },
  });
  const { demo } = gateway.config.sites;
  const overLine = {
    demo: { ...demo, adminUrl: site.url.replace(String(site.port), String(port)) },
  };
  const first = await pool.start(await environmentOf(gateway, { sites: overLine }));
  // The last thing it reads before it tells the site to publish, over a new connection.
  const held = atRequest(site, { operation: 'upload-item', phase: 'after' }, () => {
    line.atNextConnection(() => {
      line.holdReplies();
      first.signal('SIGSTOP');
    });
  });
  const inputs = { site: 'demo', folder: 'Transport' };
  const { body } = await gateway.publish(await gateway.build(), inputs);
  await held;

  await overtake({ site, gateway, first, jobId: body.jobID }, () => {
    line.mend();
    first.signal('SIGCONT');
  });
  await line.close();
  await certificate.remove();
});

test('a worker that is told late that the job was its own does not believe it', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 600 });
  const gateway = await open(site, { hasWorker: false, settings: crashSettings });
  const { redis } = gateway.config;
  const line = new TcpProxy(Number(new URL(redis.url ?? '').port));
  const url = `redis://127.0.0.1:${await line.open()}`;
  const first = await pool.start(await environmentOf(gateway, { redis: { ...redis, url } }));
  // It asks for its lock and then for the fence; both are answered, and the answers are held up.
  const held = atRequest(site, { operation: 'upload-item', phase: 'after' }, () => {
    line.holdReplies();
    return new Promise<void>((resolve) => {
      const stop = line.onRequest((text) => {
        if (!renewal.test(text)) return;
        stop();
        resolve();
      });
    });
  });
  const inputs = { site: 'demo', folder: 'Transport' };
  const { body } = await gateway.publish(await gateway.build(), inputs);
  await held;

  await overtake({ site, gateway, first, jobId: body.jobID }, () => line.mend());
  await line.close();
});
