import { expect } from 'vitest';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ask, askJson, storedFiles, toForm } from '../support/asking.ts';
import { ended, findTraces, run } from '../support/data-stores.ts';
import { test } from '../support/publishing-test.ts';

const canary = 'canary-8d2f &"xyz';
const parts = {
  platform: 'postgresql',
  host: 'db1',
  database: 'gis',
  user: 'editor',
  version: 'sde.DEFAULT',
};
const login = { host: 'db1', database: 'gis', user: 'editor' };
const database = (password: string) => ({
  site: 'demo',
  name: 'gisdb',
  connection: { ...parts, password },
});
const folder = { site: 'demo', name: 'roads', path: '\\\\files\\gis\\roads' };
const items = (site: SimulatedSite) => site.control.state().dataItems;
const asked = (site: SimulatedSite, operation: string) =>
  site.control.requests().filter((each) => each.operation === operation).length;

test.for([
  [folder, { path: '\\\\files\\gis\\roads', dataStoreConnectionType: 'shared' }, null],
  [{ ...folder, path: '/data/gis' }, { path: '/data/gis' }, null],
  [
    { ...folder, clientPath: 'C:\\gis', hostName: 'PC17' },
    { dataStoreConnectionType: 'replicated', hostName: 'PC17' },
    'C:\\gis',
  ],
] as const)('registers a folder: %o', async ([inputs, info, clientPath], { openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);

  const job = await ended(gateway, 'register-folder', inputs);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({
    status: 'successful',
    results: {
      outcome: 'registered',
      item: { type: 'folder', info },
      validation: { isValid: true },
    },
  });
  expect(items(site)).toMatchObject([{ path: '/fileShares/roads', clientPath, info }]);
  expect(asked(site, 'validate-item')).toBe(2);
});

test.for(['both', 'status', 'success'] as const)(
  'understands answers with %s, and what is there already',
  async (dataItemAnswers, { openSite, open }) => {
    const site = await openSite({ dataItemAnswers });
    const gateway = await open(site);
    await ended(gateway, 'register-folder', folder);

    const again = await ended(gateway, 'register-folder', folder);
    const other = await ended(gateway, 'register-folder', { ...folder, path: '\\\\other\\gis' });
    const update = { ...folder, path: '\\\\other\\gis', ifExists: 'update' };
    const updated = await ended(gateway, 'register-folder', update);

    expect(again).toMatchObject({ status: 'successful', results: { outcome: 'unchanged' } });
    expect(other).toMatchObject({
      status: 'failed',
      undo: 'nothing-to-do',
      exception: { code: 'data_store_exists', knownAs: 32, differsIn: ['info.path'] },
    });
    expect(updated).toMatchObject({
      status: 'successful',
      results: { outcome: 'updated', changed: ['info.path'] },
    });
    expect(items(site)).toMatchObject([{ info: { path: '\\\\other\\gis' } }]);
    expect([asked(site, 'register-item'), asked(site, 'edit-data-item')]).toEqual([1, 1]);
  },
);

test('a folder that one machine cannot read is not registered, and the machine is named', async ({
  openSite,
  open,
}) => {
  const site = await openSite({ machines: ['GIS01.EXAMPLE.ORG', 'GIS02.EXAMPLE.ORG'] });
  site.control.fault({ kind: 'unreachable-data', machine: 'GIS02.EXAMPLE.ORG' });
  const gateway = await open(site);

  const job = await ended(gateway, 'register-folder', folder);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: {
      code: 'data_store_invalid',
      knownAs: 30,
      itemNow: { isRegistered: false },
      machines: [
        { machine: 'GIS01.EXAMPLE.ORG', isValid: true },
        { machine: 'GIS02.EXAMPLE.ORG', isValid: false },
      ],
    },
  });
  expect(job.exception?.cause).toContain('GIS02.EXAMPLE.ORG');
  expect(items(site)).toEqual([]);
});

test('what does not validate after it was registered is taken away again', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.onRequest(({ operation, phase }) => {
    if (operation === 'register-item' && phase === 'after')
      site.control.fault({ kind: 'unreachable-data' });
  });
  const gateway = await open(site);

  const job = await ended(gateway, 'register-folder', folder);

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      code: 'data_store_invalid',
      knownAs: 28,
      putBack: ['/fileShares/roads was unregistered again'],
      itemNow: { isRegistered: false },
    },
  });
  expect(items(site)).toEqual([]);
});

test.for(['answer-lost', 'connection-cut'] as const)(
  'registers once although %s',
  async (kind, { openSite, open }) => {
    const site = await openSite();
    site.control.fault({ kind, operation: 'register-item' });
    const gateway = await open(site);

    const job = await ended(gateway, 'register-folder', folder);

    expect(job).toMatchObject({ status: 'successful', results: { outcome: 'registered' } });
    expect(items(site)).toHaveLength(1);
  },
);

