import type { Redis } from 'ioredis';
import { z } from 'zod';
import { ToolDescription } from '../arcpy/arcpy-session.ts';
import { RuntimeProbe } from '../arcpy/runtime-probe.ts';
import type { JobKeys } from './job-keys.ts';

/** The ArcPy of one live worker, as the worker tells it. It is gone a moment after the worker is. */
export const RuntimeRecord = z.object({
  runtimeId: z.string(),
  pool: z.string(),
  machine: z.string(),
  foundBy: z.string(),
  state: z.enum(['starting', 'idle', 'busy', 'unusable']),
  detail: z.string().optional(),
  seenMs: z.number(),
  sinceMs: z.number(),
  /** What it told of itself when it last started. */
  probe: RuntimeProbe.optional(),
  tools: z.array(ToolDescription),
  processes: z.int(),
  busy: z.int(),
  jobs: z.int(),
  starts: z.int(),
});
export type RuntimeRecord = z.output<typeof RuntimeRecord>;

/** A worker tells that it lives this often; it counts as gone after a few that did not come. */
export const runtimeBeatMs = 5_000;
const lifeMs = 4 * runtimeBeatMs;

/** Which ArcPy there is at the moment, over all workers. */
export class RuntimeRecords {
  readonly #redis: Redis;
  readonly #keys: JobKeys;

  constructor(redis: Redis, keys: JobKeys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async save(record: RuntimeRecord): Promise<void> {
    await this.#redis
      .pipeline()
      .set(this.#keys.runtime(record.runtimeId), JSON.stringify(record), 'PX', lifeMs)
      .sadd(this.#keys.runtimes, record.runtimeId)
      .exec();
  }

  async remove(runtimeId: string): Promise<void> {
    await this.#redis
      .pipeline()
      .del(this.#keys.runtime(runtimeId))
      .srem(this.#keys.runtimes, runtimeId)
      .exec();
  }

  async find(runtimeId: string): Promise<RuntimeRecord | undefined> {
    return (await this.list()).find((record) => record.runtimeId === runtimeId);
  }

  async list(): Promise<RuntimeRecord[]> {
    const ids = await this.#redis.smembers(this.#keys.runtimes);
    if (ids.length === 0) return [];
    const texts = await this.#redis.mget(ids.map((id) => this.#keys.runtime(id)));
    const gone = ids.filter((_, index) => texts[index] === null);
    if (gone.length > 0) await this.#redis.srem(this.#keys.runtimes, ...gone);
    return texts
      .flatMap((text) => (text === null ? [] : [RuntimeRecord.safeParse(JSON.parse(text)).data]))
      .filter((record) => record !== undefined)
      .sort((a, b) => (a.runtimeId < b.runtimeId ? -1 : 1));
  }
}
