import { expect } from 'vitest';
import { publishTask } from '../../test/support/site-visitor.ts';
import { patient, test } from '../../test/support/visited-site.ts';

const roads = { serviceName: 'Roads', layers: ['Motorways', 'Lanes'] };

test('publishes a definition, lists the service and removes the upload itself', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit();
  await visitor.post('/admin/services/createFolder', { folderName: 'Transport' });
  const job = await visitor.publish(await definition(roads), { folderName: 'Transport' });

  expect(job.jobStatus).toBe('esriJobSucceeded');
  expect(job.messages.map(({ description }) => description)).toEqual([
    'Submitted.',
    'Executing...',
    expect.stringMatching(/^Start Time: \w{3} \w{3} \d\d \d\d:\d\d:\d\d \d{4}$/),
    expect.stringMatching(/^Succeeded at .+ \(Elapsed Time: \d+\.\d\d seconds\)$/),
  ]);
  expect(await visitor.get('/admin/services/Transport')).toMatchObject({
    services: [{ folderName: 'Transport', serviceName: 'Roads', type: 'MapServer' }],
  });
  expect(await visitor.get('/admin/services/Transport/Roads.MapServer/status')).toEqual({
    configuredState: 'STARTED',
    realTimeState: 'STARTED',
  });
  expect(await visitor.get('/admin/uploads')).toEqual({ items: [] });
  expect(site.control.checkLeftovers()).toEqual([]);
  expect(site.control.violations()).toEqual([]);
});

test('shows a task for tools that nobody but ArcGIS can read', async ({ visit, definition }) => {
  const { visitor } = await visit();
  await visitor.publish(await definition({ serviceName: 'Clip', type: 'GPServer' }));

  expect(await visitor.get('/rest/services/Clip/GPServer')).toMatchObject({ tasks: ['Clip'] });
});

test('keeps inputs and results of a job for reading', async ({ visit, definition }) => {
  const { visitor } = await visit();
  const itemId = await visitor.uploaded(await definition(roads));
  const job = await visitor.submit(itemId);
  await visitor.ended(job);

  expect(await visitor.get(`${publishTask}/jobs/${job}/inputs/in_sdp_id`)).toEqual({
    paramName: 'in_sdp_id',
    dataType: 'GPString',
    value: itemId,
  });
  expect(await visitor.get(`${publishTask}/jobs/${job}/results/out_rest_svc_url`)).toMatchObject({
    paramName: 'out_rest_svc_url',
    dataType: 'GPString',
  });
  expect(await visitor.get(`${publishTask}/jobs/j0/inputs/in_sdp_id`)).toHaveProperty('error');
});

test('shows jobs page by page to administrators of the tools', async ({ visit, definition }) => {
  const { site, visitor } = await visit();
  site.control.addForeignJob(10_000);
  site.control.addForeignJob(10_000);
  const job = await visitor.submit(await visitor.uploaded(await definition(roads)));
  const query = '/admin/services/System/PublishingTools.GPServer/jobs/query';

  const first = await visitor.get(query, { start: '1', number: '2' });
  expect(Object.keys(first.results as object)).toHaveLength(2);
  expect(first.nextStart).toBe(3);
  const second = await visitor.get(query, { start: '3', number: '2' });
  expect(Object.keys(second.results as object)).toEqual([job]);
  expect(second.nextStart).toBe(-1);
});

test('runs as many publishes as it has instances; others wait in line', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit({ publishingInstances: 1 });
  site.control.addForeignJob(60_000);
  const job = await visitor.submit(await visitor.uploaded(await definition(roads)));

  await expect.poll(() => visitor.job(job), patient).toMatchObject({ jobStatus: 'esriJobWaiting' });
  const statistics = await visitor.get(
    '/admin/services/System/PublishingTools.GPServer/statistics',
  );
  expect(statistics).toMatchObject({ summary: { max: 1, busy: 1 } });
  const [foreign] = site.control.state().siteJobs;
  await visitor.post(
    `/admin/services/System/PublishingTools.GPServer/jobs/${foreign?.jobId}/cancel`,
  );
  expect(await visitor.ended(job)).toMatchObject({ jobStatus: 'esriJobSucceeded' });
});

test('refuses a New definition over an existing service, in whatever case it is written', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit();
  site.control.addService({ name: 'ROADS', layers: ['Old'] });
  const job = await visitor.publish(await definition(roads));

  expect(job.jobStatus).toBe('esriJobFailed');
  expect(job).not.toHaveProperty('results');
  const texts = job.messages.map(({ description }) => description);
  expect(texts.slice(3)).toEqual([
    'Service Roads/MapServer already exists.',
    'ERROR 001369: Failed to create the service.',
    'Failed to execute (Publish Service Definition).',
    'Failed.',
  ]);
  expect(site.control.state().services).toMatchObject([{ name: 'ROADS', layers: ['Old'] }]);
  expect(site.control.checkLeftovers()).toMatchObject([{ rule: 'upload-left-behind' }]);
});

