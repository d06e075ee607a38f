import type { Redis } from 'ioredis';
import { type JobNews, toNews } from '../jobs/change-feed.ts';
import type { Log } from '../lib/log.ts';
import { isRedisAway } from '../lib/redis.ts';
import { pause } from '../lib/wait.ts';

export type NewsReaderDeps = {
  /** A patient connection of its own: reading blocks it. */
  redis: Redis;
  stream: string;
  /** Name of this process among the readers. */
  consumer: string;
  /** After this time news that a reader took and did not pass on belong to another one. */
  claimAfterMs: number;
  /** Given what is to be done with each of some news that were read together. */
  openBurst: () => (news: JobNews) => Promise<void>;
  log: Log;
};

const group = 'webhooks';
const batch = 100;
const longestBlockMs = 5_000;
const retryMs = 500;
/** News come in bursts: what follows within this is read together. */
const gatherMs = 50;
/** A reader that has not come back for so long is gone for good. */
const forgottenAfterMs = 3_600_000;

type Entry = [id: string, fields: string[]];

/**
 * Reads the stream of changes as one of a group: each piece of news goes to one of all workers. It is
 * acknowledged once it is passed on; what a worker took to its grave is read again by another one.
 */
export class NewsReader {
  readonly #deps: NewsReaderDeps;
  readonly #closed = new AbortController();
  #reading: Promise<void> | undefined;
  #hasGroup = false;
  #claimedMs = 0;

  constructor(deps: NewsReaderDeps) {
    this.#deps = deps;
  }

  open(): void {
    this.#reading ??= this.#readOn();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    this.#deps.redis.disconnect();
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      try {
        await this.#makeGroup();
        await this.#claimLeftOver();
        const entries = await this.#readNew();
        await this.#pass(entries);
        if (entries.length > 0) await pause(gatherMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (String(error).includes('NOGROUP')) this.#hasGroup = false;
        this.#deps.log.warn({ err: error }, 'News for webhooks cannot be read; trying again');
        await pause(retryMs, signal).catch(() => undefined);
      }
    }
  }

  /** Begins with all that the stream still holds: endpoints tell what is older than they are. */
  async #makeGroup(): Promise<void> {
    if (this.#hasGroup) return;
    const { redis, stream } = this.#deps;
    await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: unknown) => {
      if (!String(error).includes('BUSYGROUP')) throw error;
    });
    this.#hasGroup = true;
  }

  async #readNew(): Promise<Entry[]> {
    const { redis, stream, consumer, claimAfterMs } = this.#deps;
    const replies = (await redis.xreadgroup(
      'GROUP',
      group,
      consumer,
      'COUNT',
      batch,
      'BLOCK',
      Math.min(longestBlockMs, claimAfterMs),
      'STREAMS',
      stream,
      '>',
    )) as [string, Entry[]][] | null;
    return replies?.[0]?.[1] ?? [];
  }

  async #claimLeftOver(): Promise<void> {
    const { redis, stream, consumer, claimAfterMs } = this.#deps;
    if (Date.now() - this.#claimedMs < claimAfterMs / 2) return;
    let from = '0-0';
    do {
      const [next, entries] = (await redis.xautoclaim(
        stream,
        group,
        consumer,
        claimAfterMs,
        from,
        'COUNT',
        batch,
      )) as [string, (Entry | null)[]];
      from = next;
      await this.#pass(entries.filter((entry) => entry !== null)); // null: the stream has dropped it
    } while (from !== '0-0' && !this.#closed.signal.aborted);
    await this.#forgetReaders();
    this.#claimedMs = Date.now();
  }

  async #pass(entries: Entry[]): Promise<void> {
    const { redis, stream, openBurst, log } = this.#deps;
    const passed: string[] = [];
    const passOn = openBurst();
    for (const [id, fields] of entries) {
      if (this.#closed.signal.aborted) break; // another worker reads what is left
      try {
        await passOn(toNews(id, fields));
      } catch (error) {
        if (isRedisAway(error)) throw error; // what was passed on is passed on again: that tells nobody twice
        log.error({ err: error, newsId: id }, 'News could not be made deliveries and are skipped');
      }
      passed.push(id);
    }
    if (passed.length > 0) await redis.xack(stream, group, ...passed);
  }

  /** Each start of a worker is a reader of its own; those that are gone and owe nothing leave the group. */
  async #forgetReaders(): Promise<void> {
    const { redis, stream } = this.#deps;
    const readers = (await redis.xinfo('CONSUMERS', stream, group)) as unknown[][];
    for (const fields of readers) {
      const reader = new Map(
        fields.flatMap((field, at) => (at % 2 ? [] : [[field, fields[at + 1]]])),
      );
      const isGone = reader.get('pending') === 0 && Number(reader.get('idle')) > forgottenAfterMs;
      if (isGone) await redis.xgroup('DELCONSUMER', stream, group, String(reader.get('name')));
    }
  }
}
