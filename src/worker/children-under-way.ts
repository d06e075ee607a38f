import type { JobRecord } from '../jobs/job-record.ts';

/** Children that this process works on, by their parent. */
export class ChildrenUnderWay {
  readonly #byParent = new Map<string, Map<string, JobRecord>>();

  join(record: JobRecord): void {
    const { parentID, jobId } = record;
    if (parentID === undefined) return;
    const siblings = this.#byParent.get(parentID) ?? new Map<string, JobRecord>();
    this.#byParent.set(parentID, siblings.set(jobId, record));
  }

  leave({ parentID, jobId }: JobRecord): void {
    if (parentID === undefined) return;
    const siblings = this.#byParent.get(parentID);
    siblings?.delete(jobId);
    if (siblings?.size === 0) this.#byParent.delete(parentID);
  }

  of(parentID: string): JobRecord[] {
    return [...(this.#byParent.get(parentID)?.values() ?? [])];
  }
}
