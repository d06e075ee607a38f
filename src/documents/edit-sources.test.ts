import { describe, expect } from 'vitest';
import { test } from '../../test/support/document-folder.ts';
import {
  canaryHex,
  connection,
  featureLayer,
  inDatabase,
  inGeodatabase,
  mapFile,
  sde,
  table,
} from '../../test/support/map-files.ts';
import { projectFile, projectFileOfPro2 } from '../../test/support/project-files.ts';
import type { DocumentConnection } from './document-connection.ts';
import { parseJsonNode } from './json-node.ts';
import type { SourceChange } from './map-edits.ts';

const layers = [
  featureLayer('Roads', inDatabase('transport.dbo.Roads')),
  featureLayer('Parcels', inGeodatabase('D:\\gis\\parcels.gdb', 'Parcels')),
];
const spec = { layers, tables: [table('Owners', inDatabase('transport.dbo.Owners'))] };
const toProduction: SourceChange[] = [{ from: { host: 'gis-test' }, to: { host: 'gis-prod' } }];

describe.each([
  ['a map file', () => mapFile(spec)],
  ['a project of Pro 3', () => projectFile({ maps: [spec] })],
  ['an upgraded project', () => projectFile({ maps: [spec] }, { memberEnding: 'xml' })],
  ['a project of Pro 2', () => projectFileOfPro2({ maps: [spec] })],
])('%s', (_what, document) => {
  test('is pointed at production: every spelling of the host, and nothing else', async ({
    folder,
  }) => {
    const { changes, content } = await folder.edit(document(), { changeSources: toProduction });
    expect(changes.map(({ layer, before, after }) => [layer, before, after])).toEqual([
      [
        'Roads',
        expect.objectContaining({ host: 'gis-test' }),
        expect.objectContaining({ host: 'gis-prod', instance: 'sde:sqlserver:gis-prod' }),
      ],
      ['Owners', expect.anything(), expect.objectContaining({ dataset: 'transport.dbo.Owners' })],
    ]);
    const [map] = content.maps;
    expect(map?.layers.map(({ connections }) => connections[0]?.host)).toEqual([
      'gis-prod',
      undefined,
    ]);
    expect(map?.tables[0]?.connections[0]).toMatchObject({ host: 'gis-prod', user: 'editor' });
  });
});

test('what is not edited stays letter by letter', async ({ folder }) => {
  const document = mapFile({ ...spec, map: { unknownToUs: { a: [1.5e-7, '\\u003c', null] } } });
  const { bytes } = await folder.edit(document, { changeSources: toProduction });
  expect(bytes.toString()).toBe(document.replaceAll('gis-test', 'gis-prod'));
});

/** One layer on a connection, edited; what its connection is then. */
async function changed(
  folder: { edit: (document: string, edits: object) => Promise<{ bytes: Buffer }> },
  before: ReturnType<typeof connection>,
  change: SourceChange,
) {
  const document = mapFile({ layers: [featureLayer('Roads', before)] });
  const { bytes } = await folder.edit(document, { changeSources: [change] });
  const [layer] = parseJsonNode(bytes.toString(), 'x').items('layerDefinitions');
  const found = layer?.child('featureTable')?.child('dataConnection');
  return JSON.parse(found?.write() ?? '{}') as Record<string, string>;
}

const string = 'workspaceConnectionString';

