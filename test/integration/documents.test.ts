import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';
import { buildConnectionFile } from '../../src/documents/connection-file-builder.ts';
import type { CheckMapResult } from '../../src/jobs/check-map/schema.ts';
import { ask, storedFiles, toForm } from '../support/asking.ts';
import { ended, findTraces, run } from '../support/data-stores.ts';
import { draft } from '../support/draft-files.ts';
import { type Gateway, openGateway } from '../support/gateway.ts';
import {
  canaryHex,
  canaryPlain,
  featureLayer,
  inDatabase,
  inGeodatabase,
  layerFile,
  mapFile,
  table,
} from '../support/map-files.ts';
import { projectFile, projectFileOfPro2 } from '../support/project-files.ts';
import { test } from '../support/publishing-test.ts';

const repository = join(import.meta.dirname, '../..');
const offline = { url: 'http://127.0.0.1:9', username: 'publisher', password: 'unused' };

let gateway: Gateway;

beforeAll(async () => {
  gateway = await openGateway({ sites: { demo: offline } });
});
afterAll(() => gateway.close());

type Upload = { id: string; content?: Record<string, unknown> };

async function upload(gateway: Gateway, name: string, content: string | Buffer): Promise<Upload> {
  const blob = new Blob([new Uint8Array(Buffer.from(content))]);
  const body = toForm([['file', blob, name]]);
  const answer = await ask(gateway, '/v1/uploads', { method: 'POST', body });
  expect(answer.status).toBe(201);
  return answer.body as unknown as Upload;
}

async function linked(gateway: Gateway, name: string, content: string | Buffer) {
  return { href: `/v1/uploads/${(await upload(gateway, name, content)).id}` };
}

const spec = {
  layers: [
    featureLayer('Roads', inDatabase('transport.dbo.Roads')),
    featureLayer('Parcels', inGeodatabase('\\\\files\\gis\\parcels.gdb', 'Parcels')),
  ],
  tables: [table('Owners', inDatabase('transport.dbo.Owners', { user: 'other' }))],
};
const map = mapFile(spec);

test('an upload tells what is in it, whatever kind of document it is', async () => {
  const kinds: [string, string | Buffer, string][] = [
    ['a.mapx', map, 'map-file'],
    ['a.lyrx', layerFile(spec), 'layer-file'],
    ['a.aprx', projectFile({ maps: [spec] }), 'project'],
    ['old.aprx', projectFileOfPro2({ maps: [spec] }), 'project'],
    ['a.sddraft', draft(), 'service-definition-draft'],
    ['a.sde', buildConnectionFile({ SERVER: 'gis-test', PASSWORD: 'x' }), 'connection-file'],
    ['a.sd', await readFile(await gateway.build()), 'service-definition'],
  ];
  for (const [name, bytes, kind] of kinds) {
    const { content } = await upload(gateway, name, bytes);
    expect([name, content?.kind]).toEqual([name, kind]);
    const job = await ended(gateway, 'inspect-document', {
      document: await linked(gateway, name, bytes),
    });
    expect(job.results).toMatchObject({ name, content });
  }
});

test.for(['cut off.mapx', 'wrong.sddraft', 'cut off.aprx'])(
  'a damaged %s is refused as an upload, and leaves nothing',
  async (name) => {
    const content = { 'cut off.mapx': map.slice(0, -9), 'wrong.sddraft': '<SVCManifest><A>' }[name];
    const bytes = new Uint8Array(Buffer.from(content ?? projectFile().subarray(0, 700)));
    const body = toForm([['file', new Blob([bytes]), name]]);
    const before = await storedFiles(gateway);
    const answer = await ask(gateway, '/v1/uploads', { method: 'POST', body });
    expect([answer.status, answer.body.code]).toEqual([400, 'unreadable_document']);
    expect(await storedFiles(gateway)).toEqual(before);
  },
);

test('a dry run tells the changes and makes no file', async () => {
  const job = await ended(gateway, 'edit-map', {
    document: await linked(gateway, 'roads.mapx', map),
    changeSources: [{ from: { host: 'gis-test' }, to: { host: 'gis-production' } }],
    dryRun: true,
  });
  expect(job.results).toMatchObject({ changes: [{ layer: 'Roads' }, { layer: 'Owners' }] });
  expect(job.results).not.toHaveProperty('document');
  expect((await ask(gateway, `/v1/artifacts/${job.jobId}`)).status).toBe(404);
});

