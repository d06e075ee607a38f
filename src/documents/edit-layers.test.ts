import { describe, expect } from 'vitest';
import { type DocumentFolder, test } from '../../test/support/document-folder.ts';
import {
  featureLayer,
  groupLayer,
  inDatabase,
  inGeodatabase,
  layerFile,
  mapFile,
  table,
  uriOf,
} from '../../test/support/map-files.ts';
import { projectFile, projectFileOfPro2 } from '../../test/support/project-files.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import { openZip, readZipMember } from './zip-file.ts';

const roads = featureLayer('Roads', inDatabase('t.dbo.Roads'), {
  featureTable: { definitionExpression: 'KIND = 1' },
});
const bridges = featureLayer('Bridges', inDatabase('t.dbo.Bridges'));
const parcels = featureLayer('Parcels', inGeodatabase('D:\\p.gdb', 'Parcels'), {
  visibility: false,
});
const spec = {
  layers: [groupLayer('Transport', [roads, bridges]), parcels],
  tables: [table('Owners', inDatabase('t.dbo.Owners'))],
};
const documents = [
  ['a map file', () => mapFile(spec)],
  ['a layer file', () => layerFile(spec)],
  ['a project of Pro 3', () => projectFile({ maps: [spec] })],
  ['an upgraded project', () => projectFile({ maps: [spec] }, { memberEnding: 'xml' })],
  ['a project of Pro 2', () => projectFileOfPro2({ maps: [spec] })],
] as const;

const pathsIn = ({ content }: Awaited<ReturnType<DocumentFolder['edit']>>) =>
  content.maps[0]?.layers.map(({ path }) => path);

