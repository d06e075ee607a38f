import { DocumentError } from '../lib/errors.ts';

/**
 * Where the lists and objects of a JSON text begin and end, in the order in which they begin. `next` is the number
 * of the first one that begins after the end: so a reader steps over what it does not need.
 */
export type JsonLayout = {
  starts: readonly number[];
  ends: readonly number[];
  next: readonly number[];
};

const maxDepth = 150;
const maxContainers = 3_000_000;

const quote = 0x22;
const backslash = 0x5c;

/**
 * One pass over a text that is known to be JSON.
 *
 * @throws DocumentError unreadable_document for more depth or parts than any document of ArcGIS has
 */
export function readJsonLayout(text: string, member: string): JsonLayout {
  const starts: number[] = [];
  const ends: number[] = [];
  const next: number[] = [];
  const open: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = endOfString(text, at) - 1;
    else if (code === 0x7b || code === 0x5b) {
      open.push(starts.length);
      starts.push(at);
      ends.push(0);
      next.push(0);
      if (open.length > maxDepth) throw tooMuch(member, `is more than ${maxDepth} levels deep`);
      if (starts.length > maxContainers) throw tooMuch(member, 'has too many parts');
    } else if (code === 0x7d || code === 0x5d) {
      const number = open.pop() ?? 0;
      ends[number] = at + 1;
      next[number] = starts.length;
    }
  }
  return { starts, ends, next };
}

/** Jumps from quote to quote. */
export function endOfString(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

function isEscaped(text: string, end: number): boolean {
  let at = end - 1;
  while (text.charCodeAt(at) === backslash) at -= 1;
  return (end - 1 - at) % 2 === 1;
}

function tooMuch(member: string, what: string): DocumentError {
  return new DocumentError('unreadable_document', `${member} ${what}.`);
}