test('a database from its parts: the password is nowhere but on the site', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.setDatabasePassword(login, canary);
  const gateway = await open(site);

  const job = await ended(gateway, 'register-database', database(canary));

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({
    status: 'successful',
    params: { connection: { host: 'db1', password: { sealed: true } } },
    results: { outcome: 'registered' },
  });
  expect(job).not.toHaveProperty('secrets');
  expect(JSON.stringify(job.results)).toContain('ENCRYPTED_PASSWORD=***');
  expect(items(site)).toMatchObject([
    { path: '/enterpriseDatabases/gisdb', info: { dataStoreConnectionType: 'shared' } },
  ]);
  expect(await findTraces(gateway, [canary], [job.jobId])).toEqual([]);
});

test('a wrong password: nothing is registered, nothing is told, and a retry names what is missing', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.setDatabasePassword(login, 'the right one');
  site.control.fault({
    kind: 'unreachable-data',
    message: `said: login failed with ${canary}`,
  });
  const gateway = await open(site);

  const job = await ended(gateway, 'register-database', database(canary));

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'data_store_invalid', knownAs: 29 },
  });
  expect(await findTraces(gateway, [canary], [job.jobId])).toEqual([]);
  const refused = await askJson(gateway, `/v1/jobs/${job.jobId}/retry`, {});
  expect(refused).toMatchObject({
    status: 409,
    body: {
      code: 'secret_missing',
      errors: [{ pointer: '#/inputs/connection/password', code: 'secret_missing' }],
    },
  });
  site.control.clearFaults();
  const { body } = await askJson(gateway, `/v1/jobs/${job.jobId}/retry`, {
    inputs: { connection: { password: 'the right one' } },
  });
  expect(await gateway.ended(body.jobID)).toMatchObject({ status: 'successful' });
});

test('a connection string is sealed while the job waits, and wiped when it is dismissed', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site, { hasWorker: false });
  const connectionString = `SERVER=db1;INSTANCE=sde:postgresql:db1;DATABASE=gis;USER=a;PASSWORD=${canary}`;
  const { body } = await run(gateway, 'register-database', {
    site: 'demo',
    name: 'gisdb',
    connectionString,
  });

  const waiting = await gateway.core.records.find(body.jobID);
  expect(waiting?.secrets).toEqual({ inputs: expect.stringMatching(/^enc:v1:/) });
  expect(await findTraces(gateway, [canary], [body.jobID])).toEqual([]);

  await ask(gateway, `/v1/jobs/${body.jobID}`, { method: 'DELETE' });
  expect(await gateway.core.records.find(body.jobID)).not.toHaveProperty('secrets');
});

test('the same key for the same secret is one job; another secret is another request', async ({
  openSite,
  open,
}) => {
  const gateway = await open(await openSite(), { hasWorker: false });
  const key = { 'idempotency-key': '"register-gisdb-0001"' };

  const first = await run(gateway, 'register-database', database(canary), key);
  const second = await run(gateway, 'register-database', database(canary), key);
  const third = await run(gateway, 'register-database', database(`${canary}2`), key);

  expect(second.body.jobID).toBe(first.body.jobID);
  expect(third).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
  expect(await findTraces(gateway, [canary])).toEqual([]);
});

test('a secret of the configuration is named, not sent', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.setDatabasePassword(login, process.env.PATH ?? '');
  const gateway = await open(site, { settings: { secrets: { gisdb: { env: 'PATH' } } } });
  const named = (passwordFrom: string) => ({
    site: 'demo',
    name: 'gisdb',
    connection: { ...parts, passwordFrom },
  });

  const unknown = await run(gateway, 'register-database', named('nobody'));
  const job = await ended(gateway, 'register-database', named('gisdb'));

  expect(unknown).toMatchObject({
    status: 400,
    body: { errors: [{ pointer: '#/inputs/connection/passwordFrom', code: 'unknown_secret' }] },
  });
  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'registered' } });
});

test.for([
  [{ connection: { ...parts, user: undefined, password: 'x' } }, '#/inputs/connection/user'],
  [{ connection: parts }, '#/inputs/connection/password'],
  [{ connection: { ...parts, password: `a;b${canary}` } }, '#/inputs/connection/password'],
  [{ connectionString: 'SERVER=db1;USER=a' }, '#/inputs/connectionString'],
  [{ connectionString: `hello ${canary}` }, '#/inputs/connectionString'],
  [{}, '#/inputs/connection'],
] as const)('refuses %o before it is queued', async ([inputs, pointer], { openSite, open }) => {
  const gateway = await open(await openSite(), { hasWorker: false });

  const { status, body } = await run(gateway, 'register-database', {
    site: 'demo',
    name: 'gisdb',
    ...inputs,
  });

  expect(status).toBe(400);
  expect(body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ pointer })]));
  expect(JSON.stringify(body)).not.toContain(canary);
});

