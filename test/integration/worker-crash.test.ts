import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from '../support/gateway.ts';
import { type PressroomProcess, startPressroom } from '../support/pressroom-process.ts';
import { test } from '../support/publishing-test.ts';

const quickRecovery = { queue: { lockSeconds: 2, stalledCheckSeconds: 1, sweepSeconds: 1 } };

/** A worker process of the gateway's own configuration, without its API. */
async function startWorker(gateway: Gateway): Promise<PressroomProcess> {
  const { redis, storage, timing, sites, queue } = gateway.config;
  const file = join(gateway.folder, 'pressroom.yaml');
  await writeFile(file, stringify({ redis, storage, timing, sites, queue }));
  return startPressroom('worker', { PRESSROOM_CONFIG: file, ...gateway.passwords });
}

type Moment = { operation: string; phase: 'before' | 'after' };

/** Kills the worker in the moment of a request, and starts another one. */
async function publishWithKill(
  site: SimulatedSite,
  gateway: Gateway,
  inputs: Record<string, string>,
  moment: Moment,
): Promise<{ jobID: string; kills: number }> {
  const first = await startWorker(gateway);
  let kills = 0;
  const ended = new Promise<void>((resolve) => {
    site.control.onRequest((request) => {
      if (kills > 0 || request.operation !== moment.operation || request.phase !== moment.phase)
        return;
      kills += 1;
      first.signal('SIGKILL');
      void first.ended.then(() => resolve());
    });
  });
  const { body } = await gateway.publish(await gateway.build(), inputs);
  await ended;
  const second = await startWorker(gateway);
  await gateway.ended(body.jobID, 40_000);
  second.signal('SIGTERM');
  expect(await second.ended).toEqual({ code: 0, signal: null });
  return { jobID: body.jobID, kills };
}

const moments: Moment[] = [
  { operation: 'list-services', phase: 'after' },
  { operation: 'upload', phase: 'after' },
  { operation: 'upload-member', phase: 'after' },
  { operation: 'create-folder', phase: 'after' },
  { operation: 'submit', phase: 'before' },
  { operation: 'submit', phase: 'after' },
  { operation: 'poll', phase: 'after' },
  { operation: 'query', phase: 'before' },
  { operation: 'delete-upload', phase: 'before' },
  { operation: 'delete-upload', phase: 'after' },
];

test.for(moments)(
  'a worker killed $phase $operation: another one carries on',
  async (moment, { openSite, open }) => {
    const site = await openSite({ publishMs: 600 });
    const gateway = await open(site, { hasWorker: false, settings: quickRecovery });

    const { jobID, kills } = await publishWithKill(
      site,
      gateway,
      { site: 'demo', folder: 'Transport' },
      moment,
    );

    expect(kills).toBe(1);
    const job = await gateway.core.records.find(jobID);
    expect(job?.exception).toBeUndefined();
    expect(job).toMatchObject({ status: 'successful', attempt: 2 });
    const state = site.control.state();
    expect(state.services).toMatchObject([
      { folder: 'Transport', name: 'Roads', realTimeState: 'STARTED', generation: 1 },
    ]);
    expect(state.uploads).toEqual([]);
    const counted = (operation: string) =>
      site.control.requests().filter((each) => each.operation === operation).length;
    expect({ submits: counted('submit'), folders: counted('create-folder') }).toEqual({
      submits: 1,
      folders: 1,
    });
    expect(counted('upload')).toBe(1);
  },
);

test('a worker killed while it replaces: the old service is never stopped nor deleted by us', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 600 });
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const gateway = await open(site, { hasWorker: false, settings: quickRecovery });

  const { jobID } = await publishWithKill(
    site,
    gateway,
    { site: 'demo', ifExists: 'replace' },
    { operation: 'submit', phase: 'after' },
  );

  expect(await gateway.core.records.find(jobID)).toMatchObject({
    status: 'successful',
    results: { outcome: 'replaced', outageMs: null },
  });
  const asked = site.control.requests().map(({ operation }) => operation);
  expect(asked.filter((operation) => operation === 'submit')).toHaveLength(1);
  expect(asked).not.toContain('stop');
  expect(asked).not.toContain('delete-service');
});

test('a worker killed while it undoes: another one puts back what is left', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 300 });
  site.control.fault({
    kind: 'fail-publish',
    messages: ['ERROR 001369: Failed to create the service.'],
    leaves: 'half-made',
  });
  const gateway = await open(site, { hasWorker: false, settings: quickRecovery });

  const { jobID } = await publishWithKill(
    site,
    gateway,
    { site: 'demo', folder: 'Transport' },
    { operation: 'delete-service', phase: 'after' },
  );

  expect(await gateway.core.records.find(jobID)).toMatchObject({
    status: 'failed',
    exception: { code: 'publishing_failed', jobStatus: 'esriJobFailed' },
  });
  expect(site.control.state()).toMatchObject({ services: [], folders: [], uploads: [] });
});

test('a frozen worker that wakes up after its lock has gone touches nothing', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 300 });
  const gateway = await open(site, { hasWorker: false, settings: quickRecovery });
  const first = await startWorker(gateway);
  const frozen = new Promise<void>((resolve) => {
    const stop = site.control.onRequest(({ operation, phase }) => {
      if (operation !== 'upload-member' || phase !== 'after') return;
      stop();
      first.signal('SIGSTOP');
      resolve();
    });
  });
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });
  await frozen;
  const second = await startWorker(gateway);
  const job = await gateway.ended(body.jobID, 40_000);
  const before = site.control.requests().length;

  first.signal('SIGCONT');
  first.signal('SIGTERM');
  expect((await first.ended).code).toBe(0);
  second.signal('SIGTERM');
  await second.ended;

  expect(job).toMatchObject({ status: 'successful', attempt: 2 });
  const changes = [
    'upload',
    'create-folder',
    'submit',
    'delete-upload',
    'delete-service',
    'stop',
    'start',
    'edit',
  ];
  expect(
    site.control
      .requests()
      .slice(before)
      .map(({ operation }) => operation)
      .filter((operation) => changes.includes(operation)),
  ).toEqual([]);
});

test('SIGTERM hands a running job over: exit 0, and the next worker goes on', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 3_000 });
  const gateway = await open(site, { hasWorker: false, settings: quickRecovery });
  const first = await startWorker(gateway);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.until(body.jobID, (record) => record.step === 'await');

  first.signal('SIGTERM');
  expect(await first.ended).toEqual({ code: 0, signal: null });
  const second = await startWorker(gateway);

  expect(await gateway.ended(body.jobID, 40_000)).toMatchObject({ status: 'successful' });
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(1);
  second.signal('SIGTERM');
  await second.ended;
});
