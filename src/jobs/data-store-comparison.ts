import { parsePairs } from '../sites/connection-strings.ts';
import { toComparablePlace } from '../sites/data-places.ts';
import type { WholeDataStoreItem } from '../sites/data-store-reader.ts';

export type ItemComparison = {
  /** Members that differ as far as they can be seen, such as `info.path`. */
  differsIn: string[];
  /** One side shows a secret only encrypted, so the secrets cannot be compared. */
  isSecretUnseen: boolean;
};

/** Members of `info` that we write; others are the site's own. */
const ownMembers = [
  'path',
  'hostName',
  'dataStoreConnectionType',
  'isManaged',
  'connectionType',
  'objectStore',
  'folder',
  'connectionString',
  'clientConnectionString',
];

/** Compares what shall be with what a site holds. What the site adds by itself does not count. */
export function compareItems(wanted: WholeDataStoreItem, held: WholeDataStoreItem): ItemComparison {
  const differsIn: string[] = [];
  let isSecretUnseen = false;
  const members = new Set([...Object.keys(wanted.info), ...ownMembers]);
  if (!isSameText(wanted.type, held.type)) differsIn.push('type');
  if (!isSamePlace(wanted.clientPath, held.clientPath)) differsIn.push('clientPath');
  if (wanted.provider !== undefined && !isSameText(wanted.provider, held.provider))
    differsIn.push('provider');
  for (const member of members) {
    const { differs, isUnseen } = compareMember(member, wanted.info[member], held.info[member]);
    differsIn.push(...differs.map((key) => (key ? `info.${member}/${key}` : `info.${member}`)));
    isSecretUnseen ||= isUnseen;
  }
  return { differsIn, isSecretUnseen };
}

/** Keys inside the member that differ; `''` is the whole of it. */
type Compared = { differs: string[]; isUnseen: boolean };

const same: Compared = { differs: [], isUnseen: false };
const other: Compared = { differs: [''], isUnseen: false };
const unseen: Compared = { differs: [], isUnseen: true };

function compareMember(member: string, wanted: unknown, held: unknown): Compared {
  if (isAbsent(wanted) && isAbsent(held)) return same;
  if (/connectionString$/i.test(member)) return compareConnections(wanted, held);
  if (member === 'path') return isSamePlace(wanted, held) ? same : other;
  return isSameText(wanted, held) ? same : other;
}

function compareConnections(wanted: unknown, held: unknown): Compared {
  if (typeof wanted !== 'string' || typeof held !== 'string' || !wanted || !held) return other;
  if (wanted === held) return same;
  if (held.startsWith('{crypt}') || wanted.startsWith('{crypt}')) return unseen;
  const [ours, theirs] = [toMembers(wanted), toMembers(held)];
  const differs: string[] = [];
  let isUnseen = false;
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a, b] = [ours.get(key) ?? defaults.get(key), theirs.get(key) ?? defaults.get(key)];
    if (a === b) continue;
    if (isSecretKey(key)) {
      if (isComparable(a) && isComparable(b)) differs.push(key);
      else isUnseen = true;
      continue;
    }
    const isOneSided = a === undefined || b === undefined;
    const isRepeated = saidElsewhere.has(key) && ours.has('instance') && theirs.has('instance');
    if (isOneSided && isRepeated) continue;
    if (a?.toLowerCase() !== b?.toLowerCase()) differs.push(key);
  }
  return { differs, isUnseen };
}

/** What a connection string means that does not say it. */
const defaults = new Map([['authentication_mode', 'DBMS']]);
/** These only repeat the instance, or are no part of the connection; releases differ in writing them. */
const saidElsewhere = new Set([
  'server',
  'dbclient',
  'db_connection_properties',
  'is_geodatabase',
  'connprop-rev',
]);

const isComparable = (secret: string | undefined) =>
  secret !== undefined && !secret.includes('***');

export const isSecretKey = (key: string) => /password|secret|token|^accountkey$/i.test(key);

/** JSON text or `KEY=value` pairs, by lower-case key. A password counts under its own key, so encrypted ones differ. */
function toMembers(text: string): Map<string, string> {
  if (text.trim().startsWith('{')) {
    try {
      const json = JSON.parse(text) as Record<string, unknown>;
      return new Map(
        Object.entries(json).map(([key, value]) => [key.toLowerCase(), plainText(value)]),
      );
    } catch {
      return new Map([['', text]]);
    }
  }
  return new Map(parsePairs(text).map(([key, value]) => [key.toLowerCase(), value]));
}

const plainText = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
const isAbsent = (value: unknown) =>
  value === undefined || value === null || value === '' || value === false || value === 'false';

/** Text that means the same: a site may write a boolean or a number as text. */
function isSameText(one: unknown, other: unknown): boolean {
  if (isAbsent(one) && isAbsent(other)) return true;
  const text = (value: unknown) =>
    typeof value === 'object' ? JSON.stringify(value) : String(value ?? '');
  return text(one).toLowerCase() === text(other).toLowerCase();
}

function isSamePlace(one: unknown, other: unknown): boolean {
  return toComparablePlace(String(one ?? '')) === toComparablePlace(String(other ?? ''));
}

/** What is written over an item: the site's own members stay, ours are all said anew. */
export function mergeItems(
  held: WholeDataStoreItem,
  wanted: WholeDataStoreItem,
): WholeDataStoreItem {
  const siteOwn = Object.entries(held.info).filter(([member]) => !ownMembers.includes(member));
  return {
    ...held,
    ...wanted,
    path: held.path,
    info: { ...Object.fromEntries(siteOwn), ...wanted.info },
  };
}
