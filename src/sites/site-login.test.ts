import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import { SiteLoginRefusedError } from './site-errors.ts';
import { readMachines } from './site-reader.ts';

const machines = '/arcgis/admin/machines';
const login = '/arcgis/admin/generateToken';
const noMachines = { body: { machines: [] } };

test('binds the token to the referer and shows both with every request', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [machines]: () => noMachines } });

  await readMachines(site);

  expect(wire.heardOf(login)[0]).toMatchObject({
    method: 'POST',
    headers: { referer: wire.url },
    params: {
      client: 'referer',
      referer: wire.url,
      username: 'publisher',
      password: 'open sesame',
    },
  });
  expect(wire.heardOf(machines)[0]).toMatchObject({
    method: 'POST',
    headers: { referer: wire.url },
    params: { token: 'token-1', f: 'json' },
  });
});

test('logs in once for many requests at the same time', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [machines]: () => noMachines } });

  await Promise.all([readMachines(site), readMachines(site), readMachines(site)]);
  await readMachines(site);

  expect(wire.heardOf(login)).toHaveLength(1);
});

test.for([
  ['admin', { status: 'error', messages: ['Token Expired.'], code: 498 }],
  ['rest', { error: { code: 498, message: 'Invalid token.', details: [] } }],
  [
    'admin, 499',
    { status: 'error', messages: ['Unauthorized access. Token not found.'], code: 499 },
  ],
  ['no code', { status: 'error', messages: ['Token Expired.'] }],
] as const)('logs in once more when the token has ended (%s)', async ([, refusal], { lend }) => {
  const { site, wire } = await lend({
    script: { [machines]: (_, times) => (times === 1 ? { body: refusal } : noMachines) },
  });

  await expect(readMachines(site)).resolves.toEqual([]);

  expect(wire.heardOf(machines).map(({ params }) => params.token)).toEqual(['token-1', 'token-2']);
});

test('gives up when the new token is refused too', async ({ lend }) => {
  const refusal = { body: { status: 'error', messages: ['Token Expired.'], code: 498 } };
  const { site, wire } = await lend({ script: { [machines]: () => refusal } });

  await expect(readMachines(site)).rejects.toMatchObject({ name: 'SiteError', siteCode: 498 });

  expect(wire.heardOf(login)).toHaveLength(2);
});

test('renews a token before it ends, by the clock of the site', async ({ lend }) => {
  const siteIsAheadMs = 7_200_000;
  const { site, wire } = await lend({
    script: {
      [machines]: () => noMachines,
      [login]: (_, times) => ({
        headers: { date: new Date(Date.now() + siteIsAheadMs).toUTCString() },
        // first a life that is over as soon as the margin is taken off, then a long one
        body: { token: `t${times}`, expires: Date.now() + siteIsAheadMs + (times === 1 ? 1 : 9e6) },
      }),
    },
  });

  await readMachines(site);
  await expect.poll(() => readMachines(site).then(() => wire.heardOf(login).length)).toBe(2);
  await readMachines(site);

  expect(wire.heardOf(login)).toHaveLength(2);
});

test('does not send a refused password again, until it is another one', async ({ lend }) => {
  let secret = 'wrong';
  const { site, wire } = await lend({
    readSecret: async () => secret,
    script: {
      [machines]: () => noMachines,
      [login]: ({ params }) =>
        params.password === 'right'
          ? { body: { token: 't', expires: '1' } }
          : {
              body: {
                status: 'error',
                messages: ['Failed to log in. Invalid username or password specified.'],
              },
            },
    },
  });

  const refusals = await Promise.allSettled([readMachines(site), readMachines(site)]);
  await expect(readMachines(site)).rejects.toThrow(SiteLoginRefusedError);

  expect(refusals).toMatchObject([
    { reason: { code: 'site_login_refused', again: 'never' } },
    { reason: { facts: { account: 'publisher', site: 'demo' } } },
  ]);
  expect(wire.heardOf(login)).toHaveLength(1);

  secret = 'right';
  await expect(readMachines(site)).resolves.toEqual([]);
});

test('tries a refused password again when the hold is released', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [login]: () => ({ body: { expires: '1' } }) } });

  await expect(readMachines(site)).rejects.toThrow(SiteLoginRefusedError);
  await expect(readMachines(site)).rejects.toThrow(SiteLoginRefusedError);
  site.client.holdReleased();
  await expect(readMachines(site)).rejects.toThrow(SiteLoginRefusedError);

  expect(wire.heardOf(login)).toHaveLength(2);
});

