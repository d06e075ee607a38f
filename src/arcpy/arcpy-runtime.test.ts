import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect, vi } from 'vitest';
import { openScenario, type Scenario, testPython } from '../../test/support/arcpy-house.ts';
import { ArcpyConfig } from '../lib/arcpy-config.ts';
import { createLog, type Log } from '../lib/log.ts';
import { ArcpyRuntime } from './arcpy-runtime.ts';
import { toPythonEnvironment } from './python-environment.ts';

type House = Awaited<ReturnType<typeof openHouse>>;

const script = fileURLToPath(new URL('./scripts/run.py', import.meta.url));
const silent = createLog({ level: 'silent' });

async function openHouse(
  folder: string,
  first: Scenario,
  settings: object,
  env: object,
  log = silent,
) {
  const scenario = await openScenario(folder, first);
  const runtime = new ArcpyRuntime({
    command: { file: testPython ?? '', args: [], foundBy: 'test' },
    config: ArcpyConfig.parse(settings),
    env: toPythonEnvironment({ ...scenario.env, ...env }, ['SITE_KEY']),
    workFolder: folder,
    log,
  });
  await runtime.open();
  const { signal } = new AbortController();
  /** One small job, which says where it ran. */
  const work = (options: { onFreshStart?: (error: Error) => void } = {}) =>
    runtime.use({ signal, ...options }, async (session) => {
      await writeFile(session.pathOf('draft.aprx'), 'no project');
      return session.folder;
    });
  /** A job that opens something: where trouble of the scenario comes. */
  const opening = (options: { onFreshStart?: (error: Error) => void } = {}) =>
    runtime.use({ signal, ...options }, (session) =>
      session.importMap('a.mapx', 'b.aprx', 'nowhere.aprx'),
    );
  return { runtime, scenario, signal, work, opening };
}

const test = base
  .extend<{
    folder: string;
    house: (first?: Scenario, settings?: object, env?: object, log?: Log) => Promise<House>;
  }>({
    // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
    folder: async ({}, use) => {
      const folder = await mkdtemp(join(tmpdir(), 'runtime-'));
      await use(folder);
      await rm(folder, { recursive: true, force: true });
    },
    house: async ({ folder }, use) => {
      const opened: House[] = [];
      await use(async (first = {}, settings = {}, env = {}, log = silent) => {
        const house = await openHouse(folder, first, settings, env, log);
        opened.push(house);
        return house;
      });
      for (const { runtime } of opened) await runtime.close();
    },
  })
  .skipIf(!testPython);

test('tells what it is, and keeps the process that told it', async ({ house }) => {
  const { runtime, signal, work, scenario } = await house();

  const probe = await runtime.probe(signal);
  await work();
  await work();

  expect(probe).toMatchObject({
    product: 'server',
    version: '11.5',
    license: 'ArcServer',
    extensions: { Spatial: 'Available', Network: 'NotLicensed' },
    features: { sharingDrafts: true, imageDrafts: true },
    conflicts: [expect.stringContaining('PYTHONPATH')],
  });
  expect(runtime.counts).toEqual({ starts: 1, jobs: 2, busy: 0 });
  expect(await scenario.calls('import')).toHaveLength(1);
});

test('a job has a folder of its own, which goes with it, and no secret', async ({
  house,
  folder,
}) => {
  const env = { SITE_KEY: 'canary', GIS_PASSWORD: 'canary', HTTP_PROXY: 'http://a:canary@b' };
  const { work, scenario, runtime } = await house({}, {}, env);

  const used = await work();

  expect(existsSync(used)).toBe(false);
  const [{ environment } = { environment: [] }] = await scenario.calls('import');
  expect(environment).toContain('PYTHONPATH');
  expect(environment).not.toContain('SITE_KEY');
  expect(environment).not.toContain('GIS_PASSWORD');
  expect(environment).not.toContain('HTTP_PROXY');
  await runtime.close();
  expect((await readdir(folder)).sort()).toEqual(['calls.jsonl', 'scenario.json']);
});

test('noise on standard output breaks nothing, and nothing is read from standard input', async ({
  house,
}) => {
  const noise = '{"id":1,"kind":"result","value":"a lie"}\nHello\n';
  const { runtime, signal } = await house({ trouble: { import: { noise, reads: true } } });

  expect(await runtime.probe(signal)).toMatchObject({ version: '11.5' });
});

