import { DocumentError } from '../lib/errors.ts';

/** One tag as it stands in the text; offsets count characters. */
export type Tag = { kind: 'open' | 'close' | 'empty'; name: string; start: number; end: number };

const maxDepth = 100;

/**
 * Tags of an XML text in order, without comments, CDATA sections and declarations. One pass, so even a
 * hostile text takes linear time.
 *
 * @throws DocumentError unreadable_document for a DTD: no file of ArcGIS has one, and entities can explode
 */
export function* scanTags(text: string): Generator<Tag> {
  let at = text.indexOf('<');
  while (at >= 0) {
    const end = findEnd(text, at);
    if (end < 0) return;
    const tag = toTag(text, at, end);
    if (tag) yield tag;
    at = text.indexOf('<', end);
  }
}

function findEnd(text: string, at: number): number {
  if (text.startsWith('<!--', at)) return after(text, '-->', at + 4);
  if (text.startsWith('<![CDATA[', at)) return after(text, ']]>', at + 9);
  if (text.startsWith('<?', at)) return after(text, '?>', at + 2);
  if (text.startsWith('<!', at)) {
    throw new DocumentError('unreadable_document', 'The XML has a DTD, which is not accepted.');
  }
  for (let index = at + 1; index < text.length; index += 1) {
    const char = text[index];
    if (char === '>') return index + 1;
    if (char === '"' || char === "'") {
      index = text.indexOf(char, index + 1);
      if (index < 0) return -1;
    }
  }
  return -1;
}

function after(text: string, what: string, from: number): number {
  const at = text.indexOf(what, from);
  return at < 0 ? -1 : at + what.length;
}

function toTag(text: string, start: number, end: number): Tag | undefined {
  const second = text[start + 1];
  if (second === '!' || second === '?') return undefined;
  const isClose = second === '/';
  const from = start + (isClose ? 2 : 1);
  let until = from;
  while (until < end && !/[\s/>]/.test(text[until] ?? '>')) until += 1;
  const isEmpty = !isClose && text[end - 2] === '/';
  const kind = isClose ? 'close' : isEmpty ? 'empty' : 'open';
  return { kind, name: text.slice(from, until), start, end };
}

/** @throws DocumentError unreadable_document for a DTD or for elements within elements without end */
export function checkXmlShape(text: string): void {
  let depth = 0;
  for (const tag of scanTags(text)) {
    if (tag.kind === 'open') depth += 1;
    if (tag.kind === 'close') depth -= 1;
    if (depth > maxDepth) {
      throw new DocumentError(
        'unreadable_document',
        `The XML is more than ${maxDepth} levels deep.`,
      );
    }
  }
}

/** Where the text of the first child `name` of the root stands; undefined when there is none. */
export function findRootChildText(
  text: string,
  name: string,
): { start: number; end: number } | undefined {
  let depth = 0;
  let start: number | undefined;
  for (const tag of scanTags(text)) {
    if (tag.kind === 'close') {
      if (depth === 2 && start !== undefined) return { start, end: tag.start };
      depth -= 1;
    }
    if (tag.kind !== 'open') continue;
    depth += 1;
    if (depth === 2 && start === undefined && tag.name === name) start = tag.end;
  }
  return undefined;
}

/**
 * The root with those of its children only whose names are given (in lower case), as XML. A layer of a map
 * may have megabytes of symbols around the few texts that are wanted.
 */
export function keepRootChildren(text: string, names: ReadonlySet<string>): string {
  const parts: string[] = [];
  let depth = 0;
  let keptFrom: number | undefined;
  for (const tag of scanTags(text)) {
    if (tag.kind === 'close') depth -= 1;
    const isChild = depth === 1 && names.has(tag.name.toLowerCase());
    if (depth === 0) parts.push(text.slice(tag.start, tag.end));
    else if (isChild && tag.kind === 'empty') parts.push(text.slice(tag.start, tag.end));
    else if (isChild && tag.kind === 'open') keptFrom = tag.start;
    else if (isChild && keptFrom !== undefined) {
      parts.push(text.slice(keptFrom, tag.end));
      keptFrom = undefined;
    }
    if (tag.kind === 'open') depth += 1;
  }
  return parts.join('');
}
