import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from 'vitest';
import type { DefinitionSpec } from '../../src/documents/definition-spec.ts';
import { buildServiceDefinition } from '../../src/documents/service-definition-builder.ts';
import { type RunningPressroom, startPressroom } from '../support/run-pressroom.ts';

const patienceMs = 120_000;

type Start = (...args: string[]) => RunningPressroom;

const test = base.extend<{
  folder: string;
  start: Start;
  build: (spec: DefinitionSpec) => Promise<string>;
}>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'demo-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  start: async ({ folder }, use) => {
    const running: RunningPressroom[] = [];
    await use((...args) => {
      const started = startPressroom(['demo', ...args], { cwd: folder });
      running.push(started);
      return started;
    });
    for (const { child, ended } of running) {
      child.kill('SIGTERM');
      await ended;
    }
  },
  build: async ({ folder }, use) => {
    await use(async (spec) => {
      const file = join(folder, 'given.sd');
      await buildServiceDefinition(file, spec);
      return file;
    });
  },
});

async function readJson(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

test('two demos live side by side, and Ctrl-C leaves nothing of one', {
  timeout: patienceMs,
}, async ({ start, folder }) => {
  const staying = start();
  const [, service = ''] = await staying.said(/^Service +(http\S+)$/m);
  const [, api = ''] = await staying.said(/^API +(http\S+)$/m);
  await staying.said(/Ctrl-C ends the demo/);

  const once = await start('--once').ended;

  expect(once.code).toBe(0);
  expect(once.stdout).toMatch(
    /Published Demo\/Harbour\.MapServer .*5 layers, 1 tables, verified: data/,
  );
  expect(once.stdout).not.toContain(api);
  expect(await readJson(service)).toMatchObject({
    layers: expect.arrayContaining([expect.objectContaining({ name: 'Berths' })]),
  });
  expect(await readJson(`${api}/jobs`)).toMatchObject({
    jobs: [{ status: 'successful', site: 'demo' }],
  });
  expect(await readJson(`${api}/sites`)).toMatchObject({
    sites: [{ name: 'demo' }, { name: 'staging' }],
  });

  staying.child.kill('SIGINT');
  expect(await staying.ended).toMatchObject({ code: 0, stderr: '' });

  await expect(fetch(api)).rejects.toThrow();
  await expect(fetch(service)).rejects.toThrow();
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('a definition that cannot be published is refused in words', { timeout: patienceMs }, async ({
  start,
  build,
  folder,
}) => {
  const file = await build({ serviceName: 'Parcels', type: 'FeatureServer', isHosted: true });

  const { code, stdout } = await start(file).ended;

  expect(code).toBe(1);
  expect(stdout).toContain('hosted_definition');
  expect(stdout).toContain('belongs to a portal with a hosting server');
  expect(existsSync(join(folder, 'data'))).toBe(false);
});

test('a publish that fails says why, what next, and in the words of the site', {
  timeout: patienceMs,
}, async ({ start, build }) => {
  const file = await build({
    serviceName: 'Parcels',
    databases: [{ name: 'parcels.sde', isCopied: false, datasets: [{ name: 'Parcels' }] }],
  });

  const { code, stdout } = await start('--once', file).ended;

  expect(code).toBe(1);
  expect(stdout).toContain('The job ended as failed');
  expect(stdout).toMatch(/Cause +\S/);
  expect(stdout).toMatch(/Next step +\S/);
  expect(stdout).toMatch(/The site said +\S/);
});

test('a file that is not there is told before anything is started', async ({ start, folder }) => {
  const { code, stdout, stderr } = await start('missing.sd').ended;

  expect(code).toBe(78);
  expect(stderr).toContain('missing.sd cannot be read');
  expect(stdout).toBe('');
  expect(existsSync(join(folder, 'data'))).toBe(false);
});
