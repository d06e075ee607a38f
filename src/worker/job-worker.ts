import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ChangeFeed } from '../jobs/change-feed.ts';
import { UnwantedChildError } from '../jobs/job-change.ts';
import { arcpyQueueNameOf } from '../jobs/job-queue.ts';
import { hasEnded, isFinal, type JobRecord, type Parked } from '../jobs/job-record.ts';
import type { JobType } from '../jobs/job-type.ts';
import { findUnfit } from '../jobs/runtime-wish.ts';
import { wipeUploads } from '../jobs/wipe-uploads.ts';
import type { Config } from '../lib/config.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { OpenSpan, Tracing } from '../lib/tracing.ts';
import { Attempt } from './attempt.ts';
import { ChildrenUnderWay } from './children-under-way.ts';
import { measureAttempt, measureBegin, measureEnd } from './job-measures.ts';
import {
  type HeldJob,
  hasChildrenAtWork,
  JobReturn,
  type JobReturnDeps,
  lookAgainMs,
  otherRuntimeMs,
} from './job-return.ts';
import { type AttemptDeps, type AttemptOutcome, runAttempt } from './run-attempt.ts';

export type JobWorkerDeps = AttemptDeps &
  JobReturnDeps & {
    redis: Redis;
    feed: ChangeFeed;
    jobTypes: readonly JobType[];
    queue: Config['queue'];
    workerId: string;
    metrics: Metrics;
    tracing: Tracing;
  };

/** How many jobs of one site this process carries at a time, at the most; the slots are for all workers. */
const concurrencyPerQueue = 32;
const concurrencyHere = 16;

/** Takes jobs off the queues, runs attempts, and tells BullMQ what became of them. */
export class JobWorker {
  readonly #deps: JobWorkerDeps;
  readonly #byName: Map<string, JobType>;
  readonly #workers = new Map<string, Worker>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #children = new ChildrenUnderWay();
  readonly #return: JobReturn;
  readonly #stopListening: () => void;
  #isDraining = false;