test('what means nothing is a failed job that names what comes nearest', async () => {
  const job = await ended(gateway, 'edit-map', {
    document: await linked(gateway, 'roads.mapx', map),
    changeSources: [{ from: { host: 'gis-tset' }, to: { host: 'gis-production' } }],
  });
  expect([job.status, job.exception]).toEqual([
    'failed',
    expect.objectContaining({
      code: 'nothing_matched',
      detail: expect.stringContaining('the nearest: sde gis-test/transport'),
    }),
  ]);
  expect((await ask(gateway, `/v1/artifacts/${job.jobId}`)).status).toBe(404);
});

test('what cannot be edited, or is no wish, is refused before it is queued', async () => {
  const document = await linked(gateway, 'a.sde', buildConnectionFile({ SERVER: 'gis-test' }));
  const changeSources = [{ from: {}, to: { host: 'x' } }];
  const wrong = await run(gateway, 'edit-map', { document, changeSources });
  expect([wrong.status, wrong.body.code]).toEqual([400, 'unreadable_document']);
  const roads = await linked(gateway, 'roads.mapx', map);
  for (const inputs of [{}, { addLayers: [{}] }]) {
    const empty = await run(gateway, 'edit-map', { document: roads, ...inputs });
    expect([empty.status, empty.body.code]).toEqual([400, 'validation_error']);
  }
});

test('documents are compared', async () => {
  const job = await ended(gateway, 'compare-documents', {
    before: await linked(gateway, 'roads.mapx', map),
    after: await linked(gateway, 'prod.mapx', map.replaceAll('gis-test', 'gis-production')),
  });
  expect(job.results).toMatchObject({
    isSame: false,
    differences: [
      { layer: 'Roads', what: 'source', before: [{ host: 'gis-test' }] },
      { layer: 'Owners', what: 'source', after: [{ host: 'gis-production' }] },
    ],
  });
  const draftLink = await linked(gateway, 'a.sddraft', draft());
  const other = await ended(gateway, 'compare-documents', {
    before: await linked(gateway, 'roads.mapx', map),
    after: draftLink,
  });
  expect(other.exception).toMatchObject({ code: 'unreadable_document' });
});

test('a map is checked against what the site has registered', async ({ openSite, open }) => {
  const site = await openSite();
  const ours = await open(site);

  await ended(ours, 'register-folder', { site: 'demo', name: 'gis', path: '\\\\files\\gis' });
  const check = async (inputs: Record<string, unknown>) => {
    const document = await linked(ours, 'roads.mapx', map);
    const given = { summary: 'Roads', tags: ['roads'] };
    const job = await ended(ours, 'check-map', { document, ...given, ...inputs });
    expect(job.exception).toBeUndefined();
    return job.results as CheckMapResult;
  };
  const told = await check({ site: 'demo' });
  expect(told).toMatchObject({ errors: 0, warnings: 2, site: { name: 'demo', items: 1 } });
  expect(told.findings).toEqual([
    expect.objectContaining({ code: '24011', layer: 'Roads', copiesData: true, isCertain: false }),
    expect.objectContaining({ code: '24012', layer: 'Owners', severity: 'warning' }),
  ]);
  expect(told.notChecked.length).toBeGreaterThan(3);
  expect(await check({})).toMatchObject({ findings: [] });
  expect(await check({ site: 'demo', copiedData: 'refuse' })).toMatchObject({ errors: 2 });
  const forFeatures = await check({ site: 'demo', extensions: ['FeatureServer'] });
  expect(forFeatures.findings.map(({ code, layer }) => [code, layer])).toEqual([
    ['00062', undefined],
    ['00231', 'Roads'],
    ['00231', 'Owners'],
  ]);
});

test('a draft is checked for its texts, and an unknown map is named', async () => {
  const document = await linked(gateway, 'a.sddraft', draft({ hasPassword: true }));
  const job = await ended(gateway, 'check-map', { document });
  expect((job.results as CheckMapResult).findings.map(({ code }) => code)).toEqual([
    ...['00070', '00071', 'password_inside'],
  ]);
  const project = await linked(gateway, 'a.aprx', projectFile({ maps: [spec] }));
  const failed = await ended(gateway, 'check-map', { document: project, map: 'Nope' });
  expect(failed.exception).toMatchObject({ code: 'nothing_matched' });
});

