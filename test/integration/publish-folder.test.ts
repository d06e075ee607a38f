import { createWriteStream, openAsBlob } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect, vi } from 'vitest';
import { ZipFile } from 'yazl';
import type { SimulatedSite } from '../../src/simulated-site/simulated-site.ts';
import type { Gateway } from '../support/gateway.ts';
import { test } from '../support/quick-publishing.ts';
import { endWell, environmentOf, WorkerPool } from '../support/worker-pool.ts';

type Answer = Record<string, unknown> & { jobID: string };
type Table = { children: Record<string, unknown>[]; total: number };

const execution = '/v1/processes/publish-folder/execution';

/** Parts of a form: text, or a file by its name. */
async function send(
  { url }: Pick<Gateway, 'url'>,
  parts: [string, string | { path: string; name: string }][],
): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of parts) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, await openAsBlob(value.path), value.name);
  }
  const response = await fetch(url + execution, { method: 'POST', body: form });
  return (await response.json()) as Answer;
}

async function readTable({ url }: Gateway, jobID: string): Promise<Table['children']> {
  const response = await fetch(`${url}/v1/jobs/${jobID}/children?limit=1000`);
  return ((await response.json()) as Table).children;
}

async function zip(target: string, entries: Record<string, string | Buffer>): Promise<string> {
  const file = new ZipFile();
  for (const [name, content] of Object.entries(entries)) {
    if (typeof content === 'string') file.addFile(content, name);
    else file.addBuffer(content, name);
  }
  file.end();
  await pipeline(file.outputStream, createWriteStream(target));
  return target;
}

const servicesOf = (site: SimulatedSite) =>
  site.control
    .state()
    .services.filter(({ folder }) => !['System', 'Utilities'].includes(folder))
    .map(({ folder, name }) => (folder === '' ? name : `${folder}/${name}`))
    .sort();

const submits = (site: SimulatedSite) =>
  site.control.requests().filter(({ operation }) => operation === 'submit').length;

test('several file parts become as many services', async ({ quick }) => {
  const { site, gateway } = await quick();
  const [roads, parcels] = [
    await gateway.build({ serviceName: 'Roads' }),
    await gateway.build({ serviceName: 'Parcels' }),
  ];
  const { jobID } = await send(gateway, [
    ['site', 'demo'],
    ['source', { path: roads, name: 'roads.sd' }],
    ['folder', 'Transport'],
    ['source', { path: parcels, name: 'parcels.sd' }],
  ]);
  expect(await gateway.ended(jobID)).toMatchObject({
    status: 'successful',
    results: { childCount: 2, keptCount: 0 },
  });
  expect(servicesOf(site)).toEqual(['Transport/Parcels', 'Transport/Roads']);
  expect(await readTable(gateway, jobID)).toMatchObject([
    { key: 'parcels.sd on demo', service: 'Transport/Parcels.MapServer', outcome: 'created' },
    { key: 'roads.sd on demo', service: 'Transport/Roads.MapServer', site: 'demo' },
  ]);
});

test('a zip keeps its folders; what is broken in it fails by itself, and only that is retried', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  const [roads, parcels] = [
    await gateway.build({ serviceName: 'Roads' }),
    await gateway.build({ serviceName: 'Parcels' }),
  ];
  const archive = await zip(join(gateway.folder, 'release.zip'), {
    'release/Transport/roads.sd': roads,
    'release/Land/parcels.sd': parcels,
    'release/Land/broken.sd': Buffer.from('7z\xbc\xaf\x27\x1c and no more', 'latin1'),
    'release/readme.txt': Buffer.from('nothing to publish'),
    '__MACOSX/release/Land/._parcels.sd': Buffer.from('litter'),
  });
  const { jobID } = await send(gateway, [
    ['site', 'demo'],
    ['foldersFromSource', 'true'],
    ['source', { path: archive, name: 'release.zip' }],
  ]);
  const failed = await gateway.ended(jobID);
  expect(failed).toMatchObject({
    status: 'failed',
    exception: {
      code: 'children_failed',
      children: { total: 3, successful: 2, failed: 1 },
      failedChildren: [{ key: 'release/Land/broken.sd on demo', code: 'unreadable_document' }],
    },
  });
  expect(servicesOf(site)).toEqual(['Land/Parcels', 'Transport/Roads']);
  const before = submits(site);
  const response = await fetch(`${gateway.url}/v1/jobs/${jobID}/retry`, { method: 'POST' });
  const again = (await response.json()) as Answer;
  expect((await gateway.ended(again.jobID)).status).toBe('failed');
  expect(submits(site)).toBe(before);
  expect(await readTable(gateway, again.jobID)).toMatchObject([
    { status: 'failed' },
    { status: 'successful', isKept: true },
    { status: 'successful', isKept: true },
  ]);
});