  constructor(deps: JobWorkerDeps) {
    this.#deps = deps;
    this.#return = new JobReturn(deps);
    this.#byName = new Map(deps.jobTypes.map((jobType) => [jobType.name, jobType]));
    this.#stopListening = deps.feed.listen((news) => {
      if (news.kind !== 'dismissed') return;
      this.#attempts.get(news.jobId)?.stop('dismissed');
      void this.#dismissChildren(news.jobId);
    });
  }

  /** Serves these queues; others are left from now on, save those of ArcPy. */
  async serve(queueNames: readonly string[]): Promise<void> {
    const wanted = new Set(queueNames);
    for (const name of wanted)
      if (!this.#workers.has(name)) this.#workers.set(name, this.#open(name));
    for (const [name, worker] of this.#workers) {
      if (wanted.has(name) || name.startsWith('arcpy-')) continue;
      this.#workers.delete(name);
      await worker.close();
    }
  }

  /**
   * Serves the queue of a pool of ArcPy, or leaves it for now: jobs under way come to their end.
   * @param jobs at a time
   */
  async serveArcpy(pool: string, { isOn, jobs }: { isOn: boolean; jobs: number }): Promise<void> {
    if (this.#isDraining) return;
    const name = arcpyQueueNameOf(pool);
    const worker = this.#workers.get(name);
    if (!worker) {
      if (isOn) this.#workers.set(name, this.#open(name, jobs));
      return;
    }
    if (isOn && worker.isPaused()) {
      await worker.resume();
      await this.#deps.queues.promoteAll(name);
    }
    if (!isOn && !worker.isPaused()) await worker.pause(true);
  }

  /** Jobs under way in this process. */
  get activeCount(): number {
    return this.#attempts.size;
  }

  /** True once every queue is connected. */
  get isServing(): boolean {
    return [...this.#workers.values()].every((worker) => worker.isRunning());
  }

  /**
   * Takes no new jobs, lets what is under way come to its next record, and hands it over.
   * @param graceMs after this, requests that are under way are broken off
   */
  async close(graceMs: number): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (const attempt of this.#attempts.values()) attempt.drain();
    const breakOff = setTimeout(() => {
      for (const attempt of this.#attempts.values()) attempt.stop('draining');
    }, graceMs);
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
    clearTimeout(breakOff);
    this.#stopListening();
  }

  #open(
    queueName: string,
    concurrency = queueName === 'here' ? concurrencyHere : concurrencyPerQueue,
  ): Worker {
    const { lockSeconds, stalledCheckSeconds } = this.#deps.queue;
    const { queueTelemetry } = this.#deps.tracing;
    const worker = new Worker(queueName, (job, token = '') => this.#process({ job, token }), {
      connection: this.#deps.redis,
      prefix: this.#deps.records.keys.bull,
      concurrency,
      lockDuration: lockSeconds * 1000,
      lockRenewTime: (lockSeconds * 1000) / 3,
      stalledInterval: stalledCheckSeconds * 1000,
      maxStalledCount: 1_000_000, // our own record counts deaths
      drainDelay: 5,
      runRetryDelay: 1_000,
      ...(queueTelemetry && { telemetry: queueTelemetry }),
    });
    worker.on('stalled', () => this.#deps.metrics.jobsStalled.inc({ queue: queueName }));
    worker.on('error', (error) =>
      this.#deps.log.warn({ err: error, queue: queueName }, 'Queue trouble'),
    );
    worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) this.#attempts.get(jobId)?.stop('lost');
    });
    worker.on('locksRenewed', ({ jobIds }) => {
      for (const jobId of jobIds) this.#attempts.get(jobId)?.renewed();
    });
    return worker;
  }

  async #process(held: HeldJob): Promise<void> {
    const { job } = held;
    const jobId = String(job.id);
    const record = await this.#deps.records.find(jobId);
    if (!record || hasEnded(record)) return;
    if (record.queue !== job.queueName) return; // it was moved to another pool
    const jobType = this.#byName.get(record.processID);
    if (!jobType) return this.#return.delay(held, Date.now() + lookAgainMs); // another version may know it
    if (isEarly(record)) return this.#return.delay(held, record.atMs ?? 0);
    if (hasChildrenAtWork(record)) return this.#return.awaitChildren(held, record);
    if (!isOverdue(record)) {
      const unfit = isFinal(record.status) ? undefined : this.#findUnfit(jobType, record);
      if (unfit) return this.#return.giveBack(held, record, unfit);
      const rest = await this.#deps.gate.findRest(record);
      if (rest) return this.#return.giveBack(held, record, rest);
      const locks = await this.#deps.locks.take(jobId);
      if (locks.kind === 'missing') return;
      if (locks.kind === 'blocked') {
        await this.#deps.submission.hurry(locks.holder, record);
        await this.#deps.records.park(jobId, { reason: 'service', lock: locks.lock });
        return this.#return.waitInLine(held, record, locks.lock);
      }
    }
    const number = await this.#begin(record);
    if (number === undefined) return;
    await this.#run(held, jobType, { number, parked: record.parked });
  }

  /** A pool may have workers that are not alike: this job is for another one. */
  #findUnfit(jobType: JobType, { params }: JobRecord): Parked | undefined {
    const own = this.#deps.runtimeKeeper?.record();
    if (!jobType.needs || !own) return undefined;
    const unfit = findUnfit(jobType.needs(params), own);
    if (unfit === undefined) return undefined;
    const detail = `${own.runtimeId}: ${unfit}`;
    return { reason: 'runtime', detail, untilMs: Date.now() + otherRuntimeMs };
  }

  async #begin(record: JobRecord): Promise<number | undefined> {
    try {
      return await this.#deps.records.begin(record.jobId, this.#deps.workerId);
    } catch (error) {
      if (!(error instanceof UnwantedChildError)) throw error;
      await this.#deps.submission.dismiss(record);
      return undefined;
    }
  }

  /** @param begun.parked why the job waited until now */
  async #run(
    held: HeldJob,
    jobType: JobType,
    { number, parked }: { number: number; parked: Parked | undefined },
  ): Promise<void> {
    const jobId = String(held.job.id);
    const { records, log, metrics } = this.#deps;
    const attempt = new Attempt({
      records,
      jobId,
      number,
      lockMs: this.#deps.queue.lockSeconds * 1000,
      log,
    });
    this.#attempts.set(jobId, attempt);
    if (this.#isDraining) attempt.drain();
    const record = await records.find(jobId); // after listening: a dismissal between is seen here or heard
    if (!record) {
      this.#attempts.delete(jobId);
      return;
    }
    this.#children.join(record);
    const deadline = setTimeout(
      () => attempt.stop('deadline'),
      Math.min(2 ** 31 - 1, Math.max(0, record.deadlineMs - Date.now())),
    );
    measureBegin(metrics, record);
    let reason: AttemptOutcome['kind'] | 'broken' = 'broken';
    try {
      const outcome = await this.#trace(record, (span) =>
        this.#attempt(jobType, { ...record, ...(parked && { parked }) }, attempt, span),
      );
      reason = outcome.kind;
      if (outcome.kind === 'ended') await this.#afterEnd(record, attempt);
      if (outcome.kind === 'handed-over') await this.#return.handOver(held, attempt);
      if (outcome.kind === 'has-children')
        await this.#return.leaveToChildren(held, record, attempt);
      if (outcome.kind === 'rests')
        await this.#return.park(held, record, { attempt, reason: outcome.reason });
      if (outcome.kind === 'waits') {
        const parked = { reason: 'service', lock: outcome.lock } as const;
        await attempt.write('parked', {
          isOpen: false,
          parked,
          message: 'Waiting for another job',
        });
        await this.#return.waitInLine(held, record, outcome.lock);
      }
    } finally {
      clearTimeout(deadline);
      this.#attempts.delete(jobId);
      this.#children.leave(record);
      measureAttempt(metrics, record, reason);
    }
  }

  /** They may hold every place of the queue that their parent needs one of to stop them itself. */
  async #dismissChildren(parentID: string): Promise<void> {
    for (const child of this.#children.of(parentID)) {
      await this.#deps.submission.dismiss(child).catch((error: unknown) => {
        this.#deps.log.warn({ err: error, jobId: child.jobId }, 'A child will be dismissed later');
      });
    }
  }

  /** Below the request that made the job, whichever attempt it is and whoever queued it. */
  #trace<T>(record: JobRecord, work: (span: OpenSpan) => Promise<T>): Promise<T> {
    const { jobId, processID, site, attempt, traceparent } = record;
    const attributes = {
      'pressroom.job_id': jobId,
      'pressroom.process_id': processID,
      'pressroom.site': site,
      'pressroom.attempt': attempt,
    };
    const options = { kind: 'internal', attributes, continues: traceparent } as const;
    return this.#deps.tracing.inSpan(`attempt ${processID}`, options, work);
  }

  async #attempt(
    jobType: JobType,
    record: JobRecord,
    attempt: Attempt,
    span: OpenSpan,
  ): Promise<AttemptOutcome> {
    const { records, metrics, log } = this.#deps;
    const { jobId, site, processID } = record;
    log.info({ jobId, site, attempt: attempt.number, processID }, 'Attempt begins');
    const outcome = await runAttempt(this.#deps, jobType, record, attempt);
    log.info({ jobId, site, attempt: attempt.number, outcome: outcome.kind }, 'Attempt ended');
    span.set({ 'pressroom.outcome': outcome.kind });
    if (outcome.kind === 'ended') {
      const ended = await records.find(jobId).catch(() => undefined); // only for the numbers
      if (ended) measureEnd(metrics, ended);
      if (ended?.exception) span.fail(ended.exception.code);
      span.set({ 'pressroom.status': ended?.status });
    }
    return outcome;
  }

  async #afterEnd(record: JobRecord, attempt: Attempt): Promise<void> {
    if (record.site) await this.#deps.gate.passed(record.site);
    await this.#deps.submission.wake(attempt.promoted);
    await wipeUploads(this.#deps);
  }
}

function isEarly({ atMs = 0, status }: JobRecord): boolean {
  return status === 'accepted' && Date.now() < atMs;
}

/** Past its deadline a job that has touched nothing waits for nobody: it ends. */
function isOverdue(record: JobRecord): boolean {
  return Date.now() > record.deadlineMs && record.steps.length === 0;
}
