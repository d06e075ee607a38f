import { expect } from 'vitest';
import { definitionContent } from '../../../test/support/definition-content.ts';
import { type LentSite, test } from '../../../test/support/lent-site.ts';
import type { Answer, Script } from '../../../test/support/scripted-site.ts';
import type { ServiceDefinitionContent } from '../../documents/service-definition.ts';
import { NotVisibleYetError } from './publishing-errors.ts';
import { lookAtData } from './service-data.ts';

const rest = '/arcgis/rest/services';
const { signal } = new AbortController();
const extent = { xmin: 0, ymin: 0, xmax: 1, ymax: 1 };
const layers = [
  { id: 0, name: 'Roads', type: 'Feature Layer' },
  { id: 1, name: 'Bridges', type: 'Feature Layer' },
];
const said = (body: unknown) => (): Answer => ({ body });
const counted = said({ count: 0 });
const drawn = said({ href: 'http://site/a.png', width: 64, height: 64 });
const broken = said({ error: { code: 500, message: 'The data source is gone.', details: [] } });

/** A map service of two layers; parts of it may be scripted otherwise. */
const mapService = (root: object = {}, more: Script = {}): Script => ({
  [`${rest}/Roads/MapServer`]: said({ layers, tables: [], initialExtent: extent, ...root }),
  [`${rest}/Roads/MapServer/0/query`]: counted,
  [`${rest}/Roads/MapServer/1/query`]: counted,
  [`${rest}/Roads/MapServer/export`]: drawn,
  ...more,
});

type Looked = {
  site: LentSite['site'];
  type?: string;
  content?: Partial<ServiceDefinitionContent>;
  capabilities?: string[];
};

/** Only what looking at data reads of a publishing is there. */
async function look({
  site,
  type = 'MapServer',
  content = {},
  capabilities = ['Map', 'Query', 'Data'],
}: Looked) {
  const warnings: string[] = [];
  const input = {
    site,
    definition: definitionContent(content),
    settings: { capabilities },
    warn: async (text: string) => void warnings.push(text),
  } as unknown as Parameters<typeof lookAtData>[0];
  const seen = await lookAtData(input, { folder: '', serviceName: 'Roads', type }, signal);
  return { seen, warnings };
}

const notYet = (detail: string, missing?: string[]) =>
  expect.objectContaining({
    name: NotVisibleYetError.name,
    message: expect.stringContaining(detail),
    ...(missing && { facts: expect.objectContaining({ layers: missing }) }),
  });

test('a service with all its layers is counted layer by layer', async ({ lend }) => {
  const { site, wire } = await lend({ script: mapService() });
  const { seen, warnings } = await look({ site });
  expect(seen).toEqual({
    layers: [
      { id: 0, name: 'Roads' },
      { id: 1, name: 'Bridges' },
    ],
    tables: [],
  });
  expect(warnings).toEqual([]);
  expect(wire.heardOf(`${rest}/Roads/MapServer/0/query`)[0]?.params).toMatchObject({
    where: '1=1',
    returnCountOnly: 'true',
  });
  expect(wire.heardOf(`${rest}/Roads/MapServer/1/query`)).toHaveLength(1);
  expect(wire.heardOf(`${rest}/Roads/MapServer/export`)).toEqual([]);
});

test('fewer layers than in the definition is a failure that names them; other names a warning', async ({
  lend,
}) => {
  const fewer = await lend({ script: mapService({ layers: layers.slice(0, 1) }) });
  await expect(look({ site: fewer.site })).rejects.toEqual(
    notYet('shows 1 layers and tables', ['Bridges']),
  );

  const renamed = await lend({
    script: mapService({ layers: [layers[0], { ...layers[1], name: 'Brücken' }] }),
  });
  expect((await look({ site: renamed.site })).warnings).toEqual([
    expect.stringContaining('not found: Bridges'),
  ]);
});

test('a table that is missing counts like a layer', async ({ lend }) => {
  const { site } = await lend({ script: mapService() });
  const content = { tables: [{ id: 2, name: 'Owners' }] };
  await expect(look({ site, content })).rejects.toEqual(
    notYet('the definition holds 3', ['Owners']),
  );
});

test('a definition that does not tell its layers expects none', async ({ lend }) => {
  const { site } = await lend({ script: mapService({ layers: [] }) });
  const content = { layersFrom: 'nothing' as const };
  expect((await look({ site, content })).seen).toEqual({ layers: [], tables: [] });
});

