import { type FileHandle, open } from 'node:fs/promises';
import { crc32, deflateRawSync } from 'node:zlib';
import { rejected } from './archive-limits.ts';
import { readAt, type ZipMember, zipSignatures } from './zip-directory.ts';
import type { ZipFile } from './zip-file.ts';

export type ZipChanges = {
  /** New contents by the name of the member; a name that is not there is a new member. */
  contents: ReadonlyMap<string, Buffer>;
  removed: ReadonlySet<string>;
};

const chunkBytes = 2 ** 20;
const localBytes = 30;
const centralBytes = 46;
const hasDescriptor = 8;

/**
 * Writes a copy of a zip in which some members are other. The records of all others are copied as they are:
 * packed data, flags, dates and extra fields. A changed member keeps its own header values; a new one takes
 * those of the first and stands before the index, which ArcGIS Pro writes towards the end.
 *
 * @throws DocumentError archive_rejected for Zip64, which no document of ArcGIS is
 */
export async function copyZip(zip: ZipFile, target: string, changes: ZipChanges): Promise<void> {
  if (zip.isZip64) throw rejected('it is a Zip64 archive, which is read but not written');
  const out = await open(target, 'wx', 0o600);
  try {
    await new ZipWriter(zip, out, changes).write();
  } finally {
    await out.close();
  }
}

class ZipWriter {
  readonly #zip: ZipFile;
  readonly #out: FileHandle;
  readonly #changes: ZipChanges;
  readonly #directory: Buffer[] = [];
  #at = 0;

  constructor(zip: ZipFile, out: FileHandle, changes: ZipChanges) {
    this.#zip = zip;
    this.#out = out;
    this.#changes = changes;
  }

  async write(): Promise<void> {
    const { members } = this.#zip;
    const known = new Set(members.map(({ name }) => name));
    const added = [...this.#changes.contents].filter(([name]) => !known.has(name));
    const firstOfEnd = members.findIndex(({ name }) => /^(007Index\.ind|Index\.json)$/i.test(name));
    const before = firstOfEnd < 0 ? members.length : firstOfEnd;
    for (const member of members.slice(0, before)) await this.#copyOrChange(member);
    for (const [name, content] of added) await this.#add(name, content);
    for (const member of members.slice(before)) await this.#copyOrChange(member);
    await this.#writeDirectory();
  }

  async #copyOrChange(member: ZipMember): Promise<void> {
    if (this.#changes.removed.has(member.name)) return;
    const content = this.#changes.contents.get(member.name);
    if (content) await this.#writeMember(member, content);
    else await this.#copy(member);
  }

  async #copy(member: ZipMember): Promise<void> {
    this.#list(member.central, { at: this.#at });
    for (let at = member.at; at < member.at + member.recordBytes; at += chunkBytes) {
      const until = Math.min(at + chunkBytes, member.at + member.recordBytes);
      await this.#put(await readAt(this.#zip.handle, at, until));
    }
  }

  async #add(name: string, content: Buffer): Promise<void> {
    const template = this.#zip.members[0];
    if (!template) throw new Error('A zip without members has no style to follow');
    const nameBytes = Buffer.from(name);
    const central = Buffer.concat([template.central.subarray(0, centralBytes), nameBytes]);
    const isAscii = nameBytes.length === name.length;
    // Flag bit 11 says that a name is UTF-8 (PKWARE, APPNOTE.TXT, 4.4.4).
    central.writeUInt16LE(isAscii ? template.flags : template.flags | 0x800, 8);
    central.writeUInt16LE(nameBytes.length, 28);
    central.writeUInt16LE(0, 30);
    central.writeUInt16LE(0, 32);
    await this.#writeMember({ ...template, central, flags: central.readUInt16LE(8) }, content);
  }

  async #writeMember({ central, flags }: ZipMember, content: Buffer): Promise<void> {
    const packed = deflateRawSync(content);
    const sums = { crc: crc32(content), packedBytes: packed.length, sizeBytes: content.length };
    const isDescribed = (flags & hasDescriptor) !== 0;
    this.#list(central, { at: this.#at, method: 8, ...sums });
    await this.#put(toLocalHeader(central, isDescribed ? undefined : sums));
    await this.#put(packed);
    if (isDescribed) await this.#put(toDescriptor(sums));
  }

  #list(central: Buffer, { at, ...sums }: { at: number; method?: number } & Partial<Sums>): void {
    const record = Buffer.from(central);
    if (sums.method !== undefined) record.writeUInt16LE(sums.method, 10);
    if (sums.crc !== undefined) record.writeUInt32LE(sums.crc, 16);
    if (sums.packedBytes !== undefined) record.writeUInt32LE(sums.packedBytes, 20);
    if (sums.sizeBytes !== undefined) record.writeUInt32LE(sums.sizeBytes, 24);
    record.writeUInt32LE(at, 42);
    this.#directory.push(record);
  }

  async #writeDirectory(): Promise<void> {
    const directory = Buffer.concat(this.#directory);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(zipSignatures.end, 0);
    end.writeUInt16LE(this.#directory.length, 8);
    end.writeUInt16LE(this.#directory.length, 10);
    end.writeUInt32LE(directory.length, 12);
    end.writeUInt32LE(this.#at, 16);
    end.writeUInt16LE(this.#zip.comment.length, 20);
    await this.#put(Buffer.concat([directory, end, this.#zip.comment]));
  }

  async #put(bytes: Buffer): Promise<void> {
    await this.#out.writeFile(bytes); // goes on where the last one ended
    this.#at += bytes.length;
  }
}

type Sums = { crc: number; packedBytes: number; sizeBytes: number };

/** From the record in the directory; without sums they follow in a data descriptor. */
function toLocalHeader(central: Buffer, sums: Sums | undefined): Buffer {
  const nameBytes = central.readUInt16LE(28);
  const header = Buffer.alloc(localBytes);
  header.writeUInt32LE(zipSignatures.local, 0);
  central.copy(header, 4, 6, 16); // version needed, flags, method, time, date
  header.writeUInt16LE(8, 8);
  header.writeUInt32LE(sums?.crc ?? 0, 14);
  header.writeUInt32LE(sums?.packedBytes ?? 0, 18);
  header.writeUInt32LE(sums?.sizeBytes ?? 0, 22);
  header.writeUInt16LE(nameBytes, 26);
  return Buffer.concat([header, central.subarray(centralBytes, centralBytes + nameBytes)]);
}

function toDescriptor({ crc, packedBytes, sizeBytes }: Sums): Buffer {
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(zipSignatures.descriptor, 0);
  descriptor.writeUInt32LE(crc, 4);
  descriptor.writeUInt32LE(packedBytes, 8);
  descriptor.writeUInt32LE(sizeBytes, 12);
  return descriptor;
}
