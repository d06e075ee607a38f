import { expect } from 'vitest';
import { publishTask } from '../../test/support/site-visitor.ts';
import { patient, test, visitWith } from '../../test/support/visited-site.ts';
import type { Fault } from './faults.ts';

const roads = { serviceName: 'Roads', layers: ['Motorways', 'Lanes'] };

test('says success and has no service', async ({ visit, definition }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'lying-success' });
  const job = await visitor.publish(await definition(roads));

  expect(job.jobStatus).toBe('esriJobSucceeded');
  expect(site.control.state()).toMatchObject({ services: [], uploads: [] });
});

test('says success and keeps the old service', async ({ visit, definition }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'lying-replace' });
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const before = site.control.state().services;
  const job = await visitor.publish(await definition({ ...roads, publishType: 'Replacement' }));

  expect(job.jobStatus).toBe('esriJobSucceeded');
  expect(site.control.state().services).toEqual(before);
});

test('fails with the chain it is given and writes the cause into the log', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visitWith(visit, {
    kind: 'fail-publish',
    messages: ['001487', '001369'],
    log: [{ message: 'Layer Lanes of {service}: the share cannot be read.' }],
    leaves: 'half-made',
  });
  const job = await visitor.publish(await definition(roads));

  expect(job.messages.slice(3).map(({ description }) => description)).toEqual([
    "ERROR 001487: Failed to update the published service with the server-side data location. Please see the server's log for more details.",
    'ERROR 001369: Failed to create the service.',
    'Failed to execute (Publish Service Definition).',
    'Failed.',
  ]);
  expect(site.control.state()).toMatchObject({
    services: [{ name: 'Roads', realTimeState: 'STOPPED' }],
    uploads: [{ itemName: 'Roads.sd' }],
  });
  const { logMessages } = await visitor.get('/admin/logs/query');
  expect(logMessages).toMatchObject([
    {
      source: 'System/PublishingTools.GPServer',
      message: expect.stringContaining(String(job.jobId)),
    },
    {
      source: 'Roads.MapServer',
      message: 'Layer Lanes of Roads.MapServer: the share cannot be read.',
    },
  ]);
});

test('fails only the service that a fault names', async ({ visit, definition }) => {
  const { visitor } = await visitWith(visit, { kind: 'fail-publish', service: 'rails' });
  const good = await visitor.publish(await definition(roads));
  const bad = await visitor.publish(await definition({ serviceName: 'Rails' }));

  expect([good.jobStatus, bad.jobStatus]).toEqual(['esriJobSucceeded', 'esriJobFailed']);
});

test.for([
  ['esriJobTimedOut', []],
  ['esriJobFromTheFuture', []],
] as const)('ends a job as %s', async ([status, services], { visit, definition }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'job-status', status });
  expect(await visitor.publish(await definition(roads))).toMatchObject({ jobStatus: status });
  expect(site.control.state().services).toEqual(services);
});

test('hangs until cancelled, and may not take the cancel seriously', async ({
  visit,
  definition,
}) => {
  const { visitor } = await visitWith(visit, { kind: 'hang-job' }, { kind: 'refuse-cancel' });
  const job = await visitor.submit(await visitor.uploaded(await definition(roads)));
  const executing = expect.objectContaining({ jobStatus: 'esriJobExecuting' });
  await expect.poll(() => visitor.job(job), patient).toEqual(executing);
  const cancel = () => visitor.post(`${publishTask}/jobs/${job}/cancel`);

  expect(await cancel()).toMatchObject({ jobStatus: 'esriJobCancelling' });
  expect(await visitor.job(job)).toEqual(executing);
  await cancel();
  expect(await visitor.ended(job)).toMatchObject({ jobStatus: 'esriJobCancelled' });
});

test('forgets a job', async ({ visit, definition }) => {
  const { visitor } = await visitWith(visit, { kind: 'forget-job' });
  const job = await visitor.submit(await visitor.uploaded(await definition(roads)));
  expect(await visitor.job(job)).toMatchObject({ error: { code: 400 } });
});

