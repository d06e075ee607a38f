import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { DocumentError } from '../lib/errors.ts';
import { type ArchiveLimits, checkMembers, rejected, tooManyMembers } from './archive-limits.ts';
import { runSevenZip, type SevenZipResult, SevenZipStop } from './seven-zip.ts';

export type ArchiveMember = {
  /** With `/` between folders, whatever the manifest writes. */
  name: string;
  kind: 'file' | 'folder' | 'other';
  sizeBytes: number;
  /** CRC-32 of the content; an empty file has none. */
  crc: number | undefined;
  isEncrypted: boolean;
};

/** A 7z archive whose list of members has passed the limits. */
export type Archive = {
  file: string;
  sizeBytes: number;
  members: readonly ArchiveMember[];
  limits: ArchiveLimits;
  deadline: number;
};

/** A line of the technical listing is about 40 bytes; eleven lines and the name make a member. */
const listingBytesPerMember = 2_600;
const noProgress = ['-bsp0', '-spd', '-sccUTF-8', '-mmt=off'];

/**
 * Lists an archive and holds it against the limits. Nothing is unpacked.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function openArchive(
  file: string,
  { limits, deadline }: { limits: ArchiveLimits; deadline: number },
): Promise<Archive> {
  const place = await realpath(file);
  const { size } = await stat(place);
  const listing = await listTechnically(place, limits, deadline);
  if (listing.exitCode > 1) throw toListingError(listing);
  const members = parseListing(listing.output.toString('utf8'));
  checkMembers(members, size, limits);
  return { file: place, sizeBytes: size, members, limits, deadline };
}

async function listTechnically(
  file: string,
  limits: ArchiveLimits,
  deadline: number,
): Promise<SevenZipResult> {
  try {
    return await runSevenZip(
      ['l', '-slt', '-ba', '-t7z', ...noProgress, '--', `/in/${basename(file)}`],
      {
        mounts: { in: dirname(file) },
        maxOutputBytes: (limits.maxMembers + 1) * listingBytesPerMember,
        deadline,
      },
    );
  } catch (error) {
    if (error instanceof SevenZipStop && error.reason === 'output') throw tooManyMembers(limits);
    throw error;
  }
}

function toListingError({ output, messages }: SevenZipResult): DocumentError {
  const said = `${messages}\n${output.toString('utf8')}`;
  if (/password/i.test(said)) return rejected('its list of members is encrypted');
  if (isOutOfMemory(said)) return rejected('listing it takes more memory than is allowed');
  return new DocumentError(
    'unreadable_document',
    'The file begins like a 7z archive but is damaged.',
  );
}

function isOutOfMemory(said: string): boolean {
  return /allocate|memory/i.test(said);
}

function parseListing(listing: string): ArchiveMember[] {
  return listing
    .split(/\r?\n\r?\n/)
    .map((block) => block.trimStart())
    .filter((block) => block.startsWith('Path = '))
    .map(parseMember);
}

function parseMember(block: string): ArchiveMember {
  const properties = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const at = line.indexOf(' = ');
    const key = at < 0 ? line.replace(/ =$/, '') : line.slice(0, at);
    if (!properties.has(key)) properties.set(key, at < 0 ? '' : line.slice(at + 3));
  }
  const crc = properties.get('CRC');
  return {
    name: properties.get('Path') ?? '',
    kind: toKind(properties),
    sizeBytes: Number(properties.get('Size') || 0),
    crc: crc ? Number.parseInt(crc, 16) : undefined,
    isEncrypted: properties.get('Encrypted') === '+',
  };
}

/** Attributes are Windows letters (`D` folder, `L` link), maybe followed by a Unix mode (`lrwxrwxrwx`). */
function toKind(properties: ReadonlyMap<string, string>): ArchiveMember['kind'] {
  const [letters = '', mode = ''] = (properties.get('Attributes') ?? '').split(' ');
  const hasLink = ['Symbolic Link', 'Hard Link', 'Anti'].some((key) => {
    const value = properties.get(key);
    return value !== undefined && value !== '' && value !== '-';
  });
  const unixMode = [letters, mode].find((text) => /^[a-z-][rwxstST-]{9}$/.test(text));
  if (hasLink || letters.includes('L') || (unixMode && !/^[-d]/.test(unixMode))) return 'other';
  return letters.includes('D') || unixMode?.startsWith('d') ? 'folder' : 'file';
}

