import type { Redis } from 'ioredis';
import { arcpyQueueNameOf, type JobQueues } from './job-queue.ts';
import type { JobRecord } from './job-record.ts';
import type { JobRecords } from './job-records.ts';
import type { JobType } from './job-type.ts';
import type { RuntimeRecord, RuntimeRecords } from './runtime-records.ts';
import { findUnfit } from './runtime-wish.ts';

const batch = 200;

/**
 * Moves a job that nobody works on to another queue of ArcPy. KEYS: record; index, turns and open jobs of the old, and
 * of the new queue. ARGV: old queue, new queue, job id, `deserted` when the old queue has no live worker: then an
 * attempt that still counts as open died with its worker; and the prefix of all keys. Whoever puts it into BullMQ's queue comes after: the record tells where.
 */
const moveScript = /* lua */ `
local seen = redis.call('HMGET', KEYS[1], 'queue', 'status', 'open', 'seq', 'owner', 'parentID', 'processID')
if seen[1] ~= ARGV[1] then return 0 end
if seen[2] ~= 'accepted' and seen[2] ~= 'running' then return 0 end
if ARGV[4] ~= 'deserted' and seen[3] and seen[3] ~= '' then return 0 end
redis.call('HSET', KEYS[1], 'queue', ARGV[2])
if redis.call('ZREM', KEYS[2], ARGV[3]) == 1 then redis.call('ZADD', KEYS[5], seen[4], ARGV[3]) end
local turn = redis.call('ZSCORE', KEYS[3], ARGV[3])
if turn then
  redis.call('ZREM', KEYS[3], ARGV[3])
  redis.call('ZADD', KEYS[6], turn, ARGV[3])
end
if redis.call('HINCRBY', KEYS[4], seen[5], -1) <= 0 then redis.call('HDEL', KEYS[4], seen[5]) end
redis.call('HINCRBY', KEYS[7], seen[5], 1)
local parent = seen[6] and ARGV[5] .. ':job:' .. seen[6]
if parent and redis.call('EXISTS', parent) == 1 then
  redis.call('HINCRBY', parent, 'children:open:' .. seen[7] .. '|' .. ARGV[1], -1)
  redis.call('HINCRBY', parent, 'children:open:' .. seen[7] .. '|' .. ARGV[2], 1)
end
return 1`;

/** Jobs of ArcPy that wait where no live worker can run them go to where one can. */
export class RuntimeRouting {
  readonly #redis: Redis;
  readonly #records: JobRecords;
  readonly #queues: JobQueues;
  readonly #runtimes: RuntimeRecords;
  readonly #jobTypes: readonly JobType[];

  constructor(deps: {
    redis: Redis;
    records: JobRecords;
    queues: JobQueues;
    runtimes: RuntimeRecords;
    jobTypes: readonly JobType[];
  }) {
    this.#redis = deps.redis;
    this.#records = deps.records;
    this.#queues = deps.queues;
    this.#runtimes = deps.runtimes;
    this.#jobTypes = deps.jobTypes;
  }

  /** Takes over what this ArcPy can run and waits in a pool that has nobody for it. */
  async adopt(own: RuntimeRecord): Promise<void> {
    const target = arcpyQueueNameOf(own.pool);
    const others = (await this.#runtimes.list()).filter(({ pool }) => pool !== own.pool);
    const alive = await this.#records.findAlive();
    for (let at = 0; at < alive.length; at += batch) {
      for (const record of await this.#records.findMany(alive.slice(at, at + batch))) {
        const isElsewhere = record.queue.startsWith('arcpy-') && record.queue !== target;
        if (isElsewhere && this.#isForsaken(record, own, others)) {
          const isDeserted = !others.some(({ pool }) => arcpyQueueNameOf(pool) === record.queue);
          await this.#move(record, target, isDeserted);
        }
      }
    }
  }

  #isForsaken(
    { processID, params, queue }: JobRecord,
    own: RuntimeRecord,
    others: readonly RuntimeRecord[],
  ): boolean {
    const needs = this.#jobTypes.find(({ name }) => name === processID)?.needs?.(params);
    if (!needs || findUnfit(needs, own) !== undefined) return false;
    return !others.some(
      (other) => arcpyQueueNameOf(other.pool) === queue && findUnfit(needs, other) === undefined,
    );
  }

  /** What stays of it in BullMQ's old queue is passed over there, for the record names another one. */
  async #move(record: JobRecord, target: string, isDeserted: boolean): Promise<void> {
    const { keys } = this.#records;
    const { jobId, queue, processID, priority, traceparent, atMs } = record;
    const moved = await this.#redis.eval(
      moveScript,
      7,
      keys.job(jobId),
      ...[queue, target].flatMap((name) => [
        keys.index('waiting', name),
        keys.turns(name),
        keys.openJobs(name),
      ]),
      queue,
      target,
      jobId,
      isDeserted ? 'deserted' : '',
      keys.prefix,
    );
    if (moved !== 1) return;
    await this.#queues.add(target, jobId, processID, priority, { traceparent, atMs });
    await this.#queues.remove(queue, jobId);
  }
}
