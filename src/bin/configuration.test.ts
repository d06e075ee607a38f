import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import { createLog } from '../lib/log.ts';
import { type LiveConfiguration, openConfiguration } from './configuration.ts';

const test = base.extend<{ file: string; open: () => Promise<LiveConfiguration> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  file: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'configuration-'));
    await use(join(folder, 'pressroom.yaml'));
    await rm(folder, { recursive: true, force: true });
  },
  open: async ({ file }, use) => {
    const opened: LiveConfiguration[] = [];
    await use(async () => {
      const live = await openConfiguration(
        { PRESSROOM_CONFIG: file },
        createLog({ level: 'silent' }),
      );
      opened.push(live);
      return live;
    });
    for (const live of opened) live.close();
  },
});

function withSite(name: string): string {
  return `redis: { url: redis://127.0.0.1:1 }
sites: { ${name}: { url: http://127.0.0.1:1/arcgis, auth: { username: a, password: { env: A } } } }`;
}

/** As editors and orchestrators do it: another file takes the name. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

test('a file that is replaced is read again, each time', async ({ file, open }) => {
  await writeFile(file, withSite('first'));
  const live = await open();

  for (const name of ['second', 'third']) {
    const reloaded = new Promise<string[]>((resolve) => {
      live.onReload(({ sites }) => resolve(Object.keys(sites)));
    });
    await replaceFile(file, withSite(name));
    expect(await reloaded).toEqual([name]);
  }
  expect(Object.keys(live.now().sites)).toEqual(['third']);
});
