import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Answer } from '../../test/support/scripted-site.ts';
import { startService, stopService } from './service-changes.ts';
import { readManifest, readService } from './services.ts';
import { readMachines } from './site-reader.ts';

const machines = '/arcgis/admin/machines';
const start = '/arcgis/admin/services/Transport/Roads.MapServer/start';
const mode = '/arcgis/admin/mode';
const cut = (): Answer => 'cut';
const silence = (): Answer => 'silence';
const roads = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };
const done = { body: { status: 'success' } };
const page = '<html><head><style>p{}</style></head><body><h1>502 Bad</h1> Gateway</body></html>';

test.for([
  ['a cut line', cut],
  ['a page of a proxy', () => ({ status: 502, body: page })],
  ['a page with status 200', () => ({ body: page })],
  ['half an answer', () => ({ body: '{"status":"succ' })],
  ['a gateway time-out in JSON', () => ({ body: { error: { code: 504, message: 'late' } } })],
] as const)('after %s it is unknown what a change did', async ([, answer], { lend }) => {
  const { site, wire } = await lend({ script: { [start]: answer } });

  await expect(startService(site, roads)).rejects.toMatchObject({
    name: 'OutcomeUnknownError',
    code: 'site_timeout',
    again: 'look',
    facts: { site: 'demo' },
  });
  expect(wire.heardOf(start)).toHaveLength(1);
});

test('a change without an answer in time has an unknown outcome', async ({ lend }) => {
  const { site } = await lend({ script: { [start]: silence } });
  const call = { to: 'start Roads', timeoutMs: 30 };

  await expect(
    site.client.change('admin', ['services', 'Transport', 'Roads.MapServer', 'start'], call),
  ).rejects.toMatchObject({ again: 'look', message: expect.stringContaining('start Roads') });
});

test.for([
  ['no answer in time', silence],
  ['a cut line', cut],
  ['a page of a proxy', () => ({ status: 503, body: page })],
] as const)('after %s a read may be tried again', async ([, answer], { lend }) => {
  const { site } = await lend({ config: { timeoutSeconds: 0.1 }, script: { [machines]: answer } });

  await expect(readMachines(site)).rejects.toMatchObject({
    code: 'site_unreachable',
    again: 'now',
  });
});

test('a site that does not listen was asked nothing, not even to change something', async ({
  lend,
}) => {
  const { site, wire } = await lend({ script: { [start]: () => done } });
  await startService(site, roads);
  await wire.close();

  await expect(startService(site, roads)).rejects.toMatchObject({
    code: 'site_unreachable',
    again: 'now',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

test('keeps what a foreign page says, in short and without secrets', async ({ lend }) => {
  const body = `<h1>Forbidden</h1><a href="?token=abc123">in</a>${'x'.repeat(5_000)}`;
  const { site } = await lend({ script: { [machines]: () => ({ status: 403, body }) } });

  const error = await readMachines(site).catch((thrown: unknown) => thrown);

  expect(error).toMatchObject({
    code: 'site_error',
    httpStatus: 403,
    message: expect.stringContaining('adminUrl'),
  });
  const { answerExcerpt } = (error as { facts: { answerExcerpt: string } }).facts;
  expect(answerExcerpt).toContain('Forbidden');
  expect(answerExcerpt).not.toContain('abc123');
  expect(answerExcerpt.length).toBeLessThanOrEqual(2_000);
});

test('does not follow a redirect, and names both addresses', async ({ lend }) => {
  const headers = { location: 'https://gis.example.org/arcgis/admin/machines' };
  const { site, wire } = await lend({
    script: { [machines]: () => ({ status: 301, headers, body: '' }) },
  });

  await expect(readMachines(site)).rejects.toMatchObject({
    code: 'site_error',
    facts: { address: `${wire.url}/admin/machines`, redirectsTo: headers.location },
  });
});

test('asks the guard right before every change, and before the repetition after a login', async ({
  lend,
}) => {
  const expired = { body: { status: 'error', messages: ['Token Expired.'], code: 498 } };
  const { site, wire } = await lend({
    script: {
      [start]: (_, times) => (times === 1 ? expired : done),
      [machines]: () => ({ body: { machines: [] } }),
    },
  });
  const heardWhenAsked: number[] = [];
  const guarded = site.guardedBy(async () => {
    heardWhenAsked.push(wire.heardOf(start).length);
  });

  await readMachines(guarded);
  await startService(guarded, roads);

  expect(heardWhenAsked).toEqual([0, 1]);
});

test('changes nothing when the guard says no', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [start]: () => done } });
  const guarded = site.guardedBy(async () => {
    throw new Error('fenced off');
  });

  await expect(startService(guarded, roads)).rejects.toThrow('fenced off');
  expect(wire.heardOf(start)).toHaveLength(0);
});

