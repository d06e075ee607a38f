import type { Redis } from 'ioredis';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';
import type { JobKeys } from './job-keys.ts';
import type { JobStatus } from './job-record.ts';

/** One entry of the stream of changes: the only news channel between processes. */
export type JobNews = {
  id: string;
  jobId: string;
  rev: number;
  kind: string;
  /** Empty once the job is gone. */
  status: JobStatus | '';
  site: string;
  owner: string;
  processID: string;
};
type Listener = (news: JobNews) => void;

/** News come in bursts, and each process that reads them is woken: what follows within this is read together. */
const gatherMs = 20;
const mostAtOnce = 500;

/** While nobody listens only the place is kept from which news are read once somebody does. */
const keepPlaceEveryMs = 250;

/**
 * Reads the stream of changes on a connection of its own and tells listeners in this process.
 * Whoever waits for something listens first and then reads the record: so nothing falls between.
 */
export class ChangeFeed {
  readonly #redis: Redis;
  readonly #stream: string;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();
  readonly #byJob = new Map<string, Set<Listener>>();
  readonly #closed = new AbortController();
  #reading: Promise<void> | undefined;
  #isHeard = () => {};
  #hasStarted = () => {};
  readonly #started = new Promise<void>((resolve) => {
    this.#hasStarted = resolve;
  });

  /** @param redis a patient connection that nobody else uses: reading blocks it */
  constructor(redis: Redis, keys: JobKeys, log: Log) {
    this.#redis = redis;
    this.#stream = keys.changes;
    this.#log = log;
  }

  /** Begins with what happens from now on; resolves once it is known where that is. */
  async open(): Promise<void> {
    this.#reading ??= this.#readOn();
    await this.#started;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#isHeard();
    return () => this.#listeners.delete(listener);
  }

  listenTo(jobId: string, listener: Listener): () => void {
    const listeners = this.#byJob.get(jobId) ?? new Set();
    this.#byJob.set(jobId, listeners.add(listener));
    this.#isHeard();
    return () => {
      listeners.delete(listener);
      // Whoever stops twice must not take away those that have begun to listen since.
      if (listeners.size === 0 && this.#byJob.get(jobId) === listeners) this.#byJob.delete(jobId);
    };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#hasStarted();
    this.#redis.disconnect();
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const { signal } = this.#closed;
    let last: string | undefined;
    while (!signal.aborted) {
      try {
        last ??= await this.#readNewestId();
        this.#hasStarted();
        if (!this.#hasListeners()) {
          const newest = await this.#readNewestId();
          // For a listener that came meanwhile it may be too late a place.
          if (this.#hasListeners()) continue;
          last = newest;
          await this.#untilHeard(signal);
          continue;
        }
        const replies = await this.#redis.xread(
          'COUNT',
          mostAtOnce,
          'BLOCK',
          5_000,
          'STREAMS',
          this.#stream,
          last,
        );
        const news = replies?.[0]?.[1] ?? [];
        for (const [id, fields] of news) {
          last = id;
          this.#tell(toNews(id, fields));
        }
        if (replies && news.length < mostAtOnce) await pause(gatherMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#log.warn({ err: error }, 'The stream of changes cannot be read; trying again');
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  #hasListeners(): boolean {
    return this.#listeners.size > 0 || this.#byJob.size > 0;
  }

  async #untilHeard(signal: AbortSignal): Promise<void> {
    const heard = new AbortController();
    this.#isHeard = () => heard.abort();
    await pause(keepPlaceEveryMs, AbortSignal.any([signal, heard.signal])).catch(() => undefined);
  }

  async #readNewestId(): Promise<string> {
    const [newest] = await this.#redis.xrevrange(this.#stream, '+', '-', 'COUNT', 1);
    return newest?.[0] ?? '0-0';
  }

  #tell(news: JobNews): void {
    for (const listener of [...this.#listeners, ...(this.#byJob.get(news.jobId) ?? [])]) {
      try {
        listener(news);
      } catch (error) {
        this.#log.error({ err: error, jobId: news.jobId }, 'A listener to changes failed');
      }
    }
  }
}

export function toNews(id: string, fields: string[]): JobNews {
  const members: Record<string, string> = {};
  for (let at = 0; at + 1 < fields.length; at += 2)
    members[fields[at] ?? ''] = fields[at + 1] ?? '';
  return {
    id,
    jobId: members.jobId ?? '',
    rev: Number(members.rev ?? 0),
    kind: members.kind ?? '',
    status: (members.status ?? '') as JobNews['status'],
    site: members.site ?? '',
    owner: members.owner ?? '',
    processID: members.processID ?? '',
  };
}