describe('sources', () => {
  test.for<[string, ReturnType<typeof connection>, SourceChange, Record<string, unknown>]>([
    [
      'a workspace, whichever slash and case',
      inGeodatabase('\\\\files\\GIS\\test.gdb', 'Roads'),
      { from: { workspace: '//FILES/gis/test.gdb/' }, to: { path: '\\\\files\\gis\\prod.gdb' } },
      { [string]: 'DATABASE=\\\\files\\gis\\prod.gdb', dataset: 'Roads' },
    ],
    [
      'a wildcard, with what the star stood for',
      inGeodatabase('D:\\test\\a\\roads.gdb', 'Roads'),
      { from: { wildcard: 'd:/test/*' }, to: { path: '\\\\files\\prod\\{1}' } },
      { [string]: 'DATABASE=\\\\files\\prod\\a\\roads.gdb' },
    ],
    [
      'a pattern with named parts',
      inGeodatabase('D:\\data\\2024\\roads.gdb', 'Roads_2024'),
      {
        from: { pattern: '^D:\\\\data\\\\(?<year>\\d{4})\\\\', dataset: 'Roads_*' },
        to: { path: 'E:\\archive\\{year}.gdb', dataset: 'R{year}_{dataset1}' },
      },
      { [string]: 'DATABASE=E:\\archive\\2024.gdb', dataset: 'R2024_2024' },
    ],
    [
      'a shapefile into a file geodatabase: the ending goes',
      connection('DATABASE=D:\\shp', 'Shapefile', 'roads.shp'),
      { from: { kind: 'shapefile' }, to: { kind: 'filegdb', path: 'D:\\all.gdb' } },
      { [string]: 'DATABASE=D:\\all.gdb', workspaceFactory: 'FileGDB', dataset: 'roads' },
    ],
    [
      'a file geodatabase into PostgreSQL',
      inGeodatabase('.\\roads.gdb', 'Roads'),
      {
        from: { kind: 'filegdb' },
        to: {
          ...{ kind: 'sde', platform: 'postgresql', host: 'pg', database: 'gis', user: 'reader' },
          dataset: 'gis.gis.{dataset}',
        },
      },
      {
        [string]:
          'SERVER=pg;INSTANCE=sde:postgresql:pg;DBCLIENT=postgresql;DB_CONNECTION_PROPERTIES=pg;DATABASE=gis;USER=reader;AUTHENTICATION_MODE=DBMS',
        workspaceFactory: 'SDE',
        dataset: 'gis.gis.Roads',
      },
    ],
    [
      'a database into a file geodatabase: owner and database go from the name',
      inDatabase('transport.dbo.Roads'),
      { from: { database: 'transport' }, to: { kind: 'filegdb', path: 'D:\\copy.gdb' } },
      { [string]: 'DATABASE=D:\\copy.gdb', workspaceFactory: 'FileGDB', dataset: 'Roads' },
    ],
    [
      'another database: the name of the dataset follows',
      inDatabase('transport.dbo.Roads'),
      { from: { database: 'transport' }, to: { database: 'prod' } },
      { [string]: sde().replace('DATABASE=transport', 'DATABASE=prod'), dataset: 'prod.dbo.Roads' },
    ],
    [
      'Oracle by its instance',
      connection(
        'INSTANCE=sde:oracle11g:test;DBCLIENT=oracle;DB_CONNECTION_PROPERTIES=test;PROJECT_INSTANCE=sde;USER=gis',
        'SDE',
        'GIS.ROADS',
      ),
      { from: { platform: 'oracle' }, to: { instance: 'sde:oracle11g:prod' } },
      { dataset: 'GIS.ROADS' },
    ],
    [
      'a named instance with a port: a bare host changes the host only',
      connection(
        'SERVER=a;INSTANCE=sde:sqlserver:a\\gis,1433;DB_CONNECTION_PROPERTIES=a\\gis,1433;DATABASE=d',
        'SDE',
        'd.dbo.R',
      ),
      { from: { host: 'a' }, to: { host: 'b' } },
      {
        [string]:
          'SERVER=b;INSTANCE=sde:sqlserver:b\\gis,1433;DB_CONNECTION_PROPERTIES=b\\gis,1433;DATABASE=d',
      },
    ],
    [
      'any of several spellings of a host',
      inDatabase('transport.dbo.Roads', { host: 'gis-test.corp.example' }),
      { from: { host: ['gis-test', 'GIS-TEST.corp.example'] }, to: { host: 'prod' } },
      { [string]: sde({ host: 'prod' }) },
    ],
    [
      'a version, and operating-system login without its user',
      inDatabase('transport.dbo.Roads'),
      { from: { user: 'editor' }, to: { authentication: 'OSA', version: null } },
      {
        [string]:
          'SERVER=gis-test;INSTANCE=sde:sqlserver:gis-test;DBCLIENT=sqlserver;DB_CONNECTION_PROPERTIES=gis-test;DATABASE=transport;AUTHENTICATION_MODE=OSA',
      },
    ],
    [
      'into a feature dataset',
      inGeodatabase('D:\\a.gdb', 'Roads'),
      { from: { dataset: 'roads' }, to: { featureDataset: 'Network' } },
      { type: 'CIMFeatureDatasetDataConnection', featureDataset: 'Network' },
    ],
    [
      'out of a feature dataset',
      {
        ...inGeodatabase('D:\\a.gdb', 'Roads'),
        type: 'CIMFeatureDatasetDataConnection',
        featureDataset: 'Network',
      },
      { from: { featureDataset: 'net*' }, to: { featureDataset: null } },
      { type: 'CIMStandardDataConnection' },
    ],
    [
      'a feature service by the address of its site',
      connection(
        'URL=https://test/arcgis/rest/services/Roads/FeatureServer',
        'FeatureService',
        '0',
      ),
      { from: { wildcard: 'https://test/*' }, to: { url: 'https://prod/{1}' } },
      { [string]: 'URL=https://prod/arcgis/rest/services/Roads/FeatureServer', dataset: '0' },
    ],
  ])('%s', async ([, before, change, after], { folder }) => {
    const found = await changed(folder, before, change);
    expect(found).toMatchObject(after);
    if (after.type === 'CIMStandardDataConnection')
      expect(found).not.toHaveProperty('featureDataset');
  });

  test('Oracle: the instance changes in every place, and a host alone is refused', async ({
    folder,
  }) => {
    const before = connection(
      'INSTANCE=sde:oracle11g:test;DBCLIENT=oracle;DB_CONNECTION_PROPERTIES=test;USER=gis',
      'SDE',
      'GIS.ROADS',
    );
    const change = { from: { platform: 'oracle' }, to: { instance: 'sde:oracle11g:prod' } };
    expect((await changed(folder, before, change))[string]).toBe(
      'INSTANCE=sde:oracle11g:prod;DBCLIENT=oracle;DB_CONNECTION_PROPERTIES=prod;USER=gis',
    );
    await expect(
      changed(folder, before, { from: { platform: 'oracle' }, to: { host: 'prod' } }),
    ).rejects.toMatchObject({ code: 'edit_refused', message: expect.stringMatching(/^Roads: /) });
  });

  test('a query layer gets another query, and its fields are read anew', async ({ folder }) => {
    const query = {
      ...connection(sde(), 'SDE', 'transport.dbo.%Roads'),
      type: 'CIMSqlQueryDataConnection',
      sqlQuery: 'select * from roads',
      queryFields: [{ name: 'OBJECTID', type: 'esriFieldTypeOID' }],
    };
    const found = await changed(folder, query, {
      from: { host: 'gis-test' },
      to: { host: 'prod', query: 'select * from dbo.roads' },
    });
    expect(found).toMatchObject({
      [string]: sde({ host: 'prod' }),
      sqlQuery: 'select * from dbo.roads',
    });
    expect(found).not.toHaveProperty('queryFields');
    await expect(
      changed(folder, query, { from: {}, to: { kind: 'filegdb', path: 'D:\\a.gdb' } }),
    ).rejects.toMatchObject({ code: 'edit_refused' });
  });

  test('joins and relates are found where they stand', async ({ folder }) => {
    const join = {
      type: 'CIMRelQueryTableDataConnection',
      sourceTable: inDatabase('transport.dbo.Roads'),
      destinationTable: inDatabase('transport.dbo.Names'),
      primaryKey: 'ID',
    };
    const layer = featureLayer('Roads', join as never, {
      featureTable: {
        relates: [{ type: 'CIMRelateInfo', dataConnection: inDatabase('transport.dbo.Works') }],
      },
    });
    const { changes, content } = await folder.edit(mapFile({ layers: [layer] }), {
      changeSources: toProduction,
    });
    expect(changes.map(({ after }) => (after as DocumentConnection).role)).toEqual([
      ...['source', 'join', 'relate'],
    ]);
    expect(content.maps[0]?.layers[0]?.connections.map(({ host, role }) => [role, host])).toEqual([
      ['source', undefined],
      ['source', 'gis-prod'],
      ['join', 'gis-prod'],
      ['relate', 'gis-prod'],
    ]);
  });

  test('a raster that is computed names its sources in a text of XML, which is changed too', async ({
    folder,
  }) => {
    const inner = `<DataConnections xsi:type='typens:ArrayOfCIMDataConnection' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:typens='http://www.esri.com/schemas/ArcGIS/2.7.0'><CIMDataConnection xsi:type='typens:CIMStandardDataConnection'><WorkspaceConnectionString>DATABASE=D:\\test</WorkspaceConnectionString><WorkspaceFactory>Raster</WorkspaceFactory><Dataset>dem.tif</Dataset></CIMDataConnection></DataConnections>`;
    const layer = {
      type: 'CIMRasterLayer',
      name: 'Slope',
      uRI: 'CIMPATH=map/slope.json',
      visibility: true,
      dataConnection: connection(inner, 'Raster', 'Function'),
    };
    const document = mapFile({ layers: [layer] });
    const { bytes, changes } = await folder.edit(document, {
      changeSources: [{ from: { wildcard: 'D:\\test' }, to: { path: 'D:\\prod' } }],
    });
    expect(bytes.toString()).toBe(document.replaceAll('D:\\\\test', 'D:\\\\prod'));
    expect(changes).toHaveLength(1);
  });

  test('a service layer gets another address; its site and its name follow', async ({ folder }) => {
    const layer = {
      type: 'CIMDynamicServiceLayer',
      name: 'Streets',
      uRI: 'CIMPATH=map/streets.json',
      visibility: true,
      serviceConnection: {
        type: 'CIMAGSServiceConnection',
        objectName: 'Old/Streets',
        objectType: 'MapServer',
        serverConnection: {
          type: 'CIMInternetServerConnection',
          anonymous: true,
          url: 'https://test/arcgis/services',
        },
        url: 'https://test/arcgis/services/Old/Streets/MapServer',
      },
    };
    const { bytes } = await folder.edit(mapFile({ layers: [layer] }), {
      changeSources: [
        {
          from: { kind: 'service' },
          to: { url: 'https://prod/server/services/New/Streets/MapServer' },
        },
      ],
    });
    const [found] = parseJsonNode(bytes.toString(), 'x').items('layerDefinitions');
    const written = JSON.parse(found?.child('serviceConnection')?.write() ?? '');
    expect(written).toMatchObject({
      objectName: 'New/Streets',
      url: 'https://prod/server/services/New/Streets/MapServer',
      serverConnection: { url: 'https://prod/server/services' },
    });
  });
});

