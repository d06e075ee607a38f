import { isPasswordName } from './connection-string.ts';

/** `KEY=VALUE` as it stands in a connection string; offsets are those of the value. */
export type ConnectionPair = { key: string; value: string; start: number; end: number };

/** All pairs in order, passwords too; keys in upper case. What is no pair is passed over. */
export function parsePairs(text: string): ConnectionPair[] {
  const pairs: ConnectionPair[] = [];
  let at = 0;
  for (const part of text.split(';')) {
    const equals = part.indexOf('=');
    if (equals > 0) {
      const start = at + equals + 1;
      const key = part.slice(0, equals).trim().toUpperCase();
      pairs.push({ key, value: part.slice(equals + 1), start, end: at + part.length });
    }
    at += part.length + 1;
  }
  return pairs;
}

export function findValue(pairs: readonly ConnectionPair[], key: string): string | undefined {
  return pairs.find((pair) => pair.key === key)?.value;
}

/**
 * The text with other values, each in its place; `undefined` takes a pair out, a key that is not there is put
 * last. All other letters stay.
 */
export function withPairs(
  text: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const parts = text === '' ? [] : text.split(';');
  const left = new Map(Object.entries(changes));
  const kept = parts.flatMap((part) => {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(equals, 0)).trim().toUpperCase();
    if (!left.has(key)) return [part];
    const value = left.get(key);
    left.delete(key);
    return value === undefined ? [] : [part.slice(0, equals + 1) + value];
  });
  for (const [key, value] of left) if (value !== undefined) kept.push(`${key}=${value}`);
  return kept.join(';');
}

/** The same text without its passwords. */
export function withoutPasswords(text: string): string {
  return text
    .split(';')
    .filter((part) => !isPasswordName(part.slice(0, Math.max(part.indexOf('='), 0))))
    .join(';');
}

export function holdsPassword(text: string): boolean {
  return parsePairs(text).some(({ key, value }) => isPasswordName(key) && value.trim() !== '');
}
