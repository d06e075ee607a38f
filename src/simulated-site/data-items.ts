import { randomBytes, randomUUID } from 'node:crypto';
import type { Faults } from './faults.ts';
import { notFound, SiteRefusal } from './site-refusal.ts';

export type DataItem = {
  path: string;
  type: string;
  id?: string;
  clientPath?: string | null;
  provider?: string;
  info: Record<string, unknown>;
  [key: string]: unknown;
};

/** Kinds whose connection string is JSON text inside a string. Esri, "Data Item". */
const doublyEncoded = new Set(['cloudStore', 'objectStore', 'rasterStore', 'bigDataFileShare']);

const rootFolders = [
  '/enterpriseDatabases',
  '/fileShares',
  '/bigDataFileShares',
  '/cloudStores',
  '/rasterStores',
  '/nosqlDatabases',
];

/** What is registered with the site. Secrets are kept as they came and shown encrypted. */
export class DataItems {
  readonly #faults: Faults;
  #items: DataItem[] = [];

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  readonly rootItems = rootFolders;

  list(): DataItem[] {
    return [...this.#items];
  }

  find(path: string): DataItem | undefined {
    const asked = normalPath(path).toLowerCase();
    return this.#items.find((item) => item.path.toLowerCase() === asked);
  }

  get(path: string): DataItem {
    const item = this.find(path);
    if (!item) throw notFound(normalPath(path));
    return item;
  }

  /**
   * With an object where the connection string has to be text, the site registers the item with empty
   * fields; only validation shows it.
   */
  add(written: DataItem): DataItem {
    const item = { clientPath: null, id: randomUUID(), ...structuredClone(written) };
    item.path = normalPath(item.path);
    this.#items.push(keepable(item));
    return item;
  }

  replace(existing: DataItem, written: DataItem): void {
    const kept = { ...existing, ...structuredClone(written), path: existing.path };
    this.#items = this.#items.map((item) => (item === existing ? keepable(kept) : item));
  }

  remove(item: DataItem): void {
    this.#items = this.#items.filter((one) => one !== item);
  }

  clear(): void {
    this.#items = [];
  }

  /**
   * Looks at the shape only: there is nothing behind a simulated item that could be reached.
   *
   * @throws SiteRefusal; the wording is not verified
   */
  validate(item: DataItem): void {
    const fault = this.#faults.look('unreachable-data', undefined, ({ path }) =>
      path === undefined ? true : normalPath(String(path)) === normalPath(item.path),
    );
    const reason = fault
      ? String(fault.message ?? 'cannot be reached by the account that runs ArcGIS Server')
      : faultOf(keepable(structuredClone(item)));
    if (reason)
      throw new SiteRefusal(500, `SIM01.EXAMPLE.ORG: the data item ${item.path} ${reason}.`);
  }
}

/** What stands in the way of using the item. */
function faultOf(item: DataItem): string | undefined {
  const { path, connectionString } = item.info;
  if (item.type === 'folder') return path ? undefined : 'has no path';
  if (typeof connectionString !== 'string' || !connectionString) return 'has an empty connection';
  if (connectionString.startsWith('{crypt}')) return 'has a connection that cannot be decrypted';
  return undefined;
}

function keepable(item: DataItem): DataItem {
  const { connectionString } = item.info;
  if (doublyEncoded.has(item.type) && typeof connectionString !== 'string') {
    return { ...item, info: { ...item.info, connectionString: '' } };
  }
  return item;
}

/** With or without the leading slash: clients send both. */
export function normalPath(path: string): string {
  return `/${path.replace(/^\/+|\/+$/g, '')}`;
}

/** As the site shows an item: secrets are encrypted unless an administrator asks for `decrypt`. */
export function shownItem(item: DataItem, secrets: 'encrypted' | 'decrypted'): DataItem {
  if (secrets === 'decrypted') return item;
  const info = Object.fromEntries(
    Object.entries(item.info).map(([key, value]) => [
      key,
      /connectionString$/i.test(key) && typeof value === 'string'
        ? encrypted(item.type, value)
        : value,
    ]),
  );
  return { ...item, info };
}

function encrypted(type: string, text: string): string {
  if (type === 'egdb') return encryptPassword(text);
  if (!text || type === 'rasterStore' || type === 'bigDataFileShare') return text;
  return `{crypt}${Buffer.from(randomBytes(24)).toString('base64')}`;
}

/** A plain password is stored encrypted; here it is replaced by an invented hex value. */
export function encryptPassword(connectionString: string): string {
  return connectionString.replace(
    /(^|;)PASSWORD=[^;]*/i,
    (_, before: string) => `${before}ENCRYPTED_PASSWORD=00022e68${randomBytes(16).toString('hex')}`,
  );
}