const connectionFile = (properties: Record<string, string | Buffer> = {}) =>
  new Blob([
    new Uint8Array(
      buildConnectionFile({
        SERVER: 'db1',
        INSTANCE: 'sde:postgresql:db1',
        DBCLIENT: 'postgresql',
        DATABASE: 'gis',
        AUTHENTICATION_MODE: 'DBMS',
        USER: 'editor',
        PASSWORD: Buffer.from('only ArcGIS reads this'),
        VERSION: 'sde.DEFAULT',
        ...properties,
      }),
    ),
  ]);

test('a database from a connection file in one multipart request', async ({ openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);
  const path = '/v1/processes/register-database/execution';
  const form = toForm([
    ['site', 'demo'],
    ['name', 'gisdb'],
    ['connectionFile', connectionFile(), 'gis.sde'],
  ]);

  const { body } = await ask(gateway, path, { method: 'POST', body: form });
  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'registered' } });
  expect(items(site)).toMatchObject([
    {
      info: {
        connectionString: expect.stringMatching(/^ENCRYPTED_PASSWORD=.*VERSION=sde\.DEFAULT/),
      },
    },
  ]);
  expect(site.control.state().uploads).toEqual([]);
  expect(await findTraces(gateway, ['00022e68'], [job.jobId])).toEqual([]);
});

const whole = connectionFile();
const cut = (bytes: number) => whole.slice(0, bytes);

test.for([
  ['no document', new Blob(['hello']), 'unreadable_document', 'gis.dat'],
  ['text by the name of one', new Blob(['SERVER=db1']), 'unreadable_document', 'gis.sde'],
  ['an empty one', new Blob([]), 'unreadable_document', 'gis.sde'],
  ['one that is cut off', cut(1_000), 'unreadable_document', 'gis.sde'],
  ['a large one', new Blob([whole, new Uint8Array(2 ** 21)]), 'unreadable_document', 'gis.sde'],
  [
    'a connection to a server',
    new Blob([
      new Uint8Array(buildConnectionFile({ URL: 'x' }, { streamName: 'AGSConnProperties' })),
    ]),
    'unreadable_document',
    'gis.ags',
  ],
  [
    'one without its password',
    connectionFile({ PASSWORD: Buffer.alloc(0) }),
    'validation_error',
    'gis.sde',
  ],
] as const)(
  '%s is refused at once, and its file is gone',
  async ([, file, code, name], { openSite, open }) => {
    const gateway = await open(await openSite(), { hasWorker: false });
    const form = toForm([
      ['site', 'demo'],
      ['name', 'gisdb'],
      ['connectionFile', file, name],
    ]);

    const { status, body } = await ask(gateway, '/v1/processes/register-database/execution', {
      method: 'POST',
      body: form,
    });

    expect([status, body.code]).toEqual([400, code]);
    expect(await storedFiles(gateway)).toEqual([]);
  },
);

test('a cloud store: its connection is JSON text, and its key is nowhere else', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const job = await ended(gateway, 'register-data-store', {
    site: 'demo',
    name: 'imagery',
    type: 'cloudStore',
    provider: 'amazon',
    objectStore: 'gis-imagery/2026',
    connection: { accessKeyId: 'AKIA1', secretAccessKey: canary, region: 'eu-west-1' },
  });

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'registered' } });
  const [item] = items(site);
  expect(JSON.parse(String(item?.info.connectionString))).toEqual({
    credentialType: 'accessKey',
    accessKeyId: 'AKIA1',
    secretAccessKey: canary,
    region: 'eu-west-1',
    defaultEndpointsProtocol: 'https',
  });
  expect(await findTraces(gateway, [canary], [job.jobId])).toEqual([]);
});

test.for([
  [
    { type: 'rasterStore', connection: { path: '/cloudStores/imagery' } },
    { connectionString: '{"path":"/cloudStores/imagery"}', connectionType: 'dataStore' },
  ],
  [
    { type: 'bigDataFileShare', connection: { path: '\\\\files\\big' } },
    { connectionString: '{"path":"\\\\\\\\files\\\\big"}', connectionType: 'fileShare' },
  ],
  [
    {
      type: 'objectStore',
      provider: 'azure',
      objectStore: 'tiles',
      connection: { accountName: 'gis', accountKey: 'a-long-key-1' },
    },
    { isManaged: true, purposes: ['feature-tile', 'scene'] },
  ],
] as const)('registers other stores: %o', async ([inputs, info], { openSite, open }) => {
  const site = await openSite();
  const gateway = await open(site);

  const job = await ended(gateway, 'register-data-store', { site: 'demo', name: 'one', ...inputs });

  expect(job.exception).toBeUndefined();
  expect(items(site)).toMatchObject([{ type: inputs.type, info }]);
});
