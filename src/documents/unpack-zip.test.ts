import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { test as base, expect } from 'vitest';
import { ZipFile } from 'yazl';
import { defaultArchiveLimits } from './archive-limits.ts';
import { listZip, unpackZipMember } from './unpack-zip.ts';

const test = base.extend<{ zip: (change?: (bytes: Buffer) => void) => Promise<string> }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads which fixtures are wanted from the pattern
  zip: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'zip-'));
    await use(async (change = () => {}) => {
      const path = join(folder, 'some.zip');
      const file = new ZipFile();
      file.addBuffer(roads, 'Transport/roads.sd');
      file.addBuffer(Buffer.alloc(0), 'empty.sd');
      file.addEmptyDirectory('Land');
      file.end();
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