test('a retry unpacks only what is needed, whatever became of what was unpacked', async ({
  quick,
}) => {
  const { site, gateway } = await quick();
  const archive = await zip(join(gateway.folder, 'release.zip'), {
    'roads.sd': await gateway.build({ serviceName: 'Roads' }),
    'parcels.sd': await gateway.build({ serviceName: 'Parcels' }),
    'trees.sd': await gateway.build({ serviceName: 'Trees' }),
  });
  site.control.fault({ kind: 'fail-publish', times: 1 });
  const { jobID } = await send(gateway, [
    ['site', 'demo'],
    ['source', { path: archive, name: 'release.zip' }],
  ]);
  expect(await gateway.ended(jobID)).toMatchObject({ children: { successful: 2, failed: 1 } });
  const retry = async (id: string) => {
    const response = await fetch(`${gateway.url}/v1/jobs/${id}/retry`, { method: 'POST' });
    return gateway.ended(((await response.json()) as Answer).jobID);
  };
  const unpacked = async () =>
    (await readdir(join(gateway.folder, 'storage', 'uploads'))).filter((name) => !/\./.test(name));
  const first = await unpacked();

  site.control.fault({ kind: 'fail-publish', times: 1 });
  const second = await retry(jobID);
  expect(second).toMatchObject({ status: 'failed', children: { successful: 2, failed: 1 } });
  expect(await unpacked()).toEqual(first);

  const records = await gateway.core.records.findMany(
    await gateway.core.records.findChildren(second.jobId),
  );
  expect(records).toHaveLength(1);
  const third = await retry(second.jobId);
  expect(third).toMatchObject({ status: 'successful', results: { childCount: 3, keptCount: 2 } });
  expect(await unpacked()).toEqual(first);
  expect(servicesOf(site)).toEqual(['Parcels', 'Roads', 'Trees']);
});

test('a list of the old kind says what becomes of which file', async ({ quick }) => {
  const { site, gateway } = await quick();
  const roads = await gateway.build({ serviceName: 'Roads' });
  const parcels = await gateway.build({ serviceName: 'Parcels' });
  const list = join(gateway.folder, 'services.txt');
  await writeFile(
    list,
    'C:\\release\\ROADS.sd|Transport|Streets|default\r\n# a note\r\n\r\nroads|Copies|RoadsAgain\r\n',
  );
  const { jobID } = await send(gateway, [
    ['source', { path: roads, name: 'roads.sd' }],
    ['source', { path: parcels, name: 'parcels.sd' }],
    ['source', { path: list, name: 'services.txt' }],
    ['site', 'demo'],
  ]);
  const ended = await gateway.ended(jobID);
  expect(ended).toMatchObject({
    status: 'successful',
    warnings: ['parcels.sd is not in the list and was left out.'],
  });
  expect(servicesOf(site)).toEqual(['Copies/RoadsAgain', 'Transport/Streets']);
});

test('what does not go together is refused before anything is begun', async ({ quick }) => {
  const { site, gateway } = await quick();
  const roads = await gateway.build({ serviceName: 'Roads' });
  const sendRoads = async (...more: [string, string | { path: string; name: string }][]) =>
    send(gateway, [['site', 'demo'], ['source', { path: roads, name: 'a/roads.sd' }], ...more]);
  const refusals: [Awaited<ReturnType<typeof sendRoads>>, RegExp][] = [
    [await sendRoads(['list', 'roads.sd\nbridges.sd']), /bridges\.sd is not in the source/],
    [
      await sendRoads(['source', { path: roads, name: 'again.sd' }]),
      /both become Roads\.MapServer/,
    ],
    [
      await sendRoads(
        [
          'list',
          '[{"definition":"roads","serviceName":"A"},{"definition":"roads","serviceName":"B"}]',
        ],
        ['after', '{"roads": ["roads"]}'],
      ),
      /wait for each other/,
    ],
  ];
  for (const [{ jobID }, words] of refusals) {
    expect(await gateway.ended(jobID)).toMatchObject({
      status: 'failed',
      exception: { code: 'source_refused', detail: expect.stringMatching(words) },
    });
  }
  expect(await sendRoads(['list', '[{"folder": 1}]'])).toMatchObject({ code: 'validation_error' });
  const note = join(gateway.folder, 'note.docx');
  await writeFile(note, 'no definition');
  expect(await sendRoads(['source', { path: note, name: 'note.docx' }])).toMatchObject({
    code: 'unreadable_document',
    errors: [expect.objectContaining({ pointer: '#/inputs/source/1' })],
  });
  expect(submits(site)).toBe(0);
});

test('a zip that leaves its folder is refused, and nothing of it is unpacked', async ({
  quick,
}) => {
  const { gateway } = await quick();
  const path = await zip(join(gateway.folder, 'evil.zip'), { 'aa/x.sd': Buffer.from('x') });
  const bytes = await readFile(path);
  await writeFile(path, Buffer.from(bytes.toString('latin1').replaceAll('aa/x', '../x'), 'latin1'));
  const { jobID } = await send(gateway, [
    ['site', 'demo'],
    ['source', { path, name: 'evil.zip' }],
  ]);
  const ended = await gateway.ended(jobID);
  expect(ended).toMatchObject({ status: 'failed', exception: { code: 'archive_rejected' } });
  expect(ended.children).toBeUndefined();
});

