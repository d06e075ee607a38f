import type { IncomingHttpHeaders } from 'node:http';
import { RequestError } from '../lib/errors.ts';

/** What a caller says of its file (RFC 9530), and in which header. */
export type FileDigest = { header: string; sha256: string };

/**
 * `Content-Digest` is about the bytes of the message, which are the file only where it is the bare body.
 *
 * @throws RequestError when a digest cannot be read, or none of them can be checked
 */
export function readDigests(
  headers: IncomingHttpHeaders,
  { isBareBody }: { isBareBody: boolean },
): FileDigest[] {
  const names = isBareBody ? ['Repr-Digest', 'Content-Digest'] : ['Repr-Digest'];
  return names.flatMap((header) => {
    const text = [headers[header.toLowerCase()]].flat().join(',');
    return text.trim() === '' ? [] : [{ header, sha256: parseDigest(header, text) }];
  });
}

/** @throws RequestError naming the headers that say otherwise; what was computed is not told */
export function checkDigests(sha256: string, digests: readonly FileDigest[]): void {
  const wrong = digests.filter((digest) => digest.sha256 !== sha256);
  if (wrong.length === 0) return;
  const detail = 'the SHA-256 of the content is another';
  throw new RequestError(
    'validation_error',
    'The file is not what its digest says: it was changed on its way.',
    { errors: wrong.map(({ header }) => ({ header, code: 'digest_mismatch', detail })) },
  );
}

/** One member of a dictionary of byte sequences (RFC 9651). */
const member = /^\s*([a-z*][a-z0-9_.*-]*)=:([a-z0-9+/]*=*):\s*(?:;.*)?$/i;

function parseDigest(header: string, text: string): string {
  const members = text.split(',').map((each) => member.exec(each));
  const sha256 = members.find((match) => match?.[1]?.toLowerCase() === 'sha-256');
  const bytes = Buffer.from(sha256?.[2] ?? '', 'base64');
  const isReadable = members.every((match) => match !== null);
  if (isReadable && !sha256) throw unsupported(header);
  if (isReadable && bytes.length === 32) return bytes.toString('hex');
  throw new RequestError('malformed_request', 'The digest cannot be read.', {
    errors: [{ header, detail: 'send sha-256=:<base64 of 32 bytes>:' }],
  });
}

/** To take a file unchecked whose sender wants it checked would be worse than to refuse it. */
function unsupported(header: string): RequestError {
  return new RequestError('malformed_request', 'The digest cannot be checked: send SHA-256.', {
    errors: [{ header, code: 'unsupported_algorithm', detail: 'send sha-256=:<base64>:' }],
    headers: { [`want-${header.toLowerCase()}`]: 'sha-256=10' },
  });
}
