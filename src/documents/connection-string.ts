import { redactSecrets } from '../lib/redact.ts';
import type { ServiceDefinitionConnection } from './service-definition.ts';

const passwordWords = /PASSWORD|PASSWD|\bPWD\b|SECRET|TOKEN|ACCOUNTKEY/i;
const maxLength = 2_048;
/**
 * Passwords as ArcGIS writes them: a pair, its reversible hex, the form of its server configuration, a member
 * of JSON. Every repetition is bounded, so that a hostile text takes linear time.
 */
const secretValue =
  /(?:PASSWORD|PASSWD|SECRET|ACCOUNTKEY)[A-Z0-9_]{0,20}\s{0,4}=\s{0,4}[^;&\s"'<>]|\bPWD\s{0,4}=\s{0,4}[^;&\s"'<>]|\b00022e[0-9a-f]{8}|\{crypt\}\S|(?:password|secretAccessKey|accountKey)[^"\\]{0,20}"\s{0,4}:\s{0,4}"[^"]/i;

/** True when a text holds a password, an encrypted one too. */
export function holdsSecret(text: string): boolean {
  return secretValue.test(text);
}

/** True for the name of a property whose value is a password. */
export function isPasswordName(name: string): boolean {
  return passwordWords.test(name);
}

/** `KEY=VALUE` pairs parted by `;`, keys in upper case; pairs that carry a password are left out. */
function parseConnectionString(connectionString: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of connectionString.split(';')) {
    const at = pair.indexOf('=');
    const key = pair.slice(0, Math.max(at, 0)).trim().toUpperCase();
    if (key && !passwordWords.test(key))
      pairs.set(key, redactValue(key, pair.slice(at + 1).trim()));
  }
  return pairs;
}

/** Old Oracle connections carry `user/password@service` in the instance. */
function redactValue(key: string, value: string): string {
  const shown = redactSecrets(value);
  return key.endsWith('INSTANCE') ? shown.replace(/[^:/\\]+\/[^@/\\]+@/g, '***@') : shown;
}

/**
 * What a geodatabase connection string points at. Any key may be missing; order and case vary.
 *
 * @see Esri, Create Database Connection, for the meaning of the keys; their spelling was read from files
 */
export function readConnectionString(connectionString: string): ServiceDefinitionConnection {
  const pairs = parseConnectionString(connectionString.slice(0, maxLength));
  const instance = pairs.get('INSTANCE') || pairs.get('PROJECT_INSTANCE');
  const isDatabase = [
    'SERVER',
    'INSTANCE',
    'PROJECT_INSTANCE',
    'DBCLIENT',
    'DB_CONNECTION_PROPERTIES',
  ];
  if (!isDatabase.some((key) => pairs.get(key))) {
    // Only raster and TIN workspaces are written without `DATABASE=`.
    const plain = connectionString.includes('=')
      ? ''
      : redactSecrets(connectionString.trim().slice(0, maxLength));
    return { kind: 'path', path: pairs.get('DATABASE') ?? pairs.get('URL') ?? plain };
  }
  const [, platform, place = ''] = /^sde:([^:]+):(.*)$/i.exec(instance ?? '') ?? [];
  const known = {
    platform: pairs.get('DBCLIENT') || platform,
    host: pairs.get('SERVER') || toHost(platform, place) || pairs.get('DB_CONNECTION_PROPERTIES'),
    database: pairs.get('DATABASE'),
    user: pairs.get('USER'),
    version: pairs.get('VERSION'),
    authentication: pairs.get('AUTHENTICATION_MODE'),
    instance,
  };
  const filled = Object.entries(known).filter(([, value]) => value);
  return { kind: 'database', ...Object.fromEntries(filled) };
}

/** `host`, `host\name,port`; Oracle has a service name there, or `host:port/service`. */
function toHost(platform: string | undefined, place: string): string | undefined {
  const isService = platform?.toLowerCase().startsWith('oracle') && !place.includes('/');
  return isService ? undefined : place.split(/[\\,:/]/)[0];
}
