import type { Redis } from 'ioredis';
import { removeArtifact } from '../jobs/artifact-records.ts';
import type { JobQueues } from '../jobs/job-queue.ts';
import { hasEnded, type JobRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { JobSubmission } from '../jobs/job-submission.ts';
import type { PublishLedger } from '../jobs/publish-ledger.ts';
import { snapshotKey } from '../jobs/publish-service-definition/publishing-context.ts';
import { storageKeyOfUpload, type UploadRecords, uploadFolder } from '../jobs/upload-records.ts';
import { wipeUploads } from '../jobs/wipe-uploads.ts';
import type { Config } from '../lib/config.ts';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/wait.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';

export type UpkeepDeps = {
  redis: Redis;
  records: JobRecords;
  queues: JobQueues;
  submission: JobSubmission;
  uploads: UploadRecords;
  ledger: PublishLedger;
  storage: FolderStorage;
  queue: Config['queue'];
  uploadsConfig: Config['uploads'];
  retention: Config['retention'];
  log: Log;
};

const hourMs = 3_600_000;
const batch = 200;

/** What keeps record, queue and storage in step, in every worker, all the time. */
export class Upkeep {
  readonly #deps: UpkeepDeps;
  readonly #closed = new AbortController();
  readonly #loops: Promise<void>[] = [];

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
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
        await this.expire();
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
    const alive = await this.#deps.records.findAlive();
    for (let at = 0; at < alive.length; at += batch) {
      const records = await this.#deps.records.findMany(alive.slice(at, at + batch));
      const missing = await this.#deps.queues.findMissing(records);
      for (const [index, record] of records.entries()) {
        if (!missing[index] || hasEnded(record)) continue;
        this.#deps.log.warn({ jobId: record.jobId }, 'A job was missing in its queue');
        await this.#addAgain(record);
      }
    }
  }

  /** Removes what has reached its age and is needed by nobody. */
  async expire(): Promise<void> {
    const { retention, uploadsConfig, records, uploads, storage } = this.#deps;
    const now = Date.now();
    for (const jobId of await records.findEndedBefore(
      now - retention.endedJobDays * 24 * hourMs,
      batch,
    )) {
      await records.forget(jobId);
      await storage.delete(snapshotKey(jobId));
      await removeArtifact(storage, jobId);
    }
    await this.#deps.ledger.letGoOld();
    for (const uploadId of await uploads.findCreatedBefore(
      now - uploadsConfig.keepHours * hourMs,
    )) {
      if (await uploads.removeIfFree(uploadId)) await storage.delete(storageKeyOfUpload(uploadId));
    }
    await this.#removeOrphans(now - uploadsConfig.keepHours * hourMs);
    await storage.sweepPartials(now - 24 * hourMs);
  }

  async #addAgain(record: JobRecord): Promise<void> {
    const { queue, jobId, processID, priority, traceparent, atMs } = record;
    await this.#deps.queues.add(queue, jobId, processID, priority, { traceparent, atMs });
  }

  /** Files whose record was never written, or went first, because a process died between. */
  async #removeOrphans(untouchedSinceMs: number): Promise<void> {
    const { storage, uploads } = this.#deps;
    for (const key of await storage.findUntouched(uploadFolder, untouchedSinceMs)) {
      if (!(await uploads.find(key.slice(uploadFolder.length + 1)))) await storage.delete(key);
    }
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
