/** One request to the site, as `control.requests()` shows it. */
export type RequestRecord = {
  method: string;
  path: string;
  /** What was asked for: `login`, `upload`, `submit`, `poll`, ... */
  operation: string;
  /** Whether it is one that changes something on the site. */
  isChange: boolean;
  /** ms since the epoch, by the right clock */
  at: number;
  params: Record<string, string>;
};

export type RequestEvent = { phase: 'before' | 'after'; operation: string; path: string };
export type RequestListener = (event: RequestEvent) => unknown;

const keptRequests = 20_000;
const secretName = /password|token|secret|connectionString|inputData|^item$|^datastore$/i;

export class RequestLog {
  #records: RequestRecord[] = [];
  readonly #listeners = new Set<RequestListener>();

  add(record: RequestRecord): RequestRecord {
    this.#records.push(record);
    if (this.#records.length > keptRequests) this.#records.shift();
    return record;
  }

  list(): RequestRecord[] {
    return [...this.#records];
  }

  clear(): void {
    this.#records = [];
  }

  /** Returns what takes the listener away again. */
  listen(listener: RequestListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async tell(event: RequestEvent): Promise<void> {
    for (const listener of this.#listeners) await listener(event);
  }
}

export function masked(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, secretName.test(name) ? '***' : value]),
  );
}
