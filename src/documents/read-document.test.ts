import { describe, expect } from 'vitest';
import { inspect, test } from '../../test/support/document-folder.ts';
import {
  featureLayer,
  inDatabase,
  inGeodatabase,
  layerFile,
} from '../../test/support/map-files.ts';
import { buildConnectionFile } from './connection-file-builder.ts';
import { runSevenZip } from './seven-zip.ts';

const pack = async (path: string, folder: string, members: Record<string, string>) => {
  const files = new Map(Object.entries(members).map(([name, text]) => [name, Buffer.from(text)]));
  const target = `/out/${path.slice(folder.length + 1)}`;
  const args = ['a', '-t7z', '-ms=off', '-m0=LZMA', '-bsp0', '-spd', '--', target, ...files.keys()];
  const { exitCode } = await runSevenZip(args, { mounts: { out: folder }, files });
  expect(exitCode).toBe(0);
};

test('a package tells its item, its layers and the data that come along', async ({ folder }) => {
  const path = folder.newPath('.lpkx');
  const layers = [
    featureLayer('Inside', inGeodatabase('..\\commondata\\roads.gdb', 'Roads')),
    featureLayer('Missing', inGeodatabase('.\\gone.gdb', 'Roads')),
    featureLayer('Elsewhere', inDatabase('t.dbo.Roads', { hasPassword: true })),
  ];
  await pack(path, folder.path, {
    'esriinfo/item.pkinfo':
      '<?xml version="1.0"?><ESRI_PackageInformation><Version>13.3</Version></ESRI_PackageInformation>',
    'esriinfo/iteminfo.xml':
      '<ESRI_ItemInformation><title>Roads</title><snippet>All</snippet><tags>a,b</tags></ESRI_ItemInformation>',
    'p30/roads.lyrx': layerFile({ layers }),
    'p30/damaged.lyrx': '{"type": "CIMLayerDocument"',
    'p30/old.mxd': 'binary',
    'commondata/roads.gdb/a00000001.gdbtable': 'x',
    'commondata/dem.tif': 'x',
  });
  const content = await inspect(path);
  expect(content).toMatchObject({
    ...{
      kind: 'package',
      title: 'Roads',
      summary: 'All',
      tags: ['a', 'b'],
      packageVersion: '13.3',
    },
    workspaces: ['commondata/dem.tif', 'commondata/roads.gdb'],
    secretsFound: [{ where: expect.stringMatching(/^p30\/roads\.lyrx: /) }],
  });
  const { documents } = content as unknown as {
    documents: { member: string; content?: never; note?: string }[];
  };
  expect(documents.map(({ member, note }) => [member, note])).toEqual([
    ['p30/damaged.lyrx', expect.stringMatching(/not JSON/)],
    ['p30/old.mxd', expect.stringMatching(/ArcPy/)],
    ['p30/roads.lyrx', undefined],
  ]);
  expect(documents[2]?.content).toMatchObject({
    maps: [
      {
        layers: [
          { name: 'Inside', isBroken: false },
          { name: 'Missing', isBroken: true, fault: 'its data are not in the package' },
          { name: 'Elsewhere', isBroken: false },
        ],
      },
    ],
  });
});

describe('binary documents', () => {
  const stream = (streamName: string) =>
    buildConnectionFile({ URL: 'https://gis' }, { streamName });

  test.for([
    ['Maps', 'arcmap-document', true],
    ['AGSConnProperties', 'site-connection-file', false],
    ['Tool0', 'toolbox', true],
    ['Contents', 'compound-file', true],
  ] as const)(
    'with a stream %s is recognised as %s',
    async ([name, kind, needsArcPy], { folder }) => {
      expect(await inspect(await folder.write(stream(name)))).toMatchObject({ kind, needsArcPy });
    },
  );

  test('cut off anywhere are refused, or are only recognised', async ({ folder }) => {
    const whole = buildConnectionFile({
      SERVER: 'gis-test',
      USER: 'u',
      PASSWORD: Buffer.from('secret-word'),
    });
    for (let bytes = 0; bytes < whole.length; bytes += 97) {
      const path = await folder.write(whole.subarray(0, bytes));
      const told = await inspect(path).catch((error: { code: string; message: string }) => error);
      expect(told).toMatchObject(
        'kind' in told ? { kind: 'connection-file' } : { code: 'unreadable_document' },
      );
      expect(JSON.stringify(told)).not.toContain('secret-word');
    }
  });

  test('whose chains go in circles end', async ({ folder }) => {
    const circle = buildConnectionFile({ SERVER: 'gis-test' });
    for (let at = 512; at < 1_024; at += 4) circle.writeUInt32LE(1, at);
    await expect(inspect(await folder.write(circle))).rejects.toMatchObject({
      code: 'unreadable_document',
    });
  });
});

test.for([
  ['nothing', '', /empty/],
  ['a text', 'hello', /no document of ArcGIS/],
  ['another JSON', '{"type":"FeatureCollection"}', /FeatureCollection/],
  ['another XML', '<html></html>', /no document of ArcGIS/],
  ['a map without a map', '{"type":"CIMMapDocument"}', /no mapDefinition/],
] as const)('%s is no document', async ([, text, message], { folder }) => {
  await expect(inspect(await folder.write(text))).rejects.toMatchObject({
    code: 'unreadable_document',
    message: expect.stringMatching(message),
  });
});
