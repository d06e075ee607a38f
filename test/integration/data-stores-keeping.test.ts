import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ask } from '../support/asking.ts';
import { ended, findTraces, run } from '../support/data-stores.ts';
import { definitionContent } from '../support/definition-content.ts';
import { openGateway } from '../support/gateway.ts';
import { test } from '../support/publishing-test.ts';

const [oldOne, newOne] = ['old-canary-51c7', 'new-canary-9e02'];
const login = { host: 'db1', database: 'gis', user: 'editor' };
const connectionString = (password: string, user = 'editor') =>
  `SERVER=db1;INSTANCE=sde:postgresql:db1;DBCLIENT=postgresql;DATABASE=gis;USER=${user};PASSWORD=${password};VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`;
const egdb = (name: string, user?: string) => ({
  path: `/enterpriseDatabases/${name}`,
  type: 'egdb',
  info: {
    connectionString: connectionString(oldOne, user),
    dataStoreConnectionType: 'shared',
    isManaged: false,
  },
});
const share = {
  path: '/fileShares/roads',
  type: 'folder',
  clientPath: null,
  info: { path: '\\\\files\\gis', dataStoreConnectionType: 'shared', hostName: null },
};
const items = (site: SimulatedSite) => site.control.state().dataItems;
const asked = (site: SimulatedSite, operation: string) =>
  site.control.requests().filter((each) => each.operation === operation).length;

/** A service whose manifest names the database, or the share. */
function addServices(site: SimulatedSite): void {
  const workspaceFactory = 'esriDataSourcesGDB.SdeWorkspaceFactory.1';
  const common = {
    isCopied: false,
    workspaceFactory,
    datasets: [{ name: 'ROADS', type: 'Table' }],
  };
  const database = {
    ...common,
    name: 'gis',
    connection: {
      kind: 'database' as const,
      ...login,
      version: 'sde.DEFAULT',
      instance: 'sde:postgresql:db1',
    },
  };
  const file = {
    ...common,
    name: 'roads.gdb',
    connection: { kind: 'path' as const, path: '\\\\files\\gis\\roads.gdb' },
  };
  const { databases } = definitionContent({ databases: [database, file] });
  site.control.addService({ folder: 'Transport', name: 'Roads', layers: ['A'], databases });
}

test('validates one, several and all, and remembers what was found', async ({ openSite, open }) => {
  const site = await openSite({ machines: ['GIS01', 'GIS02'] });
  for (const item of [share, egdb('gisdb')]) site.control.addDataItem(item);
  site.control.fault({ kind: 'unreachable-data', path: share.path, machine: 'GIS02' });
  const gateway = await open(site);

  const one = await ended(gateway, 'validate-data-stores', {
    site: 'demo',
    items: ['/enterpriseDatabases/gisdb', '/fileShares/nothing'],
  });
  const all = await ended(gateway, 'validate-data-stores', { site: 'demo' });
  const some = await ended(gateway, 'validate-data-stores', {
    site: 'demo',
    match: { name: 'ro*' },
  });

  expect(one).toMatchObject({ status: 'successful', results: { valid: 1, invalid: 1 } });
  expect(all).toMatchObject({ results: { valid: 1, invalid: 1, unknown: 0 } });
  expect(some.results).toMatchObject({
    items: [
      {
        site: 'demo',
        path: share.path,
        isValid: false,
        machines: [
          { machine: 'GIS01', isValid: true },
          { machine: 'GIS02', isValid: false },
        ],
      },
    ],
  });
  const { body } = await ask(gateway, '/v1/sites/demo/data-store-items?type=egdb');
  expect(body.dataStoreItems).toMatchObject([
    { path: '/enterpriseDatabases/gisdb', lastValidation: { isValid: true } },
  ]);
  expect(await findTraces(gateway, [oldOne], [one.jobId, all.jobId])).toEqual([]);
});

