import { readdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { referer, SiteVisitor } from '../../test/support/site-visitor.ts';
import { patient, test } from '../../test/support/visited-site.ts';

const rules = (violations: { rule: string }[]) => violations.map(({ rule }) => rule);

test('tells without a login what it is', async ({ visit }) => {
  const { visitor } = await visit({ version: '10.8.1' });
  const info = await (await visitor.send('GET', '/rest/info', { f: 'json' }, {})).json();

  expect(info).toMatchObject({
    currentVersion: 10.81,
    fullVersion: '10.8.1',
    authInfo: { isTokenBasedSecurity: true, tokenServicesUrl: `${visitor.url}/tokens/` },
  });
  expect(info).not.toHaveProperty('owningSystemUrl');
  const health = await visitor.send('GET', '/rest/info/healthcheck', { f: 'json' }, {});
  expect(await health.json()).toEqual({ success: true });
});

test('issues tokens with the expiry as text, by POST only, and says who is logged in', async ({
  visit,
}) => {
  const { site, visitor } = await visit({ privilege: 'PUBLISH' });
  const answer = await visitor.logIn(site.username, site.password, { expiration: '5' });
  expect(answer).toEqual({
    token: expect.stringMatching(/.{20}/),
    expires: expect.stringMatching(/^\d{13}$/),
  });
  expect(Number(answer.expires)).toBeLessThanOrEqual(Date.now() + 5 * 60_000);
  expect(await visitor.get('/admin/info')).toMatchObject({
    loggedInUser: site.username,
    loggedInUserPrivilege: 'PUBLISH',
  });
  const byGet = await visitor.send('GET', '/admin/generateToken', { f: 'json' });
  expect(await byGet.json()).toMatchObject({ status: 'error' });
  expect(rules(site.control.violations())).toContain('post-needed');
});

test('refuses bad logins in the words of each token service', async ({ visit }) => {
  const { site, visitor } = await visit();
  expect(await visitor.logIn(site.username, 'wrong')).toEqual({
    status: 'error',
    messages: ['Failed to log in. Invalid username or password specified.'],
  });
  const login = { username: site.username, password: 'wrong', client: 'requestip', f: 'json' };
  const answer = await visitor.send('POST', '/tokens/', login);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    error: {
      code: 400,
      message: 'Unable to generate token.',
      details: ['Invalid username or password.'],
    },
  });
});

test('locks the account after more than three failed logins', async ({ visit }) => {
  const { site, visitor } = await visit();
  for (let failed = 0; failed < 4; failed += 1) await visitor.logIn(site.username, 'wrong');

  expect(await visitor.logIn(site.username, site.password)).not.toHaveProperty('token');
  expect(rules(site.control.violations())).toContain('account-locked');
});

test('refuses an account that may only use services', async ({ visit }) => {
  const { visitor } = await visit({ privilege: 'ACCESS' });
  expect(visitor.token).toBe('');
});

test('answers each API in its own envelope, both with HTTP 200', async ({ visit }) => {
  const { visitor } = await visit();
  visitor.token = '';
  expect(await visitor.get('/admin/services')).toEqual({
    status: 'error',
    messages: [
      "Unauthorized access. Token not found. You can generate a token using the 'generateToken' operation.",
    ],
    code: 499,
  });
  expect(await visitor.get('/rest/services/System/PublishingTools/GPServer')).toEqual({
    error: { code: 499, message: 'Token Required', details: [] },
  });
  visitor.token = 'nonsense';
  expect(await visitor.get('/admin/services')).toMatchObject({ status: 'error', code: 498 });
  expect(await visitor.get('/rest/services')).toMatchObject({ error: { code: 498 } });
});

test('lets tokens expire', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.expireTokens();
  expect(await visitor.get('/admin/services')).toEqual({
    status: 'error',
    messages: ['Token Expired.'],
    code: 498,
  });
});

test('binds a token to the referer it was asked for', async ({ visit }) => {
  const { site, visitor } = await visit();
  const { token } = visitor;
  const ask = async (headers: Record<string, string>) =>
    (await visitor.send('GET', '/admin/services', { f: 'json', token }, headers)).json();

  expect(await ask({ referer: `${referer}/page` })).toHaveProperty('services');
  expect(await ask({ referer: 'http://elsewhere.test' })).toMatchObject({ code: 498 });
  expect(await ask({})).toMatchObject({ code: 498 });
  expect(rules(site.control.violations())).toEqual(['referer-mismatch', 'referer-missing']);
});

