import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import type { PublishServiceDefinitionResult } from '../../src/jobs/publish-service-definition/schema.ts';
import type { Problem } from '../../src/lib/problem.ts';
import { ask } from '../support/asking.ts';
import { testTiming } from '../support/gateway.ts';
import { test as publishing } from '../support/publishing-test.ts';

// Each test has a site and a gateway of its own, and mostly waits.
const test = publishing.concurrent;

const roads = { folder: 'Transport', name: 'Roads', type: 'MapServer' };

test('one multipart request becomes a running service', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  const { response, body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });
  expect(response.status).toBe(201);

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful', progress: 100 });
  const results = job.results as PublishServiceDefinitionResult;
  expect(results).toMatchObject({
    outcome: 'created',
    verification: 'data',
    outageMs: null,
    restorable: 'not-needed',
    service: {
      name: 'Roads',
      folder: 'Transport',
      type: 'MapServer',
      restUrl: `${site.url}/rest/services/Transport/Roads/MapServer`,
      layers: [
        { id: 0, name: 'Roads' },
        { id: 1, name: 'Bridges' },
      ],
    },
  });
  expect(Object.keys(results.seconds)).toEqual(
    expect.arrayContaining(['check', 'upload', 'submit', 'await', 'verify']),
  );
  expect(results.siteMessages.at(-1)).toMatch(/^Succeeded at/);
  const state = site.control.state();
  expect(state.services).toMatchObject([{ ...roads, realTimeState: 'STARTED' }]);
  expect(state.uploads).toEqual([]);
});

test('fails when the service is there, and touches nothing', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addService({ folder: 'Transport', name: 'ROADS', layers: ['Old'] });
  const before = site.control.state().services;
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'transport',
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'service_exists', knownAs: 5 },
  });
  expect(job.exception?.detail).toContain('Transport/ROADS.MapServer');
  expect(job.exception?.nextStep).toBeTypeOf('string');
  expect(site.control.state().services).toEqual(before);
  expect(site.control.requests().filter(({ operation }) => operation === 'upload')).toEqual([]);
});

test('skips a service that is there when asked to', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo', ifExists: 'skip' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'skipped' } });
  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
});

test('replaces in place, keeps what people tuned, and measures the interruption', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ startMs: 400 });
  const gateway = await open(site);
  const first = await gateway.publish(await gateway.build(), { site: 'demo', folder: 'Transport' });
  await gateway.ended(first.body.jobID);
  site.control.changeService(
    { folder: 'Transport', name: 'Roads', type: 'MapServer' },
    { minInstancesPerNode: 3, maxInstancesPerNode: 7, maxUsageTime: 1234 },
  );
  site.control.clearRequests();
  const { body } = await gateway.publish(
    await gateway.build({ layers: ['Roads', 'Bridges', 'Tunnels'] }),
    {
      site: 'demo',
      folder: 'Transport',
      ifExists: 'replace',
      overrides: JSON.stringify({ maxUsageTime: 900, properties: { maxRecordCount: 5000 } }),
    },
  );

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  const results = job.results as PublishServiceDefinitionResult;
  expect(results).toMatchObject({ outcome: 'replaced', verification: 'data' });
  expect(results.kept).toEqual(
    expect.arrayContaining([
      { key: 'minInstancesPerNode', value: 3 },
      { key: 'maxInstancesPerNode', value: 7 },
    ]),
  );
  expect(results.kept.map(({ key }) => key)).not.toContain('maxUsageTime');
  expect(results.changed).toEqual(
    expect.arrayContaining([expect.objectContaining({ key: 'maxUsageTime', to: 900 })]),
  );
  expect(results.outageMs).toBeGreaterThan(0);
  const [live] = site.control.state().services;
  expect(live?.json).toMatchObject({
    minInstancesPerNode: 3,
    maxInstancesPerNode: 7,
    maxUsageTime: 900,
    properties: { maxRecordCount: '5000' },
  });
  expect(live?.layers).toHaveLength(3);
  const asked = site.control.requests().map(({ operation }) => operation);
  expect(asked).not.toContain('stop');
  expect(asked).not.toContain('delete-service');
});

