import { expect } from 'vitest';
import { inspect, test } from '../../test/support/document-folder.ts';
import { featureLayer, groupLayer, inDatabase, mapFile } from '../../test/support/map-files.ts';

const most = 15_000;

/** Work that grows with the square of the document would take minutes here. */
async function inTime<T>(work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  expect(performance.now() - began).toBeLessThan(most);
  return result;
}

test('a layer with thirty thousand connections and passwords', async ({ folder }) => {
  const source = { type: 'CIMStandardDataConnection', workspaceConnectionString: 'PASSWORD=x' };
  const layer = featureLayer('Roads', inDatabase('t.dbo.Roads'), {
    others: Array.from({ length: 30_000 }, () => source),
  });
  const path = await folder.write(mapFile({ layers: [layer] }));
  const content = await inTime(() => inspect(path));
  expect(content).toMatchObject({ kind: 'map-file', isCut: true });
});

test('a draft with thirty thousand passwords', async ({ folder }) => {
  const path = await folder.write(
    `<SVCManifest>${'<A><B>PASSWORD=x</B></A>'.repeat(30_000)}</SVCManifest>`,
  );
  expect(await inTime(() => inspect(path))).toMatchObject({
    secretsFound: [{ where: 'SVCManifest/A/B' }],
  });
});

test('four thousand layers are renamed and taken out', async ({ folder }) => {
  const layers = Array.from({ length: 40 }, (_, group) =>
    groupLayer(
      `Group ${group}`,
      Array.from({ length: 100 }, (_, at) =>
        featureLayer(`L ${group} ${at}`, inDatabase(`t.dbo.L${at}`)),
      ),
    ),
  );
  const { content } = await inTime(() =>
    folder.edit(mapFile({ layers }), {
      renameLayers: [{ layer: '*/L*', name: 'Other' }],
      removeLayers: ['*/Other', 'Group 1*'],
    }),
  );
  expect(content).toMatchObject({ layerCount: 29, unusedDefinitions: 0, danglingReferences: [] });
});
