import { createHash } from 'node:crypto';

/** Changes exactly when the part of the configuration does; never shows a value. */
export function digestOf(part: unknown): string {
  return createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
}