test('a failed publish leaves nothing, and tells why with the words of the site and its log', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({
    kind: 'fail-publish',
    messages: [
      'ERROR 001369: Failed to create the service.',
      'Failed to execute (Publish Service Definition).',
      'Failed.',
    ],
    leaves: 'half-made',
  });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'failed', undo: 'done' });
  const problem = job.exception as Problem & Record<string, unknown>;
  expect(problem).toMatchObject({
    code: 'publishing_failed',
    knownAs: 2,
    step: 'await',
    jobStatus: 'esriJobFailed',
    liveService: { isListed: false },
  });
  expect(problem.siteMessages).toContain('ERROR 001369: Failed to create the service.');
  expect((problem.serverLog as unknown[]).length).toBeGreaterThan(0);
  expect((problem.putBack as string[]).join(' ')).toContain(
    'Transport/Roads.MapServer was removed',
  );
  const state = site.control.state();
  expect(state).toMatchObject({ services: [], folders: [], uploads: [] });
});

test('a lying success is a failed job', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'lying-success' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({
    status: 'failed',
    exception: { code: 'verification_failed', knownAs: 11, step: 'verify' },
  });
  expect(site.control.state().uploads).toEqual([]);
});

test('a replacement that changes nothing is a failed job, and the old service is untouched', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const before = site.control.state().services;
  site.control.fault({ kind: 'lying-replace' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    ifExists: 'replace',
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'failed', exception: { code: 'verification_failed' } });
  expect(site.control.state().services).toEqual(before);
});

test('a replacement that never starts is put back from the definition that made the old one', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const first = await gateway.publish(await gateway.build(), { site: 'demo' });
  await gateway.ended(first.body.jobID);
  const [before] = site.control.state().services;
  site.control.fault({ kind: 'never-starts' });
  const { body } = await gateway.publish(await gateway.build({ layers: ['Other'] }), {
    site: 'demo',
    ifExists: 'replace',
    requireRestorable: 'true',
    overrides: JSON.stringify({ maxStartupTime: 1 }),
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { code: 'verification_failed', knownAs: 12 },
  });
  const [after] = site.control.state().services;
  expect(after?.layers).toEqual(before?.layers);
  expect(after).toMatchObject({ configuredState: 'STARTED', realTimeState: 'STARTED' });
  expect(job.exception).toMatchObject({
    liveService: { isListed: true, realTimeState: 'STARTED' },
    cause: expect.stringContaining('Put back: '),
    nextStep: expect.stringContaining('retry'), // what did not start is gone: it cannot be started
  });
  expect(site.control.state().uploads).toEqual([]);
});

test('refuses to replace what could not be put back, when asked to', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    ifExists: 'replace',
    requireRestorable: 'true',
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'failed', exception: { code: 'not_restorable' } });
  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
});

test.for([
  ['as it is, named in the override', 'overwrite', 'overwrite'],
  ['with its type rewritten', 'manifest', 'manifest'],
] as const)('a definition replaces %s', async ([, replaceMethod], { openSite, open }) => {
  const site = await openSite({
    ...(replaceMethod === 'overwrite' && { overwriteByConfig: true }),
  });
  site.control.addService({ name: 'Roads', layers: ['Old'] });
  const gateway = await open(site, { site: { replaceMethod } });
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    ifExists: 'replace',
  });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'replaced' } });
  expect(site.control.state().services[0]?.layers).toHaveLength(2);
});

test('a site that may not replace is not asked to', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addService({ name: 'Roads' });
  const gateway = await open(site, { site: { replaceMethod: 'refuse' } });
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    ifExists: 'replace',
  });

  expect(await gateway.ended(body.jobID)).toMatchObject({
    status: 'failed',
    exception: { code: 'conflict' },
  });
});

test('a busy site is asked again', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'busy-store', operation: 'create-folder', times: 3 });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'successful' });
  expect(
    (await gateway.messages(body.jobID)).filter((message) => /Try \d failed/.test(message)),
  ).toHaveLength(3);
});

