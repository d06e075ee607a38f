import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import type { Script } from '../../test/support/scripted-site.ts';
import {
  findDataStoreItems,
  isHostingServer,
  readAdminInfo,
  readAllowedUploadExtensions,
  readClockSkewMs,
  readHealth,
  readPublishingTools,
  readRestInfo,
  readSiteMode,
} from './site-reader.ts';

test.for([
  [{ currentVersion: 10.91 }, '10.9.1'],
  [{ currentVersion: 10.81 }, '10.8.1'],
  [{ currentVersion: 11.3, fullVersion: '11.3.0' }, '11.3.0'],
  [{ currentVersion: '11.1' }, '11.1'],
  [{ currentVersion: 12 }, '12.0'],
  [{}, undefined],
] as [object, string | undefined][])('%j is version %s', async ([body, version], { lend }) => {
  const { site, wire } = await lend({ script: { '/arcgis/rest/info': () => ({ body }) } });

  await expect(readRestInfo(site)).resolves.toMatchObject({ version });
  expect(wire.heard[0]).toMatchObject({ method: 'GET', params: { f: 'json' } });
});

test.for([
  { fullVersion: '10.9.1', loggedInUser: 'ann', loggedInUserPrivilege: 'PUBLISH' },
  { fullversion: '10.9.1', loggedinuser: 'ann', loggedinuserprivilege: 'PUBLISH' },
])('reads who is logged in, whatever the case of the keys', async (body, { lend }) => {
  const { site } = await lend({ script: { '/arcgis/admin/info': () => ({ body }) } });

  await expect(readAdminInfo(site)).resolves.toEqual({
    version: '10.9.1',
    username: 'ann',
    privilege: 'PUBLISH',
  });
});

test('a site without modes is editable', async ({ lend }) => {
  const { site } = await lend();

  await expect(readSiteMode(site)).resolves.toEqual({ siteMode: 'EDITABLE' });
});

test.for([
  [{ body: { success: true } }, true],
  [{ body: { success: false } }, false],
  [{ status: 500, body: '<html>down</html>' }, false],
  [{ status: 503, body: '' }, false],
] as const)('%j is healthy: %s', async ([answer, isHealthy], { lend }) => {
  const { site } = await lend({ script: { '/arcgis/rest/info/healthcheck': () => answer } });

  await expect(readHealth(site)).resolves.toMatchObject({ isHealthy });
});

test('a site that does not listen is not healthy', async ({ lend }) => {
  const { site, wire } = await lend();
  await wire.close();

  await expect(readHealth(site)).resolves.toEqual({
    isHealthy: false,
    detail: expect.stringContaining('ECONNREFUSED'),
  });
});

test.for([
  [{ uploadFileExtensionWhitelist: 'SD, .sde' }, ['sd', 'sde']],
  [{ uploadFileExtensionAllowedList: 'sd' }, ['sd']],
  [{}, ['soe', 'sd', 'sde', 'odc', 'csv', 'txt', 'zshp', 'kmz']],
] as [object, string[]][])('%j allows %j', async ([body, extensions], { lend }) => {
  const { site } = await lend({ script: { '/arcgis/admin/system/properties': () => ({ body }) } });

  await expect(readAllowedUploadExtensions(site)).resolves.toEqual(extensions);
});

test('measures how far the clock of the site is ahead', async ({ lend }) => {
  const aheadMs = 90_000;
  const { site } = await lend({
    script: {
      '/arcgis/rest/info': () => ({
        headers: { date: new Date(Date.now() + aheadMs).toUTCString() },
        body: { currentVersion: 11.1 },
      }),
    },
  });

  const skewMs = (await readClockSkewMs(site)) ?? Number.NaN;

  expect(Math.abs(skewMs - aheadMs)).toBeLessThan(2_000);
});

function tools(name: string, realTimeState: string, json: object = {}): Script {
  const path = `/arcgis/admin/services/System/${name}.GPServer`;
  return {
    '/arcgis/admin/machines': () => ({
      body: { machines: [{ machineName: 'A' }, { machineName: 'B', adminURL: null }] },
    }),
    [path]: () => ({ body: { serviceName: name, ...json } }),
    [`${path}/status`]: () => ({ body: { configuredState: 'STARTED', realTimeState } }),
  };
}

test('takes the publishing tools that run', async ({ lend }) => {
  const { site } = await lend({
    script: {
      ...tools('PublishingTools', 'STOPPED'),
      ...tools('PublishingToolsEx', 'STARTED', { maxInstancesPerNode: '3', maxUsageTime: 1200 }),
    },
  });

  await expect(readPublishingTools(site)).resolves.toEqual({
    name: 'PublishingToolsEx',
    maxInstancesPerNode: 3,
    machineCount: 2,
    maxUsageTimeSeconds: 1200,
    configuredState: 'STARTED',
    realTimeState: 'STARTED',
  });
});

test('names the tools that are there when none runs', async ({ lend }) => {
  const { site } = await lend({ script: tools('PublishingToolsEx', 'STOPPED') });

  await expect(readPublishingTools(site)).resolves.toMatchObject({
    name: 'PublishingToolsEx',
    realTimeState: 'STOPPED',
  });
});

test('says when there are no publishing tools at all', async ({ lend }) => {
  const { site } = await lend();

  await expect(readPublishingTools(site)).rejects.toMatchObject({ code: 'site_error' });
});

test('lists registered data without their passwords', async ({ lend }) => {
  const items = [
    {
      path: '/cloudStores/imagery',
      type: 'cloudStore',
      provider: 'amazon',
      clientPath: null,
      info: { objectStore: 'b', connectionString: '{"secretAccessKey":"geheim","region":"x"}' },
    },
    { path: '/fileShares', type: 'datadir' },
  ];
  const path = '/arcgis/admin/data/findItems';
  const { site, wire } = await lend({ script: { [path]: () => ({ body: { items } }) } });

  const found = await findDataStoreItems(site, { types: ['cloudStore', 'folder'] });

  expect(wire.heardOf(path)[0]?.params.types).toBe('cloudStore,folder');
  expect(found).toMatchObject([{ provider: 'amazon', info: { objectStore: 'b' } }, { info: {} }]);
  expect(JSON.stringify(found)).not.toContain('geheim');
});

test.for([
  ['HOSTING_SERVER', true],
  ['FEDERATED_SERVER', false],
] as const)('%s hosts layers: %s', async ([serverRole, isHosting], { lend }) => {
  const { site } = await lend({
    script: {
      '/arcgis/rest/info': ({ headers }) => ({
        body: { owningSystemUrl: `http://${headers.host}/portal` },
      }),
      '/portal/sharing/rest/generateToken': () => ({ body: { token: 'p', expires: 1 } }),
      '/portal/sharing/rest/portals/self/servers': ({ headers }) => ({
        body: { servers: [{ url: `http://${headers.host}/ARCGIS/`, serverRole }] },
      }),
    },
  });

  await expect(isHostingServer(site)).resolves.toBe(isHosting);
});
