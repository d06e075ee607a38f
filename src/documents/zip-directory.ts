import type { FileHandle } from 'node:fs/promises';
import { DocumentError } from '../lib/errors.ts';
import { type ArchiveLimits, rejected, tooManyMembers } from './archive-limits.ts';

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
  /** Its sizes or its place stand in 64 bit fields. */
  usesZip64: boolean;
};

export const zipSignatures = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
  descriptor: 0x08074b50,
} as const;

const endBytes = 22;
const maxCommentBytes = 65_535;
const centralBytes = 46;
/** A name of 1,000 characters, some extra fields and a comment; what is longer is no directory of ours. */
const maxRecordBytes = 8_192;
const locator64Bytes = 20;
const end64Bytes = 56;
/** Stands in a field of 16 or 32 bits whose value is kept in a record of Zip64 (PKWARE, APPNOTE.TXT, 4.4.1.4). */
const unknown16 = 0xffff;
const unknown32 = 0xffff_ffff;
const extra64 = 0x0001;

type Directory = { count: number; directoryAt: number; directoryBytes: number };
/** Where the members are listed, and what stands behind the list. */
export type ZipEnd = Directory & { comment: Buffer; isZip64: boolean };

export async function findZipEnd(handle: FileHandle, size: number): Promise<ZipEnd> {
  const tail = await readAt(handle, Math.max(0, size - endBytes - maxCommentBytes), size);
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) !== zipSignatures.end) continue;
    const commentBytes = tail.readUInt16LE(at + 20);
    if (at + endBytes + commentBytes !== tail.length) continue;
    const endAt = size - tail.length + at;
    const short = {
      count: tail.readUInt16LE(at + 10),
      directoryBytes: tail.readUInt32LE(at + 12),
      directoryAt: tail.readUInt32LE(at + 16),
    };
    const isZip64 =
      short.count === unknown16 ||
      short.directoryBytes === unknown32 ||
      short.directoryAt === unknown32;
    const directory = isZip64 ? await readEnd64(handle, endAt) : short;
    if (directory.directoryAt + directory.directoryBytes > endAt)
      throw damaged('its directory is cut off');
    return { ...directory, comment: tail.subarray(at + endBytes), isZip64 };
  }
  throw damaged('it has no directory of members; most often the file was cut off on its way');
}

/** Where the directory is too long or too far for 32 bits a locator before the end tells the place of a longer one. */
async function readEnd64(handle: FileHandle, endAt: number): Promise<Directory> {
  const locator = await readAt(handle, endAt - locator64Bytes, endAt);
  if (locator.length < locator64Bytes || locator.readUInt32LE(0) !== zipSignatures.locator64)
    throw damaged('its Zip64 directory is not to be found');
  const at = toSafe(locator.readBigUInt64LE(8));
  if (at + end64Bytes > endAt) throw damaged('its Zip64 directory is cut off');
  const end = await readAt(handle, at, at + end64Bytes);
  if (end.length < end64Bytes || end.readUInt32LE(0) !== zipSignatures.end64)
    throw damaged('its Zip64 directory is not where it is said to be');
  return {
    count: toSafe(end.readBigUInt64LE(32)),
    directoryBytes: toSafe(end.readBigUInt64LE(40)),
    directoryAt: toSafe(end.readBigUInt64LE(48)),
  };
}

function toSafe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged('it tells an impossible size');
  return Number(value);
}

export async function readZipDirectory(
  handle: FileHandle,
  { count, directoryAt, directoryBytes }: Directory,
  limits: ArchiveLimits,
): Promise<ZipMember[]> {
  if (count > limits.maxMembers) throw tooManyMembers(limits);
  if (directoryBytes > limits.maxMembers * maxRecordBytes)
    throw rejected('its directory of members is longer than all names could be');
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
    ...readPlace(central, nameBytes),
    recordBytes: 0,
    central,
  };
}

type MemberPlace = Pick<ZipMember, 'packedBytes' | 'sizeBytes' | 'at' | 'usesZip64'>;

/** Values that 32 bits cannot hold stand in an extra field, in this order and only those (APPNOTE.TXT, 4.5.3). */
function readPlace(central: Buffer, nameBytes: number): MemberPlace {
  const short = {
    sizeBytes: central.readUInt32LE(24),
    packedBytes: central.readUInt32LE(20),
    at: central.readUInt32LE(42),
  };
  const long = Object.entries(short).filter(([, value]) => value === unknown32);
  if (long.length === 0) return { ...short, usesZip64: false };
  const from = centralBytes + nameBytes;
  const extra = findExtra64(central.subarray(from, from + central.readUInt16LE(30)));
  if (!extra || extra.length < long.length * 8) throw damaged('a member tells no size');
  const values = long.map(([name], index) => [name, toSafe(extra.readBigUInt64LE(index * 8))]);
  return { ...short, ...Object.fromEntries(values), usesZip64: true };
}

function findExtra64(fields: Buffer): Buffer | undefined {
  for (let at = 0; at + 4 <= fields.length; ) {
    const bytes = fields.readUInt16LE(at + 2);
    if (fields.readUInt16LE(at) === extra64) return fields.subarray(at + 4, at + 4 + bytes);
    at += 4 + bytes;
  }
  return undefined;
}

export async function readAt(handle: FileHandle, from: number, until: number): Promise<Buffer> {
  const wanted = Math.max(0, until - from);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(wanted), 0, wanted, from);
  return buffer.subarray(0, bytesRead);
}

export function damaged(what: string): DocumentError {
  return new DocumentError('unreadable_document', `The zip archive is damaged: ${what}.`);
}
