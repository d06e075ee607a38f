import type { Redis } from 'ioredis';
import { runScript } from '../lib/redis.ts';
import type { ChildRow } from './child-row.ts';
import { FencedOffError } from './job-change.ts';
import { toFields } from './job-fields.ts';
import type { JobKeys } from './job-keys.ts';
import type { JobRecord } from './job-record.ts';
import { toScriptJson } from './script-json.ts';
import { submitScript } from './submit-script.ts';

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

/**
 * A little less than callers are kept waiting for Redis: a frozen one must not accept afterwards what was
 * answered with "not accepted".
 */
const submitWithinMs = 800;

/** Makes what comes too late come in time: a worker asks again anyway. */
const noHurryMs = 86_400_000;

/** Writes the records of new jobs, with all that has to be there in the same moment. */
export class JobIntake {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #failedHoldMs: number;
  #clock = { differenceMs: 0, measuredMs: 0 };

  constructor(redis: Redis, keys: JobKeys, options: { failedUploadDays: number }) {
    this.#redis = redis;
    this.#keys = keys;
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
    const [kind, detail, priority, ...promoted] = (await runScript(this.#redis, submitScript, [
      this.#keys.prefix,
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
    ])) as string[];
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