test('updates a folder, and puts it back when the new place does not hold', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.addDataItem(share);
  const gateway = await open(site);
  const update = (path: string) =>
    ended(gateway, 'update-data-store', { site: 'demo', item: share.path, path });

  const moved = await update('\\\\newfiles\\gis');
  site.control.onRequest(({ operation, phase }) => {
    if (operation === 'edit-data-item' && phase === 'after' && asked(site, operation) === 2)
      site.control.fault({ kind: 'unreachable-data', place: 'elsewhere' });
  });
  const failed = await update('\\\\elsewhere\\gis');

  expect(moved).toMatchObject({ status: 'successful', results: { outcome: 'updated' } });
  expect(failed).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: { putBack: ['/fileShares/roads has its earlier content again'] },
  });
  expect(items(site)).toMatchObject([{ info: { path: '\\\\newfiles\\gis' } }]);
});

test('updates the password of one database', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addDataItem(egdb('gisdb'));
  site.control.setDatabasePassword(login, newOne);
  const gateway = await open(site);

  const job = await ended(gateway, 'update-data-store', {
    site: 'demo',
    item: '/enterpriseDatabases/gisdb',
    password: newOne,
  });

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({ status: 'successful', results: { outcome: 'updated' } });
  expect(await findTraces(gateway, [oldOne, newOne], [job.jobId])).toEqual([]);
});

test('a database that fails tells who uses the same connection', async ({ openSite, open }) => {
  const site = await openSite();
  for (const item of [egdb('gisdb'), egdb('twin'), egdb('others', 'reader')])
    site.control.addDataItem(item);
  addServices(site);
  site.control.setDatabasePassword(login, newOne);
  const gateway = await open(site);

  const job = await ended(gateway, 'update-data-store', {
    site: 'demo',
    item: '/enterpriseDatabases/gisdb',
    password: 'a wrong one',
  });

  expect(job).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'data_store_invalid', knownAs: 29 },
  });
  expect(job.exception?.cause).toContain(
    'the services Transport/Roads.MapServer and the items /enterpriseDatabases/twin.',
  );
});

test('what ArcGIS Data Store keeps is left alone', async ({ openSite, open }) => {
  const site = await openSite();
  const store = { ...egdb('AGSDataStore_ds_1'), provider: 'ArcGIS Data Store' };
  site.control.addDataItem(store);
  const before = items(site);
  const gateway = await open(site);
  const item = store.path;
  const asks = [
    ['unregister-data-store', { site: 'demo', items: [item], force: true }],
    ['update-data-store', { site: 'demo', item, password: newOne }],
    ['rotate-data-store-password', { site: 'demo', match: login, password: newOne }],
  ] as const;

  const codes = [];
  for (const [process, inputs] of asks)
    codes.push((await ended(gateway, process, inputs)).exception?.code);

  expect(codes).toEqual(['conflict', 'conflict', 'not_found']);
  expect(items(site)).toEqual(before);
});

test('what services use is not unregistered, unless it is forced', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addDataItem(share);
  addServices(site);
  const gateway = await open(site);
  const inputs = { site: 'demo', items: [share.path] };

  const refused = await ended(gateway, 'unregister-data-store', inputs);
  const forced = await ended(gateway, 'unregister-data-store', { ...inputs, force: true });
  const again = await ended(gateway, 'unregister-data-store', inputs);

  expect(refused).toMatchObject({
    status: 'failed',
    exception: {
      code: 'data_store_in_use',
      knownAs: 33,
      services: ['Transport/Roads.MapServer'],
    },
  });
  expect(forced).toMatchObject({
    status: 'successful',
    results: { items: [{ outcome: 'unregistered', services: ['Transport/Roads.MapServer'] }] },
  });
  expect(again.results).toMatchObject({ items: [{ outcome: 'absent' }] });
  expect(items(site)).toEqual([]);
});

test('when the second cannot be unregistered, the first is registered again', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  for (const item of [share, egdb('gisdb')]) site.control.addDataItem(item);
  const before = items(site).map(({ id: _, ...item }) => item);
  site.control.onRequest(({ operation, phase }) => {
    if (operation === 'unregister-item' && phase === 'after')
      site.control.fault({ kind: 'html', operation: 'unregister-item', times: 50 });
  });
  const gateway = await open(site, {
    settings: { timing: { retryForMs: 300, retryMinMs: 20, siteClosedMs: 100, pollMinMs: 450 } },
  });
  const { body } = await run(gateway, 'unregister-data-store', {
    site: 'demo',
    match: { types: ['folder', 'egdb'] },
  });
  await gateway.until(body.jobID, ({ steps }) => steps.some(({ name }) => name === 'unregister:1'));

  await ask(gateway, `/v1/jobs/${body.jobID}`, { method: 'DELETE' });
  site.control.clearFaults();
  const job = await gateway.ended(body.jobID);

  expect(job).toMatchObject({ status: 'dismissed', undo: 'done' });
  expect(items(site).map(({ id: _, ...item }) => item)).toEqual(expect.arrayContaining(before));
});

