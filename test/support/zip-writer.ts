import { crc32, deflateRawSync } from 'node:zlib';

export type ZipStyle = {
  /** General flag: 2 is ArcGIS Pro 1 and 2, 10 is Pro 3 (sums follow the data), 0 was seen in Pro 3.6. */
  flags?: number;
  /** 0 stored, 8 packed. */
  method?: 0 | 8;
  comment?: string;
};

type Sums = { crc: number; packedBytes: number; sizeBytes: number };

/** A zip laid out as ArcGIS Pro lays it out: no folders, dates that are none, no extra fields. */
export function writeZip(
  members: Readonly<Record<string, string | Buffer>>,
  { flags = 10, method = 8, comment = '' }: ZipStyle = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, text] of Object.entries(members)) {
    const content = Buffer.from(text);
    const packed = method === 8 ? deflateRawSync(content) : content;
    const sums = { crc: crc32(content), packedBytes: packed.length, sizeBytes: content.length };
    const isDescribed = (flags & 8) !== 0;
    const header = { name: Buffer.from(name), flags, method };
    const record = [
      toLocal(header, isDescribed ? { crc: 0, packedBytes: 0, sizeBytes: 0 } : sums),
      packed,
      ...(isDescribed ? [toDescriptor(sums)] : []),
    ];
    directory.push(toCentral(header, sums, at));
    parts.push(...record);
    at += record.reduce((sum, { length }) => sum + length, 0);
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(at, 16);
  end.writeUInt16LE(Buffer.byteLength(comment), 20);
  return Buffer.concat([...parts, list, end, Buffer.from(comment)]);
}

type Header = { name: Buffer; flags: number; method: number };

function toLocal({ name, flags, method }: Header, sums: Sums): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(flags, 6);
  header.writeUInt16LE(method, 8);
  writeSums(header, 14, sums);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function toCentral({ name, flags, method }: Header, sums: Sums, at: number): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((flags & 8) === 0 ? 0 : 0x0a33, 4); // made by 5.1, NTFS
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(flags, 8);
  header.writeUInt16LE(method, 10);
  header.writeUInt16LE((flags & 8) === 0 ? 0x0020 : 0, 14);
  writeSums(header, 16, sums);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(at, 42);
  return Buffer.concat([header, name]);
}

function toDescriptor(sums: Sums): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  writeSums(descriptor, 4, sums);
  return descriptor;
}

function writeSums(target: Buffer, at: number, { crc, packedBytes, sizeBytes }: Sums): void {
  target.writeUInt32LE(crc, at);
  target.writeUInt32LE(packedBytes, at + 4);
  target.writeUInt32LE(sizeBytes, at + 8);
}
