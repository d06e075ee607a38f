import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test as base, expect } from 'vitest';
import { findPython } from './find-python.ts';

const test = base.extend<{ home: string; put: (path: string) => Promise<string> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  home: async ({}, use) => {
    const home = await mkdtemp(join(tmpdir(), 'home-'));
    await use(home);
    await rm(home, { recursive: true, force: true });
  },
  put: async ({ home }, use) => {
    await use(async (path) => {
      const file = join(home, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, '');
      return file;
    });
  },
});

test('finds none where there is none', async ({ home }) => {
  expect(await findPython({ env: {}, platform: 'linux', home })).toBeUndefined();
  expect(await findPython({ env: {}, platform: 'win32', home })).toBeUndefined();
});

test('what is configured is taken, whatever else is there', async ({ home, put }) => {
  await put('arcgis/server/tools/python3');
  const found = await findPython({ configured: '/my/python', env: {}, platform: 'linux', home });
  expect(found).toEqual({ file: '/my/python', args: [], foundBy: 'arcpy.python' });
});

test('finds that of ARCGISHOME before that of the usual places', async ({ home, put }) => {
  const usual = await put('arcgis/server/tools/python3');
  const named = await put('other/server/tools/python3');
  const env = { ARCGISHOME: join(home, 'other/server') };
  expect(await findPython({ env: {}, platform: 'linux', home })).toMatchObject({ file: usual });
  expect(await findPython({ env, platform: 'linux', home })).toMatchObject({
    file: named,
    foundBy: 'ARCGISHOME',
  });
});

test('finds an environment of conda that has the package of the server', async ({ home, put }) => {
  const other = join(home, 'envs/other');
  await put('envs/other/bin/python3');
  const python = await put('envs/gis/bin/python3');
  await put('envs/gis/conda-meta/arcgis-server-py3-11.3.0-py311_0.json');
  await mkdir(join(home, '.conda'));
  await writeFile(join(home, '.conda/environments.txt'), `${other}\n${join(home, 'envs/gis')}\n`);
  const found = await findPython({ env: { CONDA_PREFIX: other }, platform: 'linux', home });
  expect(found).toMatchObject({ file: python, foundBy: `conda: ${join(home, 'envs/gis')}` });
});

test('on Windows the interpreter beside propy.bat is started, or cmd.exe with fixed arguments', async ({
  home,
}) => {
  const configured = 'C:\\ArcGIS\\bin\\Python\\Scripts\\propy.bat';
  expect(await findPython({ configured, env: {}, platform: 'win32', home })).toEqual({
    file: 'cmd.exe',
    args: ['/d', '/c', configured],
    foundBy: 'arcpy.python',
  });
});
