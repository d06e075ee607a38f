import type { Redis } from 'ioredis';
import { runScript } from '../lib/redis.ts';
import type { ChildRow } from './child-row.ts';
import { FencedOffError } from './job-change.ts';
import type { JobKeys } from './job-keys.ts';
import { bullJobOptions } from './job-queue.ts';
import type { JobRecord } from './job-record.ts';
import { toScriptJson } from './script-json.ts';
import { type ScriptJob, submitScript } from './submit-script.ts';

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

/** What comes with a new job. */
export type Joining = {
  claim?: IdempotencyClaim | undefined;
  child?: ChildPlace | undefined;
  /** BullMQ gets the job in the same moment; else it is pending until somebody has handed it over. */
  isQueued?: boolean;
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

/** So many are written without waiting for more: Redis writes them while the next ones are read and judged. */
const enoughAtOnce = 8;
/** Of one script: nobody else is answered by Redis meanwhile. */
const mostBytesAtOnce = 2 ** 19;

const queueOptions = JSON.stringify(bullJobOptions);

type Waiting = {
  text: string;
  resolve: (answer: string[]) => void;
  reject: (error: unknown) => void;
};

/**
 * Writes the records of new jobs, with all that has to be there in the same moment. Jobs that come in the same turn of
 * the event loop are written together: one command takes one turn of Redis, and each job is in it for itself.
 */
export class JobIntake {
  readonly #redis: Redis;
  readonly #keys: JobKeys;
  readonly #failedHoldMs: string;
  readonly #waiting: Waiting[] = [];
  #isDue = false;
  #clock = { differenceMs: 0, measuredMs: 0 };

  constructor(redis: Redis, keys: JobKeys, options: { failedUploadDays: number }) {
    this.#redis = redis;
    this.#keys = keys;
    this.#failedHoldMs = String(options.failedUploadDays * 86_400_000);
  }

  /** @throws FencedOffError when the parent has a later attempt */
  async submit(job: NewJob, joining: Joining = {}): Promise<SubmitOutcome> {
    if (Date.now() - this.#clock.measuredMs > 60_000) await this.#measureClock();
    const patienceMs = joining.child ? noHurryMs : submitWithinMs;
    const untilMs = Date.now() + this.#clock.differenceMs + patienceMs;
    const text = toScriptJson(toScriptJob(job, joining, untilMs));
    const [kind, detail, priority, ...promoted] = await this.#write(text);
    if (kind === 'ok')
      return { kind: 'accepted', seq: Number(detail), priority: Number(priority), promoted };
    if (kind === 'late' || kind === 'unwanted' || kind === 'exists') return { kind };
    if (kind === 'no-upload') return { kind: 'no-upload', uploadId: detail ?? '' };
    if (kind === 'idempotency') return { kind: 'idempotency-lost' };
    if (kind === 'fenced')
      throw new FencedOffError(`Job ${joining.child?.parentID} has a later attempt`);
    throw new Error(detail); // in Redis's own words, by which it is known whether it is away
  }

  #write(text: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject });
      if (this.#waiting.length >= enoughAtOnce) void this.#writeWaiting();
      else this.#writeSoon();
    });
  }

  /** What else comes in this turn of the event loop comes along. */
  #writeSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (this.#waiting.length > 0) void this.#writeWaiting();
    });
  }

  async #writeWaiting(): Promise<void> {
    const batch = this.#take();
    if (this.#waiting.length > 0) this.#writeSoon();
    try {
      const args = [this.#keys.prefix, '', '', queueOptions, ...batch.map(({ text }) => text)];
      const answers = await runScript(this.#redis, submitScript, [...args, this.#failedHoldMs]);
      for (const [at, answer] of (answers as string[][]).entries()) batch[at]?.resolve(answer);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { text } of this.#waiting) {
      bytes += text.length;
      if (count > 0 && bytes > mostBytesAtOnce) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /** Redis has its own clock: how far it is from ours is measured now and then. */
  async #measureClock(): Promise<void> {
    const [seconds, microseconds] = await this.#redis.time();
    const measuredMs = Date.now();
    const redisMs = Number(seconds) * 1000 + Number(microseconds) / 1000;
    this.#clock = { differenceMs: redisMs - measuredMs, measuredMs };
  }
}

function toScriptJob(
  job: NewJob,
  { claim, child, isQueued = false }: Joining,
  untilMs: number,
): ScriptJob {
  const { jobId, processID, owner, site = '', queue, priority, locks, uploads, createdMs } = job;
  const status = job.exception ? 'failed' : 'accepted';
  const isScheduled = job.atMs !== undefined && job.atMs > createdMs;
  const scriptJob: ScriptJob = {
    id: jobId,
    nowMs: String(createdMs),
    untilMs,
    processID,
    owner,
    site,
    queue,
    status,
    priority,
    isScheduled,
    isQueued: isQueued && !isScheduled,
    fields: toOtherFields(job),
    indexes: toIndexes(job),
    locks,
    uploads,
  };
  if (claim) scriptJob.idempotency = claim;
  if (child) scriptJob.child = toChildJson(child);
  return scriptJob;
}

/** What the script does not know by itself. One list instead of a walk through the record: it is made for every job. */
function toOtherFields(job: NewJob): string[] {
  const fields = ['deadlineMs', String(job.deadlineMs)];
  fields.push('params', toScriptJson(job.params), 'labels', toScriptJson(job.labels));
  fields.push('locks', toScriptJson(job.locks), 'uploads', toScriptJson(job.uploads));
  if (job.warnings) fields.push('warnings', toScriptJson(job.warnings));
  if (job.site !== undefined) fields.push('site', job.site);
  if (job.reference !== undefined) fields.push('reference', job.reference);
  if (job.requestId !== undefined) fields.push('requestId', job.requestId);
  if (job.traceparent !== undefined) fields.push('traceparent', job.traceparent);
  if (job.atMs !== undefined) fields.push('atMs', String(job.atMs));
  if (job.retryOf !== undefined) fields.push('retryOf', job.retryOf);
  if (job.undo !== undefined) fields.push('undo', job.undo);
  if (job.parked !== undefined) fields.push('parked', toScriptJson(job.parked));
  if (job.exception !== undefined) fields.push('exception', toScriptJson(job.exception));
  if (job.response !== undefined) fields.push('response', toScriptJson(job.response));
  if (job.subscriber !== undefined) fields.push('subscriber', toScriptJson(job.subscriber));
  if (job.secrets !== undefined) fields.push('secrets', toScriptJson(job.secrets));
  return fields;
}

function toIndexes({ labels, reference }: NewJob): string[] {
  const indexes = labels.map((label) => `label:${label}`);
  if (reference) indexes.push(`reference:${reference}`);
  return indexes;
}

function toChildJson({
  parentID,
  fence,
  index,
  row,
  callsParent,
}: ChildPlace): ScriptJob['child'] & object {
  return {
    parent: parentID,
    fence: String(fence),
    index: String(index),
    row: toScriptJson(row),
    callsParent,
  };
}
