import type { Redis } from 'ioredis';
import { runScript } from '../lib/redis.ts';
import { addRowsScript, beginScript, changeScript, logScript } from './attempt-scripts.ts';
import type { ChildRow } from './child-row.ts';
import { FencedOffError, type JobChange, JobEndedError, UnwantedChildError } from './job-change.ts';
import { toChangedFields } from './job-fields.ts';
import { type JobKeys, jobKeys } from './job-keys.ts';
import {
  type JobRecord,
  type JobStatus,
  type JobSummary,
  type Parked,
  parseJobRecord,
  parseJobSummary,
  stepPrefix,
  unshownMembers,
} from './job-record.ts';
import { dismissScript, prioritizeScript, summaryScript } from './job-scripts.ts';
import { toScriptJson } from './script-json.ts';

export type DismissOutcome =
  | { kind: 'missing' }
  | { kind: 'ended'; status: JobStatus }
  | { kind: 'never-began'; promoted: string[] }
  | { kind: 'running' };

/** A list that a script keeps piece by piece, each as it stands. */
function toScriptTexts(entries: object[]): string {
  return JSON.stringify(entries.map((entry) => JSON.stringify(entry)));
}

/** Reads and writes records; each writing method is one script in Redis. */
export class JobRecords {
  readonly keys: JobKeys;
  readonly #redis: Redis;
  readonly #failedHoldMs: number;

  constructor(redis: Redis, options: { prefix: string; failedUploadDays: number }) {
    this.#redis = redis;
    this.keys = jobKeys(options.prefix);
    this.#failedHoldMs = options.failedUploadDays * 86_400_000;
  }

  async find(jobId: string): Promise<JobRecord | undefined> {
    const hash = await this.#redis.hgetall(this.keys.job(jobId));
    return hash.jobId ? parseJobRecord(hash) : undefined;
  }

  /** How a job stands, without what may be long: inputs, results, steps. */
  async findSummary(jobId: string): Promise<JobSummary | undefined> {
    const [summary] = await this.findSummaries([jobId]);
    return summary;
  }