test.for([
  [
    'a licence',
    { trouble: { import: { raises: 'RuntimeError', text: 'NotInitialized' } } },
    /not licensed for this account/,
  ],
  [
    'a licence, as it says later',
    { productInfo: 'NotInitialized' },
    /not licensed for this account/,
  ],
  [
    'a library',
    { trouble: { import: { raises: 'ImportError', text: 'DLL load failed' } } },
    /DLL load failed/,
  ],
  ['a whole start', { trouble: { import: { exit: 139 } } }, /does not start .*exit code 139/],
] as [string, Scenario, RegExp][])(
  'lacking %s, ArcPy does not start, and starts when that is mended',
  async ([, trouble, words], { house }) => {
    const { runtime, signal, scenario } = await house(trouble);

    await expect(runtime.probe(signal)).rejects.toMatchObject({
      code: 'arcpy_unavailable',
      again: 'later',
      message: expect.stringMatching(words),
    });
    await scenario.play({});
    expect(await runtime.probe(signal)).toMatchObject({ version: '11.5' });
  },
);

test('a Python without arcpy says so', async ({ house }) => {
  const { runtime, signal } = await house({}, {}, { PYTHONPATH: '' });

  await expect(runtime.probe(signal)).rejects.toThrow(/has no arcpy: .* Set arcpy\.python/);
});

test('a start that hangs is ended', async ({ house }) => {
  const { runtime, signal } = await house(
    { trouble: { import: { hang: true } } },
    { startSeconds: 1 },
  );

  await expect(runtime.probe(signal)).rejects.toMatchObject({
    code: 'arcpy_unavailable',
    message: expect.stringContaining('said nothing for 1 s'),
  });
});

test('what a crash broke off is done again in a fresh process', async ({ house, folder }) => {
  const onceFile = join(folder, 'crashed');
  const { opening, runtime } = await house({ trouble: { open: { crash: true, onceFile } } });
  const onFreshStart = vi.fn();

  await expect(opening({ onFreshStart })).rejects.toMatchObject({ code: 'arcpy_refused' });

  expect(onFreshStart.mock.calls[0]?.[0]).toMatchObject({ code: 'arcpy_crashed' });
  expect(runtime.counts.starts).toBe(2);
});

test.for([
  [{ crash: true }, /memory fault in native code \(exit code 139\).* twice/],
  [{ exit: 139 }, /memory fault in native code \(exit code 139\).* twice/],
  [{ exit: 137 }, /killed from outside.* twice/],
  [{ exit: 5, noise: 'the last words' }, /exit code 5\. Its last words: .*the last words/],
] as const)('a process that ends always is reported: %j', async ([open, words], { house }) => {
  const { opening, work, runtime } = await house({ trouble: { open } });

  await expect(opening()).rejects.toMatchObject({
    code: 'arcpy_crashed',
    message: expect.stringMatching(words),
  });
  await work(); // the next job has a fresh one
  expect(runtime.counts.starts).toBe(3);
});

test('a process that says nothing is ended, and the job tried once more', async ({ house }) => {
  const { opening } = await house({ trouble: { open: { hang: true } } }, { silenceSeconds: 0.5 });

  await expect(opening()).rejects.toMatchObject({
    code: 'arcpy_silent',
    message: expect.stringMatching(/in importing the document; .*sign-in.* twice/),
  });
});

test('whoever gives up ends the process', async ({ house }) => {
  const { runtime, work } = await house({ trouble: { open: { hang: true } } });
  const given = new AbortController();

  const used = runtime.use(
    { signal: given.signal, onProgress: () => given.abort(new Error('enough')) },
    (session) => session.importMap('a.mapx', 'b.aprx', 'nowhere.aprx'),
  );

  await expect(used).rejects.toThrow('enough');
  await work();
  expect(runtime.counts.starts).toBe(2);
});

test('a process is replaced after so many jobs', async ({ house }) => {
  const { work, runtime } = await house({}, { jobsPerProcess: 2 });
  for (let job = 0; job < 5; job += 1) await work();
  expect(runtime.counts).toMatchObject({ starts: 3, jobs: 5 });
});

test('a process that has grown is replaced', async ({ house }) => {
  const { opening, work, runtime } = await house(
    { trouble: { open: { growMiB: 60 } } },
    { maxGrowthMiB: 50 },
  );
  await expect(opening()).rejects.toMatchObject({ code: 'arcpy_refused' });
  await work();
  expect(runtime.counts.starts).toBe(2);
});

test('a runtime error of ArcPy replaces the process, a full disk does not', async ({ house }) => {
  const { opening, work, runtime, scenario } = await house({
    trouble: { open: { raises: 'ENOSPC' } },
  });
  await expect(opening()).rejects.toMatchObject({
    code: 'storage_exhausted',
    message: expect.stringMatching(/no room on the worker .* GiB free in .*Nothing was sent/),
  });
  await scenario.play({ trouble: { open: { raises: 'RuntimeError' } } });
  await expect(opening()).rejects.toMatchObject({ code: 'arcpy_refused' });
  expect(runtime.counts.starts).toBe(1);
  await work();
  expect(runtime.counts.starts).toBe(2);
});

