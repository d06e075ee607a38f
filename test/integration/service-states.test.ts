import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ask } from '../support/asking.ts';
import { ended, run } from '../support/data-stores.ts';
import { databaseOf, definitionContent } from '../support/definition-content.ts';
import { openGateway } from '../support/gateway.ts';
import { test } from '../support/publishing-test.ts';

const onDatabase = (dataset: string) =>
  definitionContent({
    databases: [
      databaseOf(
        { kind: 'database', host: 'db1', database: 'gis', user: 'editor', version: 'sde.DEFAULT' },
        { datasets: [{ name: dataset, type: 'FeatureClass' }] },
      ),
    ],
  }).databases;

/** Two services read the roads, one of them is stopped; one reads something else, one does not tell. */
function furnish(site: SimulatedSite): void {
  const add = site.control.addService.bind(site.control);
  const stopped = { configuredState: 'STOPPED' };
  add({ folder: 'Transport', name: 'Roads', databases: onDatabase('gis.editor.roads') });
  add({
    folder: 'Transport',
    name: 'Old',
    databases: onDatabase('gis.editor.ROADS'),
    json: stopped,
  });
  add({ name: 'Map', databases: onDatabase('gis.editor.roads') });
  add({ folder: 'Transport', name: 'Rivers', databases: onDatabase('gis.editor.rivers') });
  add({ folder: 'Other', name: 'Handmade' });
}

const states = (site: SimulatedSite) =>
  Object.fromEntries(
    site.control
      .state()
      .services.map(({ name, configuredState, realTimeState }) => [
        name,
        configuredState === realTimeState ? realTimeState : `${configuredState}/${realTimeState}`,
      ]),
  );
const changes = (site: SimulatedSite) =>
  site.control
    .requests()
    .filter(({ operation }) => ['start', 'stop', 'edit', 'delete-service'].includes(operation))
    .map(({ operation, path }) => `${operation} ${path.split('/').at(-2)}`);

test('stops what reads a dataset, and starts exactly that again', async ({ openSite, open }) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const before = states(site);
  const inputs = { site: 'demo', services: { usesDataset: 'roads' } };

  const dry = await ended(gateway, 'stop-services', { ...inputs, dryRun: true });
  expect([states(site), changes(site)]).toEqual([before, []]);
  const stop = await ended(gateway, 'stop-services', inputs);
  const whileStopped = states(site);
  const start = await ended(gateway, 'start-services', { site: 'demo', resume: stop.jobId });
  const again = await ended(gateway, 'start-services', { site: 'demo', resume: stop.jobId });

  expect(dry.results).toMatchObject({
    services: [
      { service: 'Map.MapServer', outcome: 'planned' },
      { service: 'Transport/Old.MapServer', outcome: 'already' },
      { service: 'Transport/Roads.MapServer', outcome: 'planned' },
    ],
  });
  expect(stop).toMatchObject({
    status: 'successful',
    locks: [
      'demo:service:map.mapserver',
      'demo:service:transport/old.mapserver',
      'demo:service:transport/roads.mapserver',
    ],
    results: {
      done: 2,
      already: 1,
      resume: ['Map.MapServer', 'Transport/Roads.MapServer'],
      warnings: [expect.stringContaining('Other/Handmade.MapServer')],
    },
  });
  expect(whileStopped).toEqual({ ...before, Roads: 'STOPPED', Map: 'STOPPED' });
  expect(start).toMatchObject({ status: 'successful', results: { done: 2, already: 0 } });
  expect(again.results).toMatchObject({ done: 0, already: 2 });
  expect(states(site)).toEqual(before);
  expect(changes(site)).toEqual([
    'stop Map.MapServer',
    'stop Roads.MapServer',
    'start Map.MapServer',
    'start Roads.MapServer',
  ]);
});

test('the first failure puts the others back, and names what failed', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  site.control.fault({ kind: 'change-refused', operation: 'stop', service: 'Rivers', text: 'No.' });
  const gateway = await open(site);
  const before = states(site);

  const job = await ended(gateway, 'stop-services', {
    site: 'demo',
    services: { folder: 'transport' },
  });

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: {
      code: 'services_failed',
      failed: ['Transport/Rivers.MapServer'],
      siteMessages: ['No.'],
      services: [
        { service: 'Transport/Old.MapServer', outcome: 'already' },
        { service: 'Transport/Rivers.MapServer', outcome: 'failed' },
        { service: 'Transport/Roads.MapServer', outcome: 'not-begun' },
      ],
      liveService: { isListed: true, realTimeState: 'STARTED' },
    },
  });
  expect(states(site)).toEqual(before);
});

