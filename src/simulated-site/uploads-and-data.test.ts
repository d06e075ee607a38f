import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { SiteVisitor } from '../../test/support/site-visitor.ts';
import { patient, test } from '../../test/support/visited-site.ts';
import { buildConnectionFile } from '../documents/connection-file-builder.ts';

const connectionTask =
  '/rest/services/System/PublishingTools/GPServer/Get%20Database%20Connection%20String';
const share = {
  path: '/fileShares/roads',
  type: 'folder',
  clientPath: null,
  info: { path: '//files.example.org/gis', dataStoreConnectionType: 'shared' },
};

const register = (visitor: SiteVisitor, item: object) =>
  visitor.post('/admin/data/registerItem', { item: JSON.stringify(item) });
const validate = (visitor: SiteVisitor, item: object) =>
  visitor.post('/admin/data/validateDataItem', { item: JSON.stringify(item) });

test('keeps an upload with its description until it is deleted', async ({ visit, definition }) => {
  const { visitor } = await visit();
  const file = await definition({ serviceName: 'Roads' });
  const answer = await visitor.upload(file, 'Roads, release 7');
  expect(answer).toMatchObject({
    status: 'success',
    item: { itemName: 'Roads.sd', description: 'Roads, release 7', committed: true },
  });
  const { itemID } = answer.item as { itemID: string };
  expect(await visitor.get('/admin/uploads')).toEqual({ items: [answer.item] });
  expect(await visitor.get(`/admin/uploads/${itemID}/serviceconfiguration.json`)).toMatchObject({
    folderName: '',
    service: { serviceName: 'Roads', type: 'MapServer' },
  });
  expect(await visitor.post(`/admin/uploads/${itemID}/delete`)).toEqual({ status: 'success' });
  expect(await visitor.post(`/admin/uploads/${itemID}/delete`)).toMatchObject({ code: 404 });
});

test('joins an upload that comes in parts', async ({ visit, folder }) => {
  const { visitor } = await visit();
  const { item } = (await visitor.post('/admin/uploads/register', { itemName: 'roads.csv' })) as {
    item: { itemID: string; committed: boolean; pathOnServer: string };
  } & Record<string, unknown>;
  expect(item.committed).toBe(false);
  for (const partNumber of ['2', '1']) {
    const form = new FormData();
    form.set('f', 'json');
    form.set('token', visitor.token);
    form.set('partNumber', partNumber);
    form.set('partFile', new Blob([`part ${partNumber};`]), `roads.csv.${partNumber}`);
    const answer = await visitor.sendForm(`/admin/uploads/${item.itemID}/uploadPart`, form);
    expect(answer).toEqual({ status: 'success' });
  }
  await visitor.post(`/admin/uploads/${item.itemID}/commit`);
  expect(await visitor.get(`/admin/uploads/${item.itemID}`)).toMatchObject({ committed: true });
  expect(item.pathOnServer).toContain(folder);
});

test('refuses other kinds of files, and requests without a file', async ({ visit, folder }) => {
  const { site, visitor } = await visit();
  const file = join(folder, 'program.exe');
  await writeFile(file, 'MZ');
  expect(await visitor.upload(file)).toMatchObject({ status: 'error' });

  const form = new FormData();
  form.set('f', 'json');
  form.set('token', visitor.token);
  expect(await visitor.sendForm('/admin/uploads/upload', form)).toMatchObject({ status: 'error' });
  expect(site.control.state().uploads).toEqual([]);
});

test('registers, finds, and unregisters with force', async ({ visit }) => {
  const { visitor } = await visit();
  expect(await register(visitor, share)).toEqual({ success: true, status: 'success' });
  const changed = { ...share, info: { path: '//elsewhere/gis' } };
  expect(await register(visitor, changed)).toEqual({ status: 'exists' });
  const found = await visitor.get('/admin/data/findItems', { parentPath: 'fileShares' });
  expect(found.items).toMatchObject([{ path: share.path, info: share.info, totalRefCount: 0 }]);
  expect(await visitor.get('/admin/data/items/fileShares/roads')).toMatchObject({ type: 'folder' });

  await visitor.post('/admin/data/items/fileShares/roads/edit', { item: JSON.stringify(changed) });
  expect(await visitor.get('/admin/data/items/fileShares/roads')).toMatchObject(changed);

  const unregister = (more: Record<string, string>) =>
    visitor.post('/admin/data/unregisterItem', { itempath: share.path, ...more });
  expect(await unregister({})).toMatchObject({ status: 'error' });
  expect(await unregister({ force: 'true' })).toEqual({ success: true, status: 'success' });
  const none = await visitor.get('/admin/data/findItems', { types: 'folder' });
  expect(none).toEqual({ items: [] });
});

