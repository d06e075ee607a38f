import type { Redis } from 'ioredis';
import type { JobQueues } from '../jobs/job-queue.ts';
import { hasEnded, type JobRecord } from '../jobs/job-record.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import { wipeUploads } from '../jobs/wipe-uploads.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';
import { Retention, type RetentionDeps } from './retention.ts';

export type UpkeepDeps = RetentionDeps & {
  redis: Redis;
  queues: JobQueues;
  submission: JobSubmission;
  queue: Config['queue'];
  log: Log;
};

const hourMs = 3_600_000;
const batch = 200;

/** What keeps record, queue and storage in step, in every worker, all the time. */
export class Upkeep {
  readonly retention: Retention;
  readonly #deps: UpkeepDeps;
  readonly #closed = new AbortController();
  readonly #loops: Promise<void>[] = [];

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
    this.retention = new Retention(deps);
  }

  open(): void {
    const { sweepSeconds, reconcileSeconds } = this.#deps.queue;
    this.#loops.push(
      this.#every(sweepSeconds * 1000, 'sweep', async () => {
        await this.sweepPending();
        await wipeUploads(this.#deps);
      }),
    );
    this.#loops.push(
      this.#every(reconcileSeconds * 1000, 'reconcile', async () => {
        if (!(await this.#isOurTurn('reconcile', reconcileSeconds * 900))) return;
        await this.reconcile();
        await this.retention.sweep(this.#closed.signal);
        if (await this.#isOurTurn('belongings', hourMs)) await this.retention.sweepBelongings();
      }),
    );
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.#loops);
  }

  /** Queues what was accepted while BullMQ could not be told, and wakes parents that nobody could wake. */
  async sweepPending(): Promise<void> {
    const pending = Object.keys(await this.#deps.records.readPending());
    const found = await this.#deps.records.findMany(pending);
    for (const record of found) {
      await this.#addAgain(record);
      if (record.children?.isCalled) await this.#deps.submission.wake([record.jobId]);
      await this.#deps.records.removePending(record.jobId);
    }
    const known = new Set(found.map((record) => record.jobId));
    for (const jobId of pending)
      if (!known.has(jobId)) await this.#deps.records.removePending(jobId);
  }

  /** Adds again what has not ended and is missing in BullMQ. */
  async reconcile(): Promise<void> {
    const { records, queues } = this.#deps;
    const alive = await records.findAlive();
    for (let at = 0; at < alive.length; at += batch) {
      const queued = await records.findQueues(alive.slice(at, at + batch));
      const isMissing = await queues.findMissing(queued);
      const missing = queued.flatMap(({ jobId }, index) => (isMissing[index] ? [jobId] : []));
      for (const record of await records.findMany(missing)) {
        if (hasEnded(record)) continue;
        this.#deps.log.warn({ jobId: record.jobId }, 'A job was missing in its queue');
        await this.#addAgain(record);
      }
    }
  }

  async #addAgain(record: JobRecord): Promise<void> {
    const { queue, jobId, processID, priority, traceparent, atMs } = record;
    await this.#deps.queues.add(queue, jobId, processID, priority, { traceparent, atMs });
  }

  async #isOurTurn(task: string, forMs: number): Promise<boolean> {
    const key = `${this.#deps.records.keys.prefix}:turn:${task}`;
    return (await this.#deps.redis.set(key, '1', 'PX', Math.round(forMs), 'NX')) !== null;
  }

  async #every(ms: number, task: string, work: () => Promise<void>): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!this.#closed.signal.aborted)
          this.#deps.log.warn({ err: error, task }, 'Upkeep failed; it is tried again');
      }
      await pause(ms, this.#closed.signal).catch(() => undefined);
    }
  }
}
