import { DocumentError } from '../lib/errors.ts';
import { endOfString, type JsonLayout, readJsonLayout } from './json-layout.ts';
import { encodeJson, type JsonStyle, readJsonStyle, writeStyled } from './json-style.ts';

/** A text of JSON and how it is laid out. */
export type JsonSource = { text: string; style: JsonStyle; layout: JsonLayout };

const none: JsonNode[] = []; // scalars are most of a text: they share one

/**
 * A value of a JSON text that remembers where it stands, so that what is not changed is written back
 * letter by letter: numbers keep their digits, unknown members stay. Members are found without case, for
 * JSON lower-cases the first letter of the names that XML has.
 */
export class JsonNode {
  readonly source: JsonSource;
  readonly kind: 'object' | 'list' | 'scalar';
  readonly start: number;
  end = 0;
  /** Of a member: its name as it is written, and where its quote stands. */
  readonly key: string;
  readonly keyStart: number;
  parent: JsonNode | undefined;
  /** Its number in the layout of the text; -1 for scalars and what was put in. */
  readonly number: number;
  #children: JsonNode[] | undefined;
  #literal: string | undefined;
  #change: 'none' | 'inside' | 'structure' = 'none';

  constructor(
    source: JsonSource,
    kind: JsonNode['kind'],
    place: {
      start: number;
      key: string;
      keyStart: number;
      parent: JsonNode | undefined;
      number?: number;
    },
  ) {
    this.source = source;
    this.kind = kind;
    this.start = place.start;
    this.key = place.key;
    this.keyStart = place.keyStart;
    this.parent = place.parent;
    this.number = place.number ?? -1;
    this.#children = kind === 'scalar' ? none : this.number < 0 ? [] : undefined;
  }

  /** Parsed when they are first asked for: most of a layer is symbols that nobody asks for. */
  get children(): JsonNode[] {
    this.#children ??= parseChildren(this);
    return this.#children;
  }

  /** Such as `CIMFeatureLayer`; empty for what is no object of the CIM. */
  get className(): string {
    if (this.kind !== 'object') return '';
    const first = this.children[0]; // where ArcGIS writes it
    return first?.key === 'type' ? first.text() : this.text('type');
  }

  get isChanged(): boolean {
    return this.#literal !== undefined || this.#change !== 'none';
  }

  child(name: string): JsonNode | undefined {
    if (this.kind !== 'object') return undefined;
    const wanted = name.toLowerCase();
    return this.children.find(
      ({ key }) => key === name || (key.length === wanted.length && key.toLowerCase() === wanted),
    );
  }

  /** The text of a member, or of a scalar itself; `''` for what is missing or no scalar. */
  text(name?: string): string {
    const node = name === undefined ? this : this.child(name);
    if (node?.kind !== 'scalar') return '';
    const literal = node.literal;
    if (literal.startsWith('"')) return decode(literal);
    return literal === 'null' ? '' : literal;
  }

  /** The entries of a list, by the name of the list. */
  items(name: string): JsonNode[] {
    const list = this.child(name);
    return list?.kind === 'list' ? list.children : [];
  }

  /** As it stands in the text. */
  get literal(): string {
    return this.#literal ?? this.source.text.slice(this.start, this.end);
  }

  /**
   * Sets a string; a member that is missing is put in, first or behind another.
   *
   * @throws DocumentError edit_refused when a list or an object stands where a text should
   */
  setText(name: string, value: string, place: { after?: string } = {}): void {
    this.setLiteral(name, encodeJson(value, this.source.style), place);
  }

  setLiteral(name: string, literal: string, place: { after?: string } = {}): void {
    const node = this.child(name);
    if (node) {
      if (node.kind !== 'scalar') throw notAText(name);
      node.setOwnLiteral(literal);
      return;
    }
    const added = new JsonNode(this.source, 'scalar', {
      start: 0,
      key: name,
      keyStart: -1,
      parent: this,
    });
    added.setOwnLiteral(literal);
    const behind =
      place.after === undefined ? -1 : this.children.findIndex(({ key }) => key === place.after);
    this.insert(
      behind < 0 ? (place.after === undefined ? this.children.length : 1) : behind + 1,
      added,
    );
  }

  setOwnText(value: string): void {
    this.setOwnLiteral(encodeJson(value, this.source.style));
  }

  setOwnLiteral(literal: string): void {
    this.#literal = literal;
    this.parent?.markInside();
  }

  remove(name: string): void {
    const node = this.child(name);
    if (node) this.removeChild(node);
  }

  removeChild(node: JsonNode): void {
    this.#children = this.children.filter((each) => each !== node);
    this.#restructure();
  }

  /** Puts in a node, maybe one of another text: it is laid out anew then. */
  insert(index: number, node: JsonNode): void {
    node.parent = this;
    this.#children = [...this.children.slice(0, index), node, ...this.children.slice(index)];
    this.#restructure();
  }

  /** A scalar to be put into a list of this text. */
  createText(value: string): JsonNode {
    const node = new JsonNode(this.source, 'scalar', {
      start: 0,
      key: '',
      keyStart: -1,
      parent: undefined,
    });
    node.setOwnText(value);
    return node;
  }

  /** An object of texts, to be put into a list of this text. */
  createObject(members: Readonly<Record<string, string>>): JsonNode {
    const place = { start: 0, key: '', keyStart: -1, parent: undefined };
    const node = new JsonNode(this.source, 'object', place);
    for (const [name, value] of Object.entries(members)) node.setText(name, value);
    node.#change = 'structure';
    return node;
  }

