import type { Redis } from 'ioredis';
import type { Problem } from '../lib/problem.ts';
import { runScript } from '../lib/redis.ts';
import { addRowsScript, beginScript, changeScript, logScript } from './attempt-scripts.ts';
import type { ChildRow } from './child-row.ts';
import { type JobKeys, jobKeys } from './job-keys.ts';
import {
  type Ending,
  type JobRecord,
  type JobStatus,
  type Parked,
  parseJobRecord,
  type StepRecord,
  stepField,
  type UndoState,
} from './job-record.ts';
import { dismissScript, forgetScript, prioritizeScript, removeLogsScript } from './job-scripts.ts';
import type { SealedSecrets } from './job-secrets.ts';
import { giveLocksBackScript, takeLocksScript } from './lock-scripts.ts';
import { toScriptJson } from './script-json.ts';
import { submitScript } from './submit-script.ts';

/** This attempt is not the newest any more: another worker has the job. It must touch nothing. */
export class FencedOffError extends Error {
  override readonly name = 'FencedOffError';
}

/** The job has ended meanwhile: dismissed, as nothing else ends a job from outside. */
export class JobEndedError extends Error {
  override readonly name = 'JobEndedError';
}

/** The parent of the job does not want it begun any more. */
export class UnwantedChildError extends Error {
  override readonly name = 'UnwantedChildError';
}

/** What an attempt writes. `undefined` leaves a member as it is, `null` removes it. */
export type JobChange = {
  status?: JobStatus;
  message?: string;
  progress?: number;
  step?: string;
  stepRecord?: StepRecord;
  results?: unknown;
  exception?: Problem;
  ending?: Ending;
  undo?: UndoState;
  parked?: Parked | null;
  warnings?: string[];
  locks?: string[];
  secrets?: SealedSecrets;
  /** Of a parent: how many children there will be, and what becomes of the rest when one fails. */
  'children:expected'?: number;
  'children:onFailure'?: 'continue' | 'stop';
  /** False when the attempt hands over in an orderly way; a death leaves it true. */
  isOpen?: false;
};

export type NewJob = Pick<
  JobRecord,
  | 'jobId'
  | 'processID'
  | 'owner'
  | 'queue'
  | 'priority'
  | 'labels'
  | 'params'
  | 'locks'
  | 'uploads'
  | 'createdMs'
  | 'deadlineMs'
> &
  Partial<
    Pick<
      JobRecord,
      | 'site'
      | 'reference'
      | 'atMs'
      | 'parked'
      | 'exception'
      | 'undo'
      | 'requestId'
      | 'traceparent'
      | 'response'
      | 'retryOf'
      | 'warnings'
      | 'subscriber'
      | 'secrets'
    >
  >;

/** The lease an Idempotency-Key was given, and what a repetition shall be answered. */
export type IdempotencyClaim = { key: string; lease: string; answer: string; keepMs: number };

/** What joins a new job to its parent. A job with an `exception` was refused: it has failed without a beginning. */
export type ChildPlace = {
  parentID: string;
  /** The attempt of the parent that makes it. */
  fence: number;
  index: number;
  row: ChildRow;
  /** Others wait for it, so its end is a reason for the parent's next attempt. */
  callsParent: boolean;
};

export type SubmitOutcome =
  | { kind: 'accepted'; seq: number; priority: number; promoted: string[] }
  /** The parent has ended, or nothing is begun for it any more. */
  | { kind: 'unwanted' }
  | { kind: 'exists' }
  /** Redis came to it when the caller had been told that it does not answer. Nothing was written. */
  | { kind: 'late' }
  | { kind: 'no-upload'; uploadId: string }
  | { kind: 'idempotency-lost' };

export type DismissOutcome =
  | { kind: 'missing' }
  | { kind: 'ended'; status: JobStatus }
  | { kind: 'never-began'; promoted: string[] }
  | { kind: 'running' };

export type LockOutcome =
  | { kind: 'taken' }
  | { kind: 'missing' }
  | { kind: 'blocked'; lock: string; holder: string; place: number };

/**
 * A little less than callers are kept waiting for Redis: a frozen one must not accept afterwards what was
 * answered with "not accepted".
 */
const submitWithinMs = 800;

/** Makes what comes too late come in time: a worker asks again anyway. */
const noHurryMs = 86_400_000;

/** Reads and writes records; each writing method is one script in Redis. */
export class JobRecords {
  readonly keys: JobKeys;
  readonly #redis: Redis;
  readonly #failedHoldMs: number;
  #clock = { differenceMs: 0, measuredMs: 0 };

  constructor(redis: Redis, options: { prefix: string; failedUploadDays: number }) {
    this.#redis = redis;
    this.keys = jobKeys(options.prefix);
    this.#failedHoldMs = options.failedUploadDays * 86_400_000;
  }