test('what was stopped is started again when a later one fails; unless it shall go on', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  const refused = { kind: 'change-refused', operation: 'stop', service: 'Roads' } as const;
  site.control.fault(refused);
  const gateway = await open(site);
  const before = states(site);
  const inputs = {
    site: 'demo',
    services: { names: ['transport/roads.mapserver', 'Map.MapServer'] },
  };

  const undone = await ended(gateway, 'stop-services', inputs);
  expect(states(site)).toEqual(before);
  site.control.fault(refused);
  const kept = await ended(gateway, 'stop-services', { ...inputs, onFailure: 'continue' });
  expect(states(site)).toEqual({ ...before, Map: 'STOPPED' });
  const resumed = await ended(gateway, 'start-services', { site: 'demo', resume: kept.jobId });
  const nothing = await ended(gateway, 'start-services', { site: 'demo', resume: undone.jobId });

  expect(undone).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      putBack: ['Map.MapServer on demo was started again'],
      services: [{ outcome: 'put-back' }, { outcome: 'failed' }],
    },
  });
  expect(kept).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'services_failed', services: [{ outcome: 'done' }, { outcome: 'failed' }] },
  });
  expect(resumed).toMatchObject({ status: 'successful', results: { done: 1 } });
  expect(nothing).toMatchObject({ status: 'failed', exception: { code: 'nothing_matched' } });
  expect(states(site)).toEqual(before);
});

test('a site that says yes and does nothing is not believed; nor is a service that does not start', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.addService({ name: 'Stuck', json: { maxStartupTime: 1 } });
  site.control.addService({
    name: 'Broken',
    json: { maxStartupTime: 1, configuredState: 'STOPPED' },
  });
  site.control.fault({ kind: 'stays-started', service: 'Stuck' });
  site.control.fault({ kind: 'never-starts', times: 1 });
  const gateway = await open(site);

  const stuck = await ended(gateway, 'stop-services', {
    site: 'demo',
    services: { names: ['Stuck.MapServer'] },
  });
  const broken = await ended(gateway, 'start-services', {
    site: 'demo',
    services: { names: ['Broken.MapServer'] },
  });

  expect(stuck).toMatchObject({ status: 'failed', exception: { failed: ['Stuck.MapServer'] } });
  expect(broken).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      knownAs: 12,
      putBack: ['Broken.MapServer on demo was stopped again'],
      serverLog: [{ message: 'The service did not start.' }],
    },
  });
  expect(states(site)).toEqual({ Stuck: 'STARTED', Broken: 'STOPPED' });
});

test('restarts what runs or should run, and leaves alone what people stopped', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  site.control.setRealTimeState({ folder: '', name: 'Map', type: 'MapServer' }, 'STOPPED');
  const gateway = await open(site);

  const failed = await ended(gateway, 'restart-services', {
    site: 'demo',
    services: { state: 'failed' },
  });
  const all = await ended(gateway, 'restart-services', {
    site: 'demo',
    services: { pattern: 'Transport/*' },
  });

  expect(failed.results).toMatchObject({
    services: [
      {
        service: 'Map.MapServer',
        outcome: 'done',
        before: { configuredState: 'STARTED', realTimeState: 'STOPPED' },
        after: { configuredState: 'STARTED', realTimeState: 'STARTED' },
      },
    ],
  });
  expect(all.results).toMatchObject({
    done: 2,
    services: [{ outcome: 'already' }, { outcome: 'done' }, { outcome: 'done' }],
  });
  expect(changes(site)).toEqual(
    ['Map', 'Rivers', 'Roads'].flatMap((name) => [
      `stop ${name}.MapServer`,
      `start ${name}.MapServer`,
    ]),
  );
  expect(states(site)).toMatchObject({ Old: 'STOPPED', Roads: 'STARTED', Map: 'STARTED' });
});

test('answers that got lost are looked for, and a busy store is waited for', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  site.control.fault({ kind: 'answer-lost', operation: 'stop' });
  site.control.fault({ kind: 'busy-store', operation: 'start' });
  site.control.fault({ kind: 'answer-lost', operation: 'start' });
  const gateway = await open(site);

  const job = await ended(gateway, 'restart-services', {
    site: 'demo',
    services: { names: ['Transport/Roads.MapServer'] },
  });

  expect(job).toMatchObject({ status: 'successful', results: { done: 1 } });
  expect(changes(site).filter((each) => each.startsWith('stop'))).toHaveLength(1);
  expect(states(site)).toMatchObject({ Roads: 'STARTED' });
});

