import { expect } from 'vitest';
import { test } from '../../test/support/visited-site.ts';

// The requests about data that public clients send, in the order and the spelling of each: what works for them
// on a site has to work here.

const share = {
  type: 'folder',
  path: '/fileShares/roads',
  info: { path: '/mnt/gis', dataStoreConnectionType: 'shared' },
};
const database = {
  type: 'egdb',
  path: '/enterpriseDatabases/gis',
  info: {
    connectionString: 'SERVER=db1;INSTANCE=sde:postgresql:db1;DATABASE=gis;USER=a;PASSWORD=b',
    dataStoreConnectionType: 'shared',
    isManaged: false,
  },
};
const text = (item: object) => JSON.stringify(item);

test('as the ArcGIS API for Python does it', async ({ visit }) => {
  const { visitor } = await visit();
  const data = '/admin/data';

  const { rootItems } = (await visitor.get(`${data}/items`)) as { rootItems?: string[] };
  expect(rootItems).toEqual(
    expect.arrayContaining(['/fileShares', '/enterpriseDatabases', '/cloudStores']),
  );
  for (const item of [share, database])
    expect(await visitor.post(`${data}/registerItem`, { item: text(item) })).toMatchObject({
      status: 'success',
    });
  expect(await visitor.post(`${data}/registerItem`, { item: text(share) })).toMatchObject({
    status: 'exists',
  });

  const found = await Promise.all(
    (rootItems ?? []).map((parentPath) => visitor.post(`${data}/findItems`, { parentPath })),
  );
  const paths = found.flatMap(({ items }) => (items as { path: string }[]).map(({ path }) => path));
  expect(paths.sort()).toEqual([database.path, share.path]);

  const held = await visitor.post(`${data}/items${share.path}`);
  expect(held).not.toHaveProperty('status');
  expect(held).toMatchObject(share);
  expect(await visitor.post(`${data}/items/fileShares/nothing`)).toMatchObject({
    status: 'error',
    code: 404,
  });
  expect(await visitor.post(`${data}/validateDataItem`, { item: text(held) })).toEqual({
    status: 'success',
  });
  expect(await visitor.post(`${data}/validateAllDataItems`)).toMatchObject({ status: 'success' });
  const count = await visitor.post(`${data}/computeTotalRefCount`, { path: share.path });
  expect(count).toEqual({ totalRefCount: 0 });

  const changed = { ...held, info: { ...(held.info as object), path: '/mnt/other' } };
  const edit = await visitor.post(`${data}/items${share.path}/edit`, { item: text(changed) });
  expect(edit).toEqual({ status: 'success' });
  expect(await visitor.get(`${data}/config`)).toEqual({ blockDataCopy: false });

  const itempath = share.path;
  expect(await visitor.post(`${data}/unregisterItem`, { itempath })).toMatchObject({
    status: 'error',
  });
  expect(await visitor.post(`${data}/unregisterItem`, { itempath, force: 'True' })).toMatchObject({
    success: true,
  });
  expect(await visitor.post(`${data}/findItems`, { types: 'folder' })).toEqual({ items: [] });
});

test('as scripts that copy and check items do it', async ({ visit }) => {
  const { visitor } = await visit();
  const data = '/admin/data';
  await visitor.post(`${data}/registerItem`, { item: text(database) });

  const { items } = await visitor.post(`${data}/findItems`, {
    parentPath: 'enterpriseDatabases',
    ancestorPath: '',
    types: '',
    id: '',
  });
  const [item] = items as (typeof database)[];
  expect(item?.info.connectionString).toContain('ENCRYPTED_PASSWORD=00022e68');
  expect(await visitor.post(`${data}/validateDataItem`, { item: text(item ?? {}) })).toEqual({
    status: 'success',
  });
  const gone = await visitor.post(`${data}/unregisterItem`, {
    itemPath: database.path,
    force: 'true',
  });
  expect(gone).toMatchObject({ success: true });
  const again = await visitor.post(`${data}/registerItem`, { item: text(item ?? {}) });
  expect(again).toMatchObject({ success: true }); // its encrypted password is taken back
});

test('what a site refuses is refused, whoever asks', async ({ visit }) => {
  const { visitor } = await visit();
  const data = '/admin/data';
  const refused = async (operation: string, params: Record<string, string>) => {
    const answer = await visitor.post(`${data}/${operation}`, params);
    expect(answer, operation).toMatchObject({ status: 'error', messages: [expect.any(String)] });
  };

  await refused('findItems', {});
  await refused('findItems', { type: 'egdb' });
  await refused('registerItem', {});
  await refused('registerItem', { item: 'no JSON' });
  await refused('registerItem', { item: text({ path: '/fileShares/a', type: 'folder' }) });
  await refused('registerItem', { item: text({ ...share, path: '/elsewhere/a' }) });
  await refused('validateDataItem', { item: text({ ...share, info: { path: 'gis' } }) });
  for (const connectionString of ['', 'hello', 'SERVER=db1;DATABASE=gis;USER=a']) {
    const info = { ...database.info, connectionString };
    await refused('validateDataItem', { item: text({ ...database, info }) });
  }
  await refused('validateDataItem', {
    item: text({
      type: 'cloudStore',
      path: '/cloudStores/a',
      provider: 'amazon',
      info: { connectionString: { accessKeyId: 'a' }, objectStore: 'b' },
    }),
  });
  await refused('unregisterItem', { itempath: '/fileShares/a', force: 'true' });
  await refused('computeTotalRefCount', { itemPath: '/fileShares/a' });
});