  /** @throws FencedOffError when the parent has a later attempt */
  async submit(job: NewJob, claim?: IdempotencyClaim, child?: ChildPlace): Promise<SubmitOutcome> {
    const index: [string, string][] = [
      ['owner', job.owner],
      ['process', job.processID],
      ...job.labels.map((label): [string, string] => ['label', label]),
    ];
    if (job.site) index.push(['site', job.site]);
    if (job.reference) index.push(['reference', job.reference]);
    const status = job.exception ? 'failed' : 'accepted';
    const [kind, detail, priority, ...promoted] = await this.#run(submitScript, [
      job.jobId,
      String(job.createdMs),
      toScriptJson(toFields({ ...job, status, updatedMs: job.createdMs, progress: 0 }).flat()),
      toScriptJson(index),
      toScriptJson(job.uploads),
      job.owner,
      claim?.key ?? '',
      claim?.lease ?? '',
      claim?.answer ?? '',
      String(claim?.keepMs ?? 0),
      String((await this.#redisTime()) + (child ? noHurryMs : submitWithinMs)),
      child ? toScriptJson(toChildJson(child)) : '',
      String(this.#failedHoldMs),
    ]);
    if (kind === 'late' || kind === 'unwanted') return { kind };
    if (kind === 'fenced') throw new FencedOffError(`Job ${child?.parentID} has a later attempt`);
    if (kind === 'ok')
      return { kind: 'accepted', seq: Number(detail), priority: Number(priority), promoted };
    if (kind === 'no-upload') return { kind: 'no-upload', uploadId: detail ?? '' };
    return kind === 'exists' ? { kind: 'exists' } : { kind: 'idempotency-lost' };
  }

  /** By its own clock, from a difference that is measured now and then. */
  async #redisTime(): Promise<number> {
    if (Date.now() - this.#clock.measuredMs > 60_000) {
      const [seconds, microseconds] = await this.#redis.time();
      const measuredMs = Date.now();
      this.#clock = {
        differenceMs: Number(seconds) * 1000 + Number(microseconds) / 1000 - measuredMs,
        measuredMs,
      };
    }
    return Date.now() + this.#clock.differenceMs;
  }

  async find(jobId: string): Promise<JobRecord | undefined> {
    const hash = await this.#redis.hgetall(this.keys.job(jobId));
    return hash.jobId ? parseJobRecord(hash) : undefined;
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

  /** The jobs that a parent has made, in order of acceptance. */
  async findChildren(parentID: string): Promise<string[]> {
    return this.#redis.zrange(this.keys.index('parent', parentID), '0', '-1');
  }

  /** Who made a job that has been removed, while that is remembered. */
  async findTombstone(jobId: string): Promise<string | undefined> {
    return (await this.#redis.get(`${this.keys.prefix}:tombstone:${jobId}`)) ?? undefined;
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
   * Writes for an attempt. `kind` names the change in the stream.
   * @returns the jobs that may go on because this one ended
   * @throws FencedOffError when a later attempt exists
   * @throws JobEndedError when another final status came first
   */
  async change(jobId: string, attempt: number, kind: string, change: JobChange): Promise<string[]> {
    const [outcome, , ...promoted] = await this.#run(changeScript, [
      jobId,
      String(Date.now()),
      String(attempt),
      kind,
      toScriptJson(toChangedFields(change)),
      change.status ?? '',
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

  async takeLocks(jobId: string): Promise<LockOutcome> {
    const [kind, lock, holder, place] = await this.#run(takeLocksScript, [
      jobId,
      String(Date.now()),
    ]);
    if (kind === 'blocked')
      return { kind, lock: lock ?? '', holder: holder ?? '', place: Number(place) };
    return { kind: kind === 'taken' ? 'taken' : 'missing' };
  }

  /** @returns the jobs that may go on */
  async giveLocksBack(jobId: string): Promise<string[]> {
    return this.#run(giveLocksBackScript, [jobId, String(Date.now())]);
  }

  /** Who holds a lock, and where in its line a job stands (from 1). */
  async readPlaceInLine(lock: string, jobId: string): Promise<{ holder?: string; place?: number }> {
    const [holder, rank] = await Promise.all([
      this.#redis.hget(this.keys.lock(lock), 'jobId'),
      this.#redis.zrank(this.keys.line(lock), jobId),
    ]);
    return { ...(holder && { holder }), ...(rank !== null && { place: rank + 1 }) };
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

  /** Removes an ended job for good; one that a living parent counts on is `needed`. */
  async forget(jobId: string): Promise<'forgotten' | 'alive' | 'needed' | 'missing'> {
    const outcome: unknown = await this.#run(forgetScript, [jobId, String(Date.now())]);
    return outcome as 'forgotten' | 'alive' | 'needed' | 'missing';
  }

  async countEnded(): Promise<number> {
    return this.#redis.zcard(this.keys.ended);
  }

  /** Oldest first, after passing over some. */
  async findOldestEnded(offset: number, count: number) {
    const last = String(offset + count - 1);
    const found = await this.#redis.zrange(this.keys.ended, String(offset), last, 'WITHSCORES');
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

  /** Adds a message to the log of a job, and tells who listens. */
  async appendLog(jobId: string, entry: object): Promise<void> {
    await this.#run(logScript, [jobId, String(Date.now()), JSON.stringify(entry)]);
  }

  #run(script: string, argv: string[]): Promise<string[]> {
    return runScript(this.#redis, script, [this.keys.prefix, ...argv]) as Promise<string[]>;
  }
}

function toChildJson({ parentID, fence, index, row, callsParent }: ChildPlace): object {
  return {
    parent: parentID,
    fence: String(fence),
    index: String(index),
    row: toScriptJson(row),
    callsParent,
  };
}

/** Redis holds text: plain members as they are, structured ones as JSON; absent ones not at all. */
function toFields(members: Record<string, unknown>): [string, string][] {
  const plain = new Set(['string', 'number', 'boolean']);
  const structured = new Set(['params', 'results', 'response']);
  return Object.entries(members).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    const isPlain = plain.has(typeof value) && !structured.has(name);
    return [[name, isPlain ? String(value) : toScriptJson(value)]];
  });
}

function toChangedFields({
  status: _,
  stepRecord,
  isOpen,
  ...members
}: JobChange): [string, string][] {
  const removed = Object.entries(members).flatMap(([name, value]): [string, string][] =>
    value === null ? [[name, '']] : [],
  );
  const kept = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
  return [
    ...removed,
    ...toFields(kept),
    ...(stepRecord
      ? [[stepField(stepRecord.name), toScriptJson(stepRecord)] as [string, string]]
      : []),
    ...(isOpen === false ? [['open', ''] as [string, string]] : []),
  ];
}
