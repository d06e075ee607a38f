import { expect } from 'vitest';
import { test } from '../../test/support/visited-site.ts';

const roads = { folder: 'Transport', name: 'Roads', layers: ['Motorways', 'Lanes'] };
const path = '/admin/services/Transport/Roads.MapServer';

test('lists the root, folders and the services that every site has', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService({ name: 'Basemap' });
  site.control.addService(roads);

  expect(await visitor.get('/admin/services')).toMatchObject({
    folderName: '/',
    folders: ['System', 'Utilities', 'Transport'],
    foldersDetail: [{ isDefault: true }, { isDefault: true }, { isDefault: false }],
    services: [{ folderName: '/', serviceName: 'Basemap', type: 'MapServer' }],
  });
  const system = await visitor.get('/admin/services/System');
  expect(system.services).toContainEqual(
    expect.objectContaining({ serviceName: 'PublishingTools', type: 'GPServer' }),
  );
  expect(await visitor.get('/admin/services/Nowhere')).toMatchObject({ code: 404 });
});

test('compares names without case, and keeps them as given', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService(roads);
  const exists = (folderName: string, serviceName: string) =>
    visitor.post('/admin/services/exists', { folderName, serviceName, type: 'MapServer' });

  expect(await exists('transport', 'ROADS')).toEqual({ exists: true });
  expect(await exists('', 'Roads')).toEqual({ exists: false });
  expect(await visitor.get('/admin/services/TRANSPORT/roads.MapServer')).toMatchObject({
    serviceName: 'Roads',
  });
});

test('makes, edits and deletes folders, with every service in them', async ({ visit }) => {
  const { site, visitor } = await visit();
  const make = () => visitor.post('/admin/services/createFolder', { folderName: 'Transport' });
  expect(await make()).toEqual({ status: 'success' });
  expect(await make()).toMatchObject({ status: 'error' });
  await visitor.post('/admin/services/Transport/editFolder', { description: 'Roads and rails' });
  expect(await visitor.get('/admin/services/Transport')).toMatchObject({
    description: 'Roads and rails',
  });

  site.control.addService(roads);
  await visitor.post('/admin/services/Transport/deleteFolder');
  expect(site.control.state()).toMatchObject({ folders: [], services: [] });
  expect(await visitor.post('/admin/services/System/deleteFolder')).toMatchObject({
    status: 'error',
  });
});

test('stops, starts and deletes, and REST follows', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService(roads);
  const rest = '/rest/services/Transport/Roads/MapServer';
  expect(await visitor.get(rest)).toMatchObject({
    layers: [
      { id: 0, name: 'Motorways' },
      { id: 1, name: 'Lanes' },
    ],
  });

  expect(await visitor.post(`${path}/stop`)).toEqual({ status: 'success' });
  expect(await visitor.get(`${path}/status`)).toEqual({
    configuredState: 'STOPPED',
    realTimeState: 'STOPPED',
  });
  expect(await visitor.get(rest)).toMatchObject({
    error: { code: 500, message: 'Service Transport/Roads/MapServer not started ' },
  });
  expect(await visitor.post(`${path}/start`)).toEqual({ status: 'success' });
  expect(await visitor.get(rest)).toHaveProperty('layers');
  expect(await visitor.post(`${path}/delete`)).toEqual({ status: 'success' });
  expect(await visitor.post(`${path}/delete`)).toMatchObject({ code: 404 });
  expect(
    await visitor.post('/admin/services/System/PublishingTools.GPServer/delete'),
  ).toMatchObject({ status: 'error' });
});

test('edits with the complete document only; unknown keys survive', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService({ ...roads, json: { fromTheFuture: { a: 1 } } });
  const before = site.control.state().services[0]?.lastmodified ?? 0;
  const json = await visitor.get(path);
  const edited: Record<string, unknown> = { ...json, maxInstancesPerNode: 8 };
  expect(await visitor.post(`${path}/edit`, { service: JSON.stringify(edited) })).toEqual({
    status: 'success',
  });
  expect(await visitor.get(path)).toEqual(edited);
  const lifecycle = await visitor.get(`${path}/lifecycleinfos`);
  expect(Number(lifecycle.lastmodified)).toBeGreaterThan(before);

  const { properties: _, ...incomplete } = edited;
  for (const wrong of [incomplete, { ...edited, properties: { maxRecordCount: 2000 } }]) {
    const answer = await visitor.post(`${path}/edit`, { service: JSON.stringify(wrong) });
    expect(answer).toMatchObject({ status: 'error' });
  }
  expect(site.control.violations().map(({ rule }) => rule)).toEqual([
    'incomplete-document',
    'property-not-string',
  ]);
  expect(await visitor.get(path)).toEqual(edited);
});

