import { expect } from 'vitest';
import { test } from '../../test/support/lent-site.ts';
import {
  countFeatures,
  exportImage,
  exportMap,
  geocodeOnce,
  readRestCatalog,
  readServiceRoot,
} from './rest-services.ts';
import { parseTarget, sameTarget, toText } from './service-target.ts';

const roads = { folder: 'Transport', serviceName: 'Roads', type: 'MapServer' };
const root = '/arcgis/rest/services/Transport/Roads/MapServer';
const extent = { xmin: 1, ymin: '2', xmax: 3, ymax: 4, spatialReference: { wkid: 4326 } };

test('tells layers, groups and tables of a service', async ({ lend }) => {
  const body = {
    currentVersion: 10.91,
    layers: [
      { id: 0, name: 'Net', subLayerIds: [1] },
      { id: 1, name: 'Lanes', subLayerIds: null },
      { id: 2, name: 'Empty group', type: 'Group Layer' },
    ],
    tables: [{ id: 3, name: 'Owners' }],
  };
  const { site } = await lend({ script: { [root]: () => ({ body }) } });

  await expect(readServiceRoot(site, roads)).resolves.toEqual({
    layers: [
      { id: 0, name: 'Net', isGroup: true },
      { id: 1, name: 'Lanes', isGroup: false },
      { id: 2, name: 'Empty group', isGroup: true },
    ],
    tables: [{ id: 3, name: 'Owners', isGroup: false }],
    tasks: [],
    json: body,
  });
});

test('counts without reading the rows', async ({ lend }) => {
  const query = `${root}/1/query`;
  const { site, wire } = await lend({ script: { [query]: () => ({ body: { count: '12' } }) } });

  await expect(countFeatures(site, roads, 1)).resolves.toBe(12);
  expect(wire.heardOf(query)[0]?.params).toMatchObject({ where: '1=1', returnCountOnly: 'true' });
});

test('a query that fails although the root looks well is a failure', async ({ lend }) => {
  const error = { code: 400, message: 'Unable to complete operation.', details: [] };
  const { site } = await lend({ script: { [`${root}/1/query`]: () => ({ body: { error } }) } });

  await expect(countFeatures(site, roads, 1)).rejects.toMatchObject({
    siteMessages: ['Unable to complete operation.'],
  });
});

test('draws the extent of a map and of an image', async ({ lend }) => {
  const imageRoot = root.replace('MapServer', 'ImageServer');
  const picture = { body: { href: 'https://gis.example.org/p.png', width: 64, height: 64 } };
  const { site, wire } = await lend({
    script: {
      [root]: () => ({ body: { initialExtent: extent } }),
      [`${root}/export`]: () => picture,
      [imageRoot]: () => ({ body: { extent } }),
      [`${imageRoot}/exportImage`]: () => picture,
    },
  });

  await expect(exportMap(site, roads)).resolves.toEqual(picture.body);
  await expect(exportImage(site, { ...roads, type: 'ImageServer' })).resolves.toEqual(picture.body);
  expect(wire.heardOf(`${root}/export`)[0]?.params).toMatchObject({
    bbox: '1,2,3,4',
    size: '64,64',
  });
});

test('a map that tells no extent cannot be drawn', async ({ lend }) => {
  const { site } = await lend({
    script: { [root]: () => ({ body: { fullExtent: { ...extent, xmin: 'NaN' } } }) },
  });

  await expect(exportMap(site, roads)).rejects.toThrow('Transport/Roads.MapServer');
});

test('asks a locator by the field that it names', async ({ lend }) => {
  const locator = '/arcgis/rest/services/City/GeocodeServer';
  const find = `${locator}/findAddressCandidates`;
  const { site, wire } = await lend({
    script: {
      [locator]: () => ({ body: { singleLineAddressField: { name: 'SingleLineCityName' } } }),
      [find]: () => ({ body: { candidates: [] } }),
    },
  });

  await expect(
    geocodeOnce(site, { folder: '', serviceName: 'City', type: 'GeocodeServer' }),
  ).resolves.toBe(0);
  expect(wire.heardOf(find)[0]?.params).toHaveProperty('SingleLineCityName');
});

test('takes names of the directory apart, which hold the folder', async ({ lend }) => {
  const services = [
    { name: 'Transport/Roads', type: 'MapServer' },
    { name: 'Basemap', type: 'MapServer' },
  ];
  const { site } = await lend({
    script: { '/arcgis/rest/services': () => ({ body: { folders: ['Transport'], services } }) },
  });

  await expect(readRestCatalog(site, '')).resolves.toEqual({
    folders: ['Transport'],
    services: [roads, { folder: '', serviceName: 'Basemap', type: 'MapServer' }],
  });
});

test.for([
  ['Transport/Roads.MapServer', roads],
  ['Basemap.MapServer', { folder: '', serviceName: 'Basemap', type: 'MapServer' }],
  ['A/B/C.MapServer', undefined],
  ['Roads', undefined],
] as const)('%s', ([text, target]) => {
  expect(parseTarget(text)).toEqual(target);
  if (target) expect(toText(target)).toBe(text);
});

test('compares services without case', () => {
  expect(sameTarget(roads, { folder: 'TRANSPORT', serviceName: 'roads', type: 'mapserver' })).toBe(
    true,
  );
  expect(sameTarget(roads, { ...roads, folder: '' })).toBe(false);
});
