import { expect } from 'vitest';
import { test } from '../support/publishing-test.ts';

const sde = (host: string, user = 'editor') =>
  `SERVER=${host};INSTANCE=sde:postgresql:${host};DBCLIENT=postgresql;DATABASE=gis;USER=${user};VERSION=sde.DEFAULT;AUTHENTICATION_MODE=DBMS`;
const layers = (...names: string[]) => names.map((name) => ({ name }));
const names = ({ datasets }: typeof roads) => datasets.map(({ name }) => name);
const roads = {
  name: 'gis',
  isCopied: false,
  connectionString: sde('desk.example.org'),
  datasets: layers('gis.editor.roads', 'gis.editor.bridges'),
};
const parcels = {
  name: 'parcels.gdb',
  isCopied: false,
  connectionString: 'DATABASE=Z:\\gis\\parcels.gdb',
  datasets: layers('parcels'),
};
const replicated = {
  path: '/enterpriseDatabases/gisdb',
  type: 'egdb',
  info: {
    connectionString: `${sde('inside', 'reader')};PASSWORD=canary-2d1`,
    clientConnectionString: `${sde('desk.example.org')};PASSWORD=canary-2d2`,
    dataStoreConnectionType: 'replicated',
    isManaged: false,
  },
};
const share = {
  path: '/fileShares/gis',
  type: 'folder',
  clientPath: 'Z:\\gis',
  info: { path: '/mnt/gis', dataStoreConnectionType: 'replicated', hostName: 'PC17' },
};

test('the result says what the service reads in place of what the definition refers to', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  for (const item of [replicated, share]) site.control.addDataItem(item);
  const gateway = await open(site);
  const definition = await gateway.build({ databases: [roads, parcels] });

  const { body } = await gateway.publish(definition, {
    site: 'demo',
    referencedData: 'requireRegistered',
    copiedData: 'refuse',
  });
  const job = await gateway.ended(body.jobID);

  expect(job.exception).toBeUndefined();
  expect(job).toMatchObject({
    status: 'successful',
    warnings: [],
    results: {
      referencedData: [
        {
          connection: 'postgresql desk.example.org/gis as editor version sde.DEFAULT',
          datasets: names(roads),
          item: replicated.path,
          readsFrom: 'postgresql inside/gis as reader version sde.DEFAULT',
        },
        {
          connection: 'Z:\\gis\\parcels.gdb',
          datasets: names(parcels),
          item: share.path,
          readsFrom: '/mnt/gis/parcels.gdb',
        },
      ],
    },
  });
  expect(JSON.stringify(job)).not.toContain('canary');
});

test('every source that is not registered is named before anything is uploaded, with what comes near', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  site.control.addDataItem({
    ...replicated,
    info: { ...replicated.info, clientConnectionString: sde('desk.example.org', 'reader') },
  });
  site.control.addDataItem({
    ...share,
    clientPath: null,
    info: { path: '\\\\files\\gis', dataStoreConnectionType: 'shared', hostName: null },
  });
  const gateway = await open(site);
  const definition = await gateway.build({ databases: [roads, parcels] });
  const publish = async (referencedData: string) => {
    const { body } = await gateway.publish(definition, { site: 'demo', referencedData });
    return gateway.ended(body.jobID);
  };

  const refused = await publish('requireRegistered');
  expect(refused).toMatchObject({
    status: 'failed',
    exception: {
      code: 'unregistered_data',
      datasets: [...names(roads), ...names(parcels)],
      unregistered: [
        { datasets: names(roads), nearest: { path: replicated.path, differsIn: ['user'] } },
        {
          datasets: names(parcels),
          nearest: {
            path: share.path,
            differsIn: ['kind of path (drive letter against UNC path)'],
          },
        },
      ],
    },
  });
  for (const dataset of [...names(roads), ...names(parcels)])
    expect(refused.exception?.detail).toContain(dataset);
  expect(site.control.requests().some(({ operation }) => operation === 'upload')).toBe(false);

  const warned = await publish('warn');
  expect(warned.warnings).toEqual([
    expect.stringContaining('parcels through Z:\\gis\\parcels.gdb'),
  ]);
  expect(warned).toMatchObject({
    status: 'failed', // the site takes only what is registered
    exception: {
      knownAs: 1,
      cause: expect.stringContaining(`${replicated.path}, which differs in`),
    },
  });
});