test('a layer that cannot be read is a failure that names it, in the words of the site', async ({
  lend,
}) => {
  const { site } = await lend({
    script: mapService({}, { [`${rest}/Roads/MapServer/1/query`]: broken }),
  });
  await expect(look({ site })).rejects.toEqual(notYet('Bridges cannot be read', ['Bridges']));
  await expect(look({ site })).rejects.toEqual(notYet('The data source is gone.'));
});

test('a site that is away for a moment is not a broken layer', async ({ lend }) => {
  const { site } = await lend({
    script: mapService({}, { [`${rest}/Roads/MapServer/1/query`]: () => 'cut' }),
  });
  await expect(look({ site })).rejects.toMatchObject({ again: 'now' });
});

test('groups and rasters have no rows to be counted', async ({ lend }) => {
  const group = { id: 2, name: 'Group', type: 'Group Layer', subLayerIds: [0] };
  const raster = { id: 3, name: 'Photo', type: 'Raster Layer' };
  const { site, wire } = await lend({ script: mapService({ layers: [...layers, group, raster] }) });
  await look({ site });
  const queried = wire.heard.filter(({ path }) => path.endsWith('/query'));
  expect(queried.map(({ path }) => path).sort()).toEqual(
    [0, 1].map((id) => `${rest}/Roads/MapServer/${id}/query`),
  );
});

test('a map without queries, or without rows, is drawn once', async ({ lend }) => {
  const { site, wire } = await lend({ script: mapService() });
  await look({ site, capabilities: [' map '] });
  const raster = [
    { id: 0, name: 'Roads', type: 'Raster Layer' },
    { id: 1, name: 'Bridges', type: 'Raster Layer' },
  ];
  const photos = await lend({ script: mapService({ layers: raster }) });
  await look({ site: photos.site });
  expect(wire.heardOf(`${rest}/Roads/MapServer/export`)).toHaveLength(1);
  expect(photos.wire.heardOf(`${rest}/Roads/MapServer/export`)).toHaveLength(1);
  expect(wire.heard.filter(({ path }) => path.endsWith('/query'))).toEqual([]);
});

test('an image service is drawn, a locator asked for an address', async ({ lend }) => {
  const { site, wire } = await lend({
    script: {
      [`${rest}/Roads/ImageServer`]: said({ extent }),
      [`${rest}/Roads/ImageServer/exportImage`]: drawn,
      [`${rest}/Roads/GeocodeServer`]: said({ singleLineAddressField: { name: 'SingleLine' } }),
      [`${rest}/Roads/GeocodeServer/findAddressCandidates`]: said({ candidates: [] }),
    },
  });
  await look({ site, type: 'ImageServer' });
  await look({ site, type: 'GeocodeServer' });
  expect(wire.heardOf(`${rest}/Roads/ImageServer/exportImage`)).toHaveLength(1);
  expect(wire.heardOf(`${rest}/Roads/GeocodeServer/findAddressCandidates`)).toHaveLength(1);
});

test('a geoprocessing service shows its tasks, whatever the blanks in their names', async ({
  lend,
}) => {
  const script = { [`${rest}/Roads/GPServer`]: said({ tasks: ['Find Roads'] }) };
  const { site } = await lend({ script });
  const type = 'GPServer';
  expect((await look({ site, type, content: { tasks: ['FindRoads'] } })).warnings).toEqual([]);
  const two = look({ site, type, content: { tasks: ['FindRoads', 'Drop_Roads'] } });
  await expect(two).rejects.toEqual(notYet('Drop_Roads', ['Drop_Roads']));
  const none = await lend({ script: { [`${rest}/Roads/GPServer`]: said({ tasks: [] }) } });
  await expect(look({ site: none.site, type })).rejects.toEqual(notYet('shows no tasks'));
});

test('of another kind of service the root is all that is asked', async ({ lend }) => {
  const { site, wire } = await lend({ script: { [`${rest}/Roads/GeoDataServer`]: said({}) } });
  expect((await look({ site, type: 'GeoDataServer' })).seen).toEqual({ layers: [], tables: [] });
  expect(wire.heard.filter(({ path }) => path.startsWith(rest))).toHaveLength(1);
});
