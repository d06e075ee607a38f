import { DocumentError } from '../lib/errors.ts';

/** A member that the index lists. */
export type IndexedMember = {
  name: string;
  kind: 'Map' | 'Layer' | 'StandaloneTable' | 'Layout' | 'BinaryReference';
  /** Its text, to find which members it names; empty for binaries. */
  text: string;
};

type Node = { NodeId: number; NodeType: string; FileName: string; ChildNodeIds: string };

/**
 * Index.json anew after members came or went: nodes are numbered from 0, and the children of each are exactly the
 * indexed members that it names by CIMPATH. Whether ArcGIS Pro repairs a wrong index or refuses it is not known.
 */
export function rebuildJsonIndex(
  content: Buffer,
  {
    added,
    removed,
    textOf,
  }: {
    added: readonly IndexedMember[];
    removed: ReadonlySet<string>;
    textOf: (name: string) => string | undefined;
  },
): Buffer {
  const index = parseIndex(content);
  const kept = index.Nodes.filter(({ FileName }) => !removed.has(FileName.toLowerCase()));
  const all = [
    ...kept.map(({ NodeType, FileName }) => ({ NodeType, FileName })),
    ...added.map(({ kind, name }) => ({ NodeType: kind, FileName: name })),
  ];
  const idOf = new Map(all.map(({ FileName }, id) => [FileName.toLowerCase(), id]));
  const addedText = new Map(added.map(({ name, text }) => [name.toLowerCase(), text]));
  const nodes = all.map(({ NodeType, FileName }, id): Node => {
    const text = addedText.get(FileName.toLowerCase()) ?? textOf(FileName) ?? '';
    const children = findNamed(text)
      .map((name) => idOf.get(name))
      .filter((child) => child !== undefined && child !== id);
    return { NodeId: id, NodeType, FileName, ChildNodeIds: [...new Set(children)].join(',') };
  });
  return Buffer.from(writeIndex({ ...index, NumberOfNodes: nodes.length, Nodes: nodes }));
}

type Index = Record<string, unknown> & { Nodes: Node[] };

function parseIndex(content: Buffer): Index {
  try {
    const index = JSON.parse(content.toString('utf8')) as Index;
    const areNodes = index.Nodes.every(
      ({ FileName, NodeType }) => typeof FileName === 'string' && typeof NodeType === 'string',
    );
    if (areNodes) return index;
  } catch {
    // told below
  }
  throw new DocumentError(
    'edit_refused',
    'The index of the project cannot be read, so nothing can be added or taken out.',
  );
}

/** Members that a text names by CIMPATH, in lower case. */
export function findNamed(text: string): string[] {
  return [...text.matchAll(/CIMPATH=([^"'|<>&\\]{1,500})/gi)].map(([, name = '']) =>
    name.toLowerCase(),
  );
}

/** As ArcGIS Pro lays it out: tabs, lists on lines of their own, a line feed at the end. */
function writeIndex({ Nodes, ...head }: Index): string {
  const members = Object.entries(head).map(
    ([key, value]) => `\t${JSON.stringify(key)} : ${JSON.stringify(value)}`,
  );
  const nodes = Nodes.map((node) => {
    const lines = Object.entries(node).map(
      ([key, value]) => `\t\t\t${JSON.stringify(key)} : ${JSON.stringify(value)}`,
    );
    return `\t\t{\n${lines.join(',\n')}\n\t\t}`;
  });
  const list = `\n\t[\n${nodes.join(',\n')}${nodes.length > 0 ? '\n' : ''}\t]`;
  return `{\n${[...members, `\t"Nodes" :${list}`].join(',\n')}\n}\n`;
}

/** 007Index.ind without some members; entries of the others stay as they are. */
export function withoutIndexEntries(content: Buffer, removed: ReadonlySet<string>): Buffer {
  if (content.length < 12) throw damaged();
  const entries: Buffer[] = [];
  let count = content.readInt32LE(4);
  for (let at = 12, left = count; left > 0; left -= 1) {
    if (at + 8 > content.length) throw damaged();
    const bytes = 8 + content.readInt32LE(at + 4) * 2;
    if (bytes < 8 || at + bytes > content.length) throw damaged();
    const entry = content.subarray(at, at + bytes);
    const name = entry
      .subarray(8)
      .toString('utf16le')
      .replace(/\0+$/, '')
      .replace(/^CIMPATH=/i, '');
    if (removed.has(name.toLowerCase())) count -= 1;
    else entries.push(entry);
    at += bytes;
  }
  const head = Buffer.from(content.subarray(0, 12));
  head.writeInt32LE(count, 4);
  return Buffer.concat([head, ...entries]);
}

function damaged(): DocumentError {
  return new DocumentError(
    'edit_refused',
    'The index of the project cannot be read, so nothing can be taken out.',
  );
}
