import { type FileHandle, open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { type ArchiveLimits, checkMembers, rejected } from './archive-limits.ts';
import {
  damaged,
  findZipEnd,
  readAt,
  readZipDirectory,
  type ZipMember,
  zipSignatures,
} from './zip-directory.ts';

const localBytes = 30;

/** A zip whose directory has passed the limits. Who opened it closes it. */
export type ZipFile = {
  handle: FileHandle;
  /** It has 64 bit fields somewhere: it can be read, and not be written again. */
  isZip64: boolean;
  sizeBytes: number;
  members: readonly ZipMember[];
  limits: ArchiveLimits;
  comment: Buffer;
};

/**
 * Reads the directory of a zip. Nothing is unpacked.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function openZip(path: string, limits: ArchiveLimits): Promise<ZipFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const end = await findZipEnd(handle, size);
    const members = await readZipDirectory(handle, end, limits);
    const shown = members.map(({ name, sizeBytes, flags, central }) => ({
      name: name.endsWith('/') ? name.slice(0, -1) : name,
      kind: isLink(central) ? ('other' as const) : ('file' as const),
      sizeBytes,
      crc: undefined,
      isEncrypted: (flags & 1) === 1,
    }));
    checkZipMembers(shown, members, size, limits);
    measureRecords(members, end.directoryAt);
    const isZip64 = end.isZip64 || members.some(({ usesZip64 }) => usesZip64);
    return { handle, sizeBytes: size, members, limits, comment: end.comment, isZip64 };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function isLink(central: Buffer): boolean {
  return ((central.readUInt32LE(38) >>> 16) & 0o170_000) === 0o120_000;
}

/**
 * Names that differ in case only are allowed here: projects of ArcGIS Pro 3 may hold `map/` and `Map/`, and
 * nothing of them is ever unpacked to a disk.
 */
function checkZipMembers(
  shown: Parameters<typeof checkMembers>[0],
  members: readonly ZipMember[],
  size: number,
  limits: ArchiveLimits,
): void {
  const names = new Set(members.map(({ name }) => name));
  if (names.size < members.length) throw rejected('it holds a member twice');
  checkMembers(shown, size, limits, { sameName: 'with-case' });
  const strange = members.find(({ method }) => method !== 0 && method !== 8);
  if (strange) throw rejected(`it is packed with the method ${strange.method}; 0 and 8 are read`);
}

/** Records lie one after the other; where two overlap, one and the same data would be unpacked many times. */
function measureRecords(members: readonly ZipMember[], directoryAt: number): void {
  const inOrder = [...members].sort((one, other) => one.at - other.at);
  for (const [index, member] of inOrder.entries()) {
    const until = inOrder[index + 1]?.at ?? directoryAt;
    member.recordBytes = until - member.at;
    if (member.recordBytes < localBytes + member.packedBytes) throw rejected('its members overlap');
  }
}

/**
 * @throws DocumentError archive_rejected when the member is larger than it says or than allowed;
 *   unreadable_document when it is damaged
 */
export async function readZipMember(
  zip: ZipFile,
  member: ZipMember,
  { maxBytes = zip.limits.maxMemberBytes }: { maxBytes?: number } = {},
): Promise<Buffer> {
  if (member.sizeBytes > maxBytes) {
    throw rejected(`a member is larger than the ${maxBytes} bytes that are read`);
  }
  const from = await findMemberData(zip, member);
  const packed = await readAt(zip.handle, from, from + member.packedBytes);
  const content = member.method === 0 ? packed : inflate(packed, member.sizeBytes);
  if (content.length !== member.sizeBytes || crc32(content) !== member.crc) {
    throw damaged('a member is not what the directory says');
  }
  return content;
}

/**
 * Where the packed bytes of a member begin.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function findMemberData(zip: ZipFile, member: ZipMember): Promise<number> {
  const local = await readAt(zip.handle, member.at, member.at + localBytes);
  if (local.length < localBytes || local.readUInt32LE(0) !== zipSignatures.local) {
    throw damaged('a member is not where the directory says');
  }
  const from = member.at + localBytes + local.readUInt16LE(26) + local.readUInt16LE(28);
  if (from + member.packedBytes > member.at + member.recordBytes)
    throw rejected('its members overlap');
  return from;
}

function inflate(packed: Buffer, sizeBytes: number): Buffer {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw rejected('a member is larger than it says');
    }
    throw damaged('a member cannot be unpacked');
  }
}
