import { RequestError } from '../lib/errors.ts';

/** A connection to a database in parts, as people write them down. */
export type DatabaseConnection = {
  platform: DatabasePlatform;
  host?: string | undefined;
  port?: number | undefined;
  /** SQL Server: the named instance; Oracle: the service, or with no host a net service name. */
  instance?: string | undefined;
  database?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  version?: string | undefined;
  authentication: 'dbms' | 'os';
};

export const databasePlatforms = [
  'postgresql',
  'sqlserver',
  'oracle',
  'db2',
  'saphana',
  'teradata',
  'dameng',
] as const;
export type DatabasePlatform = (typeof databasePlatforms)[number];

/** As ArcGIS writes them. Those after Oracle were not seen in a file: not verified. */
const clients = {
  postgresql: 'postgresql',
  sqlserver: 'sqlserver',
  oracle: 'oracle',
  db2: 'db2',
  saphana: 'hana',
  teradata: 'teradata',
  dameng: 'dameng',
} satisfies Record<DatabasePlatform, string>;

const oraclePort = 1521;

/**
 * The connection string of an enterprise geodatabase.
 *
 * @throws RequestError validation_error naming the member that is missing, or cannot stand in such a string
 * @see Esri, "Data Item" and "Create Database Connection"
 */
export function buildConnectionString(connection: DatabaseConnection): string {
  const { platform, authentication, user, password, version } = connection;
  const isDbms = authentication === 'dbms';
  if (isDbms && !user) throw invalid('user', 'is needed with database authentication');
  if (!isDbms && (user || password)) {
    throw invalid('user', 'the operating system logs in: user and password do not belong here');
  }
  if (isDbms && !password) throw invalid('password', 'is needed: nobody is there to type it in');
  const pairs: [key: string, value: string | undefined][] = [
    ...placeOf(connection),
    ['USER', user],
    ['PASSWORD', password],
    ['VERSION', version],
    ['AUTHENTICATION_MODE', isDbms ? 'DBMS' : 'OSA'],
  ];
  for (const [key, value] of pairs) checkValue(key, value);
  checkHost(connection.host);
  return writePairs([['DBCLIENT', clients[platform]], ...pairs]);
}

/** Host, instance and database, each where its platform has it. */
function placeOf(connection: DatabaseConnection): [string, string | undefined][] {
  const { platform, host, port, instance, database } = connection;
  if (platform === 'oracle') return oraclePlaceOf(connection);
  if (!host) throw invalid('host', 'is needed');
  if (instance && platform !== 'sqlserver') {
    throw invalid('instance', 'belongs to SQL Server and Oracle only');
  }
  if (!database) throw invalid('database', 'is needed');
  const place = `${host}${instance ? `\\${instance}` : ''}${port ? `,${port}` : ''}`;
  return [
    ['SERVER', host],
    ['INSTANCE', `sde:${clients[platform]}:${place}`],
    ['DB_CONNECTION_PROPERTIES', place],
    ['DATABASE', database],
  ];
}

/**
 * Oracle names its database in the instance. That the port may always stand there is not verified; it is
 * the easy connect form of Oracle itself.
 */
function oraclePlaceOf(connection: DatabaseConnection): [string, string | undefined][] {
  const { host, port, instance, database } = connection;
  const service = instance ?? database;
  if (!service)
    throw invalid('instance', 'is needed: the service of Oracle, or a net service name');
  const place = host ? `${host}:${port ?? oraclePort}/${service}` : service;
  return [
    ['SERVER', host],
    ['INSTANCE', `sde:oracle$${place}`],
    ['DB_CONNECTION_PROPERTIES', place],
  ];
}

/** A port or an instance in the name of the machine would be written where none belongs. */
function checkHost(host: string | undefined): void {
  if (host === undefined || !/[\s,\\/]|^[^:]*:\d+$/.test(host)) return;
  throw invalid(
    'host',
    'is the machine alone: send port, instance and database as members of their own',
  );
}

