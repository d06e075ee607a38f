import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { describe, expect } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { test } from '../../test/support/document-folder.ts';
import { writeZip, type ZipStyle } from '../../test/support/zip-writer.ts';
import { defaultArchiveLimits } from './archive-limits.ts';
import { copyZip, type ZipChanges } from './zip-copy.ts';
import { openZip, readZipMember } from './zip-file.ts';

const members = {
  'map/roads.json': '{"type":"CIMFeatureLayer"}'.repeat(50),
  'Map/Roads.json': '{}',
  'Metadata/a.xml': '<?xml version="1.0"?>\r\n<metadata/>',
  'Index.json': '{}',
  'GISProject.json': '{}',
};
const unchanged: ZipChanges = { contents: new Map(), removed: new Set() };

/** By a reader that is not ours. */
async function readAll(bytes: Buffer): Promise<Record<string, string>> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, autoClose: false });
  const found: Record<string, string> = {};
  for await (const entry of zip.eachEntry()) {
    found[entry.fileName] = (await buffer(await zip.openReadStreamPromise(entry))).toString();
  }
  zip.close();
  return found;
}

describe.each<ZipStyle>([
  { flags: 2 },
  { flags: 10 },
  { flags: 0 },
  { flags: 0, method: 0, comment: 'a comment' },
])('a zip with %j', (style) => {
  const bytes = writeZip(members, style);

  test('is copied byte for byte', async ({ folder }) => {
    const zip = await openZip(await folder.write(bytes), defaultArchiveLimits);
    const target = folder.newPath();
    await copyZip(zip, target, unchanged);
    await zip.handle.close();
    expect((await readFile(target)).equals(bytes)).toBe(true);
  });

  test('members change, come and go; all others keep their packed bytes', async ({ folder }) => {
    const zip = await openZip(await folder.write(bytes), defaultArchiveLimits);
    const target = folder.newPath();
    const contents = new Map([
      ['Map/Roads.json', Buffer.from('changed')],
      ['map/straße.json', Buffer.from('new')],
    ]);
    await copyZip(zip, target, { contents, removed: new Set(['Metadata/a.xml']) });
    const written = await readFile(target);
    expect(await readAll(written)).toEqual({
      'map/roads.json': members['map/roads.json'],
      'Map/Roads.json': 'changed',
      'map/straße.json': 'new',
      'Index.json': '{}',
      'GISProject.json': '{}',
    });
    const again = await openZip(target, defaultArchiveLimits);
    expect(again.members.map(({ name }) => name)).toEqual([
      ...['map/roads.json', 'Map/Roads.json', 'map/straße.json', 'Index.json', 'GISProject.json'],
    ]);
    for (const name of ['map/roads.json', 'Index.json', 'GISProject.json']) {
      const [one, other] = [zip, again].map((each) =>
        each.members.find((one) => one.name === name),
      );
      const record = (from: Buffer, member = one) =>
        from.subarray(member?.at ?? 0, (member?.at ?? 0) + (member?.recordBytes ?? 0));
      expect(record(written, other).equals(record(bytes, one))).toBe(true);
    }
    await zip.handle.close();
    await again.handle.close();
  });
});

test.for([
  ['a bomb', { 'a.json': Buffer.alloc(8 * 2 ** 20, ' ') }, 'archive_rejected'],
  ['a name that climbs', { '../a.json': 'x' }, 'archive_rejected'],
  ['an absolute name', { '/a.json': 'x' }, 'archive_rejected'],
  ['a drive', { 'C:/a.json': 'x' }, 'archive_rejected'],
  ['a backslash', { 'a\\b.json': 'x' }, 'archive_rejected'],
  ['no name', { '': 'x' }, 'archive_rejected'],
] as const)('a zip with %s is refused', async ([, hostile, code], { folder }) => {
  const path = await folder.write(writeZip(hostile));
  const limits = { ...defaultArchiveLimits, ratioFloorBytes: 2 ** 20 };
  await expect(openZip(path, limits)).rejects.toMatchObject({ code });
});

test('a member that is larger than it says is not unpacked', async ({ folder }) => {
  const bytes = writeZip({ 'a.json': Buffer.alloc(2 ** 20, ' ') }, { flags: 0 });
  const central = bytes.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  bytes.writeUInt32LE(100, central + 24);
  const zip = await openZip(await folder.write(bytes), defaultArchiveLimits);
  const [member] = zip.members;
  await expect(member && readZipMember(zip, member)).rejects.toMatchObject({
    code: 'archive_rejected',
  });
  await zip.handle.close();
});

test('members that overlap are refused: one and the same data many times', async ({ folder }) => {
  const bytes = writeZip({ 'a.json': 'aaaa', 'b.json': 'bbbb' }, { flags: 0, method: 0 });
  const central = bytes.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  bytes.writeUInt32LE(0, central + 42);
  await expect(openZip(await folder.write(bytes), defaultArchiveLimits)).rejects.toMatchObject({
    code: 'archive_rejected',
  });
});

test('a member with a gap behind it is read, and copied with the gap', async ({ folder }) => {
  const bytes = writeZip({ 'a.json': '{"a":1}' });
  const central = bytes.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  const gap = Buffer.alloc(8_192, 7);
  const wide = Buffer.concat([bytes.subarray(0, central), gap, bytes.subarray(central)]);
  wide.writeUInt32LE(central + gap.length, wide.length - 22 + 16);
  const zip = await openZip(await folder.write(wide), defaultArchiveLimits);
  const [member] = zip.members;
  expect(String(member && (await readZipMember(zip, member)))).toBe('{"a":1}');
  const target = folder.newPath();
  await copyZip(zip, target, unchanged);
  await zip.handle.close();
  expect((await readFile(target)).equals(wide)).toBe(true);
});
