import { type FileHandle, open } from 'node:fs/promises';
import { crc32, inflateRawSync } from 'node:zlib';
import { DocumentError } from '../lib/errors.ts';
import { type ArchiveLimits, checkMembers, rejected, tooManyMembers } from './archive-limits.ts';

/** A member as the central directory tells it. Dates are not looked at: ArcGIS writes month and day 0. */
export type ZipMember = {
  name: string;
  flags: number;
  method: number;
  crc: number;
  packedBytes: number;
  sizeBytes: number;
  /** Where its local header stands, and how long its whole record is, a data descriptor included. */
  at: number;
  recordBytes: number;
  /** Its record in the central directory, as it is. */
  central: Buffer;
};

/** A zip whose directory has passed the limits. Who opened it closes it. */
export type ZipFile = {
  handle: FileHandle;
  sizeBytes: number;
  members: readonly ZipMember[];
  limits: ArchiveLimits;
  comment: Buffer;
};

export const zipSignatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  descriptor: 0x08074b50,
} as const;

const endBytes = 22;
const maxCommentBytes = 65_535;
const localBytes = 30;
const centralBytes = 46;
const unknown32 = 0xffff_ffff;

/**
 * Reads the directory of a zip. Nothing is unpacked.
 *
 * @throws DocumentError archive_rejected | unreadable_document
 */
export async function openZip(path: string, limits: ArchiveLimits): Promise<ZipFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const end = await findEnd(handle, size);
    const members = await readDirectory(handle, end, limits);
    const shown = members.map(({ name, sizeBytes, flags, central }) => ({
      name: name.endsWith('/') ? name.slice(0, -1) : name,
      kind: isLink(central) ? ('other' as const) : ('file' as const),
      sizeBytes,
      crc: undefined,
      isEncrypted: (flags & 1) === 1,
    }));
    checkZipMembers(shown, members, size, limits);
    measureRecords(members, end.directoryAt);
    return { handle, sizeBytes: size, members, limits, comment: end.comment };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

type End = { count: number; directoryAt: number; directoryBytes: number; comment: Buffer };

async function findEnd(handle: FileHandle, size: number): Promise<End> {
  const tail = await readAt(handle, Math.max(0, size - endBytes - maxCommentBytes), size);
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== zipSignatures.end) continue;
    const commentBytes = tail.readUInt16LE(at + 20);
    if (at + endBytes + commentBytes !== tail.length) continue;
    const end = {
      count: tail.readUInt16LE(at + 10),
      directoryBytes: tail.readUInt32LE(at + 12),
      directoryAt: tail.readUInt32LE(at + 16),
      comment: tail.subarray(at + endBytes),
    };
    if (end.count === 0xffff || end.directoryAt === unknown32)
      throw rejected('it is a Zip64 archive');
    if (end.directoryAt + end.directoryBytes > size - endBytes)
      throw damaged('its directory is cut off');
    return end;
  }
  throw damaged('it has no directory of members; most often the file was cut off on its way');
}

async function readDirectory(
  handle: FileHandle,
  { count, directoryAt, directoryBytes }: End,
  limits: ArchiveLimits,
): Promise<ZipMember[]> {
  if (count > limits.maxMembers) throw tooManyMembers(limits);
  const directory = await readAt(handle, directoryAt, directoryAt + directoryBytes);
  const members: ZipMember[] = [];
  for (let at = 0; members.length < count; ) {
    if (
      at + centralBytes > directory.length ||
      directory.readUInt32LE(at) !== zipSignatures.central
    ) {
      throw damaged('its directory of members is broken');
    }
    const nameBytes = directory.readUInt16LE(at + 28);
    const bytes =
      centralBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    const central = directory.subarray(at, at + bytes);
    if (central.length < bytes) throw damaged('its directory of members is broken');
    members.push(toMember(central, nameBytes));
    at += bytes;
  }
  return members;
}

function toMember(central: Buffer, nameBytes: number): ZipMember {
  return {
    name: central.subarray(centralBytes, centralBytes + nameBytes).toString('utf8'),
    flags: central.readUInt16LE(8),
    method: central.readUInt16LE(10),
    crc: central.readUInt32LE(16),
    packedBytes: central.readUInt32LE(20),
    sizeBytes: central.readUInt32LE(24),
    at: central.readUInt32LE(42),
    recordBytes: 0,
    central,
  };
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

export async function readAt(handle: FileHandle, from: number, until: number): Promise<Buffer> {
  const wanted = Math.max(0, until - from);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, from);
  return buffer.subarray(0, bytesRead);
}

function damaged(what: string): DocumentError {
  return new DocumentError('unreadable_document', `The zip archive is damaged: ${what}.`);
}