/** Finds a file by its name without regard to case: duplicates of that kind are refused before. */
export function findMember(archive: Archive, name: string): ArchiveMember | undefined {
  const wanted = name.toLowerCase();
  return archive.members.find(
    (member) => member.kind === 'file' && member.name.toLowerCase() === wanted,
  );
}

/**
 * Unpacks a few files into memory, with one pass over the archive.
 *
 * @throws DocumentError archive_rejected when one is larger than allowed or is not what the list says
 */
export async function readMembers(
  archive: Archive,
  wanted: readonly ArchiveMember[],
  { maxBytes = archive.limits.maxMemberBytes }: { maxBytes?: number } = {},
): Promise<Map<string, Buffer>> {
  const chosen = archive.members.filter((member) => wanted.includes(member)); // 7-Zip's own order
  const tooLarge = chosen.find((member) => member.sizeBytes > maxBytes);
  if (tooLarge) {
    throw rejected(
      `its member ${tooLarge.name} is larger than the ${maxBytes} bytes that are read`,
    );
  }
  const total = chosen.reduce((sum, member) => sum + member.sizeBytes, 0);
  if (total === 0) return new Map(chosen.map((member) => [member.name, Buffer.alloc(0)]));
  const names = chosen.map((member) => member.name);
  const unpacked = await runSevenZip(
    ['e', '-so', '-t7z', ...noProgress, '--', `/in/${basename(archive.file)}`, ...names],
    {
      mounts: { in: dirname(archive.file) },
      maxOutputBytes: total + 1,
      deadline: archive.deadline,
    },
  );
  if (unpacked.exitCode > 1 && isOutOfMemory(unpacked.messages)) {
    throw rejected('unpacking it takes more memory than is allowed');
  }
  return cutApart(unpacked.output, chosen);
}

function cutApart(output: Buffer, members: readonly ArchiveMember[]): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  let at = 0;
  for (const member of members) {
    const content = output.subarray(at, at + member.sizeBytes);
    at += member.sizeBytes;
    const isWhole = content.length === member.sizeBytes;
    if (!isWhole || (member.crc !== undefined && crc32(content) !== member.crc)) {
      throw new DocumentError(
        'unreadable_document',
        `The archive is damaged: its member ${member.name} cannot be unpacked.`,
      );
    }
    contents.set(member.name, content);
  }
  return contents;
}

/**
 * Writes `target` as a copy of the archive in which one file has other content. The packed blocks of all
 * others are copied as they are, so memory stays flat and their bytes the same.
 */
export async function copyWithMember(
  archive: Archive,
  target: string,
  { name, content }: { name: string; content: Buffer },
): Promise<void> {
  await copyWithMembers(archive, target, new Map([[name, content]]));
}

/** The same with several files that have other content. */
export async function copyWithMembers(
  archive: Archive,
  target: string,
  contents: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const result = await runSevenZip(
    [
      ...[
        'u',
        '-t7z',
        '-sae',
        '-ms=off',
        '-m0=LZMA',
        '-u-',
        `-up1q1r2x2y2z2w2!/out/${basename(target)}`,
      ],
      ...[...noProgress, '--', `/in/${basename(archive.file)}`, ...contents.keys()],
    ],
    {
      mounts: { in: dirname(archive.file), out: dirname(target) },
      files: contents,
      deadline: archive.deadline,
    },
  );
  if (result.exitCode !== 0) {
    throw new Error(`7-Zip could not write the copy: ${result.messages.trim().slice(0, 500)}`);
  }
}
