import type { DataItem, DataItems } from './data-items.ts';
import type { ServiceContent } from './services.ts';

type Database = ServiceContent['databases'][number];

/** Whether the site knows the place that a definition refers to: a folder above it, or the same login. */
export function isRegistered(database: Database, items: DataItems): boolean {
  return items.list().some((item) => covers(item, database));
}

export function covers(item: DataItem, { connection }: Database): boolean {
  if (connection.kind === 'path') {
    const places = [item.info.path, item.clientPath].filter((place) => typeof place === 'string');
    return places.some((place) => isBelow(connection.path, place));
  }
  const strings = [item.info.connectionString, item.info.clientConnectionString];
  return strings
    .filter((text) => typeof text === 'string')
    .map(readConnectionString)
    .some(
      (known) =>
        isSame(known.DATABASE, connection.database) &&
        isSame(known.USER, connection.user) &&
        isHost(known, connection.host),
    );
}

function isBelow(path: string, folder: string): boolean {
  const plain = (text: string) => text.replaceAll('\\', '/').replace(/\/+$/, '').toLowerCase();
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

/** `KEY=value;` in any order, keys without case. */
function readConnectionString(text: string): Record<string, string> {
  const pairs = text.split(';').map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at).trim().toUpperCase(), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs.filter(([key]) => key));
}
