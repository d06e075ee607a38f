import { DelayedError, type Job, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ChangeFeed } from '../jobs/change-feed.ts';
import { UnwantedChildError } from '../jobs/job-change.ts';
import { arcpyQueueNameOf, type JobQueues } from '../jobs/job-queue.ts';
import { hasEnded, isFinal, type JobRecord, type Parked } from '../jobs/job-record.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { JobType } from '../jobs/job-type.ts';
import { findUnfit } from '../jobs/runtime-wish.ts';
import { wipeUploads } from '../jobs/wipe-uploads.ts';
import type { Config } from '../lib/config.ts';
import type { Metrics } from '../lib/metrics.ts';
import type { OpenSpan, Tracing } from '../lib/tracing.ts';
import { Attempt } from './attempt.ts';
import { ChildrenUnderWay } from './children-under-way.ts';
import { measureAttempt, measureBegin, measureEnd } from './job-measures.ts';
import { type AttemptDeps, type AttemptOutcome, runAttempt } from './run-attempt.ts';
import type { RuntimeKeeper } from './runtime-keeper.ts';
import type { SiteGate } from './site-gate.ts';
import { waitForRoom } from './wait-for-room.ts';

export type JobWorkerDeps = AttemptDeps & {
  redis: Redis;
  queues: JobQueues;
  submission: JobSubmission;
  gate: SiteGate;
  feed: ChangeFeed;
  jobTypes: readonly JobType[];
  queue: Config['queue'];
  workerId: string;
  metrics: Metrics;
  tracing: Tracing;
  /** Where this worker has an ArcPy. */
  runtimeKeeper?: RuntimeKeeper;
};

/** A job in a service's line looks for itself now and then, should nobody have woken it. */
const lookAgainMs = 30_000;
/** How many jobs of one site this process carries at a time, at the most; the slots are for all workers. */
const concurrencyPerQueue = 32;
const concurrencyHere = 16;
/** How soon a job that this ArcPy cannot run is offered again, to another worker of the pool. */
const otherRuntimeMs = 2_000;

/** Takes jobs off the queues, runs attempts, and tells BullMQ what became of them. */
export class JobWorker {
  readonly #deps: JobWorkerDeps;
  readonly #byName: Map<string, JobType>;
  readonly #workers = new Map<string, Worker>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #children = new ChildrenUnderWay();
  readonly #stopListening: () => void;
  #isDraining = false;

