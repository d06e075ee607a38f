import { createHash, randomUUID } from 'node:crypto';
import type { Connections } from './connections.ts';
import { faultOfStore } from './data-stores.ts';
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

type Deps = { faults: Faults; connections: Connections; machines: readonly string[] };

/** What is registered with the site. Passwords of databases are kept encrypted, other secrets as they came. */
export class DataItems {
  readonly #faults: Faults;
  readonly #connections: Connections;
  readonly #machines: readonly string[];
  #items: DataItem[] = [];

  constructor({ faults, connections, machines }: Deps) {
    this.#faults = faults;
    this.#connections = connections;
    this.#machines = machines;
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
   *
   * @throws SiteRefusal for a second managed database: a site has one (the text is not verified)
   */
  add(written: DataItem): DataItem {
    if (isManagedDatabase(written) && this.#items.some(isManagedDatabase)) {
      throw new SiteRefusal(500, 'A managed database is registered with the site already.');
    }
    const item = { clientPath: null, id: randomUUID(), ...structuredClone(written) };
    item.path = normalPath(item.path);
    this.#items.push(this.#kept(item));
    return item;
  }

  replace(existing: DataItem, written: DataItem): void {
    const kept = { ...existing, ...structuredClone(written), path: existing.path };
    this.#items = this.#items.map((item) => (item === existing ? this.#kept(kept) : item));
  }

  remove(item: DataItem): void {
    this.#items = this.#items.filter((one) => one !== item);
  }

  clear(): void {
    this.#items = [];
  }

  /**
   * Looks at the shape, at passwords that the simulation was told of, and at faults; one message for each
   * machine that cannot use the item.
   *
   * @throws SiteRefusal; the wording is not verified
   */
  validate(item: DataItem): void {
    const kept = this.#kept(structuredClone(item));
    const wrong = this.#faultOf(kept);
    const messages = this.#machines.flatMap((machine) => {
      const reason = wrong ?? this.#unreachable(kept, machine);
      return reason ? [`${machine}: the data item ${item.path} ${reason}.`] : [];
    });
    if (messages.length > 0) throw new SiteRefusal(500, ...messages);
  }

  /** As the site shows it: secrets are encrypted unless an administrator asks for `decrypt`. */
  shown(item: DataItem, secrets: 'encrypted' | 'decrypted'): DataItem {
    const info = Object.entries(item.info).map(([key, value]) => {
      const isConnection = /connectionString$/i.test(key) && typeof value === 'string';
      return [key, isConnection ? this.#shownConnection(item.type, value, secrets) : value];
    });
    return { ...item, info: Object.fromEntries(info) };
  }

  #shownConnection(type: string, text: string, secrets: 'encrypted' | 'decrypted'): string {
    if (secrets === 'decrypted') return this.#connections.decrypt(text);
    if (type === 'egdb' || !text || type === 'rasterStore' || type === 'bigDataFileShare')
      return text;
    return `{crypt}${createHash('sha256').update(text).digest('base64')}`;
  }

  /** Faults may name an item's `path`, a `place` it leads to, and one `machine`. */
  #unreachable(item: DataItem, machine: string): string | undefined {
    const fault = this.#faults.look('unreachable-data', undefined, (one) => {
      const isItem =
        one.path === undefined || normalPath(String(one.path)) === normalPath(item.path);
      const isPlace =
        one.place === undefined || JSON.stringify(item.info).includes(String(one.place));
      return isItem && isPlace && (one.machine === undefined || one.machine === machine);
    });
    if (!fault) return undefined;
    return String(fault.message ?? 'cannot be reached by the account that runs ArcGIS Server');
  }

  /** What stands in the way of using the item, on every machine. */
  #faultOf(item: DataItem): string | undefined {
    const { connectionString, clientConnectionString, dataStoreConnectionType } = item.info;
    if (item.type === 'folder') return faultOfFolder(item);
    if (typeof connectionString !== 'string' || !connectionString) return 'has an empty connection';
    if (connectionString.startsWith('{crypt}')) return 'has a connection that cannot be decrypted';
    if (item.type !== 'egdb') return faultOfStore(item, connectionString);
    if (dataStoreConnectionType === 'replicated' && !clientConnectionString)
      return 'is replicated and names no database of the publisher';
    return this.#connections.faultOf(connectionString);
  }

  #kept(item: DataItem): DataItem {
    const { connectionString } = item.info;
    if (doublyEncoded.has(item.type) && typeof connectionString !== 'string') {
      return { ...item, info: { ...item.info, connectionString: '', objectStore: '' } };
    }
    if (item.type !== 'egdb') return item;
    const info = Object.entries(item.info).map(([key, value]) => [
      key,
      /connectionString$/i.test(key) && typeof value === 'string'
        ? this.#connections.encrypt(value)
        : value,
    ]);
    return { ...item, info: Object.fromEntries(info) };
  }
}

/** UNC, Linux, or a drive letter. Whether a path is there only faults can tell. */
function faultOfFolder({ info, clientPath }: DataItem): string | undefined {
  const { path, dataStoreConnectionType, hostName } = info;
  if (typeof path !== 'string' || !path) return 'has no path';
  if (!/^(?:[\\/]{2}[^\\/]+[\\/][^\\/]|\/[^/]|[A-Za-z]:[\\/])/.test(path)) {
    return `has a path that is not whole: ${path}`;
  }
  if (dataStoreConnectionType !== 'replicated') return undefined;
  if (!clientPath) return "is replicated and names no publisher's path";
  const isLocal = !/^[\\/]{2}/.test(clientPath);
  return isLocal && !hostName ? "is replicated and names no publisher's machine" : undefined;
}

function isManagedDatabase({ type, info }: DataItem): boolean {
  return type === 'egdb' && String(info.isManaged) === 'true';
}

/** With or without the leading slash: clients send both. */
export function normalPath(path: string): string {
  return `/${path.replace(/^\/+|\/+$/g, '')}`;
}
