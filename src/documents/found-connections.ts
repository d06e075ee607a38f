import { type CimNode, isJson } from './cim-node.ts';
import type { DocumentConnection } from './document-connection.ts';
import { firstFrom } from './sorted-places.ts';
import { parseXmlNode } from './xml-node.ts';

/** A connection where it stands in a document. */
export type FoundConnection = {
  node: CimNode;
  role: DocumentConnection['role'];
  /** Of one that stands as XML inside of a text: writes that text anew after a change. */
  commit: () => void;
};

const maxNesting = 3;

/**
 * Every connection of a layer, a table or a map, wherever it stands: they are found by their class, for joins,
 * relates, elevation sources and rasters that are computed hold connections in places of their own.
 */
export function findConnections(
  definition: CimNode,
  nesting: { depth: number; commit: () => void } = { depth: 0, commit: () => {} },
): FoundConnection[] {
  const found: FoundConnection[] = [];
  for (const node of findByClass(definition)) {
    const role = nesting.depth > 0 ? 'nested' : roleOf(node, definition);
    found.push({ node, role, commit: nesting.commit });
    if (nesting.depth < maxNesting) found.push(...findNested(node, nesting));
  }
  return found;
}

/** Names of the classes are searched in the text first, and only what is around a hit is looked at. */
function findByClass(definition: CimNode): CimNode[] {
  const text = definition.literal;
  const hits = [...text.matchAll(/(?:Data|Service)Connection["']/g)].map(
    ({ index }) => index + definition.start,
  );
  const found: CimNode[] = [];
  const look = (node: CimNode) => {
    const isAround = (hits[firstFrom(hits, node.start)] ?? node.end) < node.end;
    if (!isAround && !isPutIn(node)) return;
    if (isConnection(node.className)) found.push(node);
    for (const child of node.children as CimNode[]) look(child);
  };
  look(definition);
  return found;
}

/** What was put in by an edit stands nowhere in the text. */
function isPutIn(node: CimNode): boolean {
  return isJson(node) && node.number < 0 && node.kind !== 'scalar';
}

export function isConnection(className: string): boolean {
  return (
    /(?:DataConnection|ServiceConnection)$/.test(className) && !className.startsWith('ArrayOf')
  );
}

/** A raster that is computed names its sources in an XML text instead of a connection string. */
function findNested(
  node: CimNode,
  { depth, commit }: { depth: number; commit: () => void },
): FoundConnection[] {
  return ['workspaceConnectionString', 'dataset'].flatMap((name) => {
    const text = node.text(name);
    if (!text.trimStart().startsWith('<') || !text.includes('DataConnection')) return [];
    const root = orNothing(() => parseXmlNode(text, 'A nested connection'));
    if (!root) return [];
    const write = () => {
      node.setText(name, root.writeDocument());
      commit();
    };
    return findConnections(root, { depth: depth + 1, commit: write });
  });
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // it is told as not understood
  }
}

function roleOf(node: CimNode, definition: CimNode): DocumentConnection['role'] {
  for (let at: CimNode | undefined = node; at && at !== definition; at = at.parent) {
    const key = at.key.toLowerCase();
    if (key === 'relates') return 'relate';
    if (key === 'destinationtable') return 'join';
    if (/elevation/.test(key)) return 'elevation';
  }
  return /Map$/.test(definition.className) ? 'elevation' : 'source';
}
