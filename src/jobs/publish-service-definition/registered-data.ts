import { z } from 'zod';
import { readConnectionString } from '../../documents/connection-string.ts';
import type { ServiceDefinitionDatabase } from '../../documents/service-definition.ts';
import { isWithin } from '../../sites/data-places.ts';
import type { DataStoreItem } from '../../sites/site-reader.ts';
import { findNearestFolder, NearestItem } from './near-folders.ts';

/** Data that a definition refers to, and what the site makes of them. */
export const ReferencedData = z.object({
  connection: z.string().describe('Where the definition says that the data are'),
  datasets: z.array(z.string()),
  item: z.string().optional().describe('Path of the registered item; absent: not registered'),
  readsFrom: z
    .string()
    .optional()
    .describe('What the service reads: of a replicated item the side of the site'),
  nearest: NearestItem.optional().describe(
    'Of what is not registered: the item that comes nearest',
  ),
});
export type ReferencedData = z.output<typeof ReferencedData>;

type Match = { item: string; readsFrom: string };
type DatabaseConnection = Extract<ServiceDefinitionDatabase['connection'], { kind: 'database' }>;

/**
 * Looks for the item of each referred source. A replicated item is compared by the publisher's side, a
 * shared one by its only side (Esri, "Data Item"). Copied data need no registration.
 */
export function matchReferencedData(
  databases: readonly ServiceDefinitionDatabase[],
  items: readonly DataStoreItem[],
): ReferencedData[] {
  return databases
    .filter((database) => !database.isCopied)
    .map((database) => {
      const { connection } = database;
      const said = {
        connection: inWords(connection, database.name),
        datasets: database.datasets.map((dataset) => dataset.name),
      };
      const found =
        connection.kind === 'path'
          ? matchFolder(connection.path, items)
          : matchDatabase(connection, items);
      if (found && 'item' in found) return { ...said, ...found };
      return { ...said, ...(found && { nearest: found }) };
    });
}

function matchFolder(
  path: string,
  items: readonly DataStoreItem[],
): Match | NearestItem | undefined {
  const folders = items.flatMap((item) => {
    const server = item.info.path;
    if (item.type !== 'folder' || typeof server !== 'string') return [];
    return [{ path: item.path, server, client: item.clientPath || server }];
  });
  const found = folders.find(({ client }) => isWithin(path, client));
  if (!found) return findNearestFolder(path, folders);
  const { path: item, server, client } = found;
  return { item, readsFrom: server === client ? path : moved(path, { from: client, to: server }) };
}

/** The same place below another root, in the slashes of that root. */
function moved(path: string, { from, to }: { from: string; to: string }): string {
  const rest = path.slice(from.replace(/[\\/]+$/, '').length).replace(/^[\\/]+/, '');
  if (rest === '') return to;
  const slash = to.includes('\\') ? '\\' : '/';
  return `${to.replace(/[\\/]+$/, '')}${slash}${rest.replaceAll(/[\\/]+/g, slash)}`;
}

function matchDatabase(
  wanted: DatabaseConnection,
  items: readonly DataStoreItem[],
): Match | NearestItem | undefined {
  const known = items.flatMap((item) => {
    const { connectionString, clientConnectionString } = item.info;
    const server = item.type === 'egdb' ? toDatabase(connectionString) : undefined;
    if (!server) return [];
    const client = toDatabase(clientConnectionString);
    return [{ path: item.path, server, client: client ?? server, isReplicated: !!client }];
  });
  const candidates = known.flatMap(({ path, server, client, isReplicated }) => {
    const sides = [{ differsIn: differences(wanted, client), isClient: true }];
    if (isReplicated) sides.push({ differsIn: differences(wanted, server), isClient: false });
    return sides
      .filter(({ differsIn }) => isNear(wanted, differsIn, client))
      .map(({ differsIn, isClient }) => ({
        path,
        server,
        differsIn: isClient ? differsIn : [...differsIn, "the publisher's side"],
      }));
  });
  const [nearest] = candidates.sort((a, b) => a.differsIn.length - b.differsIn.length);
  if (!nearest) return undefined;
  const { path, differsIn, server } = nearest;
  return differsIn.length === 0
    ? { item: path, readsFrom: inWords(server, path) }
    : { path, differsIn };
}

function toDatabase(text: unknown): DatabaseConnection | undefined {
  if (typeof text !== 'string' || text === '') return undefined;
  const connection = readConnectionString(text);
  return connection.kind === 'database' ? connection : undefined;
}

const facts = (connection: DatabaseConnection) => ({
  host: connection.host ?? connection.instance,
  database: connection.database ?? connection.instance, // Oracle names it in the instance
  user: connection.user,
  version: connection.version,
});

function differences(wanted: DatabaseConnection, registered: DatabaseConnection): string[] {
  const [one, other] = [facts(wanted), facts(registered)];
  const names = ['host', 'database', 'user', 'version'] as const;
  return names.filter(
    (name) => (one[name] ?? '').toLowerCase() !== (other[name] ?? '').toLowerCase(),
  );
}

/** The same database; its machine may be written with its domain or without. */
function isNear(
  wanted: DatabaseConnection,
  differsIn: readonly string[],
  registered: DatabaseConnection,
): boolean {
  if (differsIn.includes('database')) return false;
  if (!differsIn.includes('host')) return true;
  const [one, other] = [facts(wanted).host ?? '', facts(registered).host ?? ''];
  return !/^[\d.]+$/.test(one) && firstLabel(one) === firstLabel(other);
}

const firstLabel = (host: string) => host.toLowerCase().split(/[.,\\:]/)[0];

/** A connection without its password. */
export function inWords(connection: ServiceDefinitionDatabase['connection'], name: string): string {
  if (connection.kind === 'path') return connection.path;
  const { platform, host, instance, database, user, version } = connection;
  const parts = [
    `${host ?? instance ?? name}/${database ?? ''}`,
    user && `as ${user}`,
    version && `version ${version}`,
  ];
  return [platform, ...parts].filter(Boolean).join(' ');
}
