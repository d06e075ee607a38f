import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { stringify } from 'yaml';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import { test as base } from '../support/publishing-test.ts';
import { startPressroom } from '../support/run-pressroom.ts';

type Report = {
  isWell: boolean;
  findings: { about: string; check: string; level: string; detail: string; mend?: string }[];
};

type Doctor = (
  settings: object,
  args?: string[],
  password?: string,
) => Promise<{
  code: number | null;
  text: string;
  report: Report;
  /** Level, detail and remedy of one check. */
  of: (check: string) => Report['findings'][number] | undefined;
}>;

const test = base.extend<{ folder: string; doctor: Doctor }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  doctor: async ({ folder }, use) => {
    await use(async (settings, args = [], password = 'unset') => {
      const file = join(folder, 'pressroom.yaml');
      await writeFile(file, stringify({ redis: { url: inject('redisUrl') }, ...settings }));
      const env = { PRESSROOM_CONFIG: file, DOCTOR_PASSWORD: password };
      const { code, stdout, stderr } = await startPressroom(['doctor', '--json', ...args], {
        env,
        cwd: folder,
      }).ended;
      if (!stdout.startsWith('{')) throw new Error(`No report: ${stdout}${stderr}`);
      const report = JSON.parse(stdout) as Report;
      return {
        code,
        text: stdout + stderr,
        report,
        of: (check) => report.findings.find((each) => each.check === check),
      };
    });
  },
});

function siteOf(site: SimulatedSite, more: object = {}) {
  return {
    demo: {
      url: site.url,
      auth: { username: site.username, password: { env: 'DOCTOR_PASSWORD' } },
      ...more,
    },
  };
}

test('a house in order passes, and no password is shown', async ({ openSite, doctor }) => {
  const site = await openSite();

  const { code, text, report, of } = await doctor({ sites: siteOf(site) }, [], site.password);

  expect(code).toBe(0);
  expect(report.isWell).toBe(true);
  for (const check of [
    'connection',
    'version',
    'memory policy',
    'folder',
    'address',
    'mode',
    'publishing tools',
    'clock',
    'uploads',
    'site jobs',
    'log',
  ]) {
    expect(of(check), check).toMatchObject({ level: 'ok' });
  }
  expect(of('administration')?.detail).toContain('ADMINISTER');
  expect(of('persistence')).toMatchObject({ level: 'warn', mend: 'Set appendonly to yes.' });
  expect(of('transport')).toMatchObject({ level: 'warn' });
  expect(text).not.toContain(site.password);
});

test('each fault is named with what to do, and none hides another', async ({
  openSite,
  doctor,
  folder,
}) => {
  const site = await openSite({ privilege: 'ACCESS' });
  await writeFile(join(folder, 'not-a-folder'), '');
  const nobody = {
    url: 'http://127.0.0.1:1/arcgis',
    auth: { username: 'a', password: { env: 'DOCTOR_PASSWORD' } },
  };

  const { code, report, of } = await doctor(
    {
      redis: { url: 'redis://:hidden-redis-password@127.0.0.1:1' },
      storage: { kind: 'folder', path: 'not-a-folder/below' },
      sites: { ...siteOf(site), nobody },
    },
    [],
    site.password,
  );

  expect(code).toBe(1);
  expect(report.isWell).toBe(false);
  expect(of('connection')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('127.0.0.1:1 cannot be used'),
  });
  expect(of('folder')).toMatchObject({
    level: 'fail',
    mend: expect.stringContaining('storage.path'),
  });
  expect(report.findings).toContainEqual(
    expect.objectContaining({
      about: 'site demo',
      check: 'administration',
      level: 'fail',
      detail: expect.stringContaining('siteadmin'),
    }),
  );
  expect(report.findings).toContainEqual(
    expect.objectContaining({ about: 'site nobody', check: 'address', level: 'fail' }),
  );
  expect(JSON.stringify(report)).not.toContain('hidden-redis-password');
});

