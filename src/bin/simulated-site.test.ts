import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import { findProductModule } from '../../test/support/product-code.ts';

const test = base.extend<{ folder: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'bin-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
});

test('a simulated site that is asked to end leaves no files behind', async ({ folder }) => {
  const { nodeArgs, path } = findProductModule('bin/pressroom');
  const child = spawn(process.execPath, [...nodeArgs, path, 'simulated-site', '--port', '0'], {
    env: { PATH: process.env.PATH, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let said = '';
  for await (const chunk of child.stdout) {
    said += String(chunk);
    if (said.includes('Simulation ')) break;
  }
  const findOwn = async () =>
    (await readdir(folder)).filter((name) => name.startsWith('simulated'));
  expect(await findOwn()).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await findOwn()).toEqual([]);
});

test('nor does one that cannot begin', async ({ folder }) => {
  const { nodeArgs, path } = findProductModule('bin/pressroom');
  const args = [...nodeArgs, path, 'simulated-site', '--port', 'none'];
  const child = spawn(process.execPath, args, { env: { PATH: process.env.PATH, TMPDIR: folder } });
  expect(await once(child, 'exit')).toEqual([78, null]);
  expect((await readdir(folder)).filter((name) => name.startsWith('simulated'))).toEqual([]);
});