test.for([
  ['manifest', { ...roads, publishType: 'Replacement' }],
  ['overwrite', roads],
] as const)('refuses to replace by %s', async ([method, spec], { visit, definition }) => {
  const { site, visitor } = await visit({ overwriteByConfig: true });
  site.control.fault({ kind: 'refuse-replace', method });
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const job = await visitor.publish(await definition(spec), { folderName: '' });

  expect(job.jobStatus).toBe('esriJobFailed');
  expect(site.control.state().services).toMatchObject([{ layers: ['Old'], generation: 1 }]);
});

test('publishes something else than it was given', async ({ visit, definition }) => {
  const { site, visitor } = await visitWith(
    visit,
    { kind: 'fewer-layers' },
    { kind: 'renamed-layers' },
    { kind: 'wrong-folder' },
  );
  site.control.addFolder('Transport');
  await visitor.publish(await definition(roads), { folderName: 'Transport' });
  expect(site.control.state().services).toMatchObject([{ folder: '', layers: ['Motorways_1'] }]);
});

test.for([
  [{ kind: 'never-starts' }, 'STOPPED'],
  [{ kind: 'slow-start', ms: 60_000, transitional: 'STARTING' }, 'STARTING'],
] as [Fault, string][])(
  'does not start in time: %o',
  async ([fault, state], { visit, definition }) => {
    const { site, visitor } = await visitWith(visit, fault);
    expect(await visitor.publish(await definition(roads))).toMatchObject({
      jobStatus: 'esriJobSucceeded',
    });
    expect(await visitor.get('/admin/services/Roads.MapServer/status')).toEqual({
      configuredState: 'STARTED',
      realTimeState: state,
    });
    expect(site.control.state().services).toHaveLength(1);
  },
);

test('falls over later, after a slow start', async ({ visit, definition }) => {
  const { visitor } = await visitWith(
    visit,
    { kind: 'slow-start', ms: 30 },
    { kind: 'fails-later', ms: 1500 },
  );
  await visitor.publish(await definition(roads));
  const status = () => visitor.get('/admin/services/Roads.MapServer/status');
  await expect.poll(status, patient).toMatchObject({ realTimeState: 'STARTED' });
  await expect.poll(status, patient).toMatchObject({ realTimeState: 'STOPPED' });
});

test('looks healthy while its data are broken', async ({ visit }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'broken-data', layer: 1 });
  site.control.addService({ name: 'Roads', layers: ['Motorways', 'Lanes'] });
  const root = '/rest/services/Roads/MapServer';

  expect(await visitor.get(root)).toMatchObject({ layers: [{ id: 0 }, { id: 1 }] });
  expect(await visitor.get(`${root}/0/query`, { returnCountOnly: 'true' })).toHaveProperty('count');
  expect(await visitor.get(`${root}/1/query`, { returnCountOnly: 'true' })).toHaveProperty('error');
});

test('lists a new service only after a while', async ({ visit, definition }) => {
  const { visitor } = await visitWith(visit, { kind: 'not-listed-yet', ms: 1500 });
  await visitor.publish(await definition(roads));
  const service = () => visitor.get('/admin/services/Roads.MapServer');
  expect(await service()).toMatchObject({ code: 404 });
  await expect.poll(service, patient).toMatchObject({ serviceName: 'Roads' });
});

test('tells upper from lower case when asked, but not when it makes', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visitWith(visit, { kind: 'exists-case' });
  site.control.addService({ name: 'ROADS' });
  const asked = { folderName: '', serviceName: 'Roads', type: 'MapServer' };
  expect(await visitor.post('/admin/services/exists', asked)).toEqual({ exists: false });
  expect(await visitor.publish(await definition(roads))).toMatchObject({
    jobStatus: 'esriJobFailed',
  });
});

test('blocks data that are copied in', async ({ visit, definition }) => {
  const { visitor } = await visitWith(visit, { kind: 'block-data-copy' });
  expect(await visitor.get('/admin/data/config')).toEqual({ blockDataCopy: true });
  const databases = [{ name: 'roads.gdb', isCopied: true }];
  expect(await visitor.publish(await definition({ ...roads, databases }))).toMatchObject({
    jobStatus: 'esriJobFailed',
  });
});