test('ends with the reason of the signal, before and during a request', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [start]: silence } });
  const attempt = new AbortController();
  const reason = new Error('draining');

  const starting = startService(site, roads, { signal: attempt.signal });
  await expect.poll(() => wire.heardOf(start).length).toBe(1);
  attempt.abort(reason);

  await expect(starting).rejects.toBe(reason);
  await expect(stopService(site, roads, { signal: attempt.signal })).rejects.toBe(reason);
  expect(wire.heard.map(({ path }) => path)).not.toContain(start.replace('start', 'stop'));
});

test('reads once more when a kept connection had ended', async ({ lend }) => {
  const { site, wire } = await lend({
    script: { [machines]: (_, times) => (times === 1 ? 'cut' : { body: { machines: [] } }) },
  });

  await expect(readMachines(site)).resolves.toEqual([]);
  expect(wire.heardOf(machines)).toHaveLength(2);
});

test('takes a refused change for closed when the site is read-only', async ({ lend }) => {
  const refusal = { body: { status: 'error', messages: ['Not now.'], code: 500 } };
  const { site, wire } = await lend({
    script: { [start]: () => refusal, [mode]: () => ({ body: { siteMode: 'READ_ONLY' } }) },
  });

  await expect(startService(site, roads)).rejects.toMatchObject({
    code: 'site_read_only',
    again: 'later',
    siteMessages: ['Not now.'],
  });
  expect(wire.heardOf(mode)).toHaveLength(1);
});

test.for([
  ['is editable', { siteMode: 'EDITABLE' }],
  ['has no mode', { status: 'error', messages: ['Could not find resource'], code: 404 }],
] as const)('lets the refusal stand when the site %s', async ([, body], { lend }) => {
  const refusal = { body: { status: 'error', messages: ['No.', 'Really.'], code: 500 } };
  const { site } = await lend({ script: { [start]: () => refusal, [mode]: () => ({ body }) } });

  await expect(startService(site, roads)).rejects.toMatchObject({
    code: 'site_error',
    again: 'never',
    siteMessages: ['No.', 'Really.'],
    siteCode: 500,
  });
});

test('encodes every segment of an address', async ({ lend }) => {
  const path = '/arcgis/admin/services/Stra%C3%9Fen%20%26%20Wege/A%2FB.MapServer';
  const { site } = await lend({ script: { [path]: () => ({ body: { serviceName: 'A/B' } }) } });

  await expect(
    readService(site, { folder: 'Straßen & Wege', serviceName: 'A/B', type: 'MapServer' }),
  ).resolves.toEqual({ serviceName: 'A/B' });
});

test('sends nothing to an address that climbs out of its place', async ({ lend }) => {
  const { site, wire } = await lend();

  await expect(readManifest(site, { ...roads, folder: '..' })).rejects.toMatchObject({
    code: 'validation_error',
  });
  expect(wire.heard).toEqual([]);
});

test('refuses an answer that is larger than anything a site says', async ({ lend }) => {
  const { site } = await lend({
    script: { [machines]: () => ({ body: `{"machines":[${'0,'.repeat(9 * 2 ** 20)}0]}` }) },
  });

  await expect(readMachines(site)).rejects.toMatchObject({
    code: 'site_error',
    message: expect.stringContaining('too large'),
  });
});

test('finds a site that a running job holds again after its configuration changed', async ({
  lend,
}) => {
  const { site, sites, wire } = await lend({
    script: { [machines]: () => ({ body: { machines: [] } }) },
  });
  await readMachines(site);

  sites.reload({ demo: { ...site.config, auth: { ...site.config.auth, username: 'other' } } });
  await readMachines(site);
  sites.reload({ demo: site.config });
  await readMachines(site);

  expect(wire.heardOf('/arcgis/admin/generateToken').map(({ params }) => params.username)).toEqual([
    'publisher',
    'other',
  ]);
});

test('does not know a site that is not configured, or no longer', async ({ lend }) => {
  const { sites } = await lend();

  expect(sites.names()).toEqual(['demo']);
  expect(() => sites.get('else')).toThrow(expect.objectContaining({ code: 'unknown_site' }));
  sites.reload({});
  expect(sites.names()).toEqual([]);
  expect(() => sites.get('demo')).toThrow(expect.objectContaining({ code: 'unknown_site' }));
});
