import { redactSecrets } from '../lib/redact.ts';
import type { CimNode } from './cim-node.ts';
import { findValue, holdsPassword, parsePairs, withoutPasswords } from './connection-pairs.ts';
import { holdsSecret, readConnectionString } from './connection-string.ts';
import type { ConnectionKind, DocumentConnection } from './document-connection.ts';
import { type FoundConnection, isConnection } from './found-connections.ts';
import { isRelativePath, resolvePath } from './windows-path.ts';

const kinds: Record<string, ConnectionKind> = {
  ...{ filegdb: 'filegdb', shapefile: 'shapefile', sde: 'sde', raster: 'raster', access: 'access' },
  ...{ delimitedtextfile: 'text', excel: 'excel', sqlite: 'sqlite', sql: 'sqlite', tin: 'tin' },
  ...{ cad: 'cad', netcdf: 'netcdf', lasdataset: 'las', oledb: 'ole-db', wfs: 'wfs' },
  ...{ featureservice: 'service', streamservice: 'service', inmemorydb: 'memory' },
};

/** Kinds whose source is a place in the file system. */
const inFiles = new Set<ConnectionKind>([
  ...(['filegdb', 'shapefile', 'raster', 'access', 'text', 'excel'] as const),
  ...(['sqlite', 'tin', 'cad', 'netcdf', 'las'] as const),
]);
const maxTextLength = 4_000;

export type DescribeOptions = {
  /** Folder of the document, as a path of Windows or of UNIX. */
  folder?: string | undefined;
  /** Digests of symbols are most of the work of describing a map. */
  digests?: 'with' | 'without';
};

/** One connection in the normal form. Passwords are left out, whatever key they stand under. */
export function describeConnection(
  { node, role }: Pick<FoundConnection, 'node' | 'role'>,
  options: DescribeOptions = {},
): DocumentConnection {
  const kind = kindOf(node);
  const text = node.text('workspaceConnectionString');
  const factory = node.text('workspaceFactory');
  const place = describePlace(node, kind, text, options);
  const shown = {
    kind,
    ...place,
    dataset: isNested(node.text('dataset')) ? undefined : node.text('dataset'),
    featureDataset: node.text('featureDataset'),
    datasetType: node.text('datasetType').replace(/^esriDT/, ''),
    query: node.text('sqlQuery'),
    workspaceFactory: factory,
  };
  const fault = findFault(node, kind, place);
  return {
    ...(shorten(shown) as typeof shown & { kind: ConnectionKind }),
    ...(place.isRelative !== undefined && { isRelative: place.isRelative }),
    className: node.className,
    role,
    hasPassword: holdsPassword(text) || holdsSecret(text) || holdsCredentials(node),
    ...(fault && { fault }),
  } as DocumentConnection;
}

/** Empty members fall away, long ones are cut, and nothing that looks like a password stays. */
function shorten(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).flatMap(([key, value]) => {
      if (typeof value !== 'string' || value === '') return [];
      return [[key, key === 'kind' ? value : redactSecrets(value.slice(0, maxTextLength))]];
    }),
  );
}

export function kindOf(node: CimNode): ConnectionKind {
  const { className } = node;
  if (/ServiceConnection$/.test(className)) return 'service';
  if (className === 'CIMVectorTileDataConnection') return 'vector-tiles';
  if (/RelQueryTable/.test(className)) return 'join';
  if (className === 'CIMNetCDFRasterDataConnection') return 'netcdf';
  if (isNested(node.text('workspaceConnectionString'))) return 'function';
  return kinds[node.text('workspaceFactory').toLowerCase()] ?? 'other';
}

function isNested(text: string): boolean {
  return text.trimStart().startsWith('<');
}

type Place = Partial<
  Pick<
    DocumentConnection,
    | ('path' | 'isRelative' | 'resolvedPath' | 'url' | 'platform' | 'host' | 'instance')
    | ('database' | 'user' | 'version' | 'authentication')
  >
>;

function describePlace(
  node: CimNode,
  kind: ConnectionKind,
  text: string,
  { folder }: DescribeOptions,
): Place {
  if (kind === 'service' || kind === 'vector-tiles') return { url: urlOf(node, text) };
  if (kind === 'function' || kind === 'join') return {};
  const read = readConnectionString(withoutPasswords(text));
  if (read.kind === 'database') {
    const { kind: _, ...database } = read;
    return Object.fromEntries(
      Object.entries(database).filter(([, value]) => value !== undefined),
    ) as Place;
  }
  const path = pathOf(text);
  if (path === '') return {};
  const isRelative = isRelativePath(path);
  const resolved = isRelative && folder !== undefined ? resolvePath(folder, path) : undefined;
  return { path, isRelative, ...(resolved !== undefined && { resolvedPath: resolved }) };
}

/** TIN and some raster workspaces are written without `DATABASE=`. */
export function pathOf(text: string): string {
  const pairs = parsePairs(text);
  return (findValue(pairs, 'DATABASE') ?? (text.includes('=') ? '' : text)).trim();
}

/** Without user and password that may stand in it, and without what follows a question mark. */
function urlOf(node: CimNode, text: string): string {
  const server = node.child('serverConnection');
  const url =
    node.text('url') ||
    node.text('uRI') ||
    findValue(parsePairs(text), 'URL') ||
    server?.text('url');
  return redactSecrets((url ?? '').replace(/\?.*$/s, ''));
}

function holdsCredentials(node: CimNode): boolean {
  const server = node.child('serverConnection');
  return Boolean(server?.text('password') || holdsSecret(node.text('url')));
}

function findFault(
  node: CimNode,
  kind: ConnectionKind,
  { path, url, host, instance }: Place,
): DocumentConnection['fault'] {
  if (kind === 'memory' || kind === 'join') return undefined;
  if (kind === 'function') return undefined; // its sources stand for themselves
  if (kind === 'other' && !node.text('workspaceConnectionString')) {
    return holdsConnections(node) ? undefined : 'not-understood';
  }
  if (!path && !url && !host && !instance) return 'empty';
  if (inFiles.has(kind) && !node.text('dataset')) return 'no-dataset';
  if (kind === 'sde' && !host && !instance) return 'empty'; // owners blank it before they give a file away
  if (kind === 'sde' && !node.text('dataset')) return 'no-dataset';
  return undefined;
}

/** An event layer, for one, says nothing of itself but holds the connection of its table. */
function holdsConnections(node: CimNode): boolean {
  return (node.children as CimNode[]).some((child) => isConnection(child.className));
}