test('passwords of documents reach neither Redis nor an answer nor a log', async () => {
  const secret = {
    layers: [
      featureLayer('Roads', inDatabase('t.dbo.Roads', { hasPassword: true })),
      featureLayer('Plain', {
        ...inDatabase('t.dbo.Plain'),
        workspaceConnectionString: `SERVER=a;INSTANCE=sde:sqlserver:a;DATABASE=t;USER=u;PASSWORD=${canaryPlain};AUTHENTICATION_MODE=DBMS`,
      }),
    ],
  };
  const documents: [string, string | Buffer][] = [
    ['a.mapx', mapFile(secret)],
    ['a.lyrx', layerFile(secret)],
    ['a.aprx', projectFile({ maps: [secret] })],
    ['old.aprx', projectFileOfPro2({ maps: [secret] })],
    ['a.sddraft', draft({ hasPassword: true })],
    ['a.sde', buildConnectionFile({ SERVER: 'a', USER: 'u', PASSWORD: Buffer.from(canaryPlain) })],
  ];
  const jobIds: string[] = [];
  for (const [name, bytes] of documents) {
    const document = await linked(gateway, name, bytes);
    const isMap = !/sddraft|sde/.test(name);
    const jobs: [string, Record<string, unknown>][] = [['inspect-document', { document }]];
    jobs.push(['compare-documents', { before: document, after: document }]);
    if (name !== 'a.sde') jobs.push(['check-map', { document }]);
    if (name === 'a.sddraft') {
      jobs.push(['edit-service-definition-draft', { document, folder: 'Canary' }]);
    }
    if (isMap) {
      for (const to of [
        { host: 'gis-prod' },
        { user: 'reader' },
        { database: `${'x'}_{dataset}` },
      ]) {
        jobs.push(['edit-map', { document, changeSources: [{ from: { kind: 'sde' }, to }] }]);
      }
      jobs.push([
        'edit-map',
        { document, changeSources: [{ from: { host: 'no' }, to: { host: 'x' } }] },
      ]);
    }
    for (const [processId, inputs] of jobs) {
      jobIds.push((await ended(gateway, processId, inputs)).jobId);
    }
  }
  const traces = await findTraces(
    gateway,
    [canaryHex, canaryHex.slice(6, 30), canaryPlain],
    jobIds,
  );
  expect(traces.filter((place) => !/ in \S*(?:uploads|artifacts)\//.test(place))).toEqual([]);
});

/** The first shell block of a README that holds a word. */
async function exampleOf(readme: string, word: string): Promise<string> {
  const text = await readFile(join(repository, readme), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  const found = blocks.find((block) => block.includes(word));
  if (found === undefined) throw new Error(`${readme} has no example with ${word}`);
  return found;
}

test('the examples run: one line of curl, and the same in TypeScript', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'examples-'));
  try {
    await writeFile(join(cwd, 'roads.mapx'), map);
    const env = { ...process.env, ROOT: gateway.url };
    const wanted = map.replaceAll('gis-test', 'gis-production');
    for (const readme of ['src/jobs/edit-map/README.md', 'README.md']) {
      await rm(join(cwd, 'roads-edited.mapx'), { force: true });
      const line = await exampleOf(readme, 'changeSources');
      await promisify(execFile)('sh', ['-c', line], { cwd, env });
      expect(await readFile(join(cwd, 'roads-edited.mapx'), 'utf8')).toBe(wanted);
    }

    await writeFile(join(cwd, 'both.mapx'), map.replace('files\\\\gis', 'files\\\\test'));
    const script = join(repository, 'examples/point-map-at-production.ts');
    const args = [
      '--import',
      'tsx',
      script,
      gateway.url,
      join(cwd, 'both.mapx'),
      join(cwd, 'production.mapx'),
    ];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: repository });
    expect(stdout).toContain('Roads: was gis-test');
    expect(await readdir(cwd)).toContain('production.mapx');
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