  constructor(deps: JobWorkerDeps) {
    this.#deps = deps;
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
    const worker = new Worker(queueName, (job, token) => this.#process(job, token ?? ''), {
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

  async #process(job: Job, token: string): Promise<void> {
    const jobId = String(job.id);
    const record = await this.#deps.records.find(jobId);
    if (!record || hasEnded(record)) return;
    if (record.queue !== job.queueName) return; // it was moved to another pool
    const jobType = this.#byName.get(record.processID);
    if (!jobType) return this.#delay(job, token, Date.now() + lookAgainMs); // another version may know it
    if (isEarly(record)) return this.#delay(job, token, record.atMs ?? 0);
    if (hasChildrenAtWork(record)) return this.#awaitChildren(job, token, record);
    if (!isOverdue(record)) {
      const unfit = isFinal(record.status) ? undefined : this.#findUnfit(jobType, record);
      if (unfit) return this.#giveBack(job, token, record, unfit);
      const rest = await this.#deps.gate.findRest(record);
      if (rest) return this.#giveBack(job, token, record, rest);
      const locks = await this.#deps.locks.take(jobId);
      if (locks.kind === 'missing') return;
      if (locks.kind === 'blocked') {
        await this.#deps.submission.hurry(locks.holder, record);
        await this.#deps.records.park(jobId, { reason: 'service', lock: locks.lock });
        return this.#waitInLine(job, token, record, locks.lock);
      }
    }
    const number = await this.#begin(record);
    if (number === undefined) return;
    await this.#run(job, token, jobType, { number, parked: record.parked });
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
    job: Job,
    token: string,
    jobType: JobType,
    { number, parked }: { number: number; parked: Parked | undefined },
  ): Promise<void> {
    const jobId = String(job.id);
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
      if (outcome.kind === 'handed-over') await this.#handOver(job, token, attempt);
      if (outcome.kind === 'has-children') await this.#leaveToChildren(job, token, record, attempt);
      if (outcome.kind === 'rests') await this.#park(job, token, record, attempt, outcome.reason);
      if (outcome.kind === 'waits') {
        const parked = { reason: 'service', lock: outcome.lock } as const;
        await attempt.write('parked', {
          isOpen: false,
          parked,
          message: 'Waiting for another job',
        });
        await this.#waitInLine(job, token, record, outcome.lock);
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

  async #handOver(job: Job, token: string, attempt: Attempt): Promise<never> {
    await attempt.write('handed-over', { isOpen: false });
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** A parent holds no slot while its children work. */
  async #leaveToChildren(
    job: Job,
    token: string,
    record: JobRecord,
    attempt: Attempt,
  ): Promise<never> {
    await attempt.write('parked', { isOpen: false, parked: { reason: 'parent' } });
    return this.#awaitChildren(job, token, record);
  }

  async #awaitChildren(job: Job, token: string, { jobId, queue }: JobRecord): Promise<never> {
    await job.moveToDelayed(Date.now() + lookAgainMs, token);
    // The last child may have ended before this job was delayed, and woken nobody.
    const now = await this.#deps.records.find(jobId);
    if (now && !hasChildrenAtWork(now)) await this.#deps.queues.promote(queue, jobId);
    throw new DelayedError();
  }

  /** The site is closed, or the disk full: the slot goes back, the lock too where nothing was begun on the site. */
  async #park(
    job: Job,
    token: string,
    record: JobRecord,
    attempt: Attempt,
    reason: Parameters<SiteGate['close']>[1],
  ): Promise<never> {
    const rest = await this.#restFor(record, reason);
    await attempt.write('parked', {
      isOpen: false,
      parked: rest,
      message: rest.detail ?? 'Waiting for the site',
    });
    const now = await this.#deps.records.find(record.jobId);
    if (now?.steps.every(({ isReading }) => isReading) && !isFinal(now.status)) {
      await this.#deps.submission.wake(await this.#deps.locks.giveBack(record.jobId));
    }
    return this.#delay(job, token, rest.untilMs ?? Date.now() + lookAgainMs);
  }

  async #restFor(record: JobRecord, reason: Parameters<SiteGate['close']>[1]): Promise<Parked> {
    if (reason.code === 'arcpy_unavailable') return this.#leaveRuntime(reason);
    if (reason.code === 'storage_exhausted') return waitForRoom(record, reason, this.#deps.timing);
    return this.#deps.gate.close(record.site ?? '', reason);
  }

  /** Another worker of the pool may have an ArcPy that starts; this one takes nothing until its own does. */
  #leaveRuntime(reason: Parameters<SiteGate['close']>[1]): Parked {
    this.#deps.runtimeKeeper?.failed(reason);
    return { reason: 'runtime', detail: reason.message, untilMs: Date.now() + otherRuntimeMs };
  }

  async #giveBack(job: Job, token: string, record: JobRecord, rest: Parked): Promise<never> {
    await this.#deps.records.park(record.jobId, rest);
    return this.#delay(job, token, rest.untilMs ?? Date.now() + lookAgainMs);
  }

  async #waitInLine(job: Job, token: string, record: JobRecord, lock: string): Promise<never> {
    await job.moveToDelayed(Date.now() + lookAgainMs, token);
    // The holder may have ended before this job was delayed, and woken nobody.
    const { holder, place } = await this.#deps.locks.readPlace(lock, record.jobId);
    if (!holder && place === 1) await this.#deps.queues.promote(record.queue, record.jobId);
    throw new DelayedError();
  }

  async #delay(job: Job, token: string, untilMs: number): Promise<never> {
    await job.moveToDelayed(Math.max(untilMs, Date.now() + 1), token);
    throw new DelayedError();
  }
}

function isEarly({ atMs = 0, status }: JobRecord): boolean {
  return status === 'accepted' && Date.now() < atMs;
}

/** A parent that nobody has called has nothing to do before its children have ended. */
function hasChildrenAtWork({ parked, children, status }: JobRecord): boolean {
  if (parked?.reason !== 'parent' || !children || isFinal(status)) return false;
  return children.open > 0 && !children.isCalled;
}

/** Past its deadline a job that has touched nothing waits for nobody: it ends. */
function isOverdue(record: JobRecord): boolean {
  return Date.now() > record.deadlineMs && record.steps.length === 0;
}
