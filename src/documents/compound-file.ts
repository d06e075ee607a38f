import { DocumentError } from '../lib/errors.ts';

const signature = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
const headerBytes = 512;
const directoryEntryBytes = 128;
/** Places of the table of tables that stand in the header; a file with more of them is larger than we read. */
const headerTables = 109;
/** Numbers from here on are marks, such as the end of a chain. */
const firstMark = 0xfffffffa;
const mostBytes = 2 ** 20;

type Entry = { name: string; kind: number; start: number; sizeBytes: number };

/** True for the beginning of an OLE compound file. */
export function isCompoundFile(bytes: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}

/**
 * The streams of an OLE compound file by name. Small ones only: every chain is followed within the file.
 *
 * @throws DocumentError unreadable_document
 * @see Microsoft, [MS-CFB] Compound File Binary File Format
 */
export function readStreams(file: Buffer): Map<string, Buffer> {
  if (!isCompoundFile(file) || file.length < headerBytes || file.length > mostBytes)
    throw damaged();
  try {
    return new CompoundFile(file).streams();
  } catch (error) {
    throw error instanceof RangeError ? damaged(error) : error;
  }
}

class CompoundFile {
  readonly #file: Buffer;
  readonly #sectorBytes: number;
  readonly #smallSectorBytes: number;
  readonly #table: number[];

  constructor(file: Buffer) {
    this.#file = file;
    const [shift, smallShift] = [file.readUInt16LE(30), file.readUInt16LE(32)];
    if ((shift !== 9 && shift !== 12) || smallShift < 2 || smallShift > shift) throw damaged();
    this.#sectorBytes = 1 << shift;
    this.#smallSectorBytes = 1 << smallShift;
    this.#table = this.#readTable();
  }

  streams(): Map<string, Buffer> {
    const entries = this.#readDirectory();
    const root = entries.find(({ kind }) => kind === 5);
    const smallFrom = this.#file.readUInt32LE(56);
    const smallTable = toNumbers(this.#chain(this.#file.readUInt32LE(60)));
    const small = root ? this.#chain(root.start) : Buffer.alloc(0);
    const streams = entries.filter(({ kind }) => kind === 2);
    return new Map(
      streams.map(({ name, start, sizeBytes }) => {
        const isSmall = sizeBytes < smallFrom;
        const whole = isSmall
          ? follow(small, start, smallTable, this.#smallSectorBytes)
          : this.#chain(start);
        if (whole.length < sizeBytes) throw damaged();
        return [name, whole.subarray(0, sizeBytes)];
      }),
    );
  }

  #readTable(): number[] {
    const count = this.#file.readUInt32LE(44);
    if (count > headerTables) throw damaged();
    const sectors = Array.from({ length: count }, (_, at) => this.#file.readUInt32LE(76 + 4 * at));
    return sectors.flatMap((sector) => toNumbers(this.#sector(sector)));
  }

  #readDirectory(): Entry[] {
    const bytes = this.#chain(this.#file.readUInt32LE(48));
    const count = Math.floor(bytes.length / directoryEntryBytes);
    return Array.from({ length: count }, (_, at) => {
      const entry = bytes.subarray(at * directoryEntryBytes, (at + 1) * directoryEntryBytes);
      const nameBytes = Math.min(64, Math.max(2, entry.readUInt16LE(64)));
      return {
        name: entry.toString('utf16le', 0, nameBytes - 2),
        kind: entry.readUInt8(66),
        start: entry.readUInt32LE(116),
        sizeBytes: entry.readUInt32LE(120),
      };
    });
  }

  #chain(start: number): Buffer {
    const body = this.#file.subarray(this.#sectorBytes);
    return follow(body, start, this.#table, this.#sectorBytes);
  }

  #sector(number: number): Buffer {
    return sectorOf(this.#file.subarray(this.#sectorBytes), number, this.#sectorBytes);
  }
}

/** A chain that is longer than the file goes in circles. */
function follow(body: Buffer, start: number, table: number[], sectorBytes: number): Buffer {
  const parts: Buffer[] = [];
  const most = Math.ceil(body.length / sectorBytes);
  for (let at = start; at < firstMark; at = table[at] ?? firstMark) {
    if (parts.length >= most) throw damaged();
    parts.push(sectorOf(body, at, sectorBytes));
  }
  return Buffer.concat(parts);
}

function sectorOf(body: Buffer, number: number, sectorBytes: number): Buffer {
  const sector = body.subarray(number * sectorBytes, (number + 1) * sectorBytes);
  if (sector.length === 0) throw damaged();
  return sector;
}

function toNumbers(bytes: Buffer): number[] {
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) =>
    bytes.readUInt32LE(4 * at),
  );
}

function damaged(cause?: unknown): DocumentError {
  return new DocumentError('unreadable_document', 'The file is damaged, or no compound file.', {
    cause,
  });
}
