import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { ZipFile } from 'yazl';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import { test } from '../support/quick-publishing.ts';

const repository = join(import.meta.dirname, '../..');

async function runExample(name: string, ...args: string[]): Promise<string[]> {
  const script = join(repository, 'examples', `${name}.ts`);
  const all = ['--import', 'tsx', script, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all, { cwd: repository });
  return stdout.trim().split('\n');
}

test('the examples of registering data and publishing definitions run', async ({ quick }) => {
  const { gateway } = await quick();
  const at = (name: string) => join(gateway.folder, name);
  const connection = buildConnectionFile({
    ...{ SERVER: 'gis-db', INSTANCE: 'sde:postgresql:gis-db', DBCLIENT: 'postgresql' },
    ...{ DB_CONNECTION_PROPERTIES: 'gis-db', DATABASE: 'parcels', USER: 'gis' },
    ...{
      PASSWORD: Buffer.from('only ArcGIS reads this'),
      VERSION: 'sde.DEFAULT',
      AUTHENTICATION_MODE: 'DBMS',
    },
  });
  await writeFile(at('parcels.sde'), connection);
  const roads = await gateway.build({ serviceName: 'Roads' });
  const parcels = await gateway.build({ serviceName: 'Parcels' });
  const release = new ZipFile();
  release.addFile(roads, 'roads.sd');
  release.addFile(parcels, 'parcels.sd');
  release.end();
  await pipeline(release.outputStream, createWriteStream(at('release.zip')));
  await writeFile(at('services.txt'), 'C:\\release\\parcels.sd||Plots|default\n');

  const [registered, published] = await Promise.all([
    runExample('register-data', gateway.url, 'demo', '\\\\files\\gis', at('parcels.sde')),
    runExample(
      'publish-definitions',
      gateway.url,
      'demo',
      roads,
      at('release.zip'),
      at('services.txt'),
    ),
  ]);

  expect(registered).toEqual([
    '/fileShares/gis: registered',
    '/enterpriseDatabases/parcels: registered',
  ]);
  expect(published[0]).toMatch(/\/rest\/services\/Roads\/MapServer$/);
  expect(published.slice(1).map((line) => line.replace(/.*: /, ''))).toEqual(
    Array(3).fill('successful'),
  );
});
