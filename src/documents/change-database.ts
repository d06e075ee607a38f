import { DocumentError } from '../lib/errors.ts';
import { findValue, holdsPassword, parsePairs, withPairs } from './connection-pairs.ts';
import { isPasswordName } from './connection-string.ts';
import type { SourceTarget } from './map-edits.ts';

type DatabaseTarget = Omit<SourceTarget, 'kind'>;

/** `sde:sqlserver:host\name,port`; old ones have a port or a service only. */
const instanceForm = /^(sde:)([^:]+)(:)(.*)$/i;

/**
 * A connection string of an enterprise geodatabase with other values. The host stands in up to three places,
 * which change together or not at all; keys that are not there are not made up.
 *
 * @throws DocumentError edit_refused
 */
export function changeDatabase(
  text: string,
  target: DatabaseTarget,
): { text: string; notes: string[] } {
  checkValues(target);
  const pairs = parsePairs(text);
  const changes: Record<string, string | undefined> = {};
  if (target.instance !== undefined) setInstance(changes, pairs, target.instance);
  else if (target.host !== undefined) setHost(changes, pairs, target.host);
  if (target.platform !== undefined && target.instance === undefined) {
    setPlatform(changes, pairs, target.platform);
  }
  if (target.database !== undefined) changes.DATABASE = target.database;
  if (target.user !== undefined) changes.USER = target.user;
  if (target.version !== undefined) changes.VERSION = target.version ?? undefined;
  if (target.authentication !== undefined) changes.AUTHENTICATION_MODE = target.authentication;
  if (target.authentication === 'OSA') changes.USER = undefined;
  const notes = settlePassword(changes, text, target);
  return { text: withPairs(text, changes), notes };
}

type Pairs = ReturnType<typeof parsePairs>;
type Changes = Record<string, string | undefined>;

function setInstance(changes: Changes, pairs: Pairs, instance: string): void {
  const place = instanceForm.exec(instance)?.[4] ?? instance;
  changes[findValue(pairs, 'PROJECT_INSTANCE') === undefined ? 'INSTANCE' : 'PROJECT_INSTANCE'] =
    instance;
  if (findValue(pairs, 'DB_CONNECTION_PROPERTIES') !== undefined) {
    changes.DB_CONNECTION_PROPERTIES = place;
  }
  if (findValue(pairs, 'SERVER') !== undefined) changes.SERVER = hostOf(place);
}

function setHost(changes: Changes, pairs: Pairs, host: string): void {
  const instance = findValue(pairs, 'INSTANCE');
  const [, sde = '', platform = '', colon = '', place = ''] =
    instanceForm.exec(instance ?? '') ?? [];
  const isService = /^oracle/i.test(platform) && !place.includes('/');
  if (isService) {
    throw new DocumentError(
      'edit_refused',
      'A connection to Oracle names a service and no host: give its `instance`.',
    );
  }
  if (findValue(pairs, 'SERVER') !== undefined) changes.SERVER = hostOf(host);
  if (place) changes.INSTANCE = sde + platform + colon + withHost(place, host);
  const properties = findValue(pairs, 'DB_CONNECTION_PROPERTIES');
  if (properties !== undefined) changes.DB_CONNECTION_PROPERTIES = withHost(properties, host);
  if (Object.keys(changes).length === 0) changes.SERVER = host;
}

function setPlatform(changes: Changes, pairs: Pairs, platform: string): void {
  const instance = changes.INSTANCE ?? findValue(pairs, 'INSTANCE') ?? '';
  if (instanceForm.test(instance)) {
    changes.INSTANCE = instance.replace(
      instanceForm,
      (_, sde, _old, colon, place) => sde + platform + colon + place,
    );
  }
  if (findValue(pairs, 'DBCLIENT') !== undefined)
    changes.DBCLIENT = platform.replace(/^(oracle).*/i, '$1');
}

function hostOf(place: string): string {
  return place.split(/[\\,:/]/)[0] ?? place;
}

/** A bare host leaves instance name and port as they are; one that brings its own replaces them. */
function withHost(place: string, host: string): string {
  return /[\\,:/]/.test(host) ? host : host + place.slice(hostOf(place).length);
}

/** A password belongs to its user; whether the same one holds elsewhere nobody can tell here. */
function settlePassword(changes: Changes, text: string, target: DatabaseTarget): string[] {
  if (!holdsPassword(text)) return [];
  const isOtherLogin = target.user !== undefined || target.authentication !== undefined;
  if ((target.password ?? (isOtherLogin ? 'drop' : 'keep')) === 'drop') {
    for (const { key } of parsePairs(text)) if (isPasswordName(key)) changes[key] = undefined;
    return ['The stored password was taken out: it belongs to the login before'];
  }
  const isElsewhere = target.host !== undefined || target.instance !== undefined;
  return isElsewhere
    ? ['The stored password stays: the same one has to hold at the new place']
    : [];
}

/**
 * A string in the order of keys that ArcGIS Pro writes, for a source that was no database before.
 *
 * @throws DocumentError edit_refused when it does not tell enough
 */
export function toDatabaseString(target: DatabaseTarget): string {
  checkValues(target);
  const { platform, host, database, user, version, authentication } = target;
  const instance = target.instance ?? (platform && host ? `sde:${platform}:${host}` : undefined);
  if (instance === undefined) {
    throw new DocumentError('edit_refused', 'A database needs platform and host, or its instance.');
  }
  const [, , ofInstance, , place = instance] = instanceForm.exec(instance) ?? [];
  const client = (platform ?? ofInstance)?.replace(/^(oracle).*/i, '$1');
  const isOracle = client?.toLowerCase() === 'oracle';
  const pairs: [string, string | null | undefined][] = [
    ['SERVER', isOracle ? undefined : hostOf(host ?? place)],
    ['INSTANCE', instance],
    ['DBCLIENT', client],
    ['DB_CONNECTION_PROPERTIES', place],
    ['DATABASE', isOracle ? undefined : database],
    ['USER', authentication === 'OSA' ? undefined : user],
    ['VERSION', version],
    ['AUTHENTICATION_MODE', authentication ?? (user ? 'DBMS' : 'OSA')],
  ];
  return pairs.flatMap(([key, value]) => (value ? [`${key}=${value}`] : [])).join(';');
}

function checkValues(target: DatabaseTarget): void {
  const faulty = Object.entries(target).find(
    ([name, value]) => name !== 'query' && typeof value === 'string' && /[;\p{Cc}]/u.test(value),
  );
  if (faulty) {
    throw new DocumentError('edit_refused', `${faulty[0]} has a semicolon or a control character.`);
  }
}
