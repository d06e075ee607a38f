import { DocumentError } from '../lib/errors.ts';
import { notAText } from './json-node.ts';
import { scanTags, type Tag } from './xml-scan.ts';
import { escapeXml } from './xml-text.ts';

const maxDepth = 150;
const maxNodes = 4_000_000;
const none: XmlNode[] = [];

/**
 * An element of an XML text that remembers where it stands, so that what is not changed is written back
 * letter by letter: quotes, empty elements and namespaces stay as ArcGIS wrote them. Names are compared
 * without case.
 */
export class XmlNode {
  readonly #text: string;
  /** Of the whole element, and of what is between its tags. */
  readonly start: number;
  end = 0;
  readonly openEnd: number;
  closeStart = 0;
  readonly key: string;
  parent: XmlNode | undefined;
  children: XmlNode[] = none;
  #openTag: string | undefined;
  #content: string | undefined;
  /** Came from another text. */
  #isInserted = false;
  #removed: Set<XmlNode> | undefined;
  #isTouched = false;

  constructor(text: string, { name, start, end }: Tag, parent: XmlNode | undefined) {
    this.#text = text;
    this.start = start;
    this.openEnd = end;
    this.key = name.slice(name.indexOf(':') + 1);
    this.parent = parent;
  }

  /** Of `xsi:type='typens:CIMFeatureLayer'`; of a root without it its own name. */
  get className(): string {
    const type = /\sxsi:type\s*=\s*["'](?:[\w.-]+:)?([\w.-]+)["']/.exec(this.openTag)?.[1];
    if (type !== undefined) return type;
    return this.parent ? '' : this.key;
  }

  get openTag(): string {
    return this.#openTag ?? this.#text.slice(this.start, this.openEnd);
  }

  get isChanged(): boolean {
    return this.#isTouched;
  }

  get isNil(): boolean {
    return /\sxsi:nil\s*=\s*["'](?:true|1)["']/.test(this.openTag);
  }

  child(name: string): XmlNode | undefined {
    const wanted = name.toLowerCase();
    return this.kept.find(
      ({ key }) => key.length === wanted.length && key.toLowerCase() === wanted,
    );
  }

  /** The children that are not removed. */
  get kept(): XmlNode[] {
    const removed = this.#removed;
    return removed ? this.children.filter((child) => !removed.has(child)) : this.children;
  }

  /** The text of a child, or of this one; `''` for what is missing or has elements. */
  text(name?: string): string {
    const node = name === undefined ? this : this.child(name);
    if (!node || node.children.length > 0) return '';
    return node.#content ?? decodeXml(node.#text.slice(node.openEnd, node.closeStart));
  }

  /** The entries of a list, by the name of the list. */
  items(name: string): XmlNode[] {
    return this.child(name)?.kept ?? [];
  }

  /** As it stands in the text. */
  get literal(): string {
    return this.#text.slice(this.start, this.end);
  }

  /** Sets the text of a child; one that is missing is put in, last or behind another. */
  setText(name: string, value: string, place: { after?: string } = {}): void {
    const node = this.child(name);
    if (node) {
      node.setOwnText(value);
      return;
    }
    const tag = name.charAt(0).toUpperCase() + name.slice(1);
    const behind = place.after === undefined ? this.kept.at(-1) : this.child(place.after);
    this.insertAfter(behind, `<${tag}>${escapeXml(value)}</${tag}>`);
  }

  /** @throws DocumentError edit_refused when it holds elements */
  setOwnText(value: string): void {
    if (this.children.length > 0) throw notAText(this.key);
    this.#content = value;
    // A nil value says so in its tag; it gets the type that nearly all values have.
    if (this.isNil) this.#openTag = `${/^<[^\s/>]+/.exec(this.openTag)?.[0]} xsi:type='xs:string'>`;
    this.#touch();
  }

  setClass(className: string): void {
    this.#openTag = this.openTag.replace(
      /(\sxsi:type\s*=\s*["'](?:[\w.-]+:)?)[\w.-]+/,
      (_, before: string) => before + className,
    );
    this.#touch();
  }

  remove(name: string): void {
    const node = this.child(name);
    if (node) this.removeChild(node);
  }

  removeChild(node: XmlNode): void {
    this.#removed ??= new Set();
    this.#removed.add(node);
    this.#touch();
  }

  /** Puts an element behind a child, or first; it takes over the blanks between its neighbours. */
  insertAfter(child: XmlNode | undefined, xml: string): void {
    const added = parseXmlNode(xml, 'An element of ours');
    added.parent = this;
    added.#isInserted = true;
    const at = child === undefined ? 0 : this.children.indexOf(child) + 1;
    this.children = [...this.children.slice(0, at), added, ...this.children.slice(at)];
    this.#touch();
  }

  #touch(): void {
    for (let node: XmlNode | undefined = this; node && !node.#isTouched; node = node.parent) {
      node.#isTouched = true;
    }
  }

  /** Visits every element of the tree below and with this one, a parent before its children, in order. */
  walk(visit: (node: XmlNode) => void): void {
    const open: XmlNode[] = [this];
    for (let node = open.pop(); node; node = open.pop()) {
      visit(node);
      const { kept } = node;
      for (let at = kept.length - 1; at >= 0; at -= 1) {
        const child = kept[at];
        if (child) open.push(child);
      }
    }
  }

  /** Of a root: the whole text, with what stands before and after it. */
  writeDocument(): string {
    return this.#text.slice(0, this.start) + this.write() + this.#text.slice(this.end);
  }

  write(): string {
    const parts: string[] = [];
    this.#writeTo(parts);
    return parts.join('');
  }

  #writeTo(parts: string[]): void {
    if (!this.#isTouched) {
      parts.push(this.#text.slice(this.start, this.end));
      return;
    }
    const isClosed = this.closeStart < this.end;
    const hasContent =
      this.#content !== undefined || this.children.some((child) => child.#isInserted);
    const open = this.openTag;
    parts.push(isClosed || !hasContent ? open : open.replace(/\s*\/>$/, '>'));
    if (this.#content !== undefined) parts.push(escapeXml(this.#content));
    else this.#writeChildren(parts);
    if (isClosed) parts.push(this.#text.slice(this.closeStart, this.end));
    else if (hasContent) parts.push(`</${/^<([^\s/>]+)/.exec(open)?.[1] ?? this.key}>`);
  }

  #writeChildren(parts: string[]): void {
    const first = this.children.find((child) => !child.#isInserted);
    let blanks = first ? this.#text.slice(this.openEnd, first.start) : '';
    let at = this.openEnd;
    for (const child of this.children) {
      const isRemoved = this.#removed?.has(child);
      if (child.#isInserted) {
        if (!isRemoved) parts.push(blanks, child.write());
        continue;
      }
      blanks = this.#text.slice(at, child.start);
      at = child.end; // the blanks before what is removed go with it
      if (isRemoved) continue;
      parts.push(blanks);
      child.#writeTo(parts);
    }
    parts.push(this.#text.slice(at, this.closeStart));
  }
}

/**
 * Parses an XML text without a DTD. Tags have to match; namespaces are not looked at, for ArcGIS names them
 * in values only.
 *
 * @throws DocumentError unreadable_document naming the member, never quoting the text
 */
export function parseXmlNode(text: string, member: string): XmlNode {
  const fail = (what: string) =>
    new DocumentError('unreadable_document', `${member} is not XML: ${what}.`);
  let root: XmlNode | undefined;
  let at: XmlNode | undefined;
  let depth = 0;
  let nodes = 0;
  for (const tag of scanTags(text)) {
    if (tag.kind === 'close') {
      if (!at || text.slice(tag.start + 2, tag.start + 2 + tag.name.length) !== nameIn(text, at)) {
        throw fail(`a tag is closed that is not open (character ${tag.start})`);
      }
      at.closeStart = tag.start;
      at.end = tag.end;
      at = at.parent;
      depth -= 1;
      continue;
    }
    if (!at && root) throw fail('it goes on after its end');
    nodes += 1;
    if (nodes > maxNodes) throw fail(`it has more than ${maxNodes} elements`);
    const node = new XmlNode(text, tag, at);
    root ??= node;
    if (at) at.children = at.children === none ? [node] : pushed(at.children, node);
    if (tag.kind === 'empty') {
      node.closeStart = tag.end;
      node.end = tag.end;
      continue;
    }
    depth += 1;
    if (depth > maxDepth) throw fail(`it is more than ${maxDepth} levels deep`);
    at = node;
  }
  if (!root) throw fail('it has no element');
  if (at) throw fail('a tag is not closed');
  if (!holdsOnlyNotes(text.slice(0, root.start).replace(/^\uFEFF/, ''))) {
    throw fail('text stands before its root');
  }
  if (!holdsOnlyNotes(text.slice(root.end))) throw fail('it goes on after its end');
  return root;
}

/** Blanks, comments and declarations; in one pass, whatever is not closed. */
function holdsOnlyNotes(text: string): boolean {
  let at = 0;
  for (;;) {
    while (/\s/.test(text[at] ?? '')) at += 1;
    if (at >= text.length) return true;
    const close = text.startsWith('<!--', at)
      ? '-->'
      : text.startsWith('<?', at)
        ? '?>'
        : undefined;
    const end = close === undefined ? -1 : text.indexOf(close, at + 2);
    if (close === undefined || end < 0) return false;
    at = end + close.length;
  }
}

function pushed(children: XmlNode[], node: XmlNode): XmlNode[] {
  children.push(node);
  return children;
}

function nameIn(text: string, node: XmlNode): string {
  let end = node.start + 1;
  while (end < node.openEnd && !/[\s/>]/.test(text[end] ?? '>')) end += 1;
  return text.slice(node.start + 1, end);
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Text between tags; entities of a DTD are unknown and stay as they are written. */
export function decodeXml(text: string): string {
  if (!text.includes('&') && !text.includes('<')) return text;
  return text.replace(
    /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|&(#x[0-9a-f]{1,6}|#\d{1,7}|\w{1,10});/gi,
    (whole, data, name) => {
      if (data !== undefined) return String(data);
      if (name === undefined) return ''; // a comment
      const entity = String(name);
      if (!entity.startsWith('#')) return entities[entity] ?? whole;
      const code = /^#x/i.test(entity)
        ? Number.parseInt(entity.slice(2), 16)
        : Number.parseInt(entity.slice(1), 10);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
