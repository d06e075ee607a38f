import type { Redis } from 'ioredis';
import { runScript } from '../lib/redis.ts';
import type { JobKeys } from './job-keys.ts';
import { forgetScript, removeLogsScript } from './job-scripts.ts';

/** Jobs that have come to their end, and how they are forgotten. */
export class EndedJobs {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Removes an ended job for good; one that a living parent counts on is `needed`. */
  async forget(jobId: string): Promise<'forgotten' | 'alive' | 'needed' | 'missing'> {
    const outcome: unknown = await this.#run(forgetScript, [jobId, String(Date.now())]);
    return outcome as 'forgotten' | 'alive' | 'needed' | 'missing';
  }

  async count(): Promise<number> {
    return this.#redis.zcard(this.#keys.ended);
  }

  /** Oldest first, after passing over some. */
  async findOldest(offset: number, count: number) {
    const last = String(offset + count - 1);
    const found = await this.#redis.zrange(this.#keys.ended, String(offset), last, 'WITHSCORES');
    return found.flatMap((jobId, at) =>
      at % 2 === 0 ? [{ jobId, endedMs: Number(found[at + 1]) }] : [],
    );
  }

  /**
   * Removes the messages of jobs that ended long ago, or are not among the last so many to end; their records stay.
   * Goes on where it stopped before.
   */
  async removeOldLogs(limits: {
    endedBeforeMs: number;
    keep: number;
    most: number;
  }): Promise<void> {
    await this.#run(removeLogsScript, [
      '',
      String(Date.now()),
      String(limits.endedBeforeMs),
      String(limits.keep),
      String(limits.most),
    ]);
  }

  /** Who made a job that has been removed, while that is remembered. */
  async findTombstone(jobId: string): Promise<string | undefined> {
    return (await this.#redis.get(`${this.#keys.prefix}:tombstone:${jobId}`)) ?? undefined;
  }

  #run(script: string, argv: string[]): Promise<unknown> {
    return runScript(this.#redis, script, [this.#keys.prefix, ...argv]);
  }
}
