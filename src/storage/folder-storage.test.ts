import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { test as base, expect } from 'vitest';
import { FolderStorage } from './folder-storage.ts';

const run = promisify(execFile);
const plenty = { maxBytes: 1 << 24 };

const test = base.extend<{ folder: string; storage: FolderStorage; tinyDisk: string | undefined }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'storage-'));
    await use(folder);
    await rm(folder, { recursive: true, force: true });
  },
  storage: async ({ folder }, use) => {
    await use(new FolderStorage(join(folder, 'data')));
  },
  tinyDisk: async ({ folder }, use) => {
    const mount = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder];
    const isMounted = await run('mount', mount).then(
      () => true,
      () => false, // only root may, and not in every container
    );
    await use(isMounted ? folder : undefined);
    if (isMounted) await run('umount', [folder]);
  },
});

/** All files below, as paths relative to the folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

test('a file is whole under its key, with its size and hash, for us alone', async ({
  storage,
  folder,
}) => {
  const bytes = randomBytes(3_000_001);
  const stored = await storage.write(
    'uploads/a',
    Readable.from([bytes.subarray(0, 7), bytes.subarray(7)]),
    plenty,
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  expect(stored).toEqual({ sizeBytes: bytes.length, sha256 });
  expect(bytes.equals(await buffer(storage.read('uploads/a')))).toBe(true);
  expect(await storage.findSize('uploads/a')).toBe(bytes.length);
  expect(bytes.equals(await storage.borrow('uploads/a', (path) => readFile(path)))).toBe(true);
  expect((await stat(join(folder, 'data/uploads/a'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, 'data/uploads'))).mode & 0o777).toBe(0o700);
  expect(await filesIn(folder)).toEqual(['a']);
});

test('an empty file is a file', async ({ storage }) => {
  expect(await storage.write('empty', Readable.from([]), { maxBytes: 0 })).toMatchObject({
    sizeBytes: 0,
  });
  expect(await storage.findSize('empty')).toBe(0);
});

test('a file may be as large as allowed, and not a byte larger', async ({ storage, folder }) => {
  const chunks = () => Readable.from([Buffer.alloc(60), Buffer.alloc(40)]);
  expect(await storage.write('fits', chunks(), { maxBytes: 100 })).toMatchObject({
    sizeBytes: 100,
  });
  await expect(storage.write('large', chunks(), { maxBytes: 99 })).rejects.toMatchObject({
    code: 'payload_too_large',
  });
  expect(await filesIn(folder)).toEqual(['fits']);
});

test('of a source that never ends no more is read than is allowed', async ({ storage, folder }) => {
  let given = 0;
  const endless = new Readable({
    read() {
      given += 65_536;
      this.push(Buffer.alloc(65_536));
    },
  });
  await expect(storage.write('endless', endless, { maxBytes: 1 << 20 })).rejects.toMatchObject({
    code: 'payload_too_large',
  });
  expect(given).toBeLessThan(1 << 23);
  expect(endless.destroyed).toBe(true);
  expect(await filesIn(folder)).toEqual([]);
});

test("what a killed process left half is in nobody's way", async ({ storage, folder }) => {
  await storage.writeText('uploads/whole', 'whole');
  await writeFile(join(folder, 'data/uploads/a.part'), 'half');
  const stored = await storage.write('uploads/a', Readable.from([Buffer.from('roads')]), plenty);
  expect(stored).toMatchObject({ sizeBytes: 5 });
  expect(await storage.findText('uploads/a')).toBe('roads');
});

test('of two that write to one key at a time the last is kept, whole', async ({
  storage,
  folder,
}) => {
  let goOn = () => {};
  const isWritten = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* slow() {
    yield Buffer.from('one ');
    await isWritten;
    yield Buffer.from('attempt');
  }
  const first = storage.write('a', Readable.from(slow()), plenty);
  await storage.write('a', Readable.from([Buffer.from('another attempt')]), plenty);
  goOn();
  await first;
  expect(await storage.findText('a')).toBe('one attempt');
  expect(await filesIn(folder)).toEqual(['a']);
});

test('a source that breaks off leaves nothing', async ({ storage, folder }) => {
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(100_000);
      throw new Error('the caller has gone');
    })(),
  );
  await expect(storage.write('broken', broken, plenty)).rejects.toThrow('the caller has gone');
  expect(await filesIn(folder)).toEqual([]);
});

test('a write that is aborted in the middle leaves nothing', async ({ storage, folder }) => {
  const stop = new AbortController();
  const source = Readable.from(
    (async function* () {
      yield Buffer.alloc(100_000);
      stop.abort();
      yield Buffer.alloc(100_000);
    })(),
  );
  await expect(
    storage.write('a', source, { ...plenty, signal: stop.signal }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  expect(await filesIn(folder)).toEqual([]);
});

test('a write that is aborted before it began leaves nothing, not even a moment later', async ({
  storage,
  folder,
}) => {
  for (let index = 0; index < 30; index += 1) {
    const signal = AbortSignal.abort();
    await expect(
      storage.write(`a${index}`, Readable.from([Buffer.alloc(10)]), { ...plenty, signal }),
    ).rejects.toThrow();
  }
  await storage.write('later', Readable.from([Buffer.alloc(1)]), plenty);
  expect(await filesIn(folder)).toEqual(['later']);
});

test('a full disk is told as such, and leaves nothing', async ({ tinyDisk, skip }) => {
  if (tinyDisk === undefined) return skip('no small file system can be mounted here');
  const storage = new FolderStorage(tinyDisk);
  expect(await storage.readFreeBytes()).toBeLessThanOrEqual(1 << 20);
  const large = () => Readable.from([Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]);
  await expect(storage.write('uploads/a', large(), plenty)).rejects.toMatchObject({
    code: 'storage_exhausted',
    again: 'later',
  });
  await expect(storage.writeText('snapshots/a', 'x'.repeat(1 << 21))).rejects.toMatchObject({
    code: 'storage_exhausted',
  });
  expect(await filesIn(tinyDisk)).toEqual([]);
  expect(
    await storage.write('uploads/b', Readable.from([Buffer.alloc(1_000)]), plenty),
  ).toMatchObject({ sizeBytes: 1_000 });
});

test.for([
  '../outside',
  '/etc/passwd',
  'a/../../outside',
  '..',
  '.',
  '',
  '../data-of-others/a',
  'a/../..',
])('the key "%s" does not lead out of storage', async (key, { storage, folder }) => {
  const leaves = /leaves the storage/;
  await expect(storage.write(key, Readable.from([]), plenty)).rejects.toThrow(leaves);
  await expect(storage.writeText(key, 'text')).rejects.toThrow(leaves);
  await expect(storage.findText(key)).rejects.toThrow(leaves);
  await expect(storage.findSize(key)).rejects.toThrow(leaves);
  await expect(storage.borrow(key, async (path) => path)).rejects.toThrow(leaves);
  await expect(storage.scratch(key, async (path) => path)).rejects.toThrow(leaves);
  await expect(storage.delete(key)).rejects.toThrow(leaves);
  expect(() => storage.read(key)).toThrow(leaves);
  expect(await filesIn(folder)).toEqual([]);
});

test('a text is written whole, replaced whole, and gone when it is deleted', async ({
  storage,
  folder,
}) => {
  expect(await storage.findText('snapshots/a.json')).toBeUndefined();
  await storage.writeText('snapshots/a.json', 'first, and longer');
  await storage.writeText('snapshots/a.json', 'ä');
  expect(await storage.findText('snapshots/a.json')).toBe('ä');
  expect(await filesIn(folder)).toEqual(['a.json']);
  await storage.delete('snapshots/a.json');
  await storage.delete('snapshots/a.json');
  expect(await storage.findText('snapshots/a.json')).toBeUndefined();
  expect(await storage.findSize('snapshots/a.json')).toBeUndefined();
});

test('a scratch file is gone afterwards, whatever happened', async ({ storage, folder }) => {
  const used = await storage.scratch('copies/a.sd', async (path) => {
    await writeFile(path, 'copy');
    return readFile(path, 'utf8');
  });
  expect(used).toBe('copy');
  const failing = storage.scratch('copies/b.sd', async (path) => {
    await writeFile(path, 'copy');
    throw new Error('no use');
  });
  await expect(failing).rejects.toThrow('no use');
  await storage.scratch('copies/c.sd', async () => 'never written');
  expect(await filesIn(folder)).toEqual([]);
});

test('leavings of broken-off writes are swept by age, and nothing else', async ({
  storage,
  folder,
}) => {
  expect(await storage.sweepPartials(Date.now())).toBe(0);
  await storage.writeText('uploads/deep/whole', 'whole');
  const at = (name: string) => join(folder, 'data/uploads/deep', name);
  for (const name of ['old.part', 'young.part']) await writeFile(at(name), 'half');
  await utimes(at('old.part'), 1_000, 1_000);
  await utimes(at('whole'), 1_000, 1_000);
  expect(await storage.sweepPartials(2_000_000)).toBe(1);
  expect(await filesIn(folder)).toEqual(['whole', 'young.part']);
});

test('storage proves itself, also to many processes at once', async ({ storage, folder }) => {
  await Promise.all(Array.from({ length: 20 }, () => storage.prove()));
  expect(await storage.readFreeBytes()).toBeGreaterThan(0);
  expect(await filesIn(folder)).toEqual([]);
  await writeFile(join(folder, 'file'), '');
  await expect(new FolderStorage(join(folder, 'file')).prove()).rejects.toThrow();
});

test('a disk that is full while a file is made says so, and is left without it', async ({
  tinyDisk,
  skip,
}) => {
  if (!tinyDisk) return skip('only root may mount a disk of one MiB');
  const storage = new FolderStorage(tinyDisk);
  const making = storage.scratch('copy.sd', (path) => writeFile(path, randomBytes(1 << 21)));

  await expect(making).rejects.toMatchObject({ code: 'storage_exhausted' });
  expect(await filesIn(tinyDisk)).toEqual([]);
});