test('pages of a proxy in place of answers are asked past, and nothing is done twice', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const operations = ['poll', 'query-jobs', 'job-input', 'upload-item'];
  for (const operation of operations) site.control.fault({ kind: 'html', operation });
  site.control.fault({ kind: 'answer-lost', operation: 'submit' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful' });
  expect(await gateway.messages(body.jobID)).toContainEqual(
    expect.stringMatching(/not one of ArcGIS Server.*Try 1 failed/s),
  );
  const { siteJobs } = site.control.state();
  expect(siteJobs.filter(({ isForeign }) => !isForeign)).toHaveLength(1);
});

test('a read-only site parks the job, says so, and goes on by itself', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.setMode('READ_ONLY');
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const parked = await gateway.until(body.jobID, (record) => record.parked?.reason === 'site');
  expect(parked.status).not.toBe('failed');
  const shown = await fetch(`${gateway.url}/v1/jobs/${body.jobID}`);
  expect(await shown.json()).toMatchObject({
    waitingFor: { reason: 'site', until: expect.any(String) },
  });
  // Nothing was begun on the site, so nobody has to wait for this job.
  const [lock = ''] = parked.locks;
  await vi.waitFor(async () =>
    expect(await gateway.core.locks.readPlace(lock, body.jobID)).toEqual({ place: 1 }),
  );

  site.control.setMode('EDITABLE');

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});

test('an expired token is renewed once on the way', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'expire-token', operation: 'poll' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});

test('a refused password holds the jobs of the site, without a second login', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'refuse-login' });
  const gateway = await open(site);
  const first = await gateway.publish(await gateway.build(), { site: 'demo' });
  const second = await gateway.publish(await gateway.build({ serviceName: 'Rails' }), {
    site: 'demo',
  });

  const parked = await gateway.until(first.body.jobID, (record) => record.parked !== undefined);
  await gateway.until(second.body.jobID, (record) => record.parked !== undefined);

  expect(parked.parked?.detail).toMatch(/account|password|login/i);
  expect(site.control.requests().filter(({ operation }) => operation === 'login').length).toBe(1);
});

test('answers that are lost are looked for, and nothing is done twice', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  for (const operation of ['upload', 'create-folder', 'submit', 'delete-upload'])
    site.control.fault({ kind: 'answer-lost', operation });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    folder: 'Transport',
  });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful' });
  const counted = (operation: string) =>
    site.control.requests().filter((each) => each.operation === operation).length;
  expect({
    uploads: counted('upload'),
    folders: counted('create-folder'),
    submits: counted('submit'),
  }).toEqual({ uploads: 1, folders: 1, submits: 1 });
  expect(site.control.state().uploads).toEqual([]);
});

test('an account that may publish, and sees no more than that, is enough', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ privilege: 'PUBLISH' });
  const gateway = await open(site);
  const first = await gateway.publish(await gateway.build(), { site: 'demo' });
  expect(await gateway.ended(first.body.jobID)).toMatchObject({ status: 'successful' });
  const again = await gateway.publish(
    await gateway.build({ layers: ['Roads', 'Bridges', 'Signs'] }),
    {
      site: 'demo',
      ifExists: 'replace',
    },
  );
  expect(await gateway.ended(again.body.jobID)).toMatchObject({ status: 'successful' });

  const { body } = await ask(gateway, '/v1/sites/demo');
  expect(body).toMatchObject({ health: 'up', privilege: 'PUBLISH', slots: 2 });
  expect(body).not.toHaveProperty('mode');
});

test('a lost answer is not repeated even when the site hides its jobs', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'refuse-jobs-query' });
  site.control.fault({ kind: 'answer-lost', operation: 'submit' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'successful' });
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(1);
});

test('a site job of a lost answer is found without asking the others of ours what they were given', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 40 });
  const gateway = await open(site);
  const publish = async (serviceName: string) => {
    const { body } = await gateway.publish(await gateway.build(), { site: 'demo', serviceName });
    return gateway.ended(body.jobID);
  };
  for (const name of ['Roads', 'Rivers']) await publish(name);
  site.control.fault({ kind: 'answer-lost', operation: 'submit' });

  expect(await publish('Bridges')).toMatchObject({ status: 'successful' });

  const inputs = site.control.requests().filter(({ operation }) => operation === 'job-input');
  expect(inputs).toHaveLength(1);
});