/** A value ends at the next `;`, and there is no way to write one inside. */
function checkValue(key: string, value: string | undefined): void {
  if (value === undefined) return;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may get into a connection string
  if (!/[;\u0000-\u001f]/.test(value)) return;
  const member = memberNames[key] ?? 'host';
  throw invalid(
    member,
    'holds a semicolon or a control character, which a connection string cannot',
  );
}

const memberNames: Record<string, string> = {
  DATABASE: 'database',
  USER: 'user',
  PASSWORD: 'password',
  VERSION: 'version',
};

function invalid(member: string, detail: string): RequestError {
  return new RequestError('validation_error', `connection.${member} ${detail}.`, {
    errors: [{ pointer: `#/inputs/connection/${member}`, code: 'invalid_connection', detail }],
  });
}

type Pair = [key: string, value: string];

/** `KEY=value` pairs in their order; keys in upper case, those without a value left out. */
export function parsePairs(text: string): Pair[] {
  return text.split(';').flatMap((pair): Pair[] => {
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(at, 0)).trim().toUpperCase();
    const value = pair.slice(at + 1).trim();
    return key && value ? [[key, value]] : [];
  });
}

function writePairs(pairs: readonly [string, string | undefined][]): string {
  return pairs.flatMap(([key, value]) => (value ? [`${key}=${value}`] : [])).join(';');
}

const isPasswordKey = (key: string) => /PASSWORD|PASSWD/.test(key);

/** True for a geodatabase string with a password, an encrypted one too. */
export function holdsPassword(text: string): boolean {
  return parsePairs(text).some(([key]) => isPasswordKey(key));
}

/** The same connection with this password in place of any other. @throws RequestError when it cannot be written */
export function withPassword(text: string, password: string): string {
  checkValue('PASSWORD', password);
  const others = parsePairs(text).filter(([key]) => !isPasswordKey(key));
  return writePairs([...others, ['PASSWORD', password]]);
}

export function withoutPassword(text: string): string {
  return writePairs(parsePairs(text).filter(([key]) => !isPasswordKey(key)));
}

/** Which database a string leads to, and as whom. */
export type ConnectionFacts = {
  host?: string;
  database?: string;
  user?: string;
  version?: string;
  platform?: string;
  isOsLogin: boolean;
};

export function readConnectionFacts(text: string): ConnectionFacts {
  const pairs = new Map(parsePairs(text));
  const instance = pairs.get('INSTANCE') ?? pairs.get('PROJECT_INSTANCE') ?? '';
  const [, platform, place] = /^sde:([^:$]+)[:$](.*)$/i.exec(instance) ?? [];
  const known = {
    host: pairs.get('SERVER') ?? toHost(place ?? pairs.get('DB_CONNECTION_PROPERTIES') ?? instance),
    database: pairs.get('DATABASE') ?? toService(place),
    user: pairs.get('USER'),
    version: pairs.get('VERSION'),
    platform: pairs.get('DBCLIENT') ?? platform,
  };
  return {
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value)),
    isOsLogin: pairs.get('AUTHENTICATION_MODE')?.toUpperCase() === 'OSA',
  };
}

/** `host`, `host\name,port`, `host:port/service`. */
function toHost(place: string): string | undefined {
  return place.split(/[\\,:/]/)[0] || undefined;
}

/** Oracle's service stands after the host: `host:port/service`. */
function toService(place: string | undefined): string | undefined {
  return place?.includes('/') ? place.split('/').at(-1) : undefined;
}

/** True when both lead to the same host, database and user; what one of them does not say cannot differ. */
export function isSameLogin(
  one: Pick<ConnectionFacts, 'host' | 'database' | 'user'>,
  other: Pick<ConnectionFacts, 'host' | 'database' | 'user'>,
): boolean {
  return (['host', 'database', 'user'] as const).every((name) => isSame(one[name], other[name]));
}

export function isSame(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one.toLowerCase() === other.toLowerCase();
}
