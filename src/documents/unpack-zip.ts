import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createInflateRaw } from 'node:zlib';
import { DocumentError } from '../lib/errors.ts';
import { type ArchiveLimits, rejected } from './archive-limits.ts';
import { findMemberData, openZip } from './zip-file.ts';

/** A file in a zip, by its name with folders. */
export type ZipEntry = { name: string; sizeBytes: number };

/** @throws DocumentError archive_rejected | unreadable_document */
export async function listZip(file: string, limits: ArchiveLimits): Promise<ZipEntry[]> {
  const zip = await openZip(file, limits);
  await zip.handle.close();
  return zip.members
    .filter(({ name }) => !name.endsWith('/'))
    .map(({ name, sizeBytes }) => ({ name, sizeBytes }));
}

/**
 * Writes one member as a file, streamed: memory does not grow with it.
 *
 * @throws DocumentError archive_rejected when it is larger than it says, unreadable_document when it is damaged
 */
export async function unpackZipMember(
  file: string,
  { name, target }: { name: string; target: string },
  { limits, deadline }: { limits: ArchiveLimits; deadline: number },
): Promise<void> {
  const zip = await openZip(file, limits);
  try {
    const member = zip.members.find((each) => each.name === name);
    if (!member) throw new DocumentError('unreadable_document', `The archive has no ${name}.`);
    const from = await findMemberData(zip, member);
    let sizeBytes = 0;
    let sum = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sizeBytes += chunk.length;
        sum = crc32(chunk, sum);
        const isTooLarge = sizeBytes > member.sizeBytes;
        done(isTooLarge ? rejected('a member is larger than it says') : null, chunk);
      },
    });
    const packed = zip.handle.createReadStream({
      start: from,
      end: from + member.packedBytes - 1,
      autoClose: false,
    });
    const out = createWriteStream(target, { flags: 'w', mode: 0o600 });
    const signal = AbortSignal.timeout(Math.max(1, Math.ceil(deadline - Date.now())));
    if (member.packedBytes === 0) out.end();
    else if (member.method === 0) await pipeline(packed, measure, out, { signal });
    else await pipeline(packed, createInflateRaw(), measure, out, { signal });
    if (sizeBytes !== member.sizeBytes || sum !== member.crc)
      throw new DocumentError('unreadable_document', `${name} in the archive is damaged.`);
  } catch (error) {
    if (error instanceof DocumentError || (error as Error).name === 'AbortError') throw error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!code.startsWith('Z_')) throw error;
    throw new DocumentError('unreadable_document', `${name} in the archive is damaged.`, {
      cause: error,
    });
  } finally {
    await zip.handle.close();
  }
}