  /** In the order asked; the ids that are gone by now are left out. */
  async findSummaries(jobIds: string[]): Promise<JobSummary[]> {
    const unshown = JSON.stringify(unshownMembers);
    const found = await Promise.all(
      jobIds.map(async (jobId) => this.#run(summaryScript, [jobId, stepPrefix, unshown])),
    );
    return found.flatMap((flat) => {
      const hash = Object.fromEntries(
        flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])),
      );
      return hash.jobId ? [parseJobSummary(hash)] : [];
    });
  }

  /** Whether the caller named addresses that are to be told of the job. */
  async hasSubscriber(jobId: string): Promise<boolean> {
    return (await this.#redis.hexists(this.keys.job(jobId), 'subscriber')) === 1;
  }

  /** In the order asked; the ids that are gone by now are left out. */
  async findMany(jobIds: string[]): Promise<JobRecord[]> {
    if (jobIds.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const jobId of jobIds) pipeline.hgetall(this.keys.job(jobId));
    const replies = (await pipeline.exec()) ?? [];
    return replies.flatMap(([error, hash]) => {
      if (error) throw error;
      const stored = hash as Record<string, string>;
      return stored.jobId ? [parseJobRecord(stored)] : [];
    });
  }

  /** In which queue each of these jobs is, of those that there are. */
  async findQueues(jobIds: string[]): Promise<{ jobId: string; queue: string }[]> {
    const pipeline = this.#redis.pipeline();
    for (const jobId of jobIds) pipeline.hget(this.keys.job(jobId), 'queue');
    const replies = (await pipeline.exec()) ?? [];
    return replies.flatMap(([error, queue], at) => {
      if (error) throw error;
      const jobId = jobIds[at];
      return typeof queue === 'string' && jobId !== undefined ? [{ jobId, queue }] : [];
    });
  }

  /** Whether there are records of these jobs: in order, one answer each. */
  async areThere(jobIds: string[]): Promise<boolean[]> {
    const pipeline = this.#redis.pipeline();
    for (const jobId of jobIds) pipeline.exists(this.keys.job(jobId));
    const replies = (await pipeline.exec()) ?? [];
    return replies.map(([error, count]) => {
      if (error) throw error;
      return count === 1;
    });
  }

  /** The jobs that a parent has made, in order of acceptance. */
  async findChildren(parentID: string): Promise<string[]> {
    return this.#redis.zrange(this.keys.index('parent', parentID), '0', '-1');
  }

  /** Attempt and status only: what a fence asks before every changing request. */
  async readFence(jobId: string): Promise<{ attempt: number; status: JobStatus } | undefined> {
    const [attempt, status] = await this.#redis.hmget(this.keys.job(jobId), 'attempt', 'status');
    return attempt && status
      ? { attempt: Number(attempt), status: status as JobStatus }
      : undefined;
  }

  /**
   * @returns the number of the attempt, or nothing when the job has ended or is gone
   * @throws UnwantedChildError for a child whose parent has ended, or stops because another one failed
   */
  async begin(jobId: string, worker: string): Promise<number | undefined> {
    const [kind, attempt] = await this.#run(beginScript, [jobId, String(Date.now()), worker]);
    if (kind === 'unwanted') throw new UnwantedChildError(`Job ${jobId} is not wanted any more`);
    return kind === 'ok' ? Number(attempt) : undefined;
  }

  /**
   * Puts rows into a parent's table that no job of this parent stands behind.
   *
   * @throws FencedOffError when the parent has a later attempt
   */
  async addChildRows(parentID: string, attempt: number, rows: ChildRow[]): Promise<void> {
    const added = rows.map((row) => ({
      index: String(row.index),
      status: row.status,
      row: toScriptJson(row),
    }));
    const outcome: unknown = await this.#run(addRowsScript, [
      parentID,
      String(Date.now()),
      String(attempt),
      toScriptJson(added),
    ]);
    if (String(outcome) === 'fenced')
      throw new FencedOffError(`Job ${parentID} has a later attempt`);
  }

  /** @returns `begun` for a job whose turn has come already */
  async prioritize(jobId: string, priority: number): Promise<'ok' | 'missing' | 'begun'> {
    const outcome: unknown = await this.#run(prioritizeScript, [
      jobId,
      String(Date.now()),
      String(priority),
    ]);
    return outcome as 'ok' | 'missing' | 'begun';
  }

  /**
   * Writes for an attempt, and the messages of its log that come before. `kind` names the change in the stream.
   * @returns the jobs that may go on because this one ended
   * @throws FencedOffError when a later attempt exists
   * @throws JobEndedError when another final status came first
   */
  async change(
    jobId: string,
    attempt: number,
    kind: string,
    change: JobChange,
    messages: object[] = [],
  ): Promise<string[]> {
    const [outcome, , ...promoted] = await this.#run(changeScript, [
      jobId,
      String(Date.now()),
      String(attempt),
      kind,
      toScriptJson(toChangedFields(change)),
      change.status ?? '',
      toScriptTexts(messages),
      String(this.#failedHoldMs),
    ]);
    if (outcome === 'fenced' || outcome === 'missing')
      throw new FencedOffError(`Job ${jobId} has a later attempt`);
    if (outcome === 'ended') throw new JobEndedError(`Job ${jobId} has ended`);
    return promoted;
  }

  /** A worker that holds no attempt says why the job waits. */
  async park(jobId: string, parked: Parked): Promise<void> {
    await this.#run(changeScript, [
      jobId,
      String(Date.now()),
      '',
      'parked',
      toScriptJson([['parked', toScriptJson(parked)]]),
      '',
      toScriptTexts([]),
      String(this.#failedHoldMs),
    ]);
  }

  async dismiss(jobId: string): Promise<DismissOutcome> {
    const [kind, ...rest] = await this.#run(dismissScript, [
      jobId,
      String(Date.now()),
      String(this.#failedHoldMs),
    ]);
    if (kind === 'never-began') return { kind, promoted: rest };
    if (kind === 'ended') return { kind, status: rest[0] as JobStatus };
    return { kind: kind === 'running' ? 'running' : 'missing' };
  }

  /** Place (from 1) among the accepted jobs of a queue that no worker has begun. */
  async readPlaceInQueue(queue: string, jobId: string): Promise<number | undefined> {
    const rank = await this.#redis.zrank(this.keys.turns(queue), jobId);
    return rank === null ? undefined : rank + 1;
  }

  /** When the job was accepted that has waited longest in a queue, in epoch milliseconds. */
  async readOldestWaiting(queue: string): Promise<number | undefined> {
    const [jobId] = await this.#redis.zrange(this.keys.index('waiting', queue), '0', '0');
    if (jobId === undefined) return undefined;
    const createdMs = await this.#redis.hget(this.keys.job(jobId), 'createdMs');
    return createdMs === null ? undefined : Number(createdMs);
  }

  /** Every job that a worker still has to do something for. */
  async findAlive(): Promise<string[]> {
    const indexes = [
      ['status', 'accepted'],
      ['status', 'running'],
      ['undo', 'pending'],
    ] as const;
    const found = await Promise.all(
      indexes.map(([kind, value]) => this.#redis.zrange(this.keys.index(kind, value), '0', '-1')),
    );
    return [...new Set(found.flat())];
  }

  async readPending(): Promise<Record<string, string>> {
    return this.#redis.hgetall(this.keys.pending);
  }

  async removePending(jobId: string): Promise<void> {
    await this.#redis.hdel(this.keys.pending, jobId);
  }

  /** Adds messages to the log of a job, and tells who listens. */
  async appendLog(jobId: string, ...entries: object[]): Promise<void> {
    await this.#run(logScript, [jobId, String(Date.now()), toScriptTexts(entries)]);
  }

  #run(script: string, argv: string[]): Promise<string[]> {
    return runScript(this.#redis, script, [this.keys.prefix, ...argv]) as Promise<string[]>;
  }
}