test('creates an image service from JSON, once', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addDataItem({ path: '/fileShares/srv', type: 'folder', info: { path: '/srv' } });
  const service = JSON.stringify({
    serviceName: 'Ortho',
    type: 'ImageServer',
    properties: { path: '/srv/ortho' },
  });
  const create = () => visitor.post('/admin/services/createService', { service });

  expect(await create()).toEqual({ status: 'success' });
  expect(await create()).toMatchObject({
    status: 'error',
    messages: [expect.stringContaining('already exists')],
  });
  const image = await visitor.send(
    'GET',
    '/rest/services/Ortho/ImageServer/exportImage',
    { f: 'image', bbox: '0,0,1,1', size: '10,10' },
    {},
  );
  expect(image.headers.get('content-type')).toBe('image/png');
  expect(Buffer.from(await image.arrayBuffer()).toString('latin1')).toMatch(/^\x89PNG/);
});

test('reports on a folder, keeps permissions and item information', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService(roads);
  const parameters = '["status","instances"]';
  expect(await visitor.get('/admin/services/Transport/report', { parameters })).toMatchObject({
    reports: [
      { serviceName: 'Roads', status: { realTimeState: 'STARTED' }, instances: { max: 2 } },
    ],
  });
  await visitor.post(`${path}/permissions/add`, { principal: 'Analysts', isAllowed: 'true' });
  expect(await visitor.get(`${path}/permissions`)).toMatchObject({
    permissions: [{ principal: 'Analysts', permission: { isAllowed: true } }],
  });
  const serviceItemInfo = JSON.stringify({ title: 'Roads of today', tags: ['roads'] });
  await visitor.post(`${path}/iteminfo/edit`, { serviceItemInfo });
  expect(await visitor.get(`${path}/iteminfo`)).toEqual({
    title: 'Roads of today',
    tags: ['roads'],
  });
});

test('shows what users see: the catalog, features and pictures', async ({ visit, definition }) => {
  const { visitor } = await visit();
  const extensions = [{ typeName: 'FeatureServer', isEnabled: true, capabilities: ['Query'] }];
  await visitor.publish(
    await definition({ serviceName: 'Roads', layers: ['Lanes'], tables: ['Names'], extensions }),
  );

  expect(await visitor.get('/rest/services')).toMatchObject({
    folders: ['System', 'Utilities'],
    services: [
      { name: 'Roads', type: 'MapServer' },
      { name: 'Roads', type: 'FeatureServer' },
    ],
  });
  const root = await visitor.get('/rest/services/Roads/FeatureServer');
  expect(root).toMatchObject({ layers: [{ name: 'Lanes' }], tables: [{ name: 'Names' }] });
  const query = '/rest/services/Roads/FeatureServer/0/query';
  expect(await visitor.get(query, { where: '1=1', returnCountOnly: 'true' })).toEqual({ count: 3 });
  expect(await visitor.get('/rest/services/Roads/MapServer/9/query')).toHaveProperty('error');
  const size = '32,32';
  expect(
    await visitor.get('/rest/services/Roads/MapServer/export', { bbox: '0,0,1,1', size }),
  ).toMatchObject({ href: expect.stringContaining('f=image'), width: 32 });
});

test('runs logs backwards in time, by level and source', async ({ visit }) => {
  const { site, visitor } = await visit();
  const source = 'Transport/Roads.MapServer';
  for (const type of ['SEVERE', 'WARNING', 'INFO']) {
    site.control.writeLog({ type, source, message: `a ${type} line` });
  }
  site.control.writeLog({ type: 'SEVERE', source: 'Server', message: 'elsewhere' });
  const filter = JSON.stringify({ services: [source] });

  const { logMessages } = await visitor.get('/admin/logs/query', { level: 'WARNING', filter });
  expect((logMessages as { type: string }[]).map(({ type }) => type)).toEqual([
    'WARNING',
    'SEVERE',
  ]);
  const later = { startTime: String(Date.now() - 60_000), level: 'DEBUG' };
  expect(await visitor.get('/admin/logs/query', later)).toMatchObject({
    logMessages: [],
    hasMore: false,
  });
});

test('refuses changes while the site is read-only, but logs in and reads', async ({ visit }) => {
  const { site, visitor } = await visit();
  site.control.addService(roads);
  await visitor.post('/admin/mode/update', { siteMode: 'READ_ONLY' });

  expect(await visitor.get('/admin/mode')).toMatchObject({ siteMode: 'READ_ONLY' });
  expect(await visitor.post(`${path}/stop`)).toMatchObject({ status: 'error' });
  expect(await visitor.logIn(site.username, site.password)).toHaveProperty('token');
  expect(await visitor.get(path)).toMatchObject({ serviceName: 'Roads' });
});