test('a hidden site job that takes long is waited for and not begun again', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'refuse-jobs-query' });
  site.control.fault({ kind: 'answer-lost', operation: 'submit' });
  site.control.fault({ kind: 'hang-job', ms: 2 * testTiming.watchMs });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'successful' });
  expect(site.control.state().siteJobs.filter(({ isForeign }) => !isForeign)).toHaveLength(1);
});

test('what one attempt has watched need not be watched again by the next one', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'refuse-jobs-query' });
  site.control.fault({ kind: 'connection-cut', operation: 'submit' });
  const settings = { timing: { ...testTiming, watchMs: 600_000 } };
  const gateway = await open(site, { hasWorker: false, settings });
  const first = await gateway.openWorker();
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  await expect
    .poll(() => gateway.messages(body.jobID), { timeout: 20_000 })
    .toContainEqual(expect.stringContaining('Watching for 600 s'));
  await first.close();

  const { redis, core } = gateway;
  const key = core.records.keys.job(body.jobID);
  const begun = JSON.parse((await redis.hget(key, 'step:submit')) ?? '') as object;
  const longAgo = { ...begun, quietSinceMs: Date.now() - 600_000 };
  await redis.hset(key, { 'step:submit': JSON.stringify(longAgo) });
  await gateway.openWorker();

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
  expect(site.control.state().siteJobs.filter(({ isForeign }) => !isForeign)).toHaveLength(1);
});

test('half a picture that a killed worker left in storage goes with its job', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 40 });
  const gateway = await open(site, { hasWorker: false });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });
  const { body: refused } = await gateway.publish(await gateway.build(), {
    site: 'demo',
    ifExists: 'fail',
  });
  const pictures = join(gateway.folder, 'storage', 'snapshots');
  await mkdir(pictures, { recursive: true });
  for (const { jobID } of [body, refused])
    await writeFile(join(pictures, `${jobID}.json.1b4f.part`), '{');
  await gateway.openWorker();

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
  expect(await gateway.ended(refused.jobID)).toMatchObject({ status: 'failed' });
  expect(await readdir(pictures)).toEqual([]);
});

test('an upload that arrives after the job has ended does not stay', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'late-upload', ms: 4_000 });
  const gateway = await open(site, { settings: { queue: { siteReadSeconds: 1 } } });
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });

  const removals = () =>
    site.control.requests().filter(({ operation }) => operation === 'delete-upload');
  await vi.waitFor(() => expect(removals().length).toBeGreaterThan(1), { timeout: 20_000 });
  expect(site.control.state().uploads).toEqual([]);
});

test('a request that arrives late does not make a second service', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'late-submit', ms: 200 });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'successful' });
  expect(site.control.state().siteJobs.filter(({ isForeign }) => !isForeign)).toHaveLength(1);
});

test('a forgotten site job is judged by the service', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.fault({ kind: 'forget-job' });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});

test('data that cannot be read are found out before the job counts as done', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'broken-data', layer: 1 });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({
    status: 'failed',
    exception: { code: 'verification_failed', knownAs: 43 },
  });
  expect(job.exception?.detail).toContain('Bridges');
  expect(site.control.state().services).toEqual([]);
});

test('fewer layers than in the definition are a failure, other names a warning', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  site.control.fault({ kind: 'fewer-layers', by: 1 });
  const fewer = await gateway.publish(await gateway.build(), { site: 'demo' });
  expect(await gateway.ended(fewer.body.jobID)).toMatchObject({
    status: 'failed',
    exception: { code: 'verification_failed' },
  });
  site.control.fault({ kind: 'renamed-layers' });
  const renamed = await gateway.publish(await gateway.build({ serviceName: 'Rails' }), {
    site: 'demo',
  });
  const job = await gateway.ended(renamed.body.jobID);
  expect(job.status).toBe('successful');
  expect((job.results as PublishServiceDefinitionResult).warnings.join(' ')).toContain(
    'other names',
  );
});

test('data that would be copied are refused where the site blocks it', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'block-data-copy' });
  const gateway = await open(site);
  const definition = await gateway.build({
    databases: [
      { name: 'roads', isCopied: true, datasets: [{ name: 'roads' }, { name: 'bridges' }] },
    ],
  });
  const { body } = await gateway.publish(definition, { site: 'demo' });

  expect(await gateway.ended(body.jobID)).toMatchObject({
    status: 'failed',
    exception: { code: 'copied_data_refused' },
  });
});

