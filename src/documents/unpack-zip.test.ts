import { createWriteStream } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test as base, expect } from 'vitest';
import { ZipFile } from 'yazl';
import { defaultArchiveLimits } from './archive-limits.ts';
import { listZip, unpackZipMember } from './unpack-zip.ts';

type Change = (bytes: Buffer) => void;
type Zip = (change?: Change, options?: { forceZip64Format?: boolean }) => Promise<string>;

const test = base.extend<{ zip: Zip }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  zip: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'zip-'));
    await use(async (change = () => {}, { forceZip64Format = false } = {}) => {
      const path = join(folder, 'some.zip');
      const file = new ZipFile();
      file.addBuffer(roads, 'Transport/roads.sd', { forceZip64Format });
      file.addBuffer(Buffer.alloc(0), 'empty.sd', { forceZip64Format });
      if (!forceZip64Format) file.addEmptyDirectory('Land'); // yazl has no such for them
      file.end({ comment: '', forceZip64Format });
      await pipeline(file.outputStream, createWriteStream(path));
      const bytes = await readFile(path);
      change(bytes);
      await writeFile(path, bytes);
      return path;
    });
    await rm(folder, { recursive: true, force: true });
  },
});

const roads = Buffer.from('roads and bridges '.repeat(20_000));
const limits = defaultArchiveLimits;

async function unpacked(file: string, name: string): Promise<Buffer> {
  const target = `${file}.out`;
  await unpackZipMember(file, { name, target }, { limits, deadline: Date.now() + 10_000.5 });
  return readFile(target);
}

test('members are listed with their folders, and unpacked as they were', async ({ zip }) => {
  const file = await zip();
  expect(await listZip(file, limits)).toEqual([
    { name: 'Transport/roads.sd', sizeBytes: roads.length },
    { name: 'empty.sd', sizeBytes: 0 },
  ]);
  expect((await unpacked(file, 'Transport/roads.sd')).equals(roads)).toBe(true);
  expect(await unpacked(file, 'empty.sd')).toHaveLength(0);
  await expect(unpacked(file, 'parcels.sd')).rejects.toMatchObject({ code: 'unreadable_document' });
});

test('a member that is larger than it says is not unpacked to its end', async ({ zip }) => {
  const file = await zip((bytes) => {
    const at = bytes.indexOf(Buffer.from('504b0102', 'hex')); // the directory's record of the first
    bytes.writeUInt32LE(1_000, at + 24);
  });
  await expect(unpacked(file, 'Transport/roads.sd')).rejects.toMatchObject({
    code: 'archive_rejected',
  });
});

test('damaged bytes are noticed', async ({ zip }) => {
  const file = await zip((bytes) => {
    bytes.fill(0xff, 60, 90);
  });
  await expect(unpacked(file, 'Transport/roads.sd')).rejects.toMatchObject({
    code: 'unreadable_document',
  });
});

const asZip64 = { forceZip64Format: true };
const centralMark = Buffer.from('504b0102', 'hex');
const extra64Mark = Buffer.from('01001800', 'hex');
const end64Mark = Buffer.from('504b0606', 'hex');

test('a Zip64 archive is read like any other', async ({ zip }) => {
  const file = await zip(undefined, asZip64);
  expect((await readFile(file)).includes(end64Mark)).toBe(true);
  expect(await listZip(file, limits)).toEqual([
    { name: 'Transport/roads.sd', sizeBytes: roads.length },
    { name: 'empty.sd', sizeBytes: 0 },
  ]);
  expect((await unpacked(file, 'Transport/roads.sd')).equals(roads)).toBe(true);
  expect(await unpacked(file, 'empty.sd')).toHaveLength(0);
});

test('members and directory behind the first 4 GiB are found', async ({ zip }) => {
  const before = 5 * 2 ** 30; // a hole in the file: nothing is written there
  const bytes = await readFile(await zip(undefined, asZip64));
  const shift = (at: number) =>
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + BigInt(before), at);
  for (let at = bytes.indexOf(centralMark); at >= 0; at = bytes.indexOf(centralMark, at + 1)) {
    shift(bytes.indexOf(extra64Mark, at) + 4 + 16); // behind the two sizes
  }
  const end64 = bytes.indexOf(end64Mark);
  shift(end64 + 48);
  shift(end64 + 56 + 8); // in the locator, which follows
  const path = await zip();
  const handle = await open(path, 'w');
  await handle.write(bytes, 0, bytes.length, before);
  await handle.close();
  expect((await unpacked(path, 'Transport/roads.sd')).equals(roads)).toBe(true);
});

test.for<[string, Change]>([
  [
    'its directory leads out of the file',
    (bytes) => bytes.fill(0xff, at64(bytes) + 48, at64(bytes) + 54),
  ],
  [
    'it tells more members than are allowed',
    (bytes) => void bytes.writeUInt32LE(20_000, at64(bytes) + 32),
  ],
  ['a directory of gigabytes', (bytes) => void bytes.writeUInt32LE(0xf000_0000, at64(bytes) + 40)],
  ['its locator is gone', (bytes) => bytes.fill(0, at64(bytes) + 56, at64(bytes) + 60)],
  [
    'a size that cannot be',
    (bytes) => {
      const at = bytes.indexOf(centralMark);
      bytes.fill(0xff, bytes.indexOf(extra64Mark, at) + 4, bytes.indexOf(extra64Mark, at) + 12);
    },
  ],
])('Zip64: %s', async ([, change], { zip }) => {
  const file = await zip(change, asZip64);
  await expect(listZip(file, limits)).rejects.toMatchObject({
    code: expect.stringMatching(/^(archive_rejected|unreadable_document)$/),
  });
});

function at64(bytes: Buffer): number {
  return bytes.indexOf(end64Mark);
}