test('nothing is left of it when we end while native code hangs and lets no Python run', async ({
  house,
  folder,
  skip,
}) => {
  skip(process.platform === 'win32', 'nothing watches there');
  const { scenario } = await house({
    trouble: { open: { startsAnother: true, holdsLock: true } },
  });
  // As a worker that is killed: nobody but the system closes its end of the pipes.
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const cwd = join(folder, `pressroom-arcpy-here-${dead}`);
  await mkdir(cwd);
  await writeFile(join(cwd, 'service.sddraft'), 'a draft may hold a password');
  const child = spawn(testPython ?? '', [script], { cwd, env: scenario.env, detached: true });
  const ended = once(child, 'exit');
  const ask = (id: number, op: string, args: object) =>
    child.stdin.write(`${JSON.stringify({ id, op, arguments: args })}\n`);
  ask(1, 'import-map', { document: 'a.mapx', project: 'b.aprx', blankProject: '/c.aprx' });
  await vi.waitUntil(async () => (await scenario.calls('holdsLock')).length > 0, 10_000);

  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();

  expect(await ended).toEqual([null, 'SIGKILL']);
  const [helper] = await scenario.calls('another');
  await vi.waitUntil(() => !existsSync(cwd), 5_000);
  await vi.waitUntil(() => !isAlive(-(child.pid ?? 0)) && !isAlive(Number(helper?.other)), 5_000);
});

test('the folder of a worker that lives stays when its Python has ended', async ({
  folder,
  house,
  skip,
}) => {
  skip(process.platform === 'win32', 'nothing watches there');
  const { scenario } = await house({ trouble: { open: { startsAnother: true, holdsLock: true } } });
  const cwd = join(folder, `pressroom-arcpy-here-${process.pid}`);
  await mkdir(cwd);
  const child = spawn(testPython ?? '', [script], { cwd, env: scenario.env, detached: true });
  const args = { document: 'a.mapx', project: 'b.aprx', blankProject: '/c.aprx' };
  child.stdin.write(`${JSON.stringify({ id: 1, op: 'import-map', arguments: args })}\n`);
  await vi.waitUntil(async () => (await scenario.calls('holdsLock')).length > 0, 10_000);
  const ended = once(child, 'exit');

  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();

  await ended;
  await vi.waitUntil(() => !isAlive(-(child.pid ?? 0)), 10_000);
  expect(existsSync(cwd)).toBe(true);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('what it had started goes with it when it crashes', async ({ house, skip }) => {
  skip(process.platform === 'win32', 'there are no groups there');
  const { opening, scenario } = await house({
    trouble: { open: { startsAnother: true, exit: 139 } },
  });

  await expect(opening()).rejects.toMatchObject({ code: 'arcpy_crashed' });

  const others = await scenario.calls('another');
  expect(others).toHaveLength(2);
  await vi.waitUntil(() => others.every(({ other }) => !isAlive(Number(other))), 5_000);
});

test('a secret that is printed in two pieces is not written down', async ({ house }) => {
  const pieces = ['connecting with PASSW', 'ORD=canary;USER=gis\n', 'PASSWORD=can', 'ary2'];
  const lines: string[] = [];
  const log = createLog({
    level: 'debug',
    destination: { write: (line: string) => void lines.push(line) },
  });
  const { opening } = await house({ trouble: { open: { pieces, exit: 5 } } }, {}, {}, log);

  const error = await opening().then(String, String);

  expect(error).toContain('PASSWORD=***;USER=gis PASSWORD=***');
  expect(lines.join('')).toContain('ArcPy prints');
  expect(error + lines.join('')).not.toMatch(/canary|ary2/);
});

test('the folder of a worker that was killed goes with the next job of another', async ({
  house,
  folder,
}) => {
  const { work } = await house();
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  const left = join(folder, `pressroom-arcpy-${hostname()}-${gone.pid}`);
  await mkdir(left);

  await work();

  expect(existsSync(left)).toBe(false);
});

test('jobs wait for their turn', async ({ house }) => {
  const { work, runtime } = await house();
  const used = await Promise.all(Array.from({ length: 6 }, () => work()));
  expect(new Set(used).size).toBe(6);
  expect(runtime.counts).toEqual({ starts: 1, jobs: 6, busy: 0 });
});
