import { ArcpyUnavailableError } from '../arcpy/arcpy-errors.ts';
import type { ArcpyOfWorker } from '../arcpy/arcpy-of-worker.ts';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { DataStoreValidations } from '../jobs/data-store-validations.ts';
import type { FolderUses } from '../jobs/folder-uses.ts';
import type { JobRecord } from '../jobs/job-record.ts';
import type { JobSecrets } from '../jobs/job-secrets.ts';
import type { JobContext, JobType } from '../jobs/job-type.ts';
import type { PublishLedger } from '../jobs/publish-ledger.ts';
import type { SiteJobTimes } from '../jobs/site-job-times.ts';
import type { SiteTroubles } from '../jobs/site-troubles.ts';
import type { StepRunner } from '../jobs/step.ts';
import type { UploadRecords } from '../jobs/upload-records.ts';
import type { Timing } from '../lib/timing.ts';
import type { SiteJobItems } from '../sites/publishing.ts';
import type { Sites } from '../sites/sites.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptJournal } from './attempt-journal.ts';
import type { ChildRunner, ChildRunnerDeps } from './child-runner.ts';
import { fenced } from './fenced.ts';
import { createFollowUp, findJobOf } from './related-jobs.ts';

/** What the recipes of a worker may reach. */
export type ContextDeps = ChildRunnerDeps & {
  sites: Sites;
  /** Where this worker has one. */
  arcpy?: ArcpyOfWorker;
  storage: FolderStorage;
  /** Folders of this machine below which definitions may be read. */
  publishRoots?: readonly string[];
  documents: DocumentReader;
  uploads: UploadRecords;
  ledger: PublishLedger;
  folderUses: FolderUses;
  siteJobTimes: SiteJobTimes;
  siteJobItems: SiteJobItems;
  siteTroubles: SiteTroubles;
  validations: DataStoreValidations;
  timing: Timing;
};

/** Everything that a recipe may reach, for one attempt: what changes something asks the fence first. */
export function createJobContext(
  deps: ContextDeps,
  {
    jobType,
    record,
    attempt,
    journal,
    secrets,
    runner,
    children,
    lock,
  }: {
    jobType: JobType;
    record: JobRecord;
    attempt: Attempt;
    journal: AttemptJournal;
    secrets: JobSecrets;
    runner: StepRunner;
    children: ChildRunner;
    lock: JobContext['lock'];
  },
): JobContext {
  const { guard } = attempt;
  const { storage, uploads, ledger, folderUses, siteJobTimes, validations } = deps;
  const startedMs = record.startedMs ?? record.createdMs;
  return {
    jobId: record.jobId,
    owner: record.owner,
    attempt: attempt.number,
    sites: { get: (name) => deps.sites.get(name).guardedBy(guard) },
    arcpy: deps.arcpy ?? noArcpy,
    storage: fenced(storage, guard, ['write', 'writeText', 'delete', 'deleteBeginning']),
    publishRoots: deps.publishRoots ?? [],
    deadlineMs: record.deadlineMs,
    documents: deps.documents,
    uploads: fenced(uploads, guard, ['save', 'hold', 'holdUntil', 'letGo']),
    ledger: fenced(ledger, guard, ['record', 'setLive']),
    folderUses: fenced(folderUses, guard, ['join', 'claimAlone', 'leave']),
    siteJobTimes: fenced(siteJobTimes, guard, ['note']),
    siteJobItems: deps.siteJobItems,
    siteTroubles: deps.siteTroubles,
    secrets,
    validations: fenced(validations.maskedBy(journal.mask), guard, ['save', 'forget']),
    // A replay takes nothing: what comes after a lock that was not given was never begun.
    lock: async (names) => (runner.mode === 'undo' ? undefined : lock(names)),
    findJob: (jobId, site) => findJobOf(deps, record.owner, { jobId, site }),
    followUp: createFollowUp(deps, jobType, { record, attempt }),
    step: runner.step,
    children: children.run,
    isDoneBefore: (wish) => children.isDoneBefore(wish),
    retryOf: record.retryOf,
    get signal() {
      return attempt.signal;
    },
    pause: (ms) => journal.pause(ms),
    log: journal.jobLog(),
    timing: deps.timing,
    warn: (text) => journal.warn(text),
    warnings: () => journal.warnings,
    stepSeconds: () => journal.stepSeconds(),
    currentStep: () => journal.currentStep(),
    recordedResult: (step) => journal.resultOf(step),
    startedMs: () => startedMs,
    elapsedMs: () => Date.now() - startedMs,
    isFirstAttempt: attempt.number === 1,
  };
}

/** Jobs of ArcPy are put back where they are, also by a worker without one; that needs nothing of it. */
const noArcpy: ArcpyOfWorker = {
  use: async () => {
    throw new ArcpyUnavailableError('This worker has no ArcPy.');
  },
  tools: [],
  blankProject: () => undefined,
  version: () => undefined,
};
