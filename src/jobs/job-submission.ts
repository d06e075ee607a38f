import { QueueUnavailableError, RequestError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { isRedisAway } from '../lib/redis.ts';
import type { Lease } from './idempotency.ts';
import { arcpyQueueNameOf, type JobQueues, queueNameOf } from './job-queue.ts';
import type { JobRecord } from './job-record.ts';
import type { DismissOutcome, JobRecords, NewJob } from './job-records.ts';
import type { SealedSecrets } from './job-secrets.ts';
import { type Acceptance, type JobType, siteOfQueue } from './job-type.ts';
import { defaultPool } from './runtime-wish.ts';
import type { Subscriber } from './subscriber.ts';

/** Where BullMQ is asked to put a job: lower goes first, 0 is reserved for "no priority". */
const usualPriority = 1_000;

const unavailableText = 'The queue does not answer; nothing was accepted. Send the request again.';

export type JobRequest = {
  jobId: string;
  owner: string;
  params: Record<string, unknown>;
  uploads: string[];
  acceptance: Acceptance;
  /** Of a job that ArcPy carries out. */
  pool?: string;
  labels: string[];
  reference?: string;
  requestId?: string;
  traceparent?: string;
  response?: unknown;
  retryOf?: string;
  subscriber?: Subscriber;
  secrets?: SealedSecrets;
  /** The key's lease, and the answer that a repetition of this request shall get. */
  idempotency?: Lease & { answer: (accepted: JobRecord) => string };
};

export type SubmissionOptions = { jobDeadlineHours: number; idempotencyHours: number };

/** Accepts and dismisses jobs. From the record on a job exists; BullMQ gets it now or a little later. */
export class JobSubmission {
  readonly #records: JobRecords;
  readonly #queues: JobQueues;
  readonly #log: Log;
  readonly #options: SubmissionOptions;

  constructor(records: JobRecords, queues: JobQueues, log: Log, options: SubmissionOptions) {
    this.#records = records;
    this.#queues = queues;
    this.#log = log;
    this.#options = options;
  }

  /**
   * @throws RequestError when an upload is gone, or the idempotency key's lease was lost
   * @throws QueueUnavailableError when Redis is away: nothing was accepted
   */
  async submit(jobType: JobType, request: JobRequest, createdMs: number): Promise<JobRecord> {
    const job = this.#toNewJob(jobType, request, createdMs);
    const claim = request.idempotency && {
      ...request.idempotency,
      answer: request.idempotency.answer(toRecord(job, 0)),
      keepMs: this.#options.idempotencyHours * 3_600_000,
    };
    const outcome = await this.#orUnavailable(() => this.#records.submit(job, claim));
    if (outcome.kind === 'late') throw new QueueUnavailableError(unavailableText);
    if (outcome.kind === 'no-upload') {
      throw new RequestError(
        'validation_error',
        'An upload that the inputs link to is not there any more.',
        {
          errors: [
            {
              pointer: '#/inputs',
              code: 'upload_not_found',
              detail: `no upload ${outcome.uploadId}`,
            },
          ],
        },
      );
    }
    if (outcome.kind !== 'accepted') {
      throw new RequestError(
        'idempotency_in_flight',
        'Another request with this key is being worked on.',
        {
          headers: { 'retry-after': '1' },
        },
      );
    }
    await this.#enqueue(job);
    return toRecord(job, outcome.seq);
  }

  /** Also wakes the job, so that a worker hears of it and puts back what was begun. */
  async dismiss(record: JobRecord): Promise<DismissOutcome> {
    const outcome = await this.#orUnavailable(() => this.#records.dismiss(record.jobId));
    if (outcome.kind === 'never-began') {
      await this.#queues.remove(record.queue, record.jobId);
      await this.wake(outcome.promoted);
    }
    if (outcome.kind === 'running') await this.#queues.promote(record.queue, record.jobId);
    return outcome;
  }

  /** Lets jobs go on that waited for another one. */
  async wake(jobIds: string[]): Promise<void> {
    for (const record of await this.#records.findMany(jobIds)) {
      await this.#queues.promote(record.queue, record.jobId);
    }
  }

  /** Lets all jobs of a site look again: it was released, or opened. */
  async wakeSite(site: string): Promise<void> {
    await this.#queues.promoteAll(queueNameOf(site));
  }

  async #enqueue(job: NewJob): Promise<void> {
    try {
      await this.#queues.add(job.queue, job.jobId, job.processID, job.priority);
      await this.#records.removePending(job.jobId);
    } catch (error) {
      // The record stands, so the job exists: the sweeper of a worker adds what is pending.
      this.#log.warn({ err: error, jobId: job.jobId }, 'A job will be queued later');
    }
  }

  async #orUnavailable<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isRedisAway(error)) throw error;
      throw new QueueUnavailableError(unavailableText, { cause: error });
    }
  }

  #toNewJob(jobType: JobType, request: JobRequest, createdMs: number): NewJob {
    const site = siteOfQueue(jobType, request.params);
    return {
      jobId: request.jobId,
      processID: jobType.name,
      owner: request.owner,
      queue:
        jobType.queue === 'arcpy'
          ? arcpyQueueNameOf(request.pool ?? defaultPool)
          : queueNameOf(site),
      priority: usualPriority,
      labels: request.labels,
      params: request.params,
      locks: request.acceptance.locks,
      uploads: request.uploads,
      warnings: request.acceptance.warnings,
      createdMs,
      deadlineMs: createdMs + this.#options.jobDeadlineHours * 3_600_000,
      ...(site !== undefined && { site }),
      ...(request.reference !== undefined && { reference: request.reference }),
      ...(request.requestId !== undefined && { requestId: request.requestId }),
      ...(request.traceparent !== undefined && { traceparent: request.traceparent }),
      ...(request.response !== undefined && { response: request.response }),
      ...(request.retryOf !== undefined && { retryOf: request.retryOf }),
      ...(request.subscriber && { subscriber: request.subscriber }),
      ...(request.secrets && { secrets: request.secrets }),
    };
  }
}

/** A job as it is in the moment of acceptance. */
export function toRecord(job: NewJob, seq: number): JobRecord {
  return {
    ...job,
    warnings: job.warnings ?? [],
    status: 'accepted',
    seq,
    rev: 1,
    attempt: 0,
    updatedMs: job.createdMs,
    message: '',
    progress: 0,
    steps: [],
    deaths: 0,
  };
}
