import type { Redis } from 'ioredis';
import { runScript } from '../lib/redis.ts';
import type { JobKeys } from './job-keys.ts';
import { giveLocksBackScript, takeLocksScript } from './lock-scripts.ts';

export type LockOutcome =
  | { kind: 'taken' }
  | { kind: 'missing' }
  | { kind: 'blocked'; lock: string; holder: string; place: number };

/** What only one job at a time may touch, and the lines before it. */
export class JobLocks {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async take(jobId: string): Promise<LockOutcome> {
    const [kind, lock, holder, place] = await this.#run(takeLocksScript, jobId);
    if (kind === 'blocked')
      return { kind, lock: lock ?? '', holder: holder ?? '', place: Number(place) };
    return { kind: kind === 'taken' ? 'taken' : 'missing' };
  }

  /** @returns the jobs that may go on */
  async giveBack(jobId: string): Promise<string[]> {
    return this.#run(giveLocksBackScript, jobId);
  }

  /** Who holds a lock, and where in its line a job stands (from 1). */
  async readPlace(lock: string, jobId: string): Promise<{ holder?: string; place?: number }> {
    const [holder, rank] = await Promise.all([
      this.#redis.hget(this.#keys.lock(lock), 'jobId'),
      this.#redis.zrank(this.#keys.line(lock), jobId),
    ]);
    return { ...(holder && { holder }), ...(rank !== null && { place: rank + 1 }) };
  }

  #run(script: string, jobId: string): Promise<string[]> {
    const args = [this.#keys.prefix, jobId, String(Date.now())];
    return runScript(this.#redis, script, args) as Promise<string[]>;
  }
}
