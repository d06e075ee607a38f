import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultArchiveLimits } from './archive-limits.ts';
import { ArchiveProcess } from './archive-process.ts';
import type { ArchiveTask } from './archive-task.ts';
import { type DocumentReader, openDocumentReader } from './document-reader.ts';
import { buildServiceDefinition } from './service-definition-builder.ts';
import { runSevenZip } from './seven-zip.ts';

let folder: string;
let reader: DocumentReader;
let count = 0;

const patience = { timeoutMs: 30_000 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pressroom-hostile-'));
  reader = openDocumentReader();
});

afterAll(async () => {
  await reader.close();
  await rm(folder, { recursive: true, force: true });
});

/** An archive with these members; its list of members is not packed, so that it can be tampered with. */
async function pack(members: Record<string, string | Buffer>, ...more: string[]): Promise<string> {
  count += 1;
  const file = `hostile-${count}.sd`;
  const files = new Map(
    Object.entries(members).map(([name, content]) => [name, Buffer.from(content)]),
  );
  const { exitCode } = await runSevenZip(
    ['a', '-t7z', '-ms=off', '-m0=LZMA', '-mhc=off', '-bsp0', '-spd', ...more, '--'].concat(
      `/out/${file}`,
      ...files.keys(),
    ),
    { mounts: { out: folder }, files },
  );
  expect(exitCode).toBe(0);
  return join(folder, file);
}

/** Renames a member in the list, to a name of the same length that 7-Zip would not write. */
async function renameInside(file: string, from: string, to: string): Promise<void> {
  const bytes = await readFile(file);
  const at = bytes.lastIndexOf(Buffer.from(`${from}\0`, 'utf16le'));
  expect(at).toBeGreaterThan(0);
  bytes.write(`${to}\0`, at, 'utf16le');
  await sign(file, bytes);
}

/** Makes the checksums of a tampered archive right. */
async function sign(file: string, bytes: Buffer): Promise<void> {
  const listAt = 32 + Number(bytes.readBigUInt64LE(12));
  const list = bytes.subarray(listAt, listAt + Number(bytes.readBigUInt64LE(20)));
  bytes.writeUInt32LE(crc32(list), 28);
  bytes.writeUInt32LE(crc32(bytes.subarray(12, 32)), 8);
  await writeFile(file, bytes);
}

async function refusalOf(file: string, by = reader): Promise<{ code: string; message: string }> {
  const refused = await by.readServiceDefinition(file).then(
    () => ({ code: 'none', message: 'was accepted' }),
    (error: { code: string; message: string }) => error,
  );
  return { code: refused.code, message: refused.message };
}

const harmless = { 'manifest.xml': '<SVCManifest/>', 'serviceconfiguration.json': '{}' };

test.each([
  ['../../evil.txt'],
  ['/etc/evil.txt'],
  ['C:/x/evil.txt'],
  ['a\\..\\evil.tx'],
  ['a/./evil.txt'],
  ['stream:evilxt'],
])('refuses the member name %j', async (name) => {
  const plain = 'x'.repeat(name.length);
  const file = await pack({ ...harmless, [plain]: 'evil' });
  await renameInside(file, plain, name);

  expect((await refusalOf(file)).code).toBe('archive_rejected');
});

test('is not deceived by a name with a line break', async () => {
  const name = 'a.txt\n\nPath = ../b';
  const plain = 'x'.repeat(name.length);
  const file = await pack({ ...harmless, [plain]: 'evil' });
  await renameInside(file, plain, name);

  // It is listed as one member, so what is wrong with the definition is its empty configuration.
  expect((await refusalOf(file)).message).toContain('serviceconfiguration.json');
});

test('refuses the same name twice, also in other letters', async () => {
  const file = await pack({ ...harmless, 'a.txt': '1', 'b.txt': '2' });
  await renameInside(file, 'b.txt', 'A.txt');

  expect(await refusalOf(file)).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('twice') as string,
  });
});

test('refuses too many members', async () => {
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`${index}.txt`, '']));
  const file = await pack({ ...harmless, ...many });
  const strict = openDocumentReader({ maxMembers: 50 });

  expect(await refusalOf(file, strict)).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('50 members') as string,
  });
  await strict.close();
});

test('stops listing an archive of very many members', async () => {
  const names = Array.from({ length: 11_000 }, (_, index) => `many/${index}`);
  const files = new Map(names.map((name) => [name, Buffer.alloc(0)]));
  await runSevenZip(['a', '-t7z', '-bsp0', '/out/many.sd', 'many'], {
    mounts: { out: folder },
    files,
  });

  expect(await refusalOf(join(folder, 'many.sd'))).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('10000 members') as string,
  });
});