test('takes a token in the query, in the body and in its own header', async ({ visit }) => {
  const { site, visitor } = await visit();
  const { token } = visitor;
  const header = { referer, 'X-Esri-Authorization': `Bearer ${token}` };
  const byHeader = await visitor.send('GET', '/admin/services', { f: 'json' }, header);
  expect(await byHeader.json()).toHaveProperty('services');
  expect(await visitor.post('/admin/services')).toHaveProperty('services');
  expect(site.control.violations()).toEqual([]);

  const byQuery = await visitor.send('POST', `/admin/services?token=${token}`, { f: 'json' });
  expect(await byQuery.json()).toHaveProperty('services');
  expect(rules(site.control.violations())).toEqual(['token-in-url']);
});

test('answers a page for people unless JSON is asked for', async ({ visit }) => {
  const { site, visitor } = await visit();
  const answer = await visitor.send('GET', '/admin/services', { token: visitor.token });

  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(await answer.text()).toMatch(/^<!DOCTYPE html>/);
  expect(rules(site.control.violations())).toEqual(['f-missing']);
});

test('does not understand a JSON body', async ({ visit }) => {
  const { site, visitor } = await visit();
  const answer = await fetch(`${site.url}/admin/services/createFolder?f=json`, {
    method: 'POST',
    headers: { referer, 'content-type': 'application/json' },
    body: JSON.stringify({ token: visitor.token, folderName: 'Transport' }),
  });

  expect(await answer.json()).toMatchObject({ code: 499 });
  expect(rules(site.control.violations())).toContain('json-body');
});

test('knows neither unknown operations nor unknown services', async ({ visit }) => {
  const { visitor } = await visit();
  expect(await visitor.get('/admin/services/Roads.MapServer')).toEqual({
    status: 'error',
    messages: ["Could not find resource or operation 'Roads.MapServer' on the system."],
    code: 404,
  });
  expect(await visitor.get('/admin/system/jobs')).toMatchObject({
    messages: ["Could not find resource or operation 'jobs' on the system."],
  });
  expect(await visitor.get('/rest/services/Roads/MapServer')).toMatchObject({
    error: { code: 404, message: 'Service Roads/MapServer not found ' },
  });
});

test('issues portal tokens on a federated site, and takes them', async ({ visit, definition }) => {
  const { site, visitor } = await visit({ federated: true, username: 'publisher1' });
  expect(await visitor.logIn(site.username, site.password)).toMatchObject({ status: 'error' });
  const info = (await visitor.get('/rest/info')) as { owningSystemUrl?: string };
  const portal = new SiteVisitor(info.owningSystemUrl ?? '');
  const login = { username: site.username, password: site.password, referer, f: 'json' };
  const answer = await (await portal.send('POST', '/sharing/rest/generateToken', login)).json();
  expect(answer).toEqual({ token: expect.any(String), expires: expect.any(Number), ssl: false });

  visitor.token = (answer as { token: string }).token;
  await visitor.publish(
    await definition({
      serviceName: 'Roads',
      extensions: [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }],
    }),
  );
  expect(await visitor.get('/admin/services/Roads.MapServer')).toMatchObject({
    portalProperties: {
      isHosted: false,
      portalItems: [{ type: 'MapServer' }, { type: 'FeatureServer' }],
    },
  });
  expect(site.control.state().portalItems).toMatchObject([
    { type: 'MapServer', owner: 'publisher1' },
    { type: 'FeatureServer', owner: 'publisher1' },
  ]);

  const exchange = {
    token: visitor.token,
    serverURL: site.url,
    request: 'getToken',
    f: 'json',
  };
  const exchanged = await portal.send('POST', '/sharing/rest/generateToken', exchange);
  expect(await exchanged.json()).toHaveProperty('token');
});

test('keeps nothing of an upload whose client went away', async ({ visit, folder }) => {
  const { site, visitor } = await visit();
  const socket = createConnection(site.port, '127.0.0.1');
  const gone = new Promise((resolve) => socket.once('close', resolve));
  const arrived = new Promise<void>((resolve) => {
    site.control.onRequest(({ operation }) => {
      if (operation === 'upload') resolve();
    });
  });
  socket.write(
    [
      'POST /arcgis/admin/uploads/upload HTTP/1.1',
      'Host: site',
      'Content-Type: multipart/form-data; boundary=b1',
      'Content-Length: 100000',
      '',
      '--b1',
      'Content-Disposition: form-data; name="itemFile"; filename="Roads.sd"',
      '',
      'the first bytes of it',
    ].join('\r\n'),
  );
  await arrived;
  const incoming = join(folder, 'site', 'incoming');
  const received = () => readdir(incoming).catch(() => []);
  await expect.poll(received, patient).toHaveLength(1);
  socket.destroy();
  await gone;

  await expect.poll(received, patient).toEqual([]);
  expect(await visitor.get('/admin/uploads')).toEqual({ items: [] });
});
