import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import { publishTask } from '../../test/support/site-visitor.ts';
import { patient, test } from '../../test/support/visited-site.ts';
import type { SimulatedSite } from './simulated-site.ts';

const roads = { serviceName: 'Roads' };
// biome-ignore lint/style/noProcessEnv: says where the sample files are
const samples = resolve(process.env.PRESSROOM_SAMPLES ?? '../shared/samples', 'sd');
const isThere = existsSync(samples);
if (!isThere) console.warn('Skipped: no sample files in PRESSROOM_SAMPLES or ../shared/samples');

const broken = (site: SimulatedSite) => site.control.violations().map(({ rule }) => rule);

test('remembers requests by what they ask for, without secrets', async ({ visit, definition }) => {
  const { site, visitor } = await visit();
  await visitor.publish(await definition(roads));

  const requests = site.control.requests();
  const operations = requests.map(({ operation }) => operation);
  expect(operations.slice(0, 4)).toEqual(['login', 'upload', 'submit', 'poll']);
  expect(JSON.stringify(requests)).not.toContain(site.password);
  expect(JSON.stringify(requests)).not.toContain(visitor.token);
  expect(requests[2]?.params).toMatchObject({ in_sdp_id: expect.stringMatching(/^i/), f: 'json' });
});

test('lets a listener stand between request, work and answer', async ({ visit }) => {
  const { site, visitor } = await visit();
  const seen: string[] = [];
  const stop = site.control.onRequest(({ phase, operation }) => {
    const { folders } = site.control.state();
    if (operation === 'create-folder') seen.push(`${phase}: ${folders.length} folders`);
  });
  await visitor.post('/admin/services/createFolder', { folderName: 'Transport' });
  stop();
  await visitor.post('/admin/services/createFolder', { folderName: 'Town' });

  expect(seen).toEqual(['before: 0 folders', 'after: 1 folders']);
});

test('counts a client that pushes: too many jobs, an item twice, polling too fast', async ({
  visit,
  definition,
}) => {
  const { site, visitor } = await visit({
    publishingInstances: 1,
    publishMs: 5000,
    politePollMs: 400,
  });
  const item = await visitor.uploaded(await definition(roads));
  const job = await visitor.submit(item);
  expect(site.control.violations()).toEqual([]);
  await visitor.submit(item);
  await visitor.job(job);
  await visitor.job(job);
  await visitor.post(`/admin/uploads/${item}/delete`);
  const foreign = await site.control.addForeignUpload('Theirs.sd', 'not yours');
  await visitor.post(`/admin/uploads/${foreign}/delete`);

  expect(broken(site)).toEqual([
    'item-submitted-twice',
    'too-many-jobs',
    'polling-too-fast',
    'upload-in-use-deleted',
    'foreign-upload-deleted',
  ]);
});

test('counts logins that were not needed', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.expireTokens();
  await visitor.logIn(site.username, site.password);
  expect(broken(site)).toEqual([]);
  await visitor.logIn(site.username, site.password);
  expect(broken(site)).toEqual(['login-storm']);
});

test('counts hands on a service that is being replaced', async ({ visit, definition }) => {
  const { site, visitor } = await visit({ publishMs: 2500 });
  site.control.addService({ name: 'Roads' });
  const file = await definition({ ...roads, publishType: 'Replacement' });
  const job = await visitor.submit(await visitor.uploaded(file));
  const state = () => site.control.state().services[0]?.realTimeState;
  await expect.poll(state, patient).toBe('STOPPED');
  const answer = await visitor.post('/admin/services/Roads.MapServer/delete');

  expect(answer).toMatchObject({ status: 'error' });
  expect(broken(site)).toEqual(['touched-while-replaced']);
  expect(await visitor.ended(job)).toMatchObject({ jobStatus: 'esriJobSucceeded' });
});

test('is reached over HTTP too, and starts again from nothing', async ({ visit, definition }) => {
  const { site, visitor } = await visit();
  const simulation = (method: string, path: string, body?: object) =>
    fetch(new URL(`/simulation/${path}`, site.url), {
      method,
      ...(body && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    }).then((answer) => answer.json());

  await simulation('PUT', 'faults', [{ kind: 'fail-publish', messages: ['999999'] }]);
  expect(await simulation('GET', 'faults')).toMatchObject([{ kind: 'fail-publish' }]);
  await visitor.publish(await definition(roads));
  expect(await simulation('GET', 'faults')).toEqual([]);
  expect(await simulation('GET', 'leftovers')).toMatchObject([{ rule: 'upload-left-behind' }]);
  expect(await simulation('GET', 'state')).toMatchObject({ uploads: [{ itemName: 'Roads.sd' }] });
  expect(await simulation('GET', 'requests')).not.toEqual([]);

  await simulation('POST', 'reset');
  expect(await simulation('GET', 'violations')).toEqual([]);
  expect(site.control.state()).toMatchObject({
    services: [],
    uploads: [],
    siteJobs: [],
    tokens: 0,
  });
});

test('finds damaged definitions out with 001364', async ({ visit, folder }) => {
  const { visitor } = await visit();
  const file = join(folder, 'Damaged.sd');
  await writeFile(file, Buffer.from('377abcaf271c0004deadbeef', 'hex'));
  const job = await visitor.ended(await visitor.submit(await visitor.uploaded(file)));

  expect(job.jobStatus).toBe('esriJobFailed');
  expect(job.messages.map(({ description }) => description).join()).toContain('ERROR 001364');
});

test.runIf(isThere)('takes definitions that were made by ArcGIS', async ({ visit }) => {
  const { site, visitor } = await visit({ requiresRegisteredData: false });
  const files = (await readdir(samples)).filter((name) => name.endsWith('.sd'));
  expect(files.length).toBeGreaterThan(0);
  for (const name of files) {
    const itemId = await visitor.uploaded(join(samples, name));
    const own = await visitor.get(`/admin/uploads/${itemId}/serviceconfiguration.json`);
    expect(own).toHaveProperty('service.serviceName');
    const job = await visitor.ended(await visitor.submit(itemId));
    const submitted = await visitor.get(`${publishTask}/jobs/${job.jobId}/inputs/in_sdp_id`);
    expect(submitted.value).toBe(itemId);
    const { uploads } = site.control.state();
    const isKept = uploads.some(({ itemID }) => itemID === itemId);
    expect(isKept).toBe(job.jobStatus !== 'esriJobSucceeded');
  }
});