test.for(['status', 'success'] as const)(
  'answers with the key %s alone',
  async (key, { visit }) => {
    const { visitor } = await visit({ dataItemAnswers: key });
    expect(Object.keys(await register(visitor, share))).toEqual([key]);
  },
);

test('registers a cloud store with an object for a connection string, and finds it empty', async ({
  visit,
}) => {
  const { visitor } = await visit();
  const info = { isManaged: false, objectStore: 'bucket', connectionString: { region: 'x' } };
  const item = { path: '/cloudStores/imagery', type: 'cloudStore', provider: 'amazon', info };
  expect(await register(visitor, item)).toMatchObject({ status: 'success' });
  expect(await validate(visitor, item)).toMatchObject({ status: 'error' });
  const keys = { accessKeyId: 'id', secretAccessKey: 'secret', region: 'x' };
  const text = { ...item, info: { ...info, connectionString: JSON.stringify(keys) } };
  expect(await validate(visitor, text)).toEqual({ status: 'success' });
});

test('shows passwords of databases encrypted only', async ({ visit }) => {
  const { visitor } = await visit();
  await register(visitor, {
    path: '/enterpriseDatabases/gis',
    type: 'egdb',
    info: {
      connectionString: 'SERVER=db1;DATABASE=gis;USER=gisuser;PASSWORD=canary',
      isManaged: false,
    },
  });
  const item = await visitor.get('/admin/data/items/enterpriseDatabases/gis');
  expect(JSON.stringify(item)).toContain('ENCRYPTED_PASSWORD=00022e68');
  expect(JSON.stringify(item)).not.toContain('canary');
});

test('makes a connection string from an uploaded connection file', async ({ visit, folder }) => {
  const { visitor } = await visit();
  const file = join(folder, 'roads.sde');
  const properties = {
    SERVER: 'db1',
    INSTANCE: 'sde:postgresql:db1',
    DATABASE: 'gis',
    IS_GEODATABASE: 'true',
    AUTHENTICATION_MODE: 'DBMS',
    USER: 'editor',
    PASSWORD: Buffer.from('canary'),
  };
  await writeFile(file, buildConnectionFile(properties));
  const params = {
    in_connDataType: 'UPLOADED_CONNECTION_FILE_ID',
    in_inputData: await visitor.uploaded(file),
  };
  const { jobId } = await visitor.post(`${connectionTask}/submitJob`, params);
  const job = `${connectionTask}/jobs/${jobId}`;
  await expect
    .poll(() => visitor.get(job), patient)
    .toMatchObject({ jobStatus: 'esriJobSucceeded' });
  const { value } = await visitor.get(`${job}/results/out_connectionString`);
  expect(value).toMatch(
    /^ENCRYPTED_PASSWORD=00022e68\w+;SERVER=db1;INSTANCE=sde:postgresql:db1;DATABASE=gis;AUTHENTICATION_MODE=DBMS;USER=editor$/,
  );
});

test('publishes referenced data once its place is registered', async ({ visit, definition }) => {
  const { site, visitor } = await visit();
  const databases = [
    {
      name: 'roads.gdb',
      isCopied: false,
      connectionString: 'DATABASE=\\\\files.example.org\\gis\\roads.gdb',
    },
  ];
  const file = await definition({ serviceName: 'Roads', databases });
  const refused = await visitor.publish(file);
  expect(refused.messages.map(({ description }) => description).join()).toContain('ERROR 001487');
  await register(visitor, share);
  expect(await visitor.publish(file)).toMatchObject({ jobStatus: 'esriJobSucceeded' });

  const manifest = await visitor.get(
    '/admin/services/Roads.MapServer/iteminfo/manifest/manifest.json',
  );
  expect(manifest).toMatchObject({
    databases: [{ byReference: true, onPremisePath: 'roads.gdb' }],
  });
  expect(site.control.state().dataItems).toHaveLength(1);
  const count = await visitor.post('/admin/data/computeTotalRefCount', { itemPath: share.path });
  expect(count).toEqual({ totalRefCount: 1 });
});
