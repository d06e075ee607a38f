import { GatewayError, QueueUnavailableError, RequestError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { Problem } from '../lib/problem.ts';
import { isRedisAway } from '../lib/redis.ts';
import type { Lease } from './idempotency.ts';
import type { ChildPlace, JobIntake, NewJob } from './job-intake.ts';
import { arcpyQueueNameOf, type JobQueues, queueNameOf } from './job-queue.ts';
import type { JobRecord } from './job-record.ts';
import type { DismissOutcome, JobRecords } from './job-records.ts';
import type { SealedSecrets } from './job-secrets.ts';
import { type Acceptance, isParent, type JobType, siteOfQueue } from './job-type.ts';
import { defaultPool } from './runtime-wish.ts';
import type { Subscriber } from './subscriber.ts';

/** Behind what its owner has waiting already: the script that accepts a job finds the number. */
const byFairness = 0;
/** A parent outlives its children, each of which may take its whole time. */
const parentDeadlines = 4;

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
  /** Not begun before then, in epoch milliseconds. */
  atMs?: number;
  requestId?: string;
  traceparent?: string;
  response?: unknown;
  retryOf?: string;
  subscriber?: Subscriber;
  secrets?: SealedSecrets;
  /** The key's lease, and the answer that a repetition of this request shall get. */
  idempotency?: Lease & { answer: (accepted: JobRecord) => string };
};

export type SubmissionDeps = {
  records: JobRecords;
  intake: JobIntake;
  queues: JobQueues;
  log: Log;
};

export type SubmissionOptions = {
  jobDeadlineHours: number;
  idempotencyHours: number;
  /** Where jobs are counted that are made here, or end here without a beginning. */
  metrics?: Pick<Metrics, 'jobsCreated' | 'jobsFinished'>;
};

/** Accepts and dismisses jobs. From the record on a job exists; BullMQ gets it with it, or a little later. */
export class JobSubmission {
  readonly #records: JobRecords;
  readonly #intake: JobIntake;
  readonly #queues: JobQueues;
  readonly #log: Log;
  readonly #options: SubmissionOptions;

  constructor(deps: SubmissionDeps, options: SubmissionOptions) {
    this.#records = deps.records;
    this.#intake = deps.intake;
    this.#queues = deps.queues;
    this.#log = deps.log;
    this.#options = options;
  }

  /**
   * @throws RequestError when an upload is gone, or the idempotency key's lease was lost
   * @throws QueueUnavailableError when Redis is away: nothing was accepted
   */
  async submit(jobType: JobType, request: JobRequest, createdMs: number): Promise<JobRecord> {
    const job = this.#toRecord(jobType, request, createdMs);
    const claim = request.idempotency && {
      ...request.idempotency,
      answer: request.idempotency.answer(job),
      keepMs: this.#options.idempotencyHours * 3_600_000,
    };
    const isQueued = this.#isQueuedAtOnce(job);
    const outcome = await this.#orUnavailable(() => this.#intake.submit(job, { claim, isQueued }));
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
    job.seq = outcome.seq;
    job.priority = outcome.priority;
    this.#countMade(job);
    if (!isQueued) await this.#enqueue(job);
    return job;
  }

