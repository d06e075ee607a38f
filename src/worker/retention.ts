import { basename } from 'node:path';
import { artifactFolder, removeArtifact } from '../jobs/artifact-records.ts';
import type { DeliveryRecords } from '../jobs/delivery-records.ts';
import type { EndedJobs } from '../jobs/ended-jobs.ts';
import { hasEnded } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { planFolder, planKey } from '../jobs/publish-folder/folder-plan.ts';
import type { PublishLedger } from '../jobs/publish-ledger.ts';
import {
  snapshotFolder,
  snapshotKey,
} from '../jobs/publish-service-definition/publishing-context.ts';
import { storageKeyOfUpload, type UploadRecords, uploadFolder } from '../jobs/upload-records.ts';
import type { Config } from '../lib/config.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';

export type RetentionDeps = {
  records: JobRecords;
  endedJobs: EndedJobs;
  uploads: UploadRecords;
  ledger: PublishLedger;
  deliveries: DeliveryRecords;
  storage: FolderStorage;
  uploadsConfig: Config['uploads'];
  retention: Config['retention'];
};

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const batch = 200;
/** In one turn, so that nothing else waits for long; what is left goes in the next. */
const mostPerTurn = 5_000;

/** Removes what is older than its age, or more than its number, and needed by nobody. */
export class Retention {
  readonly #deps: RetentionDeps;

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  async sweep(signal?: AbortSignal): Promise<void> {
    const { retention, uploadsConfig, endedJobs, deliveries, ledger, storage } = this.#deps;
    const now = Date.now();
    await this.#sweepJobs(now, signal);
    await endedJobs.removeOldLogs({
      endedBeforeMs: now - retention.logDays * dayMs,
      keep: retention.logs,
      most: mostPerTurn,
    });
    await ledger.letGoOld();
    await this.#sweepUploads(now);
    await this.#removeOrphans(now - uploadsConfig.keepHours * hourMs);
    await storage.sweepPartials(now - dayMs);
    await deliveries.removeBeyond(mostPerTurn);
  }

  /** Reads whole folders, so it is not done all the time. */
  async sweepBelongings(): Promise<void> {
    await this.#sweepArtifacts();
    for (const folder of [snapshotFolder, planFolder, artifactFolder])
      await this.#removeUnowned(folder);
  }

  async #sweepArtifacts(): Promise<void> {
    const { retention, records, storage } = this.#deps;
    const found = (await storage.findByAge(artifactFolder)).filter(({ key }) => isMain(key));
    const tooMany = found.length - retention.artifacts;
    const tooOld = Date.now() - retention.artifactDays * dayMs;
    for (const [index, { key, touchedMs }] of found.entries()) {
      if (index >= tooMany && touchedMs >= tooOld) return;
      const jobId = key.slice(artifactFolder.length + 1);
      if (!(await this.#isNeeded(jobId, records))) await removeArtifact(storage, jobId);
    }
  }

  /** What jobs left that were deleted by a caller, or by a process that died before it came to their files. */
  async #removeUnowned(folder: string): Promise<void> {
    const { storage, records } = this.#deps;
    const keys = await storage.findUntouched(folder, Date.now() - hourMs);
    for (let at = 0; at < keys.length; at += batch) {
      const some = keys.slice(at, at + batch);
      const known = await records.areThere(some.map((key) => basename(key, '.json')));
      for (const [index, key] of some.entries()) if (!known[index]) await storage.delete(key);
    }
  }

  async #sweepJobs(now: number, signal: AbortSignal | undefined): Promise<void> {
    const { retention, endedJobs, storage } = this.#deps;
    const tooMany = (await endedJobs.count()) - retention.endedJobs;
    const old = now - retention.endedJobDays * dayMs;
    // Those that are needed stay at the head of the list, and are passed over.
    for (let looked = 0, stayed = 0; looked < mostPerTurn && !signal?.aborted; ) {
      const oldest = await endedJobs.findOldest(stayed, batch);
      const leaving = oldest.filter(
        ({ endedMs }, index) => endedMs < old || looked + index < tooMany,
      );
      for (const { jobId } of leaving) {
        const outcome = await endedJobs.forget(jobId);
        if (outcome === 'alive' || outcome === 'needed') {
          stayed += 1;
          continue;
        }
        await storage.delete(snapshotKey(jobId));
        await storage.delete(planKey(jobId));
        await removeArtifact(storage, jobId);
      }
      looked += oldest.length;
      if (leaving.length < batch) return;
    }
  }

  async #sweepUploads(now: number): Promise<void> {
    const { uploads, uploadsConfig, storage } = this.#deps;
    const old = await uploads.findCreatedBefore(now - uploadsConfig.keepHours * hourMs);
    const tooMany = (await uploads.count()) - uploadsConfig.keepCount;
    const oldest = tooMany > 0 ? await uploads.findOldest(tooMany) : [];
    for (const uploadId of new Set([...old, ...oldest])) {
      if (await uploads.removeIfFree(uploadId)) await storage.delete(storageKeyOfUpload(uploadId));
    }
  }

  /** Files whose record was never written, or went first, because a process died between. */
  async #removeOrphans(untouchedSinceMs: number): Promise<void> {
    const { storage, uploads } = this.#deps;
    for (const key of await storage.findUntouched(uploadFolder, untouchedSinceMs)) {
      if (!(await uploads.find(key.slice(uploadFolder.length + 1)))) await storage.delete(key);
    }
  }

  /** By its own job, which may still be at it, or by the parent that waits for it. */
  async #isNeeded(jobId: string, records: JobRecords): Promise<boolean> {
    const job = await records.find(jobId);
    if (!job) return false;
    if (!hasEnded(job)) return true;
    const parent = job.parentID === undefined ? undefined : await records.find(job.parentID);
    return parent !== undefined && !hasEnded(parent);
  }
}

const isMain = (key: string) => !key.endsWith('.json') && !key.endsWith('.part');
