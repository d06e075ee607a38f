import { DelayedError, type Job, WaitingError } from 'bullmq';
import type { JobLocks } from '../jobs/job-locks.ts';
import type { JobQueues } from '../jobs/job-queue.ts';
import { isFinal, type JobRecord, type Parked } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { Timing } from '../lib/timing.ts';
import type { Attempt } from './attempt.ts';
import type { RuntimeKeeper } from './runtime-keeper.ts';
import type { SiteGate } from './site-gate.ts';
import { waitForRoom } from './wait-for-room.ts';

export type JobReturnDeps = {
  records: JobRecords;
  locks: JobLocks;
  queues: JobQueues;
  submission: JobSubmission;
  gate: SiteGate;
  timing: Timing;
  /** Where this worker has an ArcPy. */
  runtimeKeeper?: RuntimeKeeper;
};

/** A job of BullMQ in our hands, and the token of its lock. */
export type HeldJob = { job: Job; token: string };

/** A job in a service's line looks for itself now and then, should nobody have woken it. */
export const lookAgainMs = 30_000;
/** How soon a job that this ArcPy cannot run is offered again, to another worker of the pool. */
export const otherRuntimeMs = 2_000;

type Reason = Parameters<SiteGate['close']>[1];

/**
 * Gives jobs back that cannot go on here and now: the record says why, and BullMQ offers them again when it is time, or
 * when somebody wakes them. Each ends by throwing what BullMQ expects of a job that did not end.
 */
export class JobReturn {
  readonly #deps: JobReturnDeps;

  constructor(deps: JobReturnDeps) {
    this.#deps = deps;
  }

  async handOver({ job, token }: HeldJob, attempt: Attempt): Promise<never> {
    await attempt.write('handed-over', { isOpen: false });
    await job.moveToWait(token);
    throw new WaitingError();
  }

  /** A parent holds no slot while its children work. */
  async leaveToChildren(held: HeldJob, record: JobRecord, attempt: Attempt): Promise<never> {
    await attempt.write('parked', { isOpen: false, parked: { reason: 'parent' } });
    return this.awaitChildren(held, record);
  }

  async awaitChildren({ job, token }: HeldJob, { jobId, queue }: JobRecord): Promise<never> {
    await job.moveToDelayed(Date.now() + lookAgainMs, token);
    // The last child may have ended before this job was delayed, and woken nobody.
    const now = await this.#deps.records.find(jobId);
    if (now && !hasChildrenAtWork(now)) await this.#deps.queues.promote(queue, jobId);
    throw new DelayedError();
  }

  /** The site is closed, or the disk full: the slot goes back, the lock too where nothing was begun on the site. */
  async park(
    held: HeldJob,
    record: JobRecord,
    { attempt, reason }: { attempt: Attempt; reason: Reason },
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
    return this.delay(held, rest.untilMs ?? Date.now() + lookAgainMs);
  }

  async #restFor(record: JobRecord, reason: Reason): Promise<Parked> {
    if (reason.code === 'arcpy_unavailable') return this.#leaveRuntime(reason);
    if (reason.code === 'storage_exhausted') return waitForRoom(record, reason, this.#deps.timing);
    return this.#deps.gate.close(record.site ?? '', reason);
  }

  /** Another worker of the pool may have an ArcPy that starts; this one takes nothing until its own does. */
  #leaveRuntime(reason: Reason): Parked {
    this.#deps.runtimeKeeper?.failed(reason);
    return { reason: 'runtime', detail: reason.message, untilMs: Date.now() + otherRuntimeMs };
  }

  async giveBack(held: HeldJob, { jobId }: JobRecord, rest: Parked): Promise<never> {
    await this.#deps.records.park(jobId, rest);
    return this.delay(held, rest.untilMs ?? Date.now() + lookAgainMs);
  }

  async waitInLine({ job, token }: HeldJob, record: JobRecord, lock: string): Promise<never> {
    await job.moveToDelayed(Date.now() + lookAgainMs, token);
    // The holder may have ended before this job was delayed, and woken nobody.
    const { holder, place } = await this.#deps.locks.readPlace(lock, record.jobId);
    if (!holder && place === 1) await this.#deps.queues.promote(record.queue, record.jobId);
    throw new DelayedError();
  }

  async delay({ job, token }: HeldJob, untilMs: number): Promise<never> {
    await job.moveToDelayed(Math.max(untilMs, Date.now() + 1), token);
    throw new DelayedError();
  }
}

/** A parent that nobody has called has nothing to do before its children have ended. */
export function hasChildrenAtWork({ parked, children, status }: JobRecord): boolean {
  if (parked?.reason !== 'parent' || !children || isFinal(status)) return false;
  return children.open > 0 && !children.isCalled;
}