  /**
   * Makes a child; one that is there already stays as it is.
   *
   * @param refusal why it cannot be done: then it has failed without a beginning
   * @returns false when the parent wants no more children
   * @throws FencedOffError when the parent has a later attempt
   */
  async submitChild(
    jobType: JobType,
    request: JobRequest,
    { place, refusal }: { place: ChildPlace; refusal?: Problem | undefined },
  ): Promise<boolean> {
    const job = this.#toRecord(jobType, request, Date.now());
    const isQueued = this.#isQueuedAtOnce(job);
    const outcome = await this.#intake.submit(
      refusal ? { ...job, exception: refusal, undo: 'nothing-to-do' } : job,
      { child: place, isQueued },
    );
    if (outcome.kind === 'unwanted') return false;
    if (outcome.kind === 'no-upload')
      throw new ChildRefusedError(`A file that a child needs is gone: ${outcome.uploadId}.`);
    if (outcome.kind !== 'accepted') return true;
    this.#countMade(job);
    if (refusal) this.#countNeverBegun(job, 'failed');
    if (refusal) await this.wake(outcome.promoted);
    else if (!isQueued)
      await this.#enqueue({ ...job, priority: outcome.priority }, request.traceparent);
    return true;
  }

  /** Also wakes the job, so that a worker hears of it and puts back what was begun. */
  async dismiss(record: JobRecord): Promise<DismissOutcome> {
    const outcome = await this.#orUnavailable(() => this.#records.dismiss(record.jobId));
    if (outcome.kind === 'never-began') {
      this.#countNeverBegun(record, 'dismissed');
      await this.#queues.remove(record.queue, record.jobId);
      await this.wake(outcome.promoted);
    }
    if (outcome.kind === 'running') await this.#queues.promote(record.queue, record.jobId);
    return outcome;
  }

  /**
   * Another priority for a job that has not begun; of a parent, for its children that have not.
   *
   * @returns false where nothing waits any more
   */
  async prioritize(record: JobRecord, priority: number): Promise<boolean> {
    const children = record.children ? await this.#records.findChildren(record.jobId) : [];
    const outcomes = await Promise.all(
      [record.jobId, ...children].map((jobId) =>
        this.#orUnavailable(() => this.#records.prioritize(jobId, priority)),
      ),
    );
    const changed = [record.jobId, ...children].filter((_, at) => outcomes[at] === 'ok');
    for (const { queue, jobId } of await this.#records.findMany(changed))
      await this.#queues.prioritize(queue, jobId, priority);
    return changed.length > 0;
  }

  /** Whoever is waited for goes as early as the one that waits: no priority overtakes on one service. */
  async hurry(jobId: string, { priority }: Pick<JobRecord, 'priority'>): Promise<void> {
    const before = await this.#records.find(jobId);
    if (before?.status === 'accepted' && before.priority > priority)
      await this.prioritize(before, priority);
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

  #countMade({ processID, site = '' }: Pick<NewJob, 'processID' | 'site'>): void {
    this.#options.metrics?.jobsCreated.inc({ processID, site });
  }

  #countNeverBegun(
    { processID, site = '' }: Pick<NewJob, 'processID' | 'site'>,
    status: 'failed' | 'dismissed',
  ): void {
    this.#options.metrics?.jobsFinished.inc({ processID, site, status });
  }

  /** With its record. Not what begins later, nor where BullMQ is to carry a trace along: it adds those itself. */
  #isQueuedAtOnce({ atMs }: NewJob): boolean {
    return atMs === undefined && !this.#queues.carriesTraces;
  }

  async #enqueue(job: NewJob, traceparent?: string): Promise<void> {
    try {
      const { queue, jobId, processID, priority, atMs } = job;
      await this.#queues.add(queue, jobId, processID, priority, { traceparent, atMs });
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

  /** The record of the job as it will be written; what Redis adds to it comes later. */
  #toRecord(jobType: JobType, request: JobRequest, createdMs: number): JobRecord {
    const site = siteOfQueue(jobType, request.params);
    const { atMs } = request;
    const isScheduled = atMs !== undefined && atMs > createdMs;
    const deadlines = isParent(jobType, request.params) ? parentDeadlines : 1;
    const patienceMs = deadlines * this.#options.jobDeadlineHours * 3_600_000;
    const record: JobRecord = {
      jobId: request.jobId,
      processID: jobType.name,
      owner: request.owner,
      status: 'accepted',
      queue:
        jobType.queue === 'arcpy'
          ? arcpyQueueNameOf(request.pool ?? defaultPool)
          : queueNameOf(site),
      priority: byFairness,
      seq: 0,
      rev: 1,
      attempt: 0,
      createdMs,
      updatedMs: createdMs,
      deadlineMs: (isScheduled ? atMs : createdMs) + patienceMs,
      message: '',
      progress: 0,
      labels: request.labels,
      params: request.params,
      locks: request.acceptance.locks,
      uploads: request.uploads,
      warnings: request.acceptance.warnings,
      steps: [],
      attempts: [],
      deaths: 0,
    };
    if (site !== undefined) record.site = site;
    if (isScheduled) {
      record.atMs = atMs;
      record.parked = { reason: 'schedule', untilMs: atMs };
    }
    if (request.reference !== undefined) record.reference = request.reference;
    if (request.requestId !== undefined) record.requestId = request.requestId;
    if (request.traceparent !== undefined) record.traceparent = request.traceparent;
    if (request.response !== undefined) record.response = request.response;
    if (request.retryOf !== undefined) record.retryOf = request.retryOf;
    if (request.subscriber) record.subscriber = request.subscriber;
    if (request.secrets) record.secrets = request.secrets;
    return record;
  }
}

/** A child cannot be made although its parent asks for it. */
class ChildRefusedError extends GatewayError {
  override readonly name = 'ChildRefusedError';
  readonly code = 'conflict';
}
