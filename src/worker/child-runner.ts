import { v5 as deriveId } from 'uuid';
import type { ChildRow, ChildRows } from '../jobs/child-row.ts';
import type { JobChange } from '../jobs/job-change.ts';
import {
  type ChildrenOptions,
  ChildrenPendingError,
  type ChildWish,
  type RunChildren,
  toChildrenFailed,
} from '../jobs/job-children.ts';
import { hasEnded, isFinal, type JobRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { type JobSecretsDeps, sealInputs } from '../jobs/job-secrets.ts';
import type { JobRequest, JobSubmission } from '../jobs/job-submission.ts';
import { type Acceptance, sitesOf } from '../jobs/job-type.ts';
import type { RuntimeRecords } from '../jobs/runtime-records.ts';
import { routeOrRefuse } from '../jobs/runtime-wish.ts';
import type { SiteRecords } from '../jobs/site-records.ts';
import { type PutBack, ReplayedToEnd } from '../jobs/step.ts';
import { uploadIdsOf } from '../jobs/upload-inputs.ts';
import type { UploadRecord, UploadRecords } from '../jobs/upload-records.ts';
import { GatewayError } from '../lib/errors.ts';
import { type Problem, toProblem } from '../lib/problem.ts';
import type { Attempt } from './attempt.ts';

export type ChildRunnerDeps = {
  records: JobRecords;
  submission: JobSubmission;
  siteRecords: SiteRecords;
  runtimes: RuntimeRecords;
  uploads: UploadRecords;
  childRows: ChildRows;
  jobSecrets: JobSecretsDeps;
};

type Wanted = { wish: ChildWish; index: number };

/** How many children are made, or dismissed, at a time. */
const batch = 50;

/** Makes the children of one parent and follows them, for one attempt of it. */
export class ChildRunner {
  readonly #deps: ChildRunnerDeps;
  readonly #parent: JobRecord;
  readonly #attempt: Attempt;
  readonly #write: (kind: string, change: JobChange) => Promise<void>;
  /** `undo`: nothing is made any more. */
  readonly #mode: 'do' | 'undo';
  /** Children of the calls so far: the index of a child goes on from call to call. */
  #count = 0;
  #earlier: Promise<Map<string, ChildRow>> | undefined;

  constructor(
    deps: ChildRunnerDeps,
    options: {
      parent: JobRecord;
      attempt: Attempt;
      write: (kind: string, change: JobChange) => Promise<void>;
      mode: 'do' | 'undo';
    },
  ) {
    this.#deps = deps;
    this.#parent = options.parent;
    this.#attempt = options.attempt;
    this.#write = options.write;
    this.#mode = options.mode;
  }

  /** Ready to be handed to a recipe. */
  readonly run: RunChildren = async (wishes, options = {}) => {
    if (this.#mode === 'undo') throw new ReplayedToEnd();
    const from = this.#count;
    this.#count += wishes.length;
    const wanted = wishes.map((wish, at) => ({ wish, index: from + at }));
    await this.#announce(options);
    const rows = await this.#untilAllEnded(wanted);
    if (rows.some(({ status }) => status !== 'successful')) throw toChildrenFailed(rows);
    return {
      count: wishes.length,
      kept: rows.filter(({ isKept }) => isKept).length,
      results: async (at) => (await this.#deps.records.find(rows[at]?.jobID ?? ''))?.results,
    };
  };

  /**
   * Dismisses what has not ended and waits until it is put back.
   *
   * @throws ChildrenPendingError while something is still being put back
   */
  async stopAll(): Promise<PutBack> {
    const nothing = { done: [], failed: [] };
    const parent = await this.#deps.records.find(this.#parent.jobId);
    if (!parent?.children) return nothing;
    if (parent.children.open > 0) await this.#dismissOpen();
    if (await this.#isAnyOpen()) throw new ChildrenPendingError('Children are being put back');
    // Children that failed are what they are; nothing was put back for it.
    return parent.ending?.problem.code === 'children_failed' ? nothing : this.#tellPutBack();
  }

  /** Whether the job that this one retries had a successful child of this key, with the same files. */
  async isDoneBefore(wish: ChildWish): Promise<boolean> {
    return isKept(wish, await this.#readEarlier());
  }

  /** How many there will be, and what becomes of the others when one fails, before the first is made. */
  async #announce({ onFailure = 'continue' }: ChildrenOptions): Promise<void> {
    const known = this.#parent.children?.expected ?? 0;
    if (known >= this.#count) return;
    await this.#write('children', {
      'children:expected': this.#count,
      'children:onFailure': onFailure,
    });
  }

  async #untilAllEnded(wanted: Wanted[]): Promise<ChildRow[]> {
    for (;;) {
      this.#attempt.checkpoint();
      const rows = await this.#readRows(wanted);
      const missing = wanted.filter(({ index }) => !rows.has(index));
      const added = await this.#addWhatCan(missing, { wanted, rows });
      if (added > 0) continue;
      if (await this.#isStopped()) await this.#dismissOpen();
      if (await this.#isAnyOpen()) throw new ChildrenPendingError('Children are at work');
      const now = await this.#readRows(wanted);
      if (now.size === wanted.length && [...now.values()].every(({ status }) => isFinal(status)))
        return [...now.values()].sort((one, other) => one.index - other.index);
      if (now.size === rows.size && missing.length > 0 && !this.#hasNews(rows, now))
        throw new Error('Children wait for each other');
    }
  }

  #hasNews(before: Map<number, ChildRow>, now: Map<number, ChildRow>): boolean {
    return [...now.values()].some(({ index, status }) => before.get(index)?.status !== status);
  }

  /** @returns how many rows are new */
  async #addWhatCan(
    missing: Wanted[],
    { wanted, rows }: { wanted: Wanted[]; rows: Map<number, ChildRow> },
  ): Promise<number> {
    if (missing.length === 0) return 0;
    if (await this.#isStopped())
      return this.#addNeverBegun(missing, 'Another child failed before.');
    const earlier = await this.#readEarlier();
    const kept: Wanted[] = [];
    for (const each of missing) if (await isKept(each.wish, earlier)) kept.push(each);
    if (kept.length > 0) {
      await this.#deps.records.addChildRows(
        this.#parent.jobId,
        this.#attempt.number,
        kept.flatMap(({ wish, index }) => {
          const row = earlier.get(wish.key);
          return row ? [{ ...row, index, isKept: true }] : [];
        }),
      );
      return kept.length;
    }
    const byKey = new Map(wanted.map(({ wish, index }) => [wish.key, rows.get(index)]));
    const before = ({ wish }: Wanted) => (wish.after ?? []).map((key) => byKey.get(key)?.status);
    const isLost = (status: string | undefined) => status === 'failed' || status === 'dismissed';
    const lost = missing.filter((each) => before(each).some(isLost));
    if (lost.length > 0)
      return this.#addNeverBegun(lost, 'What has to come before it was not successful.');
    const ready = missing.filter((each) => before(each).every((is) => is === 'successful'));
    const waitedFor = new Set(wanted.flatMap(({ wish }) => wish.after ?? []));
    return this.#make(ready, waitedFor);
  }

  async #make(ready: Wanted[], waitedFor: ReadonlySet<string>): Promise<number> {
    for (let at = 0; at < ready.length; at += batch) {
      this.#attempt.checkpoint();
      await Promise.all(
        ready
          .slice(at, at + batch)
          .map((each) => this.#makeOne(each, waitedFor.has(each.wish.key))),
      );
    }
    return ready.length;
  }

  async #makeOne({ wish, index }: Wanted, callsParent: boolean): Promise<void> {
    const { jobId: parentID, owner, labels, reference, requestId, traceparent } = this.#parent;
    const jobId = deriveId(String(index), parentID);
    const { params, uploads, acceptance, pool, refusal } = await this.#judge(wish);
    const [site] = sitesOf(wish.jobType, params);
    const service = wish.service ?? acceptance.service;
    const row: ChildRow = {
      index,
      key: wish.key,
      jobID: jobId,
      processID: wish.jobType.name,
      ...(site !== undefined && { site }),
      ...(service !== undefined && { service }),
      status: 'accepted',
      ...(wish.digest !== undefined && { digest: wish.digest }),
    };
    const request: JobRequest = {
      jobId,
      owner,
      ...sealInputs(this.#deps.jobSecrets.sealing, jobId, params, wish.jobType.secretInputs),
      uploads,
      acceptance,
      ...(pool !== undefined && { pool }),
      labels,
      ...(reference !== undefined && { reference }),
      ...(requestId !== undefined && { requestId }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const fence = this.#attempt.number;
    const place = { parentID, fence, index, row, callsParent };
    await this.#deps.submission.submitChild(wish.jobType, request, { place, refusal });
  }

  /** As a caller's own request is judged; what is refused fails without a beginning. */
  async #judge(wish: ChildWish): Promise<{
    params: Record<string, unknown>;
    uploads: string[];
    acceptance: Acceptance;
    pool?: string;
    refusal?: Problem;
  }> {
    const none = { params: wish.inputs, uploads: [], acceptance: { locks: [], warnings: [] } };
    try {
      if (wish.refusal) throw wish.refusal;
      const params = wish.jobType.parseParams(wish.inputs);
      const uploads: Record<string, UploadRecord> = {};
      for (const { input, uploadId } of uploadIdsOf(wish.jobType, params)) {
        const upload = await this.#deps.uploads.find(uploadId);
        if (upload) uploads[input] = upload;
      }
      const { needs } = wish.jobType;
      const runtimes = needs ? await this.#deps.runtimes.list() : [];
      const acceptance = wish.jobType.accept(params, {
        uploads,
        runtimes,
        siteRecords: await this.#deps.siteRecords.findAll(sitesOf(wish.jobType, params)),
      });
      const route = needs && routeOrRefuse(needs(params), runtimes);
      return {
        params,
        uploads: Object.values(uploads).map((each) => each.uploadId),
        acceptance,
        ...(route && { pool: route.pool }),
      };
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { ...none, refusal: toProblem(error) };
    }
  }

  async #addNeverBegun(wanted: Wanted[], detail: string): Promise<number> {
    const rows = wanted.map(({ wish, index }): ChildRow => {
      const site = typeof wish.inputs.site === 'string' ? wish.inputs.site : undefined;
      return {
        index,
        key: wish.key,
        processID: wish.jobType.name,
        ...(site !== undefined && { site }),
        ...(wish.service !== undefined && { service: wish.service }),
        status: 'dismissed',
        detail: `Never begun: ${detail}`,
      };
    });
    await this.#deps.records.addChildRows(this.#parent.jobId, this.#attempt.number, rows);
    return rows.length;
  }

  /** By key, what was successful in the job that this one retries. */
  async #readEarlier(): Promise<Map<string, ChildRow>> {
    this.#earlier ??= (async () => {
      const { retryOf } = this.#parent;
      const rows = retryOf === undefined ? [] : await this.#deps.childRows.readAll(retryOf);
      return new Map(
        rows.filter(({ status }) => status === 'successful').map((row) => [row.key, row]),
      );
    })();
    return this.#earlier;
  }

  async #readRows(wanted: Wanted[]): Promise<Map<number, ChildRow>> {
    const [first] = wanted;
    const rows = first
      ? await this.#deps.childRows.readWritten(this.#parent.jobId, first.index, wanted.length)
      : [];
    return new Map(rows.map((row) => [row.index, row]));
  }

  async #isStopped(): Promise<boolean> {
    return (await this.#deps.records.findSummary(this.#parent.jobId))?.children?.isStopped ?? false;
  }

  async #isAnyOpen(): Promise<boolean> {
    return ((await this.#deps.records.findSummary(this.#parent.jobId))?.children?.open ?? 0) > 0;
  }

  /** Dismissing the parent dismisses all of them; a failure that stops them, those that have not begun. */
  async #dismissOpen(): Promise<void> {
    const { records, submission } = this.#deps;
    const isForAll = this.#mode === 'undo';
    const ids = await records.findChildren(this.#parent.jobId);
    for (let at = 0; at < ids.length; at += batch) {
      const found = await records.findMany(ids.slice(at, at + batch));
      const open = found.filter(({ status }) =>
        isForAll ? !isFinal(status) : status === 'accepted',
      );
      await Promise.all(open.map((record) => submission.dismiss(record)));
    }
  }

  async #tellPutBack(): Promise<PutBack> {
    const ids = await this.#deps.records.findChildren(this.#parent.jobId);
    const told: PutBack = { done: [], failed: [] };
    let dismissed = 0;
    for (let at = 0; at < ids.length; at += batch) {
      for (const record of await this.#deps.records.findMany(ids.slice(at, at + batch))) {
        if (record.status === 'dismissed') dismissed += 1;
        if (record.undo === 'failed' && hasEnded(record))
          told.failed.push(`${record.jobId}: ${record.message}`);
      }
    }
    if (dismissed > 0) told.done.push(`${dismissed} of ${ids.length} children were dismissed`);
    return told;
  }
}

async function isKept(
  { key, digest, isStillThere }: ChildWish,
  earlier: ReadonlyMap<string, ChildRow>,
): Promise<boolean> {
  const row = earlier.get(key);
  if (row === undefined || row.digest !== digest) return false;
  return isStillThere === undefined || (row.jobID !== undefined && isStillThere(row.jobID));
}
