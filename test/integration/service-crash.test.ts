import { afterAll, expect } from 'vitest';
import type { Fault, SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { crashSettings } from '../support/crash-matrix.ts';
import { run } from '../support/data-stores.ts';
import { openGateway } from '../support/gateway.ts';
import { test } from '../support/publishing-test.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

const pool = new WorkerPool(2);
afterAll(() => pool.close());

const changing = ['start', 'stop', 'edit', 'delete-service', 'create-service', 'add-permission'];
const changes = (site: SimulatedSite) =>
  site.control
    .requests()
    .filter(({ operation }) => changing.includes(operation))
    .map(({ operation, path }) =>
      `${operation} ${/(\w+)\.MapServer/.exec(path)?.[1] ?? ''}`.trim(),
    );
const states = (site: SimulatedSite) =>
  Object.fromEntries(
    site.control.state().services.map(({ name, realTimeState }) => [name, realTimeState]),
  );

type Case = {
  name: string;
  process: string;
  inputs: Record<string, unknown>;
  /** The first worker is killed when the site has carried this out, and nobody heard of it. */
  killAfter: string;
  fault?: Fault;
  status: string;
  expected: { changes: string[]; states: Record<string, string> };
};

const services = { pattern: '*.MapServer' };
const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
const running = { A: 'STARTED', B: 'STARTED' };
const cases: Case[] = [
  {
    name: 'stopping',
    process: 'stop-services',
    inputs: { services },
    killAfter: 'stop',
    status: 'successful',
    expected: { changes: ['stop A', 'stop B'], states: { A: 'STOPPED', B: 'STOPPED' } },
  },
  {
    name: 'restarting',
    process: 'restart-services',
    inputs: { services },
    killAfter: 'stop',
    status: 'successful',
    expected: { changes: ['stop A', 'start A', 'stop B', 'start B'], states: running },
  },
  {
    name: 'putting-back',
    process: 'stop-services',
    inputs: { services },
    killAfter: 'start',
    fault: { kind: 'change-refused', operation: 'stop', service: 'B' },
    status: 'failed',
    expected: { changes: ['stop A', 'stop B', 'start A'], states: running },
  },
  {
    name: 'editing',
    process: 'edit-services',
    inputs: { services, set: { maxIdleTime: 60 }, until: inAnHour },
    killAfter: 'edit',
    status: 'successful',
    expected: { changes: ['edit A', 'edit B'], states: running },
  },
  {
    name: 'deleting',
    process: 'delete-services',
    inputs: { services },
    killAfter: 'delete-service',
    status: 'successful',
    expected: { changes: ['delete-service A', 'delete-service B'], states: {} },
  },
  {
    name: 'creating',
    process: 'create-image-service',
    inputs: { folder: 'Imagery', serviceName: 'Ortho', path: '/data/ortho.tif' },
    killAfter: 'create-service',
    status: 'successful',
    expected: { changes: ['create-service'], states: { ...running, Ortho: 'STARTED' } },
  },
];

/** Holds a site's answer to a request until the worker is dead. @returns when the site has done it */
function holdAnswer(site: SimulatedSite, wanted: string, isDead: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const stop = site.control.onRequest(async ({ operation, phase }) => {
      if (operation !== wanted || phase !== 'after') return;
      stop();
      resolve();
      await isDead;
    });
  });
}

test('a worker killed in the middle of each job: another one carries on, and does nothing twice', async ({
  openSite,
}) => {
  const places = await Promise.all(
    cases.map(async (each) => ({ ...each, site: await openSite() })),
  );
  const sites: Record<string, { url: string; username: string; password: string }> = {};
  for (const { name, site, fault } of places) {
    const info = { path: '/data', dataStoreConnectionType: 'shared' };
    site.control.addDataItem({ path: '/fileShares/data', type: 'folder', info });
    for (const service of ['A', 'B']) site.control.addService({ name: service, layers: ['L'] });
    if (fault) site.control.fault(fault);
    sites[name] = { url: site.url, username: site.username, password: site.password };
  }
  const gateway = await openGateway({ sites, hasWorker: false, settings: crashSettings });
  try {
    const env = await environmentOf(gateway);
    const first = await pool.start(env);
    const moments = places.map(({ site, killAfter }) => holdAnswer(site, killAfter, first.ended));
    const jobIds: string[] = [];
    for (const { name, process, inputs } of places) {
      const { body } = await run(gateway, process, { site: name, ...inputs });
      jobIds.push(body.jobID);
    }
    await Promise.all(moments);
    first.signal('SIGKILL');
    await first.ended;
    const second = await pool.start(env);

    for (const [at, { name, site, status, expected }] of places.entries()) {
      const job = await gateway.ended(jobIds[at] ?? '', 40_000);
      expect(job, name).toMatchObject({ status, attempt: 2 });
      expect(changes(site), name).toEqual(expected.changes);
      expect(states(site), name).toEqual(expected.states);
    }
    const alive = await gateway.core.records.findMany(await gateway.core.records.findAlive());
    expect(alive).toMatchObject([{ processID: 'edit-services', status: 'accepted' }]);
    await endWell(second);
  } finally {
    await gateway.close();
  }
}, 90_000);