test('refuses what needs too much memory to unpack', async () => {
  const file = await pack(harmless);
  const bytes = await readFile(file);
  const method = Buffer.from('23030101055d', 'hex'); // LZMA with five bytes of properties
  for (let at = bytes.indexOf(method); at > 0; at = bytes.indexOf(method, at + 1)) {
    bytes.writeUInt32LE(0x60000000, at + method.length); // a dictionary of 1.5 GiB
  }
  await sign(file, bytes);

  expect(await refusalOf(file)).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('memory') as string,
  });
});

test('refuses what would unpack to many times its size', async () => {
  const file = await pack({ ...harmless, 'zeros.bin': Buffer.alloc(8 * 2 ** 20) });
  const strict = openDocumentReader({ ratioFloorBytes: 2 ** 20 });

  expect(await refusalOf(file, strict)).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('20 times') as string,
  });
  await strict.close();
});

test('refuses what would unpack to too much', async () => {
  const file = await pack({ ...harmless, 'zeros.bin': Buffer.alloc(2 ** 20) });
  const strict = openDocumentReader({ maxUnpackedBytes: 2 ** 19 });

  expect((await refusalOf(file, strict)).code).toBe('archive_rejected');
  await strict.close();
});

test('refuses encrypted lists and encrypted members', async () => {
  expect(await refusalOf(await pack(harmless, '-psecret', '-mhe=on'))).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('encrypted') as string,
  });
  expect(await refusalOf(await pack(harmless, '-psecret'))).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('encrypted') as string,
  });
});

test('refuses links', async () => {
  await symlink('/etc/hostname', join(folder, 'link'));
  const { exitCode } = await runSevenZip(
    ['a', '-t7z', '-snl', '-bsp0', '/out/links.sd', '/out/link'],
    { mounts: { out: folder } },
  );
  expect(exitCode).toBe(0);

  expect(await refusalOf(join(folder, 'links.sd'))).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('link') as string,
  });
});

test('tells a file that was cut off', async () => {
  const file = join(folder, 'cut.sd');
  await buildServiceDefinition(file, { serviceName: 'Roads' });
  await truncate(file, 1_500);

  expect(await refusalOf(file)).toMatchObject({
    code: 'unreadable_document',
    message: expect.stringMatching(/ends early: \d+ bytes are missing/) as string,
  });
});

test('tells a file whose content was damaged', async () => {
  const file = join(folder, 'damaged.sd');
  await buildServiceDefinition(file, { serviceName: 'Roads' });
  const bytes = await readFile(file);
  bytes.fill(0xa5, 40, 1_200);
  await writeFile(file, bytes);

  expect(await refusalOf(file)).toMatchObject({
    code: 'unreadable_document',
    message: expect.stringContaining('damaged') as string,
  });
});

test.each([
  ['nothing', Buffer.alloc(0), 'empty'],
  ['a zip', Buffer.from('504b0304140000000800', 'hex'), 'zip'],
  ['an .mxd', Buffer.from('d0cf11e0a1b11ae100', 'hex'), 'OLE'],
  ['a draft', Buffer.from("<SVCManifest xsi:type='x'>"), '.sddraft'],
  ['XML', Buffer.from('\uFEFF<?xml version="1.0"?><a/>'), 'XML'],
  ['JSON', Buffer.from('{"a":1}'), 'JSON'],
  ['a page', Buffer.from('<!DOCTYPE html><html>'), 'HTML'],
  ['text', Buffer.from('hello'), 'a text'],
])('says what it is instead: %s', async (_, content, word) => {
  const file = join(folder, 'other.sd');
  await writeFile(file, content);

  expect(await refusalOf(file)).toMatchObject({
    code: 'unreadable_document',
    message: expect.stringContaining(word) as string,
  });
});

test('names the member that a definition lacks', async () => {
  expect((await refusalOf(await pack({ 'manifest.xml': '<a/>' }))).message).toContain(
    'serviceconfiguration.json',
  );
  expect((await refusalOf(await pack({ 'other.txt': '1' }))).message).toContain('manifest.xml');
});

