import { z } from 'zod';
import { RequestError } from '../../lib/errors.ts';
import {
  buildConnectionString,
  databasePlatforms,
  holdsPassword,
  parsePairs,
} from '../../sites/connection-strings.ts';
import { DataStoreName, DataStoreRegistrationResult } from '../data-store-item.ts';
import { FileLink } from '../file-link.ts';

const part = z.string().min(1).max(300);
const Secret = z.string().min(1).max(1_000);

export const SecretName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,64}$/)
  .describe('Name of a secret of the configuration that holds the password');

export const DatabaseParts = z
  .strictObject({
    platform: z.enum(databasePlatforms).describe('Kind of database'),
    host: part.optional().describe('Machine of the database'),
    port: z.int().min(1).max(65_535).optional().describe('Where it is not the usual one'),
    instance: part
      .optional()
      .describe('SQL Server: the named instance; Oracle: the service, or a net service name'),
    database: part.optional().describe('Name of the database; Oracle has none'),
    authentication: z
      .enum(['dbms', 'os'])
      .default('dbms')
      .describe('`os`: the account that runs ArcGIS Server logs in by itself'),
    user: part.optional().describe('Database user'),
    password: Secret.optional().describe('Sealed at once, and wiped when the job ends'),
    passwordFrom: SecretName.optional(),
    version: part.optional().describe('Version of the geodatabase, such as `sde.DEFAULT`'),
  })
  .superRefine(({ passwordFrom, ...parts }, check) => {
    if (passwordFrom !== undefined && parts.password !== undefined) {
      check.addIssue({ code: 'custom', path: ['passwordFrom'], message: 'not beside a password' });
      return;
    }
    try {
      buildConnectionString({ ...parts, ...(passwordFrom && { password: 'named' }) });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const [fault] = error.facts.errors as { pointer: string; detail: string }[];
      const member = fault?.pointer.split('/').at(-1) ?? 'host';
      check.addIssue({ code: 'custom', path: [member], message: fault?.detail ?? '' });
    }
  })
  .meta({ id: 'DatabaseConnection' });
export type DatabaseParts = z.output<typeof DatabaseParts>;

export const ConnectionText = z
  .string()
  .min(1)
  .max(4_000)
  .refine((text) => /(^|;)\s*(INSTANCE|SERVER|DB_CONNECTION_PROPERTIES)\s*=/i.test(text), {
    message: 'a connection string: KEY=value pairs with SERVER or INSTANCE among them',
  })
  .refine((text) => !/\p{Cc}/u.test(text), { message: 'one line' });

/** True for a login of the database whose password is not in the text. */
export function lacksPassword(text: string): boolean {
  const mode = new Map(parsePairs(text)).get('AUTHENTICATION_MODE') ?? 'DBMS';
  return mode.toUpperCase() !== 'OSA' && !holdsPassword(text);
}

/** `curl -F` ends a text at its first semicolon. */
function cutByCurl(text: string): string {
  return text.includes(';')
    ? ''
    : '. Sent with curl? `-F` cuts at the first `;`: use --form-string';
}

const sources = ['connectionFile', 'connectionString', 'connection'] as const;
const clientSources = [
  'clientConnectionFile',
  'clientConnectionString',
  'clientConnection',
] as const;

export const RegisterDatabaseParams = z
  .strictObject({
    site: z.string().min(1).max(63).describe('Name of a configured site'),
    name: DataStoreName.describe(
      'Name of the item; its path becomes `/enterpriseDatabases/{name}`',
    ),
    connectionFile: FileLink.optional().describe(
      'A database connection file (.sde) with its password saved: a link to an upload, or the file part of a multipart request',
    ),
    connectionString: ConnectionText.optional().describe(
      'As ArcGIS writes it: `SERVER=…;INSTANCE=…;…`. Sealed at once, and wiped when the job ends',
    ),
    connection: DatabaseParts.optional().describe('The connection in parts'),
    clientConnectionFile: FileLink.optional().describe(
      "The publisher's database, where that is another one: the item is then replicated",
    ),
    clientConnectionString: ConnectionText.optional().describe('The same as a connection string'),
    clientConnection: DatabaseParts.optional().describe('The same in parts'),
    passwordFrom: SecretName.optional(),
    managed: z
      .boolean()
      .default(false)
      .describe("The site's managed database, which keeps the data that services bring along"),
    ifExists: z
      .enum(['fail', 'update'])
      .default('fail')
      .describe('What to do when an item of that name is there with other content'),
  })
  .superRefine((params, check) => {
    const fault = (path: string, message: string) =>
      check.addIssue({ code: 'custom', path: [path], message });
    const given = sources.filter((name) => params[name] !== undefined);
    if (given.length !== 1) fault(given[1] ?? 'connection', `send one of ${sources.join(', ')}`);
    const client = clientSources.filter((name) => params[name] !== undefined);
    if (client.length > 1) fault(client[1] ?? '', `send one of ${clientSources.join(', ')}`);
    if (params.managed && client[0]) fault(client[0], 'a managed database has no other side');
    const { connectionString, passwordFrom, clientConnectionString } = params;
    if (connectionString && !passwordFrom && lacksPassword(connectionString))
      fault(
        'connectionString',
        `holds no password: add one, or send passwordFrom${cutByCurl(connectionString)}`,
      );
    if (clientConnectionString && lacksPassword(clientConnectionString))
      fault('clientConnectionString', `holds no password${cutByCurl(clientConnectionString)}`);
    if (passwordFrom && !connectionString)
      fault('passwordFrom', 'belongs to connectionString; in connection it has a place of its own');
  })
  .meta({ id: 'RegisterDatabaseInputs' });
export type RegisterDatabaseParams = z.output<typeof RegisterDatabaseParams>;

export const RegisterDatabaseResult = DataStoreRegistrationResult.meta({
  id: 'RegisterDatabaseResults',
});
export type RegisterDatabaseResult = z.output<typeof RegisterDatabaseResult>;
