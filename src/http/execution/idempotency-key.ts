import { createHash, createHmac } from 'node:crypto';
import { RequestError } from '../../lib/errors.ts';

/** Quoted, as the draft standard has it, or bare, as many clients send it: the same key. */
export function parseIdempotencyKey(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = [header].flat().join(',');
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (/^[\x21-\x7e]{16,255}$/.test(key) && !/["\\]/.test(key)) return key;
  throw new RequestError('malformed_request', 'The Idempotency-Key cannot be used.', {
    errors: [
      {
        header: 'Idempotency-Key',
        detail: 'send 16 to 255 visible ASCII characters, such as a UUID in quotes',
      },
    ],
  });
}

/**
 * For requests that carry secrets: without our keys nobody can try out what was sent. One fingerprint for
 * each key, the current one first.
 */
export function sealedFingerprintsOf(route: string, content: unknown, keys: Buffer[]): string[] {
  const text = `${route}\n${canonicalJson(content)}`;
  return keys.map((key) => createHmac('sha256', key).update(text).digest('hex'));
}

/** The same for requests that mean the same, whatever the order of members and the white space. */
export function fingerprintOf(route: string, content: unknown): string {
  return createHash('sha256')
    .update(`${route}\n${canonicalJson(content)}`)
    .digest('hex');
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
