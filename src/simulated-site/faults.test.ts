import { expect } from 'vitest';
import { publishTask } from '../../test/support/site-visitor.ts';
import { patient, test, visitWith } from '../../test/support/visited-site.ts';
import type { Fault } from './faults.ts';

const roads = { serviceName: 'Roads', layers: ['Motorways', 'Lanes'] };

test('knows no fault that does not exist', async ({ visit }) => {
  const { site } = await visit();
  const fault = { kind: 'lying-succes' } as unknown as Fault;
  expect(() => site.control.fault(fault)).toThrow('There is no fault "lying-succes"');
});

test('is busy once, with either text, for what changes the site', async ({ visit }) => {
  const { visitor } = await visitWith(visit, { kind: 'busy-store', text: 2 });
  const make = () => visitor.post('/admin/services/createFolder', { folderName: 'Transport' });

  expect(await visitor.get('/admin/services')).toHaveProperty('services');
  expect(await make()).toEqual({
    status: 'error',
    messages: [
      'ArcGIS Server Site currently being configured by another administrative operation: please Try again Later.',
    ],
    code: 500,
  });
  expect(await make()).toEqual({ status: 'success' });
});

test('cuts the connection before the work, or after it', async ({ visit }) => {
  const { site, visitor } = await visit();
  const make = (folderName: string) => visitor.post('/admin/services/createFolder', { folderName });
  site.control.fault({ kind: 'connection-cut', operation: 'create-folder' });
  await expect(make('Before')).rejects.toThrow();
  site.control.fault({ kind: 'answer-lost', operation: 'create-folder' });
  await expect(make('After')).rejects.toThrow();

  expect(site.control.state().folders).toEqual(['After']);
});

test('carries out a submit after its connection was cut', async ({ visit, definition }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'late-submit', ms: 500 });
  const in_sdp_id = await visitor.uploaded(await definition(roads));
  await expect(visitor.post(`${publishTask}/submitJob`, { in_sdp_id })).rejects.toThrow();

  expect(site.control.state().siteJobs).toEqual([]);
  await expect
    .poll(() => site.control.state().services, patient)
    .toMatchObject([{ name: 'Roads' }]);
});

test('is hidden by a proxy, before the work or after it', async ({ visit }) => {
  const { site, visitor } = await visit();
  const make = (folderName: string) =>
    visitor.send('POST', '/admin/services/createFolder', {
      folderName,
      f: 'json',
      token: visitor.token,
    });
  site.control.fault({ kind: 'proxy-error', operation: 'create-folder', status: 503 });
  const before = await make('Before');
  expect([before.status, before.headers.get('content-type')]).toEqual([503, 'text/html']);
  site.control.fault({ kind: 'proxy-error', status: 504, work: 'after' });
  expect((await make('After')).status).toBe(504);

  expect(site.control.state().folders).toEqual(['After']);
});

test('answers with XML, HTML and redirects', async ({ visit }) => {
  const { site, visitor } = await visit();
  const types = [];
  for (const kind of ['html', 'xml', 'redirect'] as const) {
    site.control.fault({ kind });
    const answer = await visitor.send('GET', '/admin/services', { f: 'json' });
    types.push([answer.status, answer.headers.get('content-type')]);
  }
  expect(types).toEqual([
    [200, 'text/html'],
    [200, 'text/xml'],
    [302, null],
  ]);
});

test('ends a session in the middle', async ({ visit }) => {
  const { visitor } = await visitWith(visit, { kind: 'expire-token', operation: 'service' });
  expect(await visitor.get('/admin/services')).toHaveProperty('services');
  const service = '/admin/services/System/PublishingTools.GPServer';
  expect(await visitor.get(service)).toMatchObject({ code: 498, messages: ['Token Expired.'] });
  expect(await visitor.get(service)).toMatchObject({ code: 498 });
});

test.for([
  [{ kind: 'refuse-jobs-query' }, '/admin/services/System/PublishingTools.GPServer/jobs/query'],
  [{ kind: 'refuse-logs' }, '/admin/logs/query'],
  [{ kind: 'upgrading' }, '/admin/services'],
] as [Fault, string][])('refuses with 403: %o', async ([fault, path], { visit }) => {
  const { visitor } = await visitWith(visit, fault);
  expect(await visitor.get(path)).toMatchObject({ status: 'error', code: 403 });
});

test('refuses logins, full disks and deletes', async ({ visit, definition }) => {
  const { site, visitor } = await visit();
  site.control.addService({ name: 'Roads' });
  site.control.fault({ kind: 'disk-full' });
  expect(await visitor.upload(await definition(roads))).toMatchObject({ status: 'error' });
  site.control.fault({ kind: 'delete-refused' });
  const path = '/admin/services/Roads.MapServer/delete';
  expect(await visitor.post(path)).toMatchObject({ status: 'error' });
  site.control.fault({ kind: 'refuse-login' });
  expect(await visitor.logIn(site.username, site.password)).not.toHaveProperty('token');
  expect(site.control.state()).toMatchObject({ services: [{ name: 'Roads' }], uploads: [] });
});

test('has a clock that is wrong', async ({ visit }) => {
  const { site, visitor } = await visit();
  const hour = 3_600_000;
  site.control.fault({ kind: 'clock-skew', ms: 6 * hour });
  await visitor.logIn(site.username, site.password);
  const answer = await visitor.send('GET', '/rest/info', { f: 'json' }, {});
  const date = Date.parse(answer.headers.get('date') ?? '');
  expect(date - Date.now()).toBeGreaterThan(5 * hour);
  site.control.writeLog({ type: 'SEVERE', source: 'Server', message: 'now' });
  const { logMessages } = await visitor.get('/admin/logs/query');
  expect((logMessages as { time: number }[])[0]?.time).toBeGreaterThan(Date.now() + 5 * hour);
});

test('warns where others succeed', async ({ visit }) => {
  const { site, visitor } = await visitWith(visit, { kind: 'warning', operation: 'stop' });
  site.control.addService({ name: 'Roads' });
  const stop = () => visitor.post('/admin/services/Roads.MapServer/stop');
  expect(await stop()).toMatchObject({ status: 'warning' });
  expect(await stop()).toEqual({ status: 'success' });
});
