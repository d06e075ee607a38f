import { expect } from 'vitest';
import type { PublishServiceDefinitionResult } from '../../src/jobs/publish-service-definition/schema.ts';
import type { Fault, SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { editItemInfo, readItemInfo } from '../../src/sites/service-extras.ts';
import type { Gateway } from '../support/gateway.ts';
import {
  changesOn,
  outcomeOf,
  published,
  replacing,
  roads,
  test,
} from '../support/quick-publishing.ts';

const failing: Fault = {
  kind: 'fail-publish',
  messages: ['ERROR 001369: Failed to create the service.'],
  leaves: 'half-made',
};
const target = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };

/** What a service is, without what every change of it moves. */
function liveService(site: SimulatedSite) {
  const [service] = site.control.state().services;
  if (!service) throw new Error('There is no service');
  const { lastmodified: _, generation: __, json, ...kept } = service;
  return { ...kept, json };
}

/** Nothing that the job did may stop or delete the service that it replaces. */
function expectNeverStopped(site: SimulatedSite): void {
  const changes = changesOn(site);
  expect(changes).not.toContain('stop');
  expect(changes).not.toContain('delete-service');
}

async function tunedService(gateway: Gateway, site: SimulatedSite) {
  await published(gateway, await gateway.build(), {
    ...replacing,
    overrides: JSON.stringify({ maxUsageTime: 777, maxStartupTime: 2 }),
  });
  const live = gateway.sites.get('demo');
  const own = await readItemInfo(live, target);
  await editItemInfo(live, target, { ...own, title: 'Roads of the county', tags: ['tuned'] });
  site.control.clearRequests();
  return liveService(site);
}

test.for([
  ['fails half-made', [failing], 'publishing_failed'],
  ['shows fewer layers', [{ kind: 'fewer-layers', by: 1 }], 'verification_failed'],
  ['never starts', [{ kind: 'never-starts' }], 'verification_failed'],
  ['lies about success', [{ kind: 'lying-replace' }], 'verification_failed'],
] as [string, Fault[], string][])(
  'a replacement that %s: the service is as it was, all of it',
  async ([, faults, code], { quick }) => {
    const { site, gateway } = await quick();
    const before = await tunedService(gateway, site);
    for (const fault of faults) site.control.fault(fault);

    const job = await published(gateway, await gateway.build({ layers: ['A', 'B', 'C'] }), {
      ...replacing,
      requireRestorable: 'true',
      overrides: JSON.stringify({ maxStartupTime: 1 }),
    });

    expect(job).toMatchObject({
      status: 'failed',
      exception: { code, liveService: { isListed: true, realTimeState: 'STARTED' } },
    });
    expect(job.exception?.notPutBack).toEqual([]);
    expect(liveService(site)).toEqual(before);
    expect(await readItemInfo(gateway.sites.get('demo'), target)).toMatchObject({
      title: 'Roads of the county',
      tags: ['tuned'],
    });
    expect(site.control.state().uploads).toEqual([]);
    expectNeverStopped(site);
    const page = await gateway.core.ledger.readPage('demo', 'Transport/Roads.MapServer', {
      limit: 10,
    });
    expect(page).toMatchObject({ current: 1, versions: [{ result: 'failed' }, {}] });
  },
);

test('what is put back counts as restorable again, and is published again when asked for', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  const first = await gateway.build();
  await published(gateway, first);
  for (const _ of [1, 2]) {
    site.control.fault({ kind: 'fewer-layers', by: 1 });
    const job = await published(gateway, await gateway.build({ layers: ['A', 'B'] }), {
      ...replacing,
      requireRestorable: 'true',
    });
    expect(job).toMatchObject({ status: 'failed', undo: 'done' });
  }
  expect(liveService(site).layers).toEqual(['Roads', 'Bridges']);
  expect(outcomeOf(await published(gateway, first))).toBe('replaced');
  expect(outcomeOf(await published(gateway, first))).toBe('unchanged');
});

test.for([
  { times: 3, undo: 'done', notPutBack: [] },
  {
    times: 4,
    undo: 'failed',
    notPutBack: [expect.stringMatching(/ended as esriJobFailed, 3 times/)],
  },
] as const)(
  'a site that fails $times times in a row, also to publish what was there: $undo',
  async ({ times, undo, notPutBack }, { quick }) => {
    const { site, gateway } = await quick();
    await published(gateway, await gateway.build());
    const before = liveService(site);
    for (let at = 0; at < times; at += 1) site.control.fault(failing);

    const job = await published(gateway, await gateway.build({ layers: ['A', 'B', 'C'] }));

    expect(job).toMatchObject({ status: 'failed', undo, exception: { notPutBack } });
    if (undo === 'done') expect(liveService(site)).toEqual(before);
    expect(site.control.state().uploads).toEqual([]);
  },
);

test('a site whose disk is full for a moment gets the definition of before all the same', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  const before = liveService(site);
  site.control.fault(failing);
  const stop = site.control.onRequest(({ operation, phase }) => {
    if (operation !== 'submit' || phase !== 'after') return;
    stop();
    site.control.fault({ kind: 'disk-full' }); // the next upload is that of putting back
  });

  const job = await published(gateway, await gateway.build({ layers: ['A', 'B', 'C'] }));

  expect(job).toMatchObject({ status: 'failed', undo: 'done', exception: { notPutBack: [] } });
  expect(liveService(site)).toEqual(before);
});

