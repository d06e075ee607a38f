import { expect } from 'vitest';
import { type DocumentFolder, inspect, test } from '../../test/support/document-folder.ts';
import {
  canaryHex,
  featureLayer,
  groupLayer,
  inDatabase,
  layerFile,
  mapFile,
  table,
} from '../../test/support/map-files.ts';
import { projectFile, projectFileOfPro2 } from '../../test/support/project-files.ts';
import { compareContents } from './compare-contents.ts';

const roads = featureLayer('Roads', inDatabase('t.dbo.Roads'));
const bridges = featureLayer('Bridges', inDatabase('t.dbo.Bridges'));
const spec = {
  layers: [groupLayer('Transport', [roads, bridges])],
  tables: [table('Owners', inDatabase('t.dbo.Owners'))],
};

async function compare(folder: DocumentFolder, one: string | Buffer, other: string | Buffer) {
  return compareContents(
    await inspect(await folder.write(one)),
    await inspect(await folder.write(other)),
  );
}
const inShort = (found: Awaited<ReturnType<typeof compare>>) =>
  found?.map(({ layer, what }) => (layer === undefined ? what : `${what} ${layer}`));

test('the same map in another layout, or in a project, is the same', async ({ folder }) => {
  const map = mapFile(spec);
  expect(await compare(folder, map, JSON.stringify(JSON.parse(map)))).toEqual([]);
  expect(await compare(folder, map, projectFile({ maps: [spec] }))).toEqual([]);
  const pro2 = await compare(
    folder,
    projectFile({ maps: [spec] }),
    projectFileOfPro2({ maps: [spec] }),
  );
  expect(inShort(pro2)).toEqual([]);
});

test('every operation of an editing is seen, and nothing else', async ({ folder }) => {
  const document = mapFile(spec);
  const { bytes } = await folder.edit(
    document,
    {
      addLayers: [{ position: 'bottom' }],
      changeSources: [{ from: { dataset: 't.dbo.Owners' }, to: { dataset: 't.dbo.People' } }],
      renameLayers: [{ layer: 'Transport/Roads', name: 'Streets' }],
      setVisibility: [{ layer: 'Transport/Roads', isVisible: false }],
      setDefinitionExpression: [{ layer: 'Transport/Roads', expression: 'A = 1' }],
      removeLayers: ['Transport/Bridges'],
    },
    layerFile({ layers: [featureLayer('Walls', inDatabase('t.dbo.Walls'))] }),
  );
  const found = await compare(folder, document, bytes);
  expect(inShort(found)).toEqual([
    ...['layer Transport/Bridges', 'layer Walls'],
    ...['name Transport/Streets', 'definitionExpression Transport/Streets'],
    ...['visibility Transport/Streets', 'source Owners'],
  ]);
  expect(found?.[2]).toEqual({
    ...{ map: 'Map', layer: 'Transport/Streets', what: 'name', before: 'Roads', after: 'Streets' },
  });
  expect(found?.[0]).toMatchObject({ before: 'Transport/Bridges', after: null });
});

test('symbols and the drawing order', async ({ folder }) => {
  const thick = { ...roads, renderer: { type: 'CIMSimpleRenderer', patch: 'Other' } };
  const other = { ...spec, layers: [groupLayer('Transport', [bridges, thick])] };
  expect(inShort(await compare(folder, mapFile(spec), mapFile(other)))).toEqual([
    ...['symbology Transport/Roads', 'order'],
  ]);
});

test('maps of a project', async ({ folder }) => {
  const one = projectFile({ maps: [spec, { name: 'Old' }] });
  const other = projectFile({ maps: [spec, { name: 'New' }] });
  expect(await compare(folder, one, other)).toEqual([
    { map: 'Old', what: 'map', before: 'Old', after: null },
    { map: 'New', what: 'map', before: null, after: 'New' },
  ]);
});

test('a stored password is told as there or not, never with its value', async ({ folder }) => {
  const secret = {
    layers: [featureLayer('Roads', inDatabase('t.dbo.Roads', { hasPassword: true }))],
  };
  const found = await compare(folder, mapFile({ layers: [roads] }), mapFile(secret));
  expect(inShort(found)).toEqual(['source Roads']);
  expect(JSON.stringify(found)).not.toContain(canaryHex.slice(0, 12));
});

test('documents of two kinds cannot be compared', async ({ folder }) => {
  const draft = '<SVCManifest><Name>A</Name></SVCManifest>';
  expect(await compare(folder, mapFile(spec), draft)).toBeUndefined();
  expect(await compare(folder, draft, draft.replace('A', 'B'))).toEqual([
    { what: 'serviceName', before: 'A', after: 'B' },
  ]);
});