test('a refused password is told as one', async ({ openSite, doctor }) => {
  const site = await openSite();

  const { code, of } = await doctor(
    { sites: siteOf(site) },
    ['--site', 'demo'],
    'not-the-password',
  );

  expect(code).toBe(1);
  expect(of('administration')).toMatchObject({
    level: 'fail',
    mend: expect.stringMatching(/password|account/i),
  });
  expect(of('publishing tools')).toBeUndefined();
});

test('a read-only site is a warning: its jobs wait', async ({ openSite, doctor }) => {
  const site = await openSite();
  site.control.setMode('READ_ONLY');

  const { code, of } = await doctor({ sites: siteOf(site) }, [], site.password);

  expect(code).toBe(0);
  expect(of('mode')).toMatchObject({ level: 'warn' });
});

test('a secret that cannot be read is told before a job needs it', async ({ doctor }) => {
  const { code, of, text } = await doctor(
    {
      secrets: { gisdb: { env: 'DOCTOR_PASSWORD' }, imagery: { env: 'NOBODY_SET_THIS' } },
      apiKeys: [{ id: 'ci', sha256: 'a'.repeat(64), scopes: ['services:operate'], sites: ['*'] }],
    },
    [],
    'canary-5e1',
  );

  expect(code).toBe(1);
  expect(of('secret gisdb')).toMatchObject({ level: 'ok' });
  expect(of('secret imagery')).toMatchObject({
    level: 'fail',
    detail: expect.stringContaining('NOBODY_SET_THIS'),
  });
  expect(of('key ci')).toBeUndefined();
  expect(text).not.toContain('canary');
});

test('a configuration that is not valid is told whole', async ({ doctor }) => {
  const { code, report } = await doctor({ http: { port: 'eighty' }, quue: {} });

  expect(code).toBe(1);
  expect(report.findings).toHaveLength(1);
  expect(report.findings[0]?.detail).toContain('port');
  expect(report.findings[0]?.detail).toContain('quue');
});

test('the proof of replacing publishes twice and leaves nothing', async ({ openSite, doctor }) => {
  const site = await openSite();

  const { code, report, of } = await doctor(
    { sites: siteOf(site) },
    ['--site', 'demo', '--prove-replace'],
    site.password,
  );

  expect(report.findings.filter(({ level }) => level === 'fail')).toEqual([]);
  expect(code).toBe(0);
  expect(of('proof, replacing by manifest')).toMatchObject({ level: 'ok' });
  expect(site.control.requests().filter(({ operation }) => operation === 'submit')).toHaveLength(2);
  expect(JSON.stringify(site.control.state())).not.toContain('pressroom_proof');
});

test('a method that the site refuses is found out, and nothing is left', async ({
  openSite,
  doctor,
}) => {
  const site = await openSite();
  site.control.fault({ kind: 'refuse-replace', method: 'manifest' });

  const { code, of } = await doctor(
    { sites: siteOf(site) },
    ['--site', 'demo', '--prove-replace'],
    site.password,
  );

  expect(code).toBe(1);
  expect(of('proof, replacing by manifest')).toMatchObject({
    level: 'fail',
    mend: expect.stringContaining('overwrite'),
  });
  expect(of('proof, cleaning up')).toMatchObject({ level: 'ok' });
  expect(JSON.stringify(site.control.state())).not.toContain('pressroom_proof');
});

test('the proof keeps away from a service that bears the name of its definition', async ({
  openSite,
  doctor,
}) => {
  const site = await openSite();
  await site.control.addService({ name: 'pressroom_proof' });

  const { code, of } = await doctor(
    { sites: siteOf(site) },
    ['--site', 'demo', '--prove-replace'],
    site.password,
  );

  expect(code).toBe(1);
  expect(of('proof, run')?.detail).toContain('pressroom_proof.MapServer exists on demo');
  expect(site.control.requests().map(({ operation }) => operation)).not.toContain('upload');
  expect(JSON.stringify(site.control.state())).toContain('pressroom_proof');
});

test('the proof does not guess the site', async ({ folder }) => {
  const { code, stderr } = await startPressroom(['doctor', '--prove-replace'], { cwd: folder })
    .ended;

  expect(code).toBe(78);
  expect(stderr).toContain('--site');
});