test('a site that lies while it is put back is not believed', async ({ quick }) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  site.control.fault({ kind: 'fewer-layers', by: 1 });
  site.control.onRequest(({ operation, phase }) => {
    const submits = site.control.requests().filter((each) => each.operation === 'submit').length;
    if (operation === 'submit' && phase === 'before' && submits === 3)
      site.control.fault({ kind: 'lying-replace' });
  });

  const job = await published(gateway, await gateway.build({ layers: ['A', 'B', 'C'] }));

  expect(job).toMatchObject({ status: 'failed', undo: 'failed' });
  expect(job.exception?.notPutBack).toEqual([
    expect.stringContaining('shows 0 A, 1 B in place of 0 Roads'),
  ]);
});

test('what Pressroom did not publish gets its settings back, and is told not to be whole', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  site.control.addService({
    folder: 'Transport',
    name: 'Roads',
    layers: ['Old'],
    json: { maxUsageTime: 777 },
  });
  site.control.fault(failing);

  const job = await published(gateway, await gateway.build());

  expect(job).toMatchObject({ status: 'failed', undo: 'failed' });
  expect(job.exception?.detail).toBeTypeOf('string');
  expect(job.exception?.notPutBack).toEqual([
    expect.stringContaining('content may be the new one'),
  ]);
  expect(liveService(site)).toMatchObject({
    realTimeState: 'STARTED',
    json: { maxUsageTime: 777 },
  });
  expectNeverStopped(site);
});

test('what others changed since is not restorable any more, and is refused on request', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  site.control.changeService(roads, { maxUsageTime: 1 });
  site.control.clearRequests();

  const job = await published(gateway, await gateway.build({ layers: ['A'] }), {
    ...replacing,
    requireRestorable: 'true',
  });

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'not_restorable', restorable: 'settings-only' },
  });
  expect(changesOn(site)).toEqual([]);
});

test('a site that goes read-only before it is told: the job waits, and goes on', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  site.control.changeService(roads, { minInstancesPerNode: 3, maxInstancesPerNode: 4 });
  site.control.clearRequests();
  const stop = site.control.onRequest(({ operation, phase }) => {
    if (operation !== 'upload' || phase !== 'after') return;
    stop();
    site.control.setMode('READ_ONLY');
  });
  const { body } = await gateway.publish(await gateway.build({ layers: ['New'] }), replacing);
  await gateway.until(body.jobID, (record) => record.parked?.reason === 'site');
  expect(liveService(site)).toMatchObject({ layers: ['Roads', 'Bridges'] });
  site.control.setMode('EDITABLE');

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(outcomeOf(job)).toBe('replaced');
  expect((job.results as PublishServiceDefinitionResult).kept).toContainEqual({
    key: 'minInstancesPerNode',
    value: 3,
  });
  expect(site.control.state().siteJobs).toHaveLength(2); // the first publish, and this one
  expectNeverStopped(site);
});

test('a site that goes read-only before it is put back: that waits, and is done', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  await published(gateway, await gateway.build());
  const before = liveService(site);
  site.control.clearRequests();
  site.control.fault(failing);
  const stop = site.control.onRequest(({ operation, phase }) => {
    if (operation !== 'query-logs' || phase !== 'after') return;
    stop();
    site.control.setMode('READ_ONLY');
  });
  const { body } = await gateway.publish(await gateway.build({ layers: ['New'] }), replacing);
  await gateway.until(body.jobID, (record) => record.parked?.reason === 'site');
  site.control.setMode('EDITABLE');

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { code: 'publishing_failed' },
  });
  expect(liveService(site)).toEqual(before);
  expectNeverStopped(site);
});

test('the interruption is measured, and settings are kept or given up as asked', async ({
  quick,
}) => {
  const { site, gateway } = await quick({ startMs: 300 });
  await published(gateway, await gateway.build());
  site.control.changeService(roads, { minInstancesPerNode: 3, maxInstancesPerNode: 4 });
  const kept = await published(gateway, await gateway.build({ layers: ['A'] }));
  expect(liveService(site).json).toMatchObject({ minInstancesPerNode: 3, maxInstancesPerNode: 4 });
  const { outageMs } = kept.results as PublishServiceDefinitionResult;
  expect(outageMs).toBeGreaterThan(0);

  await published(gateway, await gateway.build({ layers: ['B'] }), { ...replacing, keep: '[]' });

  expect(liveService(site).json).toMatchObject({ minInstancesPerNode: 1, maxInstancesPerNode: 2 });
  expectNeverStopped(site);
});

test('how long the site worked is remembered, for the next look to come in time', async ({
  quick,
}) => {
  const { gateway } = await quick({ publishMs: 90 });
  for (const layers of [['A'], ['A', 'B']]) {
    expect(outcomeOf(await published(gateway, await gateway.build({ layers })))).not.toBe(
      'unchanged',
    );
  }
  const pastMs = await gateway.core.siteJobTimes.find('demo', target);
  expect(pastMs).toHaveLength(2);
  expect(Math.min(...pastMs)).toBeGreaterThanOrEqual(80);
});
