import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ask } from '../support/asking.ts';
import { ended, findTraces, run } from '../support/data-stores.ts';
import { test } from '../support/publishing-test.ts';

const canary = 'edit-canary-77aa';
const secret = `SERVER=db1;DATABASE=gis;USER=editor;PASSWORD=${canary}`;

/** Two maps, one of them stopped; and a third one somewhere else. */
function furnish(site: SimulatedSite): void {
  const properties = { maxRecordCount: '1000', connectionString: secret };
  const kml = { typeName: 'KmlServer', enabled: 'true', capabilities: '', properties: {} };
  for (const [name, more] of [
    ['Roads', {}],
    ['Old', { configuredState: 'STOPPED', maxInstancesPerNode: 4 }],
  ] as const) {
    const json = { properties, extensions: [kml], unknownKey: 1, ...more };
    site.control.addService({ folder: 'Transport', name, json });
  }
  site.control.addService({ name: 'Other' });
}

const jsonOf = (site: SimulatedSite, name: string) =>
  site.control.state().services.find((each) => each.name === name)?.json;
const count = (site: SimulatedSite, wanted: string) =>
  site.control.requests().filter(({ operation }) => operation === wanted).length;
const transport = { folder: 'Transport' };

test('edits settings of many, shows each value, and puts back what is still its own', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const before = [jsonOf(site, 'Roads'), jsonOf(site, 'Old')];
  const inputs = {
    site: 'demo',
    services: transport,
    set: {
      maxInstancesPerNode: 4,
      capabilities: ['Query', 'Map', 'Data'],
      properties: { maxRecordCount: 5_000 },
      extensions: [
        { typeName: 'kmlserver', enabled: false },
        { typeName: 'WMSServer', enabled: true },
      ],
    },
  };

  const dry = await ended(gateway, 'edit-services', { ...inputs, dryRun: true });
  expect(count(site, 'edit')).toBe(0);
  const edit = await ended(gateway, 'edit-services', inputs);
  const again = await ended(gateway, 'edit-services', inputs);
  expect(count(site, 'edit')).toBe(2);

  const changes = [
    { key: 'properties.maxRecordCount', from: '1000', to: '5000' },
    { key: 'extensions.kmlserver.enabled', from: 'true', to: 'false' },
    { key: 'extensions.WMSServer.enabled', from: null, to: 'true' },
  ];
  const services = [
    { service: 'Transport/Old.MapServer', changes, restarts: false },
    {
      service: 'Transport/Roads.MapServer',
      changes: [{ key: 'maxInstancesPerNode', from: 2, to: 4 }, ...changes],
      restarts: true,
    },
  ];
  expect(dry.results).toMatchObject({ services, done: 0 });
  expect(edit).toMatchObject({ status: 'successful', results: { services, done: 2 } });
  expect(again.results).toMatchObject({ done: 0, already: 2, changes: [] });
  expect(jsonOf(site, 'Roads')).toMatchObject({ unknownKey: 1, maxInstancesPerNode: 4 });
  expect(site.control.state().services).toMatchObject([
    { name: 'Roads', realTimeState: 'STARTED' },
    { name: 'Old', realTimeState: 'STOPPED' },
    { name: 'Other' },
  ]);

  const target = { folder: 'Transport', name: 'Roads', type: 'MapServer' };
  site.control.changeService(target, { maxInstancesPerNode: 9 });
  const putBack = (edit.results as { changes: unknown[] }).changes;
  const back = await ended(gateway, 'edit-services', { site: 'demo', putBack });

  expect(back).toMatchObject({
    status: 'successful',
    results: {
      done: 2,
      services: [{}, { messages: [expect.stringContaining('maxInstancesPerNode is 9 by now')] }],
    },
  });
  expect([jsonOf(site, 'Roads'), jsonOf(site, 'Old')]).toEqual([
    { ...before[0], maxInstancesPerNode: 9 },
    before[1],
  ]);
  const jobs = [dry.jobId, edit.jobId, again.jobId, back.jobId];
  expect(await findTraces(gateway, [canary], jobs)).toEqual([]);
});

test('one that is refused, or does not come back, puts all of them back', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  site.control.changeService(
    { folder: '', name: 'Other', type: 'MapServer' },
    { maxStartupTime: 1 },
  );
  const gateway = await open(site);
  const before = site.control.state().services.map(({ json }) => json);
  const edit = (services: object, set: object, more: object = {}) =>
    ended(gateway, 'edit-services', { site: 'demo', services, set, ...more });

  site.control.fault({ kind: 'change-refused', operation: 'edit', service: 'Roads', text: 'No.' });
  const refused = await edit(transport, { maxIdleTime: 60 });
  site.control.fault({ kind: 'never-starts' });
  const broken = await edit({ names: ['Other.MapServer'] }, { maxIdleTime: 60 });
  const impossible = await edit(transport, { minInstancesPerNode: 3 }, { onFailure: 'continue' });

  expect(refused).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      code: 'services_failed',
      failed: ['Transport/Roads.MapServer'],
      putBack: ['Transport/Old.MapServer on demo has its earlier values again: maxIdleTime'],
    },
  });
  expect(broken).toMatchObject({ status: 'failed', undo: 'done', exception: { knownAs: 12 } });
  expect(impossible).toMatchObject({
    status: 'failed',
    exception: { failed: ['Transport/Roads.MapServer'], services: [{ outcome: 'done' }, {}] },
  });
  const after = site.control.state().services.map(({ json }) => json);
  expect(after).toEqual([before[0], { ...before[1], minInstancesPerNode: 3 }, before[2]]);
});

