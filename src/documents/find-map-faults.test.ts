import { describe, expect } from 'vitest';
import { inspectMaps, test } from '../../test/support/document-folder.ts';
import {
  type CimObject,
  connection,
  featureLayer,
  groupLayer,
  inDatabase,
  inGeodatabase,
  type MapSpec,
  mapFile,
  table,
} from '../../test/support/map-files.ts';
import { projectFile } from '../../test/support/project-files.ts';
import { type FaultOptions, findMapFaults } from './find-map-faults.ts';

const metadata = (inner: string) => ({
  map: { metadataURI: 'CIMPATH=Metadata/m.xml' },
  document: {
    binaryReferences: [
      {
        type: 'CIMBinaryReference',
        uRI: 'CIMPATH=Metadata/m.xml',
        data: `<?xml version="1.0"?>\r\n<metadata xml:lang="en"><dataIdInfo>${inner}</dataIdInfo></metadata>`,
      },
    ],
  },
});
const described = metadata(
  '<idPurp>Roads &amp; paths</idPurp><searchKeys><keyword>roads</keyword><keyword>paths</keyword></searchKeys>',
);
const roads = featureLayer('Roads', inDatabase('t.dbo.Roads'));
const service = (type: string): CimObject => ({
  ...{ type, name: type, uRI: `CIMPATH=map/${type}.json`, visibility: true },
  serviceConnection: { type: 'CIMAGSServiceConnection', url: 'https://x/services/a/MapServer' },
});

async function faultsOf(
  folder: { write: (text: string | Buffer) => Promise<string> },
  document: MapSpec | Buffer,
  options: Partial<FaultOptions> = {},
) {
  const bytes = Buffer.isBuffer(document) ? document : mapFile(document);
  const content = await inspectMaps(await folder.write(bytes));
  return findMapFaults(content, { extensions: [], ...options });
}
const shown = (faults: Awaited<ReturnType<typeof faultsOf>>) =>
  faults.map(({ code, layer }) => (layer === undefined ? code : `${code} ${layer}`));

test('a map that is whole has no faults', async ({ folder }) => {
  const whole = {
    layers: [groupLayer('All', [roads])],
    tables: [table('Owners', inDatabase('t.dbo.Owners'))],
    ...described,
  };
  expect(await faultsOf(folder, whole, { extensions: ['FeatureServer', 'WMSServer'] })).toEqual([]);
});

describe('a map', () => {
  test.for<[string, MapSpec, Partial<FaultOptions>, string[]]>([
    ['that is empty', { ...described }, {}, ['00001']],
    [
      'without a coordinate system',
      { layers: [roads], ...described, map: { ...described.map, spatialReference: undefined } },
      {},
      ['00002'],
    ],
    ['without summary and tags', { layers: [roads] }, {}, ['00070', '00071']],
    [
      'whose tags the request gives',
      { layers: [roads] },
      { summary: 'Roads', tags: ['roads'] },
      [],
    ],
    [
      'whose metadata are no XML',
      { layers: [roads], ...metadata('<idPurp>') },
      {},
      ['00070', '00071'],
    ],
    [
      'with a source that is empty',
      { layers: [featureLayer('A', connection('', 'SDE', ''))], ...described },
      {},
      ['00003 A'],
    ],
    [
      'with a table without a dataset',
      { layers: [roads], tables: [table('T', inGeodatabase('D:\\a.gdb', ''))], ...described },
      {},
      ['00032 T'],
    ],
    [
      'with tiles of another server',
      { layers: [roads, service('CIMTiledServiceLayer')], ...described },
      {},
      ['00005 CIMTiledServiceLayer'],
    ],
    [
      'with drawings',
      {
        layers: [roads, { type: 'CIMGraphicsLayer', name: 'Notes', uRI: 'CIMPATH=map/n.json' }],
        ...described,
      },
      {},
      ['00005 Notes'],
    ],
    [
      'with a layer without a name',
      { layers: [featureLayer(' ', inDatabase('t.dbo.A'))], ...described },
      {},
      ['00115  '],
    ],
    [
      'that lists what is not there',
      {
        layers: [roads],
        ...described,
        map: { ...described.map, layers: ['CIMPATH=map/roads.json', 'CIMPATH=map/gone.json'] },
      },
      {},
      ['reference_missing'],
    ],
    [
      'with a password',
      { layers: [featureLayer('A', inDatabase('t.dbo.A', { hasPassword: true }))], ...described },
      {},
      ['password_inside A'],
    ],
    [
      'with a path out of its folder',
      { layers: [featureLayer('A', inGeodatabase('..\\..\\a.gdb', 'A'))], ...described },
      {},
      ['path_leaves_folder A'],
    ],
    [
      'with a path within its folder',
      { layers: [featureLayer('A', inGeodatabase('.\\data\\..\\a.gdb', 'A'))], ...described },
      {},
      [],
    ],
    [
      'without a raster for WCS',
      { layers: [roads], ...described },
      { extensions: ['WCSServer', 'NAServer'] },
      ['00102'],
    ],
    [
      'with two databases under feature access',
      {
        layers: [roads, featureLayer('B', inDatabase('t.dbo.B', { host: 'other' }))],
        ...described,
      },
      { extensions: ['featureserver'] },
      ['00062'],
    ],
  ])('%s', async ([, document, options, codes], { folder }) => {
    expect(shown(await faultsOf(folder, document, options))).toEqual(codes);
  });
});

describe('ids that the map fixes', () => {
  const numbered = (name: string, id: number) =>
    featureLayer(name, inDatabase(`t.dbo.${name}`), { serviceLayerID: id });
  const spec = { layers: [numbered('A', 1), numbered('B', 1), numbered('C', -1)], tables: [] };

  test('have to be there, once each', async ({ folder }) => {
    const fixed = { ...spec, ...described, map: { ...described.map, useServiceLayerIDs: true } };
    const faults = await faultsOf(folder, fixed);
    expect(shown(faults)).toEqual(['00374 A', '00374 B', '00374 C']);
    expect(faults[0]?.detail).toBe('Its id 1 is also that of B');
  });

  test('do not matter where it does not', async ({ folder }) => {
    expect(await faultsOf(folder, { ...spec, ...described })).toEqual([]);
  });
});

test('of a project only the map that is named, or all of them', async ({ folder }) => {
  const project = projectFile({ maps: [{ layers: [roads] }, { name: 'Empty' }] });
  const given = { summary: 's', tags: ['t'] };
  expect(await faultsOf(folder, project, given)).toEqual([
    { code: '00001', map: 'Empty', detail: expect.any(String) as string, isCertain: true },
  ]);
  expect(await faultsOf(folder, project, { ...given, map: 'MAP' })).toEqual([]);
});