test('a stopped service is published when it is asked for', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo', state: 'stopped' });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(site.control.state().services).toMatchObject([
    { configuredState: 'STOPPED', realTimeState: 'STOPPED' },
  ]);
});

test.for([
  ['GPServer', { type: 'GPServer', layers: [], capabilities: [], tasks: ['Clip'] }],
  ['ImageServer', { type: 'ImageServer', layers: [], capabilities: ['Image', 'Metadata'] }],
  ['GeocodeServer', { type: 'GeocodeServer', layers: [], capabilities: ['Geocode'] }],
] as const)('publishes a %s', async ([type, spec], { openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build({ ...spec, layers: [] } as never), {
    site: 'demo',
  });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(site.control.state().services).toMatchObject([{ type, realTimeState: 'STARTED' }]);
});

test('a federated site gets portal items, and their ids are told', async ({ openSite, open }) => {
  const site = await openSite({ federated: true });
  const gateway = await open(site);
  const { body } = await gateway.publish(await gateway.build(), { site: 'demo' });

  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect((job.results as PublishServiceDefinitionResult).portalItemIds.length).toBeGreaterThan(0);
});

test('a hosted layer is refused by name on a stand-alone site', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  const { response, body } = await gateway.publish(
    await gateway.build({ isHosted: true, type: 'FeatureServer' }),
    { site: 'demo' },
  );
  if (response.status === 201) {
    expect(await gateway.ended(body.jobID)).toMatchObject({
      status: 'failed',
      exception: { code: 'hosted_definition' },
    });
  } else {
    expect(body).toMatchObject({ code: 'hosted_definition' });
  }
});

test('an ArcMap definition is refused on 11.x', async ({ openSite, open }) => {
  const site = await openSite({ version: '11.3.0' });
  const gateway = await open(site);
  const { response, body } = await gateway.publish(await gateway.build({ runtime: 'ArcMap' }), {
    site: 'demo',
  });
  if (response.status === 201) {
    expect(await gateway.ended(body.jobID)).toMatchObject({
      status: 'failed',
      exception: { code: 'incompatible_runtime', knownAs: 18 },
    });
  } else {
    expect(body).toMatchObject({ code: 'incompatible_runtime' });
  }
});

test('jobs for one service go one after the other, in order of acceptance', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ publishMs: 700 });
  const gateway = await open(site, { site: { slots: 4 } });
  const definition = await gateway.build();
  const inputs = { site: 'demo', ifExists: 'replace', force: 'true' };
  const first = await gateway.publish(definition, inputs);
  const second = await gateway.publish(definition, inputs);
  const third = await gateway.publish(definition, inputs);

  const waiting = await gateway.until(
    third.body.jobID,
    (record) => record.parked?.reason === 'service',
  );
  expect(waiting.status).toBe('accepted');
  const ended = await Promise.all(
    [first, second, third].map(({ body }) => gateway.ended(body.jobID)),
  );

  expect(ended.map(({ status }) => status)).toEqual(['successful', 'successful', 'successful']);
  expect(ended.map(({ results }) => (results as PublishServiceDefinitionResult).outcome)).toEqual([
    'created',
    'replaced',
    'replaced',
  ]);
  const finished = ended.map(({ finishedMs = 0 }) => finishedMs);
  expect(finished).toEqual([...finished].sort((a, b) => a - b));
});

test('never more site jobs at a time than the site has slots', async ({ openSite, open }) => {
  const site = await openSite({ publishMs: 300 });
  const gateway = await open(site);
  const jobs = await Promise.all(
    ['A', 'B', 'C', 'D', 'E'].map(async (serviceName) =>
      gateway.publish(await gateway.build({ serviceName }), { site: 'demo' }),
    ),
  );
  const ended = await Promise.all(jobs.map(({ body }) => gateway.ended(body.jobID, 50_000)));

  expect(ended.map(({ status }) => status)).toEqual(Array(5).fill('successful'));
});
