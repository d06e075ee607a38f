import type { ServiceDefinitionDatabase } from '../../documents/service-definition.ts';
import type { DataStoreItem } from '../../sites/site-reader.ts';

export type UnregisteredData = {
  /** The connection in words, without a password. */
  connection: string;
  datasets: string[];
  nearest?: { path: string; differsIn: string[] };
};

/**
 * Which referred data the site has not registered. A replicated item is compared by the publisher's
 * side, a shared one by its only side (Esri, "Data Item"). Copied data need no registration.
 */
export function findUnregistered(
  databases: readonly ServiceDefinitionDatabase[],
  items: readonly DataStoreItem[],
): UnregisteredData[] {
  return databases
    .filter((database) => !database.isCopied)
    .flatMap((database) => {
      const found = compareWithItems(database, items);
      if (found === 'registered') return [];
      const datasets = database.datasets.map((dataset) => dataset.name);
      return [{ connection: inWords(database), datasets, ...(found && { nearest: found }) }];
    });
}

function compareWithItems(
  { connection }: ServiceDefinitionDatabase,
  items: readonly DataStoreItem[],
): 'registered' | { path: string; differsIn: string[] } | undefined {
  if (connection.kind === 'path')
    return isBelowAnItem(connection.path, items) ? 'registered' : undefined;
  const candidates = items.flatMap((item) => {
    const text = item.info.clientConnectionString ?? item.info.connectionString;
    if (item.type !== 'egdb' || typeof text !== 'string') return [];
    return [{ path: item.path, differsIn: differences(connection, parsePairs(text)) }];
  });
  const [nearest] = candidates.sort((a, b) => a.differsIn.length - b.differsIn.length);
  if (nearest?.differsIn.length === 0) return 'registered';
  return nearest && !nearest.differsIn.includes('host') && !nearest.differsIn.includes('database')
    ? nearest
    : undefined;
}

type DatabaseConnection = Extract<ServiceDefinitionDatabase['connection'], { kind: 'database' }>;

function differences(wanted: DatabaseConnection, item: Map<string, string>): string[] {
  const pairs: [string, string | undefined, string | undefined][] = [
    [
      'host',
      hostOf(wanted.host ?? wanted.instance),
      hostOf(item.get('SERVER') ?? item.get('INSTANCE')),
    ],
    ['database', wanted.database, item.get('DATABASE')],
    ['user', wanted.user, item.get('USER')],
    ['version', wanted.version, item.get('VERSION')],
  ];
  return pairs
    .filter(([, a, b]) => (a ?? '').toLowerCase() !== (b ?? '').toLowerCase())
    .map(([name]) => name);
}

function hostOf(text: string | undefined): string | undefined {
  return text?.split(/[:,]/).findLast((part) => /[a-z]/i.test(part));
}

/** `KEY=value;` pairs: keys without case, a value ends at the next `;`. */
function parsePairs(text: string): Map<string, string> {
  return new Map(
    text.split(';').flatMap((pair): [string, string][] => {
      const at = pair.indexOf('=');
      return at < 1 ? [] : [[pair.slice(0, at).trim().toUpperCase(), pair.slice(at + 1).trim()]];
    }),
  );
}

function isBelowAnItem(path: string, items: readonly DataStoreItem[]): boolean {
  const wanted = normalPath(path);
  return items
    .filter((item) => item.type === 'folder')
    .flatMap((item) => [item.clientPath, item.clientPath ? undefined : item.info.path])
    .some(
      (root) =>
        typeof root === 'string' && root !== '' && `${wanted}/`.startsWith(`${normalPath(root)}/`),
    );
}

/** Slashes, closing slashes and case differ between what was registered and what is used. */
function normalPath(path: string): string {
  return path.replaceAll('\\', '/').replace(/\/+$/, '').toLowerCase();
}

function inWords({ connection, name }: ServiceDefinitionDatabase): string {
  if (connection.kind === 'path') return connection.path;
  const { platform, host, instance, database, user, version } = connection;
  const parts = [
    `${host ?? instance ?? name}/${database ?? ''}`,
    user && `as ${user}`,
    version && `version ${version}`,
  ];
  return [platform, ...parts].filter(Boolean).join(' ');
}