  /** Adds an object without members as the last member. */
  createEmptyObject(name: string): JsonNode {
    const place = { start: 0, key: name, keyStart: -1, parent: this };
    const node = new JsonNode(this.source, 'object', place);
    node.#change = 'structure';
    this.insert(this.children.length, node);
    return node;
  }

  /** Adds an empty list as a member, behind another. */
  createList(name: string, after?: string): JsonNode {
    const list = new JsonNode(this.source, 'list', {
      start: 0,
      key: name,
      keyStart: -1,
      parent: this,
    });
    list.#change = 'structure';
    const behind = this.children.findIndex(({ key }) => key === after);
    this.insert(behind < 0 ? this.children.length : behind + 1, list);
    return list;
  }

  markInside(): void {
    if (this.#change === 'none') this.#change = 'inside';
    this.parent?.markInside();
  }

  #restructure(): void {
    this.#change = 'structure';
    this.parent?.markInside();
  }

  /** Visits every node of the tree below and with this one, a parent before its children, in order. */
  walk(visit: (node: JsonNode) => void): void {
    const open: JsonNode[] = [this];
    for (let node = open.pop(); node; node = open.pop()) {
      visit(node);
      for (let at = node.children.length - 1; at >= 0; at -= 1) {
        const child = node.children[at];
        if (child) open.push(child);
      }
    }
  }

  setClass(className: string): void {
    this.setText('type', className);
  }

  /** Of a root: the whole text, with what stands before and after it. */
  writeDocument(): string {
    const { text } = this.source;
    return text.slice(0, this.start) + this.write() + text.slice(this.end);
  }

  write(): string {
    const parts: string[] = [];
    this.writeTo(parts, 0);
    return parts.join('');
  }

  writeTo(parts: string[], depth: number): void {
    if (!this.isChanged) parts.push(this.source.text.slice(this.start, this.end));
    else if (this.#literal !== undefined) parts.push(this.#literal);
    else if (this.#change === 'inside') this.#writeInPlace(parts, depth);
    else writeStyled(this, this.source.style, { parts, depth });
  }

  #writeInPlace(parts: string[], depth: number): void {
    let at = this.start;
    for (const child of this.children) {
      parts.push(this.source.text.slice(at, child.start));
      child.writeTo(parts, depth + 1);
      at = child.end;
    }
    parts.push(this.source.text.slice(at, this.end));
  }
}

export function notAText(name: string): DocumentError {
  return new DocumentError(
    'edit_refused',
    `The ${name} of the document is no text, so it cannot be changed.`,
  );
}

/**
 * Parses a JSON text. A byte order mark is passed over.
 *
 * @throws DocumentError unreadable_document naming the member, never quoting the text
 */
export function parseJsonNode(text: string, member: string): JsonNode {
  const start = /^\uFEFF/.test(text) ? 1 : 0;
  checkJson(start === 0 ? text : text.slice(1), member);
  const source = { text, style: readJsonStyle(text), layout: readJsonLayout(text, member) };
  const at = afterBlanks(text, start);
  const isContainer = text[at] === '{' || text[at] === '[';
  const node = new JsonNode(
    source,
    isContainer ? (text[at] === '{' ? 'object' : 'list') : 'scalar',
    {
      ...{ start: at, key: '', keyStart: -1, parent: undefined, number: isContainer ? 0 : -1 },
    },
  );
  node.end = isContainer ? (source.layout.ends[0] ?? text.length) : text.trimEnd().length;
  return node;
}

/** The parser of the runtime judges; it is fast, and its words would quote the text. */
function checkJson(text: string, member: string): void {
  try {
    JSON.parse(text);
  } catch (error) {
    const place = /position (\d+)/.exec((error as Error).message)?.[1];
    const where = place === undefined ? '' : ` (character ${place})`;
    throw new DocumentError('unreadable_document', `${member} is not JSON${where}.`);
  }
}

/** The members of a list or object, without looking into those that are lists or objects themselves. */
function parseChildren(node: JsonNode): JsonNode[] {
  const { source, kind } = node;
  const { text, layout } = source;
  const children: JsonNode[] = [];
  let number = node.number + 1;
  let at = afterBlanks(text, node.start + 1);
  while (at < node.end - 1) {
    const keyStart = at;
    let key = '';
    if (kind === 'object') {
      at = endOfString(text, at);
      key = decode(text.slice(keyStart, at));
      at = afterBlanks(text, afterBlanks(text, at) + 1);
    }
    const first = text[at];
    const isContainer = first === '{' || first === '[';
    const childKind = first === '{' ? 'object' : first === '[' ? 'list' : 'scalar';
    const place = { start: at, key, keyStart, parent: node, number: isContainer ? number : -1 };
    const child = new JsonNode(source, childKind, place);
    if (isContainer) {
      child.end = layout.ends[number] ?? node.end;
      number = layout.next[number] ?? number + 1;
    } else child.end = first === '"' ? endOfString(text, at) : endOfWord(text, at);
    children.push(child);
    at = afterBlanks(text, afterBlanks(text, child.end) + 1); // a comma, or the end
  }
  return children;
}

function afterBlanks(text: string, from: number): number {
  let at = from;
  let code = text.charCodeAt(at);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
    at += 1;
    code = text.charCodeAt(at);
  }
  return at;
}

/** Of a number, `true`, `false` or `null`. */
function endOfWord(text: string, from: number): number {
  let at = from;
  while (/[\w.+-]/.test(text[at] ?? '')) at += 1;
  return at;
}

function decode(literal: string): string {
  return literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}
