import { readConnectionString } from '../../documents/connection-string.ts';
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
  const candidates = items
    .flatMap((item) => {
      const text = item.info.clientConnectionString ?? item.info.connectionString;
      if (item.type !== 'egdb' || typeof text !== 'string') return [];
      const registered = readConnectionString(text);
      if (registered.kind !== 'database') return [];
      return [{ path: item.path, differsIn: differences(connection, registered) }];
    })
    .filter(({ differsIn }) => !differsIn.includes('host') && !differsIn.includes('database'));
  const [nearest] = candidates.sort((a, b) => a.differsIn.length - b.differsIn.length);
  return nearest?.differsIn.length === 0 ? 'registered' : nearest;
}

type DatabaseConnection = Extract<ServiceDefinitionDatabase['connection'], { kind: 'database' }>;

function differences(wanted: DatabaseConnection, registered: DatabaseConnection): string[] {
  const facts = (connection: DatabaseConnection) => ({
    host: connection.host ?? connection.instance,
    database: connection.database ?? connection.instance, // Oracle names it in the instance
    user: connection.user,
    version: connection.version,
  });
  const [one, other] = [facts(wanted), facts(registered)];
  const names = ['host', 'database', 'user', 'version'] as const;
  return names.filter(
    (name) => (one[name] ?? '').toLowerCase() !== (other[name] ?? '').toLowerCase(),
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