describe('in a project of Pro 2, where everything is XML', () => {
  const projectOf = (source: ReturnType<typeof connection>) =>
    projectFileOfPro2({ maps: [{ layers: [featureLayer('Roads', source)] }] });
  const dataset = inGeodatabase('D:\\a.gdb', 'Roads');

  test('a class goes into a feature dataset and out of it, and is as before', async ({
    folder,
  }) => {
    const before = projectOf(dataset);
    const inside = await folder.edit(before, {
      changeSources: [{ from: {}, to: { featureDataset: 'Net & <work>' } }],
    });
    const [found] = inside.content.maps[0]?.layers[0]?.connections ?? [];
    expect(found).toMatchObject({
      className: 'CIMFeatureDatasetDataConnection',
      featureDataset: 'Net & <work>',
    });
    const outside = await folder.edit(inside.bytes, {
      changeSources: [{ from: { featureDataset: '*' }, to: { featureDataset: null } }],
    });
    const [one, other] = await Promise.all([
      folder.read(before, 'map/roads.xml'),
      folder.read(outside.bytes, 'map/roads.xml'),
    ]);
    expect(other).toBe(one);
  });

  test('a query layer gets another query', async ({ folder }) => {
    const query = {
      ...connection(sde(), 'SDE', 't.dbo.%Roads'),
      type: 'CIMSqlQueryDataConnection',
      sqlQuery: 'select 1',
      queryFields: [{ type: 'CIMQueryField', name: 'A' }],
    };
    const { bytes, notes } = await folder.edit(projectOf(query), {
      changeSources: [{ from: {}, to: { query: "select * from r where a < 'b' & 1" } }],
    });
    const text = await folder.read(bytes, 'map/roads.xml');
    expect(text).toContain('select * from r where a &lt; &apos;b&apos; &amp; 1');
    expect(text).not.toContain('QueryFields');
    expect(notes.join()).toMatch(/reads them anew/);
  });
});