describe.each(documents)('%s', (what, document) => {
  test('names, visibility and expressions change', async ({ folder }) => {
    const edited = await folder.edit(document(), {
      renameLayers: [{ layer: 'Transport/Roads', name: 'Streets & "ways"' }],
      setVisibility: [{ layer: '*', isVisible: false }],
      setDefinitionExpression: [
        { layer: 'transport/roads', expression: "NAME <> 'x' AND KIND = 2" },
        { layer: 'Parcels', expression: 'AREA > 5' },
      ],
    });
    expect(edited.content.maps[0]?.layers).toMatchObject([
      { path: 'Transport', isVisible: false },
      {
        path: 'Transport/Streets & "ways"',
        isVisible: false,
        definitionExpression: "NAME <> 'x' AND KIND = 2",
      },
      { path: 'Transport/Bridges', isVisible: false },
      { path: 'Parcels', isVisible: false, definitionExpression: 'AREA > 5' },
    ]);
    expect(
      edited.changes.map(({ operation, layer, before, after }) => [
        operation,
        layer,
        before,
        after,
      ]),
    ).toEqual([
      ['setDefinitionExpression', 'Transport/Roads', 'KIND = 1', "NAME <> 'x' AND KIND = 2"],
      ['setDefinitionExpression', 'Parcels', null, 'AREA > 5'],
      ['setVisibility', 'Transport', true, false],
      ['setVisibility', 'Transport/Roads', true, false],
      ['setVisibility', 'Transport/Bridges', true, false],
      ['renameLayers', 'Transport/Roads', 'Roads', 'Streets & "ways"'],
    ]);
  });

  test('an expression is taken out', async ({ folder }) => {
    const { content } = await folder.edit(document(), {
      setDefinitionExpression: [{ layer: 'Transport/Roads', expression: null }],
    });
    expect(content.maps[0]?.layers[1]).not.toHaveProperty('definitionExpression');
  });

  test('layers, groups with what is in them, and tables are removed', async ({ folder }) => {
    const edited = await folder.edit(document(), { removeLayers: ['Transport', 'Owners'] });
    expect(pathsIn(edited)).toEqual(['Parcels']);
    expect(edited.content).toMatchObject({
      ...{ layerCount: 1, tableCount: 0, unusedDefinitions: 0, danglingReferences: [] },
    });
    expect(edited.changes.map(({ layer, after }) => [layer, after])).toEqual([
      ['Transport', null],
      ['Owners', null],
    ]);
    expect(edited.bytes.includes('t.dbo.Bridges')).toBe(false);
  });

  test('layers are added on top, in a group and behind another, with addresses that are free', async ({
    folder,
  }) => {
    const source = layerFile({
      layers: [
        featureLayer('Roads', inDatabase('t.dbo.NewRoads')),
        groupLayer('More', [featureLayer('Walls', inDatabase('t.dbo.Walls'))]),
      ],
      tables: [table('Owners', inDatabase('t.dbo.NewOwners'))],
    });
    const adding = folder.edit(
      document(),
      {
        addLayers: [
          { layers: 'Roads', group: 'Transport', position: { after: 'Transport/Roads' } },
          { layers: 'More', position: 'bottom', withTables: true },
        ],
        renameLayers: [{ layer: 'More', name: 'Others' }],
      },
      source,
    );
    if (what === 'a project of Pro 2') {
      await expect(adding).rejects.toMatchObject({
        code: 'edit_refused',
        message: expect.stringMatching(/project of ArcGIS Pro 2/),
      });
      return;
    }
    const edited = await adding;
    expect(pathsIn(edited)).toEqual([
      ...['Transport', 'Transport/Roads', 'Transport/Roads', 'Transport/Bridges', 'Parcels'],
      ...['Others', 'Others/Walls'],
    ]);
    const [map] = edited.content.maps;
    const uris = map?.layers.map(({ uri }) => uri.toLowerCase()) ?? [];
    expect(new Set(uris).size).toBe(uris.length);
    expect(map?.layers[2]?.connections[0]?.dataset).toBe('t.dbo.NewRoads');
    expect(map?.tables.map(({ connections }) => connections[0]?.dataset)).toEqual([
      ...['t.dbo.Owners', 't.dbo.NewOwners'],
    ]);
    expect(edited.content).toMatchObject({ unusedDefinitions: 0, danglingReferences: [] });
  });

  test.for([
    [
      'renameLayers',
      { renameLayers: [{ layer: 'Transport/Raods', name: 'x' }] },
      /nearest: Transport\/Roads/,
    ],
    ['removeLayers', { removeLayers: ['Parcles'] }, /nearest: Parcels/],
    ['setVisibility', { setVisibility: [{ layer: 'Parcels', isVisible: false }] }, /as wished/],
    ['renameLayers', { renameLayers: [{ layer: 'Parcels', name: 'Parcels' }] }, /as wished/],
    [
      'setDefinitionExpression',
      { setDefinitionExpression: [{ layer: 'Parcels', expression: null }] },
      /as wished/,
    ],
  ] as const)('%s that means nothing is an error (%j)', async ([, edits, message], { folder }) => {
    await expect(folder.edit(document(), edits)).rejects.toMatchObject({
      code: 'nothing_matched',
      message: expect.stringMatching(message),
    });
  });

  test('a group has no features to choose from', async ({ folder }) => {
    await expect(
      folder.edit(document(), {
        setDefinitionExpression: [{ layer: 'Transport', expression: 'A = 1' }],
      }),
    ).rejects.toMatchObject({ code: 'edit_refused' });
  });
});

