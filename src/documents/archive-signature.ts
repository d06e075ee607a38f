import { open, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { DocumentError } from '../lib/errors.ts';
import { rejected } from './archive-limits.ts';

const signatureHeaderBytes = 32;
const peekBytes = 1_024;
/** The list of members is read whole, so a list of this size is not read at all. */
const maxListBytes = 64 * 2 ** 20;

const binaryStarts: [hex: string, what: string][] = [
  ['504b0304', 'a zip archive (an .aprx, an .atbx or a packed folder)'],
  ['504b0506', 'an empty zip archive'],
  ['d0cf11e0a1b11ae1', 'an OLE compound file (an .mxd, .lyr, .tbx, .sde or .ags)'],
  ['526172211a07', 'a rar archive'],
  ['1f8b', 'a gzip file'],
  ['25504446', 'a PDF'],
  ['89504e47', 'a PNG image'],
  ['7f454c46', 'a program'],
  ['4d5a', 'a program'],
];

/**
 * Looks at the first bytes, never at the name: a service definition is a 7z archive. Tells a file that was
 * cut off on its way from one that never was one.
 *
 * @throws DocumentError unreadable_document, saying what the file is instead
 */
export async function checkSignature(path: string): Promise<void> {
  const found = await stat(path);
  if (!found.isFile()) throw unreadable('This is not a file'); // opening a pipe would wait for ever
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { bytesRead, buffer } = await file.read(Buffer.alloc(peekBytes), 0, peekBytes, 0);
    checkStart(buffer.subarray(0, bytesRead), size);
  } finally {
    await file.close();
  }
}

function checkStart(start: Buffer, fileBytes: number): void {
  if (!start.toString('hex', 0, 6).startsWith('377abcaf271c')) {
    throw unreadable(`A service definition is a 7z archive; this file is ${describeStart(start)}`);
  }
  if (start.length < signatureHeaderBytes) throw unreadable('The file ends within its first bytes');
  // 7-Zip, 7zFormat.txt, "SignatureHeader": CRC of what follows, then place, size and CRC of the list
  if (crc32(start.subarray(12, signatureHeaderBytes)) !== start.readUInt32LE(8)) {
    throw unreadable('The file begins like a 7z archive but its header is damaged');
  }
  const listAt = start.readBigUInt64LE(12);
  const listBytes = start.readBigUInt64LE(20);
  if (listBytes === 0n) throw unreadable('The archive is empty');
  if (listBytes > BigInt(maxListBytes)) throw rejected('its list of members is too long');
  const missing = BigInt(signatureHeaderBytes) + listAt + listBytes - BigInt(fileBytes);
  if (missing > 0n) {
    throw unreadable(`The file ends early: ${missing} bytes are missing`, {
      missingBytes: Number(missing),
    });
  }
}

function unreadable(message: string, facts: Record<string, unknown> = {}): DocumentError {
  return new DocumentError('unreadable_document', `${message}.`, { facts });
}

function describeStart(start: Buffer): string {
  if (start.length === 0) return 'empty';
  const hex = start.toString('hex', 0, 16);
  const known = binaryStarts.find(([beginning]) => hex.startsWith(beginning));
  if (known) return known[1];
  const text = start
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (/^<!doctype html|^<html/i.test(text)) return 'an HTML page';
  if (text.startsWith('<SVCManifest') || /^<\?xml[^>]*>\s*<SVCManifest/.test(text)) {
    return 'a service definition draft (.sddraft), which has to be staged first';
  }
  if (text.startsWith('<')) return 'an XML text';
  if (text.startsWith('{') || text.startsWith('[')) return 'a JSON text (a .mapx or .lyrx?)';
  return start.includes(0) ? 'binary data of another kind' : 'a text';
}