describe('passwords', () => {
  const document = mapFile({
    layers: [featureLayer('Roads', inDatabase('transport.dbo.Roads', { hasPassword: true }))],
  });

  test('stay while the login stays, and are never told', async ({ folder }) => {
    const { bytes, ...told } = await folder.edit(document, { changeSources: toProduction });
    expect(bytes.toString()).toBe(document.replaceAll('gis-test', 'gis-prod'));
    expect(told.notes.join()).toMatch(/password stays/);
    expect(told.content.secretsFound).not.toEqual([]);
    expect(JSON.stringify(told)).not.toContain('00022e');
  });

  test.for([
    { user: 'reader' },
    { authentication: 'OSA' as const },
    { host: 'prod', password: 'drop' as const },
  ])('go with the login they belong to: %j', async (to, { folder }) => {
    const { bytes, notes, content } = await folder.edit(document, {
      changeSources: [{ from: { host: 'gis-test' }, to }],
    });
    expect(bytes.toString()).not.toContain(canaryHex);
    expect(notes.join()).toMatch(/taken out/);
    expect(content.secretsFound).toEqual([]);
  });
});

describe('what cannot be done is refused, and nothing is written', () => {
  const document = mapFile(spec);
  test.for<[string, SourceChange[], string, RegExp]>([
    [
      'a rule that means nothing names what comes nearest',
      [{ from: { host: 'gis-tset' }, to: { host: 'x' } }],
      'nothing_matched',
      /rule 1 means no source; the nearest: sde gis-test\/transport/,
    ],
    [
      'one of two rules',
      [...toProduction, { from: { workspace: 'C:\\parcels.gdb' }, to: { path: 'E:\\x.gdb' } }],
      'nothing_matched',
      /rule 2 means no source; the nearest: filegdb D:\\gis\\parcels.gdb/,
    ],
    [
      'a wish that is fulfilled already',
      [{ from: { host: 'gis-test' }, to: { host: 'GIS-TEST'.toLowerCase() } }],
      'nothing_matched',
      /as wished already/,
    ],
    [
      'a part that the match has not',
      [{ from: { host: 'gis-test' }, to: { host: '{3}' } }],
      'edit_refused',
      /no part \{3\}/,
    ],
    [
      'no regular expression',
      [{ from: { pattern: '(' }, to: { host: 'x' } }],
      'edit_refused',
      /no regular expression/,
    ],
    [
      'a pattern that takes ages',
      [{ from: { pattern: '^(([\\w.:\\\\]+)+)+;$' }, to: { path: 'D:\\x' } }],
      'edit_refused',
      /takes too long/,
    ],
    [
      'a semicolon',
      [{ from: { host: 'gis-test' }, to: { user: 'a;PASSWORD=b' } }],
      'edit_refused',
      /semicolon/,
    ],
    [
      'a path for a database',
      [{ from: { host: 'gis-test' }, to: { path: 'D:\\x' } }],
      'edit_refused',
      /has no path/,
    ],
    [
      'another kind without its place',
      [{ from: { kind: 'filegdb' }, to: { kind: 'shapefile' } }],
      'edit_refused',
      /needs its path/,
    ],
  ])('%s', async ([, changeSources, code, message], { folder }) => {
    await expect(folder.edit(document, { changeSources })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