test('rotates a password on two sites: tells first, changes, and puts back what does not validate', async ({
  openSite,
}) => {
  const [one, two] = [await openSite(), await openSite()];
  for (const site of [one, two]) {
    site.control.addDataItem(egdb('gisdb'));
    site.control.addDataItem(egdb('others', 'reader'));
    addServices(site);
  }
  one.control.setDatabasePassword(login, newOne);
  two.control.setDatabasePassword(login, oldOne);
  const access = ({ url, username, password }: SimulatedSite) => ({ url, username, password });
  const gateway = await openGateway({ sites: { one: access(one), two: access(two) } });
  try {
    const inputs = { sites: ['one', 'two'], match: login, password: newOne };
    const before = [items(one), items(two)];

    const dry = await ended(gateway, 'rotate-data-store-password', { ...inputs, dryRun: true });
    expect([items(one), items(two)]).toEqual(before);
    expect(dry.results).toMatchObject({
      sites: [
        {
          site: 'one',
          items: [
            {
              path: '/enterpriseDatabases/gisdb',
              outcome: 'would-change',
              services: ['Transport/Roads.MapServer'],
            },
          ],
        },
        { site: 'two', items: [{ path: '/enterpriseDatabases/gisdb' }] },
      ],
    });

    const job = await ended(gateway, 'rotate-data-store-password', inputs);
    expect(job.exception).toBeUndefined();
    expect(job).toMatchObject({
      status: 'successful',
      locks: [
        'one:data-store:/enterprisedatabases/gisdb',
        'two:data-store:/enterprisedatabases/gisdb',
      ],
      results: {
        changed: 1,
        putBack: 1,
        sites: [
          { site: 'one', items: [{ outcome: 'changed', wasValid: false, isValid: true }] },
          { site: 'two', items: [{ outcome: 'put-back', wasValid: true, isValid: true }] },
        ],
      },
    });
    expect(items(two)).toEqual(before[1]);
    expect(items(one).find(({ path }) => path.endsWith('others'))).toEqual(
      before[0]?.find(({ path }) => path.endsWith('others')),
    );
    const valid = await ended(gateway, 'validate-data-stores', { sites: ['one', 'two'] });
    expect(valid.results).toMatchObject({ valid: 4, invalid: 0 });
    const jobs = [dry.jobId, job.jobId, valid.jobId];
    expect(await findTraces(gateway, [oldOne, newOne], jobs)).toEqual([]);
  } finally {
    await gateway.close();
  }
});

test('a password that no item validates with is no success', async ({ openSite, open }) => {
  const site = await openSite();
  site.control.addDataItem(egdb('gisdb'));
  site.control.setDatabasePassword(login, oldOne);
  const before = items(site);
  const gateway = await open(site);
  const rotate = (match: object) =>
    ended(gateway, 'rotate-data-store-password', { site: 'demo', match, password: newOne });

  const wrong = await rotate(login);
  const nobody = await rotate({ ...login, user: 'nobody' });

  expect(wrong).toMatchObject({
    status: 'failed',
    undo: 'nothing-to-do',
    exception: { code: 'data_store_invalid', items: [{ outcome: 'put-back' }] },
  });
  expect(nobody).toMatchObject({ status: 'failed', exception: { code: 'not_found' } });
  expect(items(site)).toEqual(before);
  expect(await findTraces(gateway, [oldOne, newOne], [wrong.jobId])).toEqual([]);
});

test('site or sites: exactly one of them', async ({ openSite, open }) => {
  const gateway = await open(await openSite(), { hasWorker: false });

  for (const sites of [{}, { site: 'demo', sites: ['demo'] }]) {
    expect(await run(gateway, 'validate-data-stores', sites)).toMatchObject({ status: 400 });
  }
  expect(await run(gateway, 'validate-data-stores', { sites: ['nowhere'] })).toMatchObject({
    status: 400,
    body: { code: 'unknown_site' },
  });
});