test('does not take a busy site for a refusal of the account', async ({ lend }) => {
  const busy =
    'Another administrative operation is currently accessing the store. Please try again later.';
  const { site } = await lend({
    script: {
      [machines]: () => noMachines,
      [login]: (_, times) =>
        times === 1
          ? { body: { status: 'error', messages: [busy] } }
          : { body: { token: 't', expires: '1' } },
    },
  });

  await expect(readMachines(site)).rejects.toMatchObject({ code: 'site_busy', again: 'now' });
  await expect(readMachines(site)).resolves.toEqual([]);
});

test('asks the token service that the site names when administration is switched off', async ({
  lend,
}) => {
  const { site, wire } = await lend({
    script: {
      [machines]: () => noMachines,
      [login]: () => ({ status: 403, body: '<html>Forbidden</html>' }),
      '/arcgis/rest/info': ({ headers }) => ({
        body: {
          currentVersion: 10.81,
          authInfo: { tokenServicesUrl: `http://${headers.host}/arcgis/tokens/` },
        },
      }),
      '/arcgis/tokens/': () => ({ body: { token: 'other', expires: 1 } }),
    },
  });

  await readMachines(site);

  expect(wire.heardOf(machines)[0]?.params.token).toBe('other');
});

test('does not send a password refused by one token service to another', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      '/arcgis/rest/info': ({ headers }) => ({
        body: { authInfo: { tokenServicesUrl: `http://${headers.host}/arcgis/tokens/` } },
      }),
      [login]: () => ({ body: { status: 'error', messages: ['Nein.'], code: 500 } }),
      '/arcgis/tokens/': () => ({ body: { token: 'other', expires: 1 } }),
    },
  });

  await expect(readMachines(site)).rejects.toThrow(SiteLoginRefusedError);

  expect(wire.heardOf('/arcgis/tokens/')).toHaveLength(0);
});

const portalLogin = '/portal/sharing/rest/generateToken';
const federated = {
  '/arcgis/rest/info': ({ headers }: { headers: { host?: string | undefined } }) => ({
    body: {
      fullVersion: '11.3.0',
      owningSystemUrl: `http://${headers.host}/portal`,
      authInfo: { tokenServicesUrl: '' },
    },
  }),
};

test('logs in at the portal of a federated site and shows its token to the server', async ({
  lend,
}) => {
  const { site, wire } = await lend({
    script: {
      ...federated,
      [portalLogin]: () => ({ body: { token: 'of portal', expires: Date.now() + 1e7, ssl: true } }),
      [machines]: () => noMachines,
    },
  });

  await readMachines(site);

  expect(wire.heardOf(machines)[0]?.params.token).toBe('of portal');
  expect(wire.heardOf(login)).toHaveLength(0);
});

test('exchanges the token of the portal where the server does not take it', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      ...federated,
      [portalLogin]: ({ params }) => ({
        body: { token: params.serverUrl ? 'of server' : 'of portal', expires: Date.now() + 1e7 },
      }),
      [machines]: ({ params }) =>
        params.token === 'of server'
          ? noMachines
          : { body: { status: 'error', messages: ['Invalid token.'], code: 498 } },
    },
  });

  await readMachines(site);

  expect(wire.heardOf(portalLogin).at(-1)?.params).toMatchObject({
    token: 'of portal',
    serverUrl: wire.url,
    referer: wire.url,
  });
});

test('logs in at a federated server itself when told to', async ({ lend }) => {
  const { site, wire } = await lend({
    config: { auth: { username: 'psa', password: { env: 'X' }, via: 'server' } },
    script: { ...federated, [machines]: () => noMachines },
  });

  await readMachines(site);

  expect(wire.heardOf(machines)[0]?.params.token).toBe('token-1');
});

test('stops waiting for a login when the attempt is aborted', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [login]: () => 'silence' } });
  const attempt = new AbortController();

  const waiting = readMachines(site, { signal: attempt.signal });
  await expect.poll(() => wire.heardOf(login).length).toBe(1);
  attempt.abort(new Error('dismissed'));

  await expect(waiting).rejects.toThrow('dismissed');
});