test('dismissed in the middle, it starts again what it had stopped', async ({ openSite, open }) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const before = states(site);
  let dismissing: Promise<unknown> | undefined;
  site.control.onRequest(({ operation, phase, path }) => {
    if (operation === 'stop' && phase === 'before' && path.includes('Rivers'))
      dismissing ??= ask(gateway, `/v1/jobs/${jobID}`, { method: 'DELETE' });
    return dismissing as Promise<void> | undefined;
  });
  const { body } = await run(gateway, 'stop-services', {
    site: 'demo',
    services: { pattern: '*' },
    onFailure: 'continue',
  });
  const { jobID } = body;

  const job = await gateway.ended(jobID);

  expect(job).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(states(site)).toEqual(before);
});

test('says what is wrong with the words, and what was looked for', async ({ openSite, open }) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const stop = (services: object) => ended(gateway, 'stop-services', { site: 'demo', services });

  for (const services of [{}, { names: ['Roads'] }, { names: [] }, { state: 'asleep' }]) {
    expect(await run(gateway, 'stop-services', { site: 'demo', services })).toMatchObject({
      status: 400,
      body: { code: 'validation_error' },
    });
  }
  expect(await run(gateway, 'start-services', { site: 'demo' })).toMatchObject({ status: 400 });
  expect((await stop({ names: ['Map.MapServer', 'Nobody.MapServer'] })).exception).toMatchObject({
    code: 'nothing_matched',
    detail: 'demo has no Nobody.MapServer. Nothing was changed.',
  });
  expect((await stop({ folder: 'Nowhere', usesDataset: 'x' })).exception).toMatchObject({
    detail:
      'demo has no service in the folder Nowhere, reading the dataset x. Nothing was changed.',
  });
  expect((await stop({ usesDataStore: '/enterpriseDatabases/none' })).exception).toMatchObject({
    code: 'nothing_matched',
  });
  expect(changes(site)).toEqual([]);
});

test('waits for a job that holds one of its services, with the slot given back', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ startMs: 2_000 });
  furnish(site);
  const gateway = await open(site, { site: { slots: 1 } });
  const inputs = (pattern: string) => ({ site: 'demo', services: { pattern } });

  const first = await run(gateway, 'stop-services', inputs('Map*'));
  await gateway.until(first.body.jobID, ({ steps }) => steps.some(({ name }) => name === 'stop:0'));
  const [one, other] = await Promise.all([
    gateway.ended(first.body.jobID),
    ended(gateway, 'start-services', inputs('Map*')),
  ]);

  expect(one).toMatchObject({ status: 'successful', results: { done: 1 } });
  expect(other).toMatchObject({ status: 'successful' });
  expect(states(site)).toMatchObject({ Map: 'STARTED' });
});

test('on several sites: stops what reads it on each, and starts on each what ran there', async ({
  openSite,
}) => {
  const [one, two, three] = [await openSite(), await openSite(), await openSite()];
  furnish(one);
  two.control.addService({ name: 'Elsewhere', databases: onDatabase('gis.editor.roads') });
  const access = ({ url, username, password }: SimulatedSite) => ({ url, username, password });
  const sites = { one: access(one), two: access(two), three: access(three) };
  const gateway = await openGateway({ sites });
  try {
    const all = { sites: ['one', 'two', 'three'], ifNoneMatch: 'succeed' };
    const before = [states(one), states(two)];

    const stop = await ended(gateway, 'stop-services', {
      ...all,
      services: { usesDataset: 'roads' },
    });
    expect(stop).toMatchObject({ status: 'successful' });
    expect([states(one), states(two)]).toMatchObject([
      { Map: 'STOPPED' },
      { Elsewhere: 'STOPPED' },
    ]);
    const start = await ended(gateway, 'start-services', { ...all, resume: stop.jobId });

    expect(start).toMatchObject({ status: 'successful' });
    expect([states(one), states(two)]).toEqual(before);
    expect([changes(one).length, changes(two).length, changes(three).length]).toEqual([4, 2, 0]);
  } finally {
    await gateway.close();
  }
});
