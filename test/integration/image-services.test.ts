import { expect } from 'vitest';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { ended, run } from '../support/data-stores.ts';
import { test } from '../support/publishing-test.ts';

const path = '\\\\files\\imagery\\ortho.gdb\\ortho2025';
const inputs = { site: 'demo', folder: 'Imagery', serviceName: 'Ortho', path };

function register(site: SimulatedSite): void {
  const info = { path: '\\\\FILES\\imagery', dataStoreConnectionType: 'shared' };
  site.control.addDataItem({ path: '/fileShares/imagery', type: 'folder', info });
}

test('makes an image service of a registered raster, once, and finds it by its data', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  register(site);
  site.control.fault({ kind: 'answer-lost', operation: 'create-service' });
  const gateway = await open(site);

  const created = await ended(gateway, 'create-image-service', {
    ...inputs,
    sourceType: 'mosaic',
    properties: { maxImageWidth: 4000 },
    permissions: { public: false },
  });
  const again = await ended(gateway, 'create-image-service', inputs);
  const skipped = await ended(gateway, 'create-image-service', { ...inputs, ifExists: 'skip' });
  const stop = await ended(gateway, 'stop-services', {
    site: 'demo',
    services: { usesDataStore: '/fileShares/imagery', usesDataset: 'ortho2025' },
    dryRun: true,
  });

  expect(created).toMatchObject({
    status: 'successful',
    locks: ['demo:service:imagery/ortho.imageserver'],
    results: {
      outcome: 'created',
      verification: 'data',
      dataStore: '/fileShares/imagery',
      permissions: [{ principal: 'esriEveryone', to: false }],
    },
  });
  expect(site.control.state().services).toMatchObject([
    {
      folder: 'Imagery',
      name: 'Ortho',
      realTimeState: 'STARTED',
      json: {
        provider: 'ArcObjects11',
        properties: { path, maxImageWidth: '4000', outputDir: expect.stringContaining('output') },
      },
    },
  ]);
  expect(again).toMatchObject({ status: 'failed', exception: { code: 'service_exists' } });
  expect(skipped).toMatchObject({ status: 'successful', results: { outcome: 'skipped' } });
  expect(stop.results).toMatchObject({ services: [{ service: 'Imagery/Ortho.ImageServer' }] });
});

test('refuses what is not registered; what does not start is removed, with its folder', async ({
  openSite,
  open,
}) => {
  const site = await openSite();
  const gateway = await open(site);
  const properties = { dryRun: 'x' };

  const refused = await ended(gateway, 'create-image-service', inputs);
  site.control.onRequest(({ operation, phase }) => {
    if (operation !== 'create-service' || phase !== 'after') return;
    const target = { folder: 'Imagery', name: 'Ortho', type: 'ImageServer' };
    site.control.changeService(target, { maxStartupTime: 1 });
  });
  const tried = await ended(gateway, 'create-image-service', {
    ...inputs,
    properties,
    referencedData: 'warn',
  });

  expect(refused).toMatchObject({ status: 'failed', exception: { code: 'unregistered_data' } });
  expect(tried).toMatchObject({
    status: 'failed',
    undo: 'done',
    exception: {
      knownAs: 12,
      serverLog: [{ message: expect.stringContaining('cannot be opened') }],
      putBack: [
        'the service Imagery/Ortho.ImageServer was removed from demo',
        expect.stringContaining('the folder Imagery'),
      ],
    },
  });
  expect(site.control.state()).toMatchObject({ services: [], folders: [] });
  for (const wrong of [{ path: '..' }, { serviceName: 'a b' }, { properties: { path: 'x' } }]) {
    expect(await run(gateway, 'create-image-service', { ...inputs, ...wrong })).toMatchObject({
      status: 400,
    });
  }
});