test.each([
  ['a DTD', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
  ['no XML', '<a><b></a>'],
  ['depth', '<a>'.repeat(5_000)],
  ['binary', Buffer.alloc(100, 1)],
])('refuses a manifest with %s', async (_, manifest) => {
  const service = '{"service":{"serviceName":"a","type":"MapServer"}}';
  const file = await pack({ 'manifest.xml': manifest, 'serviceconfiguration.json': service });

  const refused = await refusalOf(file);
  expect(refused.code).toBe('unreadable_document');
  expect(refused.message).toContain('manifest.xml');
});

test('refuses a service configuration that is none, without quoting it', async () => {
  const file = await pack({ ...harmless, 'serviceconfiguration.json': 'PASSWORD=canary4711' });

  const refused = await refusalOf(file);
  expect(refused.code).toBe('unreadable_document');
  expect(refused.message).not.toContain('canary4711');
});

test('survives a manifest that takes too much memory', async () => {
  const manifest = `<SVCManifest>${'<a>b</a>'.repeat(900_000)}</SVCManifest>`;
  const file = await pack({ ...harmless, 'manifest.xml': manifest });
  const small = openDocumentReader({ maxHeapMiB: 64 });

  expect(await refusalOf(file, small)).toMatchObject({
    code: 'archive_rejected',
    message: expect.stringContaining('memory') as string,
  });
  const good = join(folder, 'good.sd');
  await buildServiceDefinition(good, { serviceName: 'Roads' });
  expect((await small.readServiceDefinition(good)).serviceName).toBe('Roads');
  await small.close();
});

/** Stops the process from outside, as if it hung in the middle of a call. */
function freeze({ pid }: ArchiveProcess): void {
  if (pid === undefined) throw new Error('There is no process');
  process.kill(pid, 'SIGSTOP');
}

async function withProcess(use: (archives: ArchiveProcess, good: ArchiveTask) => Promise<void>) {
  const limits = defaultArchiveLimits;
  const archives = new ArchiveProcess({ limits, idleMs: 60_000, maxHeapMiB: 256 });
  const file = join(folder, 'good-too.sd');
  await buildServiceDefinition(file, { serviceName: 'Roads' });
  try {
    await archives.run({ kind: 'describe', file }, patience);
    await use(archives, { kind: 'describe', file });
  } finally {
    await archives.close();
  }
}

test('kills a process that hangs, and goes on with another', async () => {
  await withProcess(async (archives, good) => {
    const { pid } = archives;
    freeze(archives);
    const hanging = archives.run(good, { timeoutMs: 50 });
    const next = archives.run(good, patience);

    await expect(hanging).rejects.toMatchObject({ code: 'archive_rejected' });
    await expect(next).resolves.toMatchObject({ serviceName: 'Roads' });
    expect(archives.pid).not.toBe(pid);
  });
});

test('stops at once when the caller gives up, in the line too', async () => {
  await withProcess(async (archives, good) => {
    const first = new AbortController();
    const second = new AbortController();
    freeze(archives);
    const hanging = archives.run(good, { ...patience, signal: first.signal });
    const inLine = archives.run(good, { ...patience, signal: second.signal });
    const third = archives.run(good, patience);

    second.abort(new Error('second gave up'));
    await expect(inLine).rejects.toThrow('second gave up');
    first.abort(new Error('first gave up'));
    await expect(hanging).rejects.toThrow('first gave up');
    await expect(third).resolves.toMatchObject({ serviceName: 'Roads' });
  });
});

test('goes on when its process was killed, idle or at work', async () => {
  await withProcess(async (archives, good) => {
    process.kill(archives.pid ?? 0, 'SIGKILL');
    await expect.poll(() => archives.pid).toBeUndefined();
    await expect(archives.run(good, patience)).resolves.toMatchObject({ serviceName: 'Roads' });

    freeze(archives);
    const interrupted = archives.run(good, patience);
    process.kill(archives.pid ?? 0, 'SIGKILL');
    await expect(interrupted).rejects.toThrow('SIGKILL');
    await expect(archives.run(good, patience)).resolves.toMatchObject({ serviceName: 'Roads' });
  });
});

test('ends its process when nobody asks', async () => {
  const limits = defaultArchiveLimits;
  const archives = new ArchiveProcess({ limits, idleMs: 1, maxHeapMiB: 256 });
  const file = join(folder, 'idle.sd');
  await buildServiceDefinition(file, { serviceName: 'Roads' });
  await archives.run({ kind: 'describe', file }, patience);

  await expect.poll(() => archives.pid).toBeUndefined();
});

test('closing ends what is under way', async () => {
  await withProcess(async (archives, good) => {
    freeze(archives);
    const refused = expect(archives.run(good, patience)).rejects.toThrow('closed');
    await archives.close();
    await archives.close();
    await refused;
  });
});

test('does not keep our process alive', async () => {
  const file = join(folder, 'alive.sd');
  await buildServiceDefinition(file, { serviceName: 'Roads' });
  const program = `
    import { openDocumentReader } from ${JSON.stringify(new URL('./document-reader.ts', import.meta.url).href)};
    const reader = openDocumentReader();
    console.log((await reader.readServiceDefinition(process.argv[1])).serviceName);`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program, file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });

  expect(stdout.trim()).toBe('Roads');
});
