import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Answer, Script } from '../../test/support/scripted-site.ts';
import {
  createFolder,
  deleteFolder,
  deleteService,
  editService,
  startService,
} from './service-changes.ts';
import {
  findService,
  findServiceAnywhere,
  folderExists,
  readLifecycle,
  readManifest,
  readServiceStatus,
  readStatistics,
} from './services.ts';

const admin = '/arcgis/admin/services';
const roads = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };
const success: Answer = { body: { status: 'success' } };
const absent: Answer = {
  body: {
    status: 'error',
    messages: ["Could not find resource or operation 'Roads.MapServer' on the system."],
    code: 404,
  },
};
const listings: Script = {
  [admin]: () => ({
    body: {
      folderName: '/',
      folders: ['Transport', 'System', 'Empty'],
      services: [{ folderName: '/', serviceName: 'Roads', type: 'MapServer' }],
    },
  }),
  [`${admin}/Transport`]: () => ({
    body: {
      folderName: 'Transport',
      services: [{ folderName: 'Transport', serviceName: 'Roads', type: 'MapServer' }],
    },
  }),
  [`${admin}/System`]: () => ({ body: { folderName: 'System', services: [] } }),
  [`${admin}/Empty`]: () => ({ body: { folderName: 'Empty', services: [] } }),
};

test('finds a service whatever the case it was asked in', async ({ lend }) => {
  const { site } = await lend({ script: listings });

  await expect(
    findService(site, { folder: 'TRANSPORT', serviceName: 'roads', type: 'mapserver' }),
  ).resolves.toEqual(roads);
  await expect(
    findService(site, { folder: '', serviceName: 'ROADS', type: 'MapServer' }),
  ).resolves.toEqual({ ...roads, folder: '' });
});

test.for([
  { ...roads, serviceName: 'Road' },
  { ...roads, type: 'ImageServer' },
  { ...roads, folder: 'Nowhere' },
])('does not find %j', async (target, { lend }) => {
  const { site } = await lend({ script: listings });

  await expect(findService(site, target)).resolves.toBeUndefined();
});

test('does not take a trouble of the site for an absent service', async ({ lend }) => {
  const { site } = await lend({
    script: {
      ...listings,
      [`${admin}/Transport`]: () => ({ body: { status: 'error', messages: ['Oops'], code: 500 } }),
    },
  });

  await expect(findService(site, roads)).rejects.toMatchObject({ code: 'site_error' });
});

test('finds a service in every folder', async ({ lend }) => {
  const { site } = await lend({ script: listings });

  await expect(findServiceAnywhere(site, roads)).resolves.toEqual([
    { ...roads, folder: '' },
    roads,
  ]);
});

test('sends the whole description back as text', async ({ lend }) => {
  const edit = `${admin}/Transport/Roads.MapServer/edit`;
  const { site, wire } = await lend({ script: { [edit]: () => success } });
  const json = { serviceName: 'Roads', properties: { maxRecordCount: '2000' }, later: [1] };

  await editService(site, roads, json);

  expect(JSON.parse(wire.heardOf(edit)[0]?.params.service ?? '')).toEqual(json);
});

test('takes a warning for success and hands it on', async ({ lend }) => {
  const warning = { body: { status: 'warning', messages: ['One machine is slow.'] } };
  const { site } = await lend({
    script: { [`${admin}/Transport/Roads.MapServer/start`]: () => warning },
  });

  await expect(startService(site, roads)).resolves.toEqual({ warnings: ['One machine is slow.'] });
});

test('deletes a service that is gone already', async ({ lend }) => {
  const { site } = await lend({
    script: { [`${admin}/Transport/Roads.MapServer/delete`]: () => absent },
  });

  await expect(deleteService(site, roads)).resolves.toEqual({ warnings: [] });
});

test('creates a folder only where there is none of that name', async ({ lend }) => {
  const create = `${admin}/createFolder`;
  const { site, wire } = await lend({ script: { ...listings, [create]: () => success } });

  await expect(createFolder(site, 'transport')).resolves.toEqual({
    kind: 'existed',
    name: 'Transport',
  });
  await expect(createFolder(site, '/')).resolves.toEqual({ kind: 'existed', name: '' });
  await expect(createFolder(site, 'New')).resolves.toEqual({ kind: 'created', name: 'New' });
  expect(wire.heardOf(create).map(({ params }) => params.folderName)).toEqual(['New']);
});

test('a folder that somebody else made meanwhile is there', async ({ lend }) => {
  const { site } = await lend({
    script: {
      [admin]: (_, times) => ({ body: { folders: times === 1 ? [] : ['NEW'], services: [] } }),
      [`${admin}/createFolder`]: () => ({ body: { status: 'error', messages: ['Ist da.'] } }),
    },
  });

  await expect(createFolder(site, 'New')).resolves.toEqual({ kind: 'existed', name: 'NEW' });
});

test('deletes a folder only when it is empty', async ({ lend }) => {
  const { site, wire } = await lend({
    script: { ...listings, [`${admin}/Empty/deleteFolder`]: () => success },
  });

  await expect(deleteFolder(site, 'Transport')).resolves.toEqual({
    kind: 'not-empty',
    services: [roads],
  });
  await expect(deleteFolder(site, 'Nowhere')).resolves.toEqual({ kind: 'absent' });
  await expect(deleteFolder(site, '')).resolves.toEqual({ kind: 'absent' });
  await expect(deleteFolder(site, 'empty')).resolves.toEqual({ kind: 'deleted' });
  expect(wire.heardOf(`${admin}/Transport/deleteFolder`)).toEqual([]);
  await expect(folderExists(site, 'empty')).resolves.toBe(true);
});

test('reads state, change and instances', async ({ lend }) => {
  const service = `${admin}/Transport/Roads.MapServer`;
  const { site } = await lend({
    script: {
      [`${service}/status`]: () => ({
        body: { configuredState: 'STARTED', realTimeState: 'STARTING' },
      }),
      [`${service}/lifecycleinfos`]: () => ({ body: { lastmodified: '1766000000000' } }),
      [`${service}/statistics`]: () => ({
        body: {
          summary: { max: 2, busy: 0, free: '1', startTime: '' },
          perMachine: [{ machineName: 'GIS01', max: 2, initializing: 1 }],
        },
      }),
    },
  });

  await expect(readServiceStatus(site, roads)).resolves.toEqual({
    configuredState: 'STARTED',
    realTimeState: 'STARTING',
  });
  await expect(readLifecycle(site, roads)).resolves.toEqual({ lastModifiedMs: 1_766_000_000_000 });
  await expect(readStatistics(site, roads)).resolves.toEqual({
    summary: { max: 2, busy: 0, free: 1 },
    perMachine: [{ machineName: 'GIS01', max: 2, initializing: 1 }],
  });
});

test('does without what a release does not tell', async ({ lend }) => {
  const { site } = await lend();

  await expect(readLifecycle(site, roads)).resolves.toEqual({});
  await expect(readManifest(site, roads)).resolves.toBeUndefined();
});

test('shows a manifest without its passwords', async ({ lend }) => {
  const path = `${admin}/Transport/Roads.MapServer/iteminfo/manifest/manifest.json`;
  const onServerConnectionString = 'SERVER=db1;ENCRYPTED_PASSWORD=00022e68aabbccdd';
  const { site } = await lend({
    script: { [path]: () => ({ body: { databases: [{ onServerConnectionString }] } }) },
  });

  await expect(readManifest(site, roads)).resolves.toEqual({
    databases: [{ onServerConnectionString: 'SERVER=db1;ENCRYPTED_PASSWORD=***' }],
  });
});