test('an answer that got lost is looked for; a second edit is not sent', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  site.control.fault({ kind: 'answer-lost', operation: 'edit' });
  site.control.fault({ kind: 'answer-lost', operation: 'delete-service' });
  const gateway = await open(site);
  const services = { names: ['Transport/Roads.MapServer'] };

  const edit = await ended(gateway, 'edit-services', {
    site: 'demo',
    services,
    set: { private: true },
  });
  const gone = await ended(gateway, 'delete-services', { site: 'demo', services });

  expect(edit).toMatchObject({ status: 'successful', results: { done: 1 } });
  expect(gone).toMatchObject({ status: 'successful', results: { done: 1 } });
  expect([count(site, 'edit'), count(site, 'delete-service')]).toEqual([1, 1]);
});

test('puts the old values back at a time, by a job that is seen and can be dismissed', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const before = site.control.state().services.map(({ json }) => json);
  const edit = (until: number, more: object = {}) =>
    ended(gateway, 'edit-services', {
      site: 'demo',
      services: transport,
      set: { maxIdleTime: 60 },
      until: new Date(until).toISOString(),
      ...more,
    });

  const short = await edit(Date.now() + 2_500);
  const { putBackJob } = short.results as { putBackJob: string };
  const waiting = await ask(gateway, `/v1/jobs/${putBackJob}`);
  expect(jsonOf(site, 'Roads')).toMatchObject({ maxIdleTime: 60 });
  const back = await gateway.ended(putBackJob);
  const afterwards = site.control.state().services.map(({ json }) => json);
  site.control.fault({ kind: 'change-refused', operation: 'edit', service: 'Roads' });
  const long = await edit(Date.now() + 86_400_000, { onFailure: 'continue' });
  const { body } = await ask(gateway, '/v1/jobs?status=accepted');

  expect(waiting.body).toMatchObject({ status: 'accepted', waitingFor: { reason: 'schedule' } });
  expect(back).toMatchObject({ status: 'successful', owner: short.owner, results: { done: 2 } });
  expect(afterwards).toEqual(before);
  expect(long).toMatchObject({ status: 'failed', undo: 'nothing-to-do' });
  expect(body.jobs).toMatchObject([{ processID: 'edit-services', status: 'accepted' }]);
  const [{ jobID }] = body.jobs as [{ jobID: string }];
  await ask(gateway, `/v1/jobs/${jobID}`, { method: 'DELETE' });
  expect(await gateway.ended(jobID)).toMatchObject({ status: 'dismissed' });
  const past = {
    site: 'demo',
    services: transport,
    set: { maxIdleTime: 1 },
    until: '2020-01-01T00:00:00Z',
  };
  expect(await run(gateway, 'edit-services', past)).toMatchObject({ status: 400 });
});

test('refuses what is no setting', async ({ openSite, open }) => {
  const gateway = await open(await openSite(), { hasWorker: false });
  const wrong = [
    {},
    { set: { maxIdleTime: 1 } },
    { services: transport },
    { services: transport, set: {} },
    { services: transport, set: { serviceName: 'New' } },
    { services: transport, set: { maxIdleTime: '60' } },
    { services: transport, set: { properties: { connectionString: 'x' } } },
    { services: transport, set: { properties: {} } },
    { services: transport, set: { maxIdleTime: 1 }, putBack: [] },
    { putBack: [{ service: 'A.MapServer', key: 'type', from: 'A', to: 'B' }] },
  ];
  for (const inputs of wrong) {
    const answer = await run(gateway, 'edit-services', { site: 'demo', ...inputs });
    expect(answer, JSON.stringify(inputs)).toMatchObject({ status: 400 });
  }
});

test('deletes for good, with a picture of what was there, and never what the site needs', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  furnish(site);
  const gateway = await open(site);
  const remove = (services: object, more: object = {}) =>
    ended(gateway, 'delete-services', { site: 'demo', services, ...more });

  for (const services of [{ folder: 'System' }, { names: ['utilities/PrintingTools.GPServer'] }]) {
    const inputs = { site: 'demo', services };
    expect(await run(gateway, 'delete-services', inputs)).toMatchObject({ status: 400 });
  }
  const dry = await remove({ pattern: '*' }, { dryRun: true });
  expect(site.control.state().services).toHaveLength(3);
  site.control.fault({ kind: 'delete-refused' });
  const refused = await remove({ names: ['Other.MapServer'] });
  const gone = await remove({ names: ['Transport/Roads.MapServer', 'Transport/None.MapServer'] });
  site.control.fault({ kind: 'change-refused', operation: 'delete-service', service: 'Old' });
  const half = await remove({ pattern: '*' });

  expect(dry.results).toMatchObject({ services: [{}, {}, { outcome: 'planned' }], done: 0 });
  expect(refused).toMatchObject({ status: 'failed', undo: 'nothing-to-do' });
  expect(gone).toMatchObject({
    status: 'successful',
    results: {
      services: [
        {
          outcome: 'done',
          before: { realTimeState: 'STARTED' },
          snapshot: { maxInstancesPerNode: 2, properties: { maxRecordCount: '1000' } },
        },
        { service: 'Transport/None.MapServer', outcome: 'already' },
      ],
    },
  });
  expect(half).toMatchObject({
    status: 'failed',
    undo: 'failed',
    exception: {
      failed: ['Transport/Old.MapServer'],
      services: [{ service: 'Other.MapServer', outcome: 'done', snapshot: {} }, {}],
      notPutBack: [expect.stringContaining('Other.MapServer on demo is deleted')],
    },
  });
  expect(site.control.state().services.map(({ name }) => name)).toEqual(['Old']);
  expect(await findTraces(gateway, [canary], [gone.jobId, half.jobId])).toEqual([]);
});
