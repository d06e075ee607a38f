import { readPairs } from './connections.ts';
import type { DataItem, DataItems } from './data-items.ts';
import type { ServiceContent } from './services.ts';

type Database = ServiceContent['databases'][number];

/**
 * Whether the site knows the place that a definition refers to: a folder above it, or the same connection.
 * A replicated item is known by the publisher's side, a shared one by its only side.
 */
export function isRegistered(database: Database, items: DataItems): boolean {
  return items.list().some((item) => covers(item, database));
}

/** The item that a definition's data come from, as the publisher sees them. */
export function covers(item: DataItem, { connection }: Database): boolean {
  if (connection.kind === 'path') {
    const place = isReplicated(item) ? item.clientPath : item.info.path;
    return typeof place === 'string' && isBelow(connection.path, place);
  }
  const { connectionString, clientConnectionString } = item.info;
  const text = isReplicated(item) ? clientConnectionString : connectionString;
  if (item.type !== 'egdb' || typeof text !== 'string') return false;
  const known = readPairs(text);
  return (
    isSame(known.DATABASE, connection.database) &&
    isSame(known.USER, connection.user) &&
    isSame(known.VERSION, connection.version) &&
    isHost(known, connection.host)
  );
}

/** Where the site itself reads the data: a replicated item maps the publisher's side to its own. */
export function placeOnServer(database: Database, items: DataItems): string {
  const item = items.list().find((one) => covers(one, database));
  const own = textOf(database);
  if (!item || !isReplicated(item)) return own;
  const { connection } = database;
  const { path, connectionString } = item.info;
  if (connection.kind === 'path') {
    const below = connection.path.slice(String(item.clientPath).replace(/[\\/]+$/, '').length);
    return `DATABASE=${String(path).replace(/[\\/]+$/, '')}${below}`;
  }
  const pairs = Object.entries(readPairs(String(connectionString)));
  return pairs
    .filter(([key]) => !key.includes('PASSWORD'))
    .map((pair) => pair.join('='))
    .join(';');
}

/** A connection as a manifest writes it. */
export function textOf({ connection }: Database): string {
  if (connection.kind === 'path') return `DATABASE=${connection.path}`;
  const { host, instance, database, user, version } = connection;
  return [
    host && `SERVER=${host}`,
    instance && `INSTANCE=${instance}`,
    database && `DATABASE=${database}`,
    user && `USER=${user}`,
    version && `VERSION=${version}`,
  ]
    .filter(Boolean)
    .join(';');
}

function isReplicated({ info }: DataItem): boolean {
  return info.dataStoreConnectionType === 'replicated';
}

/** Case counts on Linux only. */
function isBelow(path: string, folder: string): boolean {
  const plain = (text: string) => {
    const slashed = text.replaceAll('\\', '/').replace(/\/+$/, '');
    return /^\/[^/]/.test(text) ? slashed : slashed.toLowerCase();
  };
  return plain(path) === plain(folder) || plain(path).startsWith(`${plain(folder)}/`);
}

/** What one side does not say cannot differ. */
function isSame(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a.toLowerCase() === b.toLowerCase();
}

function isHost(known: Record<string, string>, host: string | undefined): boolean {
  if (host === undefined) return true;
  const instanceHost = known.INSTANCE?.split(':').at(2);
  const hosts = [known.SERVER, known.DB_CONNECTION_PROPERTIES, instanceHost];
  return hosts.some(
    (one) => one?.split(',')[0]?.toLowerCase() === host.split(',')[0]?.toLowerCase(),
  );
}
