import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { writeMapFile, writeZip } from '../support/arcpy-documents.ts';
import { test, untilRuntimeIs } from '../support/arcpy-test.ts';

const repository = join(import.meta.dirname, '../..');

async function runExample(name: string, ...args: string[]): Promise<string> {
  const script = join(repository, 'examples', `${name}.ts`);
  const all = ['--import', 'tsx', script, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: repository });
  return stdout;
}

test('the examples of ArcPy run', async ({ openSite, openHouse }) => {
  const { url, username, password } = await openSite();
  const { gateway } = await openHouse({
    sites: { demo: { url, username, password } },
    arcpy: { tools: ['analysis.Buffer'] },
  });
  await untilRuntimeIs(gateway, 'idle');
  const at = (name: string) => join(gateway.folder, name);
  const map = await writeMapFile(gateway.folder, [
    { name: 'Roads', source: '\\\\test\\gis\\roads.gdb' },
  ]);
  await writeFile(at('ortho.tif'), 'II*\0');
  const content = JSON.stringify({ toolsets: { '<root>': { tools: ['CleanRoads'] } } });
  await writeZip(at('roads.atbx'), { 'toolbox.content': content });
  await writeZip(at('maps.zip'), { 'Rivers.mapx': await readFile(map, 'utf8') });

  const [aMap, others, folder] = await Promise.all([
    runExample('map-with-arcpy', gateway.url, 'demo', map, at('roads.sd')),
    runExample(
      'imagery-and-tools-with-arcpy',
      gateway.url,
      'demo',
      at('ortho.tif'),
      at('roads.atbx'),
      at('near.txt'),
    ),
    runExample('folder-of-maps-with-arcpy', gateway.url, 'demo', at('maps.zip')),
  ]);

  expect(aMap).toContain('24011 Roads: ');
  expect(aMap).toContain('/rest/services/Transport/Roads/MapServer');
  expect(await gateway.documents.readServiceDefinition(at('roads.sd'))).toMatchObject({
    folder: 'Transport',
  });
  expect(others.trim().split('\n')).toHaveLength(5);
  expect(await readFile(at('near.txt'), 'utf8')).toBe('made by Buffer of 5 Meters');
  expect(folder).toContain('Rivers.mapx on demo: successful');
});