describe('layers that come from another file', () => {
  const relative = layerFile({
    layers: [
      featureLayer('Walls', inGeodatabase('.\\walls.gdb', 'Walls'), {
        metadataURI: 'CIMPATH=Metadata/walls.xml',
        layerElevation: {
          type: 'CIMLayerElevationSurface',
          elevationSurfaceLayerURI: 'CIMPATH=map/ground.json',
        },
        serviceLayerID: 7,
      }),
    ],
    document: {
      binaryReferences: [
        { type: 'CIMBinaryReference', uRI: 'CIMPATH=Metadata/walls.xml', data: '<metadata/>' },
      ],
    },
  });

  test('bring their metadata, and their relative paths are counted anew', async ({ folder }) => {
    const { bytes, content } = await folder.edit(
      mapFile(spec),
      { addLayers: [{}], folder: 'C:\\maps\\prod', layerFileFolder: 'C:\\maps\\layers' },
      relative,
    );
    expect(content.maps[0]?.layers[0]).toMatchObject({
      path: 'Walls',
      connections: [{ path: '..\\layers\\walls.gdb' }],
    });
    expect(content.maps[0]?.layers[0]).not.toHaveProperty('serviceLayerId');
    const written = JSON.parse(bytes.toString());
    expect(written.binaryReferences).toEqual([
      { type: 'CIMBinaryReference', uRI: 'CIMPATH=Metadata/walls.xml', data: '<metadata/>' },
    ]);
    expect(bytes.toString()).not.toContain('ground.json');
  });

  test('say so when nobody knows where the files lie', async ({ folder }) => {
    const { notes } = await folder.edit(mapFile(spec), { addLayers: [{}] }, relative);
    expect(notes.join()).toMatch(
      /\.\\walls\.gdb of the layer file is now relative to the document/,
    );
  });

  test('get an id that is free where the map fixes ids', async ({ folder }) => {
    const numbered = mapFile({
      layers: [
        featureLayer('A', inDatabase('t.dbo.A'), { serviceLayerID: 7 }),
        featureLayer('B', inDatabase('t.dbo.B'), { serviceLayerID: 0 }),
      ],
      map: { useServiceLayerIDs: true },
    });
    const { content } = await folder.edit(numbered, { addLayers: [{}] }, relative);
    expect(content.maps[0]?.layers.map(({ serviceLayerId }) => serviceLayerId)).toEqual([1, 7, 0]);
  });

  test('of a project go into the map that is named', async ({ folder }) => {
    const two = projectFile({ maps: [spec, { name: 'Other' }] });
    const source = layerFile({ layers: [featureLayer('Walls', inDatabase('t.dbo.Walls'))] });
    await expect(folder.edit(two, { addLayers: [{}] }, source)).rejects.toMatchObject({
      code: 'edit_refused',
      message: expect.stringMatching(/2 maps \(Map, Other\)/),
    });
    const { content } = await folder.edit(two, { map: 'other', addLayers: [{}] }, source);
    expect(content.maps.map(({ layers }) => layers.length)).toEqual([4, 1]);
    await expect(folder.edit(two, { map: 'Nope', removeLayers: ['*'] })).rejects.toMatchObject({
      code: 'nothing_matched',
      message: expect.stringMatching(/Map, Other/),
    });
  });
});

test('the index of a project lists what is there, and the children that each names', async ({
  folder,
}) => {
  const source = layerFile({ layers: [featureLayer('Walls', inDatabase('t.dbo.Walls'))] });
  const { path } = await folder.edit(
    projectFile({ maps: [spec] }),
    { addLayers: [{ group: 'Transport' }], removeLayers: ['Parcels', 'Transport/Bridges'] },
    source,
  );
  const zip = await openZip(path, defaultArchiveLimits);
  const member = zip.members.find(({ name }) => name === 'Index.json');
  const index = JSON.parse((member && (await readZipMember(zip, member)))?.toString() ?? '');
  await zip.handle.close();
  const listed = zip.members
    .map(({ name }) => name)
    .filter((name) => !/^(Index|GISProject|DocumentInfo)\./.test(name));
  expect(index.NumberOfNodes).toBe(listed.length);
  const names = index.Nodes.map(({ FileName }: { FileName: string }) => FileName);
  expect([...names].sort()).toEqual([...listed].sort());
  const childrenOf = (file: string) =>
    index.Nodes.find(({ FileName }: { FileName: string }) => FileName === file)
      ?.ChildNodeIds.split(',')
      .map((id: string) => names[Number(id)])
      .sort();
  expect(childrenOf('map/map.json')).toEqual(['map/owners.json', 'map/transport.json']);
  expect(childrenOf('map/transport.json')).toEqual(['map/roads.json', 'map/walls.json']);
});

test('a layer that two groups show goes with the last of them only', async ({ folder }) => {
  const shared = { ...groupLayer('Second', []), layers: [uriOf('Roads')] };
  const document = mapFile({
    layers: [groupLayer('First', [roads])],
    document: {},
    map: { layers: [uriOf('First'), uriOf('Second')] },
  });
  const text = JSON.parse(document);
  text.layerDefinitions.push(shared);
  const { content } = await folder.edit(JSON.stringify(text), { removeLayers: ['First'] });
  expect(content.maps[0]?.layers.map(({ path }) => path)).toEqual(['Second', 'Second/Roads']);
});
