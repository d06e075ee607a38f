/** Properties of a connection file in their order. A `Buffer` is written as bytes, as ArcGIS does with passwords. */
export type WrittenProperties = Record<string, string | number | Buffer>;

const sectorBytes = 512;
const smallSectorBytes = 64;
const freeSector = 0xffffffff;
const endOfChain = 0xfffffffe;
const tableSector = 0xfffffffd;

/**
 * A small database connection file (.sde): an OLE compound file with one stream, laid out as ArcGIS lays
 * it out. For demos and tests; that ArcGIS itself opens it is not verified.
 */
export function buildConnectionFile(
  properties: WrittenProperties,
  { streamName = 'SDEConnProperties' }: { streamName?: string } = {},
): Buffer {
  const stream = toPropertySet(properties);
  const smallSectors = Math.ceil(stream.length / smallSectorBytes);
  const small = Buffer.alloc(roundUp(smallSectors * smallSectorBytes, sectorBytes));
  stream.copy(small);
  const streamSectors = small.length / sectorBytes;
  // Sectors: 0 table, 1 directory, 2 table of small sectors, then the small sectors themselves.
  const table = chainsOf([[tableSector], [endOfChain], [endOfChain], chain(3, streamSectors)]);
  const directory = Buffer.concat([
    toEntry('Root Entry', 5, { start: 3, sizeBytes: small.length, child: 1 }),
    toEntry(streamName, 2, { start: 0, sizeBytes: stream.length }),
    toEntry('', 0, {}),
    toEntry('', 0, {}),
  ]);
  return Buffer.concat([
    toHeader(),
    toSector(table),
    directory,
    toSector(chain(0, smallSectors)),
    small,
  ]);
}

function toPropertySet(properties: WrittenProperties): Buffer {
  const entries = Object.entries(properties);
  const parts = [
    Buffer.from('115a8e589bd0d111aa7c00c04fa33a15', 'hex'),
    uint16(1),
    uint32(entries.length),
  ];
  for (const [name, value] of entries) parts.push(toText(name), toValue(value));
  return Buffer.concat(parts);
}

function toValue(value: string | number | Buffer): Buffer {
  if (typeof value === 'string') return Buffer.concat([uint16(8), toText(value)]);
  if (typeof value === 'number') return Buffer.concat([uint16(3), uint32(value >>> 0)]);
  return Buffer.concat([uint16(0x2011), uint32(value.length), value]);
}

function toText(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, 'utf16le');
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function toHeader(): Buffer {
  const header = Buffer.alloc(sectorBytes);
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(header);
  header.writeUInt16LE(0x3e, 24);
  header.writeUInt16LE(3, 26);
  header.writeUInt16LE(0xfffe, 28);
  header.writeUInt16LE(9, 30);
  header.writeUInt16LE(6, 32);
  header.writeUInt32LE(1, 44);
  header.writeUInt32LE(1, 48);
  header.writeUInt32LE(4_096, 56);
  header.writeUInt32LE(2, 60);
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(endOfChain, 68);
  header.fill(0xff, 76);
  header.writeUInt32LE(0, 76);
  return header;
}

function toEntry(
  name: string,
  kind: number,
  { start = 0, sizeBytes = 0, child = freeSector }: Record<string, number>,
): Buffer {
  const entry = Buffer.alloc(128);
  if (name) {
    entry.write(name, 'utf16le');
    entry.writeUInt16LE((name.length + 1) * 2, 64);
  }
  entry.writeUInt8(kind, 66);
  entry.writeUInt8(1, 67);
  for (const at of [68, 72]) entry.writeUInt32LE(freeSector, at);
  entry.writeUInt32LE(child, 76);
  entry.writeUInt32LE(start, 116);
  entry.writeUInt32LE(sizeBytes, 120);
  return entry;
}

/** Numbers of the next sector each, from `first` on. */
function chain(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => (at === count - 1 ? endOfChain : first + at + 1));
}

function chainsOf(chains: number[][]): number[] {
  return chains.flat();
}

function toSector(numbers: number[]): Buffer {
  const sector = Buffer.alloc(roundUp(numbers.length * 4, sectorBytes), 0xff);
  for (const [at, number] of numbers.entries()) sector.writeUInt32LE(number, at * 4);
  return sector;
}

const roundUp = (bytes: number, to: number) => Math.ceil(bytes / to) * to;

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