test('replaces with a Replacement definition: away for a while, then newer', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit({ publishMs: 2000 });
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const before = site.control.state().services[0];
  const file = await definition({ ...roads, publishType: 'Replacement' });
  const job = await visitor.submit(await visitor.uploaded(file));

  await expect
    .poll(() => visitor.get('/rest/services/Roads/MapServer'), patient)
    .toMatchObject({ error: { code: 500, message: 'Service Roads/MapServer not started ' } });
  expect(await visitor.ended(job)).toMatchObject({ jobStatus: 'esriJobSucceeded' });
  const after = site.control.state().services[0];
  expect(after).toMatchObject({
    layers: ['Motorways', 'Lanes'],
    realTimeState: 'STARTED',
    generation: 2,
  });
  expect(after?.lastmodified).toBeGreaterThan(before?.lastmodified ?? 0);
});

test('replaces by in_config_overwrite only where that is switched on', async ({
  visit,
  definition,
}) => {
  const file = await definition(roads);
  for (const overwriteByConfig of [false, true]) {
    const { site, visitor } = await visit({ overwriteByConfig });
    site.control.addService({ name: 'Roads', layers: ['Old'] });
    const job = await visitor.publish(file, { service: { serviceName: 'Roads' } });
    const status = overwriteByConfig ? 'esriJobSucceeded' : 'esriJobFailed';
    expect(job).toMatchObject({ jobStatus: status });
  }
});

test('wants the whole configuration, not a fragment', async ({ visit, definition }) => {
  const { visitor } = await visit();
  const itemId = await visitor.uploaded(await definition(roads));
  const fragment = JSON.stringify({ folderName: '', service: { serviceName: 'Streets' } });

  expect(await visitor.ended(await visitor.submit(itemId, fragment))).toMatchObject({
    jobStatus: 'esriJobFailed',
  });
});

test('takes name, folder and settings from the configuration that overwrites', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit({ createsMissingFolders: true });
  const service = { serviceName: 'Streets', minInstancesPerNode: 0, configuredState: 'STOPPED' };
  const job = await visitor.publish(await definition(roads), { folderName: 'Town', service });

  expect(job.jobStatus).toBe('esriJobSucceeded');
  expect(site.control.state()).toMatchObject({
    folders: ['Town'],
    services: [
      { folder: 'Town', name: 'Streets', configuredState: 'STOPPED', realTimeState: 'STOPPED' },
    ],
  });
  expect(await visitor.get('/admin/services/Town/Streets.MapServer')).toMatchObject({
    minInstancesPerNode: 0,
  });
});

test.for([
  ['a missing folder', { spec: roads, overwrite: { folderName: 'Nowhere' }, options: {} }],
  ['a hosted layer on a stand-alone site', { spec: { ...roads, isHosted: true } }],
  ['a Replacement with nothing to replace', { spec: { ...roads, publishType: 'Replacement' } }],
  [
    'a geoprocessing service by a publisher',
    { spec: { serviceName: 'Clip', type: 'GPServer' }, options: { privilege: 'PUBLISH' } },
  ],
  [
    'data that are not registered',
    { spec: { ...roads, databases: [{ name: 'roads.gdb', isCopied: false }] } },
  ],
] as const)('fails for %s, and nothing is left', async ([, example], { visit, definition }) => {
  const {
    spec,
    overwrite = {},
    options = {},
  } = example as {
    spec: Parameters<typeof definition>[0];
    overwrite?: object;
    options?: object;
  };
  const { site, visitor } = await visit(options);
  const job = await visitor.publish(await definition(spec), overwrite);

  expect(job.jobStatus).toBe('esriJobFailed');
  expect(site.control.state().services).toEqual([]);
});

test('accepts an ArcMap definition on 11.0, but its service does not start', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit({ version: '11.1.0' });
  const job = await visitor.publish(await definition({ ...roads, runtime: 'ArcMap' }));

  expect(job.messages).toContainEqual({
    type: 'esriJobMessageTypeError',
    description: 'ERROR 001369: Failed to create the service.',
  });
  expect(site.control.state().services).toMatchObject([
    { name: 'Roads', configuredState: 'STARTED', realTimeState: 'STOPPED' },
  ]);
});

test('accepts an item that does not exist at submit and fails in the job', async ({ visit }) => {
  const { visitor } = await visit();
  const job = await visitor.submit('i00000000-0000-4000-8000-000000000009');
  expect(await visitor.ended(job)).toMatchObject({ jobStatus: 'esriJobFailed' });
});

test('cancels what waits and what has not yet made anything', async ({ visit, definition }) => {
  const { site, visitor } = await visit({ publishingInstances: 1, publishMs: 5000 });
  const file = await definition(roads);
  const first = await visitor.submit(await visitor.uploaded(file));
  const second = await visitor.submit(await visitor.uploaded(file));
  await expect
    .poll(() => visitor.job(second), patient)
    .toMatchObject({ jobStatus: 'esriJobWaiting' });
  await visitor.post(`${publishTask}/jobs/${second}/cancel`);
  await visitor.post(`${publishTask}/jobs/${first}/cancel`);

  expect(await visitor.ended(first)).toMatchObject({ jobStatus: 'esriJobCancelled' });
  expect(await visitor.ended(second)).toMatchObject({ jobStatus: 'esriJobCancelled' });
  expect(site.control.state().services).toEqual([]);
});