test('a folder of the server is read below the allowed roots only', async ({ quick }) => {
  const { site, gateway } = await quick({}, { settings: { publishRoots: ['releases'] } });
  const root = join(gateway.folder, 'releases');
  const tonight = join(root, 'tonight');
  await mkdir(join(tonight, 'Land'), { recursive: true });
  const [roads, parcels, secret] = [
    await gateway.build({ serviceName: 'Roads' }),
    await gateway.build({ serviceName: 'Parcels' }),
    await gateway.build({ serviceName: 'Secret' }),
  ];
  await copyFile(roads, join(tonight, 'roads.sd'));
  await copyFile(parcels, join(tonight, 'Land', 'parcels.sd'));
  await symlink(secret, join(tonight, 'secret.sd'));
  await symlink(gateway.folder, join(root, 'out'));
  const publish = async (source: object) =>
    gateway.ended(
      (
        await send(gateway, [
          ['site', 'demo'],
          ['foldersFromSource', 'true'],
          ['source', JSON.stringify(source)],
        ])
      ).jobID,
    );

  for (const folder of [gateway.folder, join(root, 'out'), `${tonight}/../..`, '/etc', 'releases'])
    expect(await publish({ folder }), folder).toMatchObject({
      status: 'failed',
      exception: { code: 'folder_not_allowed' },
    });
  expect(await publish({ folder: tonight, recursive: true })).toMatchObject({
    status: 'successful',
    warnings: ['secret.sd is a link and was passed over.'],
  });
  expect(servicesOf(site)).toEqual(['Land/Parcels', 'Roads']);
});

test('one is published after those that it names', async ({ quick }) => {
  const { site, gateway } = await quick();
  const list = ['Base', 'Middle', 'Top'].map((serviceName) => ({
    definition: 'roads.sd',
    serviceName,
  }));
  const roads = await gateway.build({ serviceName: 'Roads' });
  const parcels = await gateway.build({ serviceName: 'Parcels' });
  const { jobID } = await send(gateway, [
    ['site', 'demo'],
    ['source', { path: parcels, name: 'parcels.sd' }],
    ['source', { path: roads, name: 'roads.sd' }],
    ['list', JSON.stringify([{ definition: 'parcels', after: ['roads'] }, ...list])],
  ]);
  expect((await gateway.ended(jobID)).status).toBe('successful');
  const ended = await gateway.core.records.findMany(await gateway.core.records.findChildren(jobID));
  const of = (text: string) => ended.filter(({ params }) => JSON.stringify(params).includes(text));
  const [last] = ended.filter(({ params }) => !JSON.stringify(params).includes('serviceName'));
  for (const name of ['Base', 'Middle', 'Top'])
    expect(last?.startedMs).toBeGreaterThanOrEqual(of(name)[0]?.finishedMs ?? Number.NaN);
  expect(servicesOf(site)).toHaveLength(4);
});

test('one definition on two sites is two children', async ({ openSite, open }) => {
  const [one, two] = [await openSite(), await openSite()];
  const sites = Object.fromEntries(
    Object.entries({ one, two }).map(([name, { url, username, password }]) => [
      name,
      { url, username, password },
    ]),
  );
  const gateway = await open(one, { sites });
  const { jobID } = await send(gateway, [
    ['sites', 'one'],
    ['sites', 'two'],
    ['source', { path: await gateway.build(), name: 'roads.sd' }],
  ]);
  expect((await gateway.ended(jobID)).status).toBe('successful');
  expect([servicesOf(one), servicesOf(two)]).toEqual([['Roads'], ['Roads']]);
});

test('killed workers publish nothing twice and lose nothing', async ({ quick }) => {
  const queue = { lockSeconds: 1.5, stalledCheckSeconds: 0.5, sweepSeconds: 0.5 };
  const { site, gateway } = await quick({}, { hasWorker: false, settings: { queue } });
  const pool = new WorkerPool(2);
  try {
    const environment = await environmentOf(gateway);
    const list = Array.from({ length: 10 }, (_, at) => ({
      definition: 'roads',
      serviceName: `Roads${at}`,
    }));
    let worker = await pool.start(environment);
    const { jobID } = await send(gateway, [
      ['site', 'demo'],
      ['source', { path: await gateway.build(), name: 'roads.sd' }],
      ['list', JSON.stringify(list)],
    ]);
    const moments = [(total: number) => total >= 1, (_total: number, ended: number) => ended >= 4];
    for (const isIt of moments) {
      await gateway.until(jobID, ({ children }) =>
        isIt(children?.total ?? 0, (children?.total ?? 0) - (children?.open ?? 0)),
      );
      worker.signal('SIGKILL');
      await worker.ended;
      worker = await pool.start(environment);
    }
    expect(await gateway.ended(jobID, 60_000)).toMatchObject({
      status: 'successful',
      children: { total: 10, successful: 10, open: 0 },
    });
    await endWell(worker);
    expect(servicesOf(site)).toHaveLength(10);
    expect(submits(site)).toBe(10);
    expect(await gateway.core.records.findChildren(jobID)).toHaveLength(10);
    await vi.waitFor(async () => expect(await gateway.core.records.readPending()).toEqual({}), {
      timeout: 20_000,
    });
  } finally {
    pool.close();
  }
});
