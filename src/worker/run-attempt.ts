import { ArcpyUnavailableError } from '../arcpy/arcpy-errors.ts';
import type { ArcpyOfWorker } from '../arcpy/arcpy-of-worker.ts';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { DataStoreValidations } from '../jobs/data-store-validations.ts';
import type { FolderUses } from '../jobs/folder-uses.ts';
import { type JobChange, JobEndedError } from '../jobs/job-change.ts';
import { ChildrenPendingError } from '../jobs/job-children.ts';
import type { JobLocks } from '../jobs/job-locks.ts';
import { JobLog } from '../jobs/job-log.ts';
import { type Ending, isFinal, type JobRecord, type StepRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { JobSecrets, type JobSecretsDeps, SecretMissingError } from '../jobs/job-secrets.ts';
import type { JobContext, JobType } from '../jobs/job-type.ts';
import type { PublishLedger } from '../jobs/publish-ledger.ts';
import type { SiteJobTimes } from '../jobs/site-job-times.ts';
import type { SiteTroubles } from '../jobs/site-troubles.ts';
import {
  type PutBack,
  ReplayedToEnd,
  SiteRestsError,
  type StepPlace,
  StepRunner,
} from '../jobs/step.ts';
import type { UploadRecords } from '../jobs/upload-records.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Problem, toProblem } from '../lib/problem.ts';
import { SecretMask } from '../lib/secret-mask.ts';
import type { Timing } from '../lib/timing.ts';
import type { Sites } from '../sites/sites.ts';
import type { FolderStorage } from '../storage/folder-storage.ts';
import type { Attempt } from './attempt.ts';
import { ChildRunner, type ChildRunnerDeps } from './child-runner.ts';
import { fenced } from './fenced.ts';
import { createFollowUp, findJobOf } from './related-jobs.ts';

/** What every attempt of a worker has in common. */
export type AttemptDeps = ChildRunnerDeps & {
  records: JobRecords;
  locks: JobLocks;
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
  siteTroubles: SiteTroubles;
  validations: DataStoreValidations;
  jobSecrets: JobSecretsDeps;
  timing: Timing;
  log: Log;
};

export type AttemptOutcome =
  | { kind: 'ended' }
  | { kind: 'handed-over' }
  | { kind: 'lost' }
  | { kind: 'rests'; reason: GatewayError }
  | { kind: 'waits'; lock: string }
  /** Its children go on; the last of them wakes it. */
  | { kind: 'has-children' };

/** After so many deaths in one step the next attempt only puts back; after twice as many it gives up. */
const deathsAllowed = 5;

/** Carries a job on from where its record says it stands, to its end or to where it has to wait. */
export async function runAttempt(
  deps: AttemptDeps,
  jobType: JobType,
  record: JobRecord,
  attempt: Attempt,
): Promise<AttemptOutcome> {
  const run = new AttemptRun(deps, jobType, record, attempt);
  try {
    return await run.toItsEnd();
  } catch (error) {
    if (attempt.stopReason === 'lost') return { kind: 'lost' };
    if (error instanceof ChildrenPendingError) return { kind: 'has-children' };
    if (error instanceof SiteRestsError) return { kind: 'rests', reason: error.reason };
    if (error instanceof LockTakenError) return { kind: 'waits', lock: error.lock };
    if (attempt.stopReason === 'draining') return { kind: 'handed-over' };
    throw error;
  }
}

class AttemptRun {
  readonly #deps: AttemptDeps;
  readonly #jobType: JobType;
  readonly #record: JobRecord;
  readonly #attempt: Attempt;
  readonly #steps = new Map<string, StepRecord>();
  readonly #warnings: string[];
  readonly #mask = new SecretMask();
  readonly #secrets: JobSecrets;
  #locks: string[];
  #lastProgress = '';

  constructor(deps: AttemptDeps, jobType: JobType, record: JobRecord, attempt: Attempt) {
    this.#deps = deps;
    this.#jobType = jobType;
    this.#record = record;
    this.#attempt = attempt;
    this.#warnings = [...record.warnings];
    this.#locks = record.locks;
    this.#secrets = new JobSecrets(deps.jobSecrets, record, {
      mask: this.#mask,
      write: (secrets) => this.#write('secrets', { secrets }),
    });
    for (const step of record.steps) this.#steps.set(step.name, step);
  }

  async toItsEnd(): Promise<AttemptOutcome> {
    await this.#sayWhyAgain();
    const ending = this.#record.ending ?? (await this.#endBeforehand());
    if (ending || isFinal(this.#record.status)) return this.#undo(ending, await this.#replay());
    const runner = this.#runner('do');
    try {
      const results = await this.#jobType.run(
        this.#secrets.unsealInputs(this.#record.params),
        this.#context(runner),
      );
      await this.#write('ended', {
        status: 'successful',
        results,
        progress: 100,
        message: 'Done',
      });
      return { kind: 'ended' };
    } catch (error) {
      const decided = await this.#decideEnding(error, runner);
      // Stopped early, this attempt has not come to all that earlier ones began.
      return this.#undo(decided, runner.unvisited.length > 0 ? await this.#replay() : runner);
    }
  }

  /** A job that is begun again tells its callers what became of the attempt before. */
  async #sayWhyAgain(): Promise<void> {
    const before = this.#record.attempts.at(-2);
    if (!before?.outcome) return;
    const where = before.step ? ` in the step "${before.step}"` : '';
    const became = {
      died: `Attempt ${before.attempt} broke off${where}: its worker died, or could not be reached`,
      'handed-over': `Attempt ${before.attempt} was handed over${where}: its worker was stopped`,
      rested: `Attempt ${before.attempt} rested${where}: ${before.reason ?? 'the site was closed'}`,
      ended: `Attempt ${before.attempt} ended`,
    }[before.outcome];
    const text = `${became}. Attempt ${this.#record.attempt} goes on from there.`;
    if (before.outcome === 'died') await this.#jobLog().warning(text);
    else await this.#jobLog().info(text);
  }

  /** What makes going on pointless before it is tried. */
  async #endBeforehand(): Promise<Ending | undefined> {
    const unknown = this.#record.steps.filter(
      ({ name }) => !this.#jobType.steps.includes(name.split(':')[0] ?? name),
    );
    const found = this.#tooManyDeaths() ?? this.#tooLate() ?? this.#unknownStep(unknown);
    if (!found || isFinal(this.#record.status)) return undefined;
    const ending = { problem: found };
    await this.#write('ending', { ending, message: 'Failed; putting back what was begun' });
    return ending;
  }

  #tooManyDeaths(): Problem | undefined {
    if (this.#record.deaths < deathsAllowed) return undefined;
    return toProblem(
      new EndingError(
        'worker_died_repeatedly',
        `${this.#record.deaths} workers died in the step "${this.#record.step}".`,
      ),
    );
  }

  #tooLate(): Problem | undefined {
    if (Date.now() < this.#record.deadlineMs) return undefined;
    const reason = this.#record.parked?.detail ?? 'it did not come to its end';
    return toProblem(
      new EndingError('deadline_exceeded', `The job ran into its deadline: ${reason}`),
    );
  }

  #unknownStep(unknown: StepRecord[]): Problem | undefined {
    const [first] = unknown;
    if (!first) return undefined;
    return toProblem(
      new EndingError(
        'unknown_step',
        `The job was begun by another version, in a step "${first.name}" that this one does not know.`,
      ),
    );
  }

  /** Whatever is written is masked: a site may repeat what it was sent. */
  #write(kind: string, change: JobChange): Promise<void> {
    return this.#attempt.write(kind, this.#masked(change));
  }

  #masked({ stepRecord, results, secrets, locks, exception, ...texts }: JobChange): JobChange {
    if (this.#mask.isEmpty)
      return { ...texts, ...defined({ stepRecord, results, secrets, locks, exception }) };
    const { code, type, status } = exception ?? {};
    return {
      ...this.#mask.inTexts(texts),
      ...defined({
        stepRecord: this.#mask.inData(stepRecord),
        results: this.#mask.inData(results),
        secrets,
        locks,
        exception: exception && {
          ...this.#mask.inTexts(exception),
          ...defined({ code, type, status }),
        },
      }),
    } as JobChange;
  }

  /** Nothing where the secrets cannot be read: then there is less to tell. */
  #report() {
    try {
      return this.#jobType.failure(this.#secrets.unsealInputs(this.#record.params));
    } catch (error) {
      if (error instanceof SecretMissingError) return undefined;
      throw error;
    }
  }

  /** What another job holds is waited for in its line, with the slot given back meanwhile. */
  async #lock(names: string[]): Promise<void> {
    const wanted = [...new Set([...this.#locks, ...names])].sort();
    if (wanted.length > this.#locks.length) await this.#write('locks', { locks: wanted });
    this.#locks = wanted;
    const outcome = await this.#deps.locks.take(this.#record.jobId);
    if (outcome.kind === 'blocked') throw new LockTakenError(outcome.lock);
  }

  /** Walks the recipe as far as it had come, to find out what there is to undo. */
  async #replay(): Promise<StepRunner> {
    this.#attempt.beginUndo();
    const runner = this.#runner('undo');
    try {
      await this.#jobType.run(
        this.#secrets.unsealInputs(this.#record.params),
        this.#context(runner),
      );
    } catch (error) {
      if (this.#attempt.stopReason) throw error;
      const isExpected = error instanceof ReplayedToEnd || error instanceof GatewayError;
      if (!isExpected)
        this.#deps.log.error(
          { err: this.#mask.inError(error), jobId: this.#record.jobId },
          'A replay failed',
        );
    }
    return runner;
  }

  /**
   * @returns how the job ends, or nothing when it was dismissed
   * @throws the error again when this attempt does not end the job
   */
  async #decideEnding(error: unknown, runner: StepRunner): Promise<Ending | undefined> {
    if (error instanceof JobEndedError) return undefined;
    const stopped = this.#attempt.stopReason;
    if (stopped === 'dismissed') return undefined;
    const goesOn =
      error instanceof SiteRestsError ||
      error instanceof LockTakenError ||
      error instanceof ChildrenPendingError;
    if (stopped === 'lost' || stopped === 'draining' || goesOn) throw error;
    const cause =
      stopped === 'deadline'
        ? new EndingError('deadline_exceeded', 'The job ran into its deadline.')
        : error;
    if (!(cause instanceof GatewayError)) {
      this.#deps.log.error(
        { err: this.#mask.inError(cause), jobId: this.#record.jobId },
        'A job failed for a fault of ours',
      );
    }
    this.#attempt.beginUndo();
    const problem = toProblem(cause);
    await this.#jobLog().error(problem.detail ?? problem.title);
    const evidence = await this.#investigate(cause, runner);
    const ending = { problem, ...(evidence !== undefined && { evidence }) };
    await this.#write('ending', { ending, message: 'Failed; putting back what was begun' });
    return ending;
  }

  async #investigate(cause: unknown, runner: StepRunner): Promise<unknown> {
    const report = this.#report();
    if (!report) return undefined;
    try {
      return await report.investigate(cause, this.#context(runner));
    } catch (error) {
      if (this.#attempt.stopReason) throw error;
      this.#deps.log.warn(
        { err: this.#mask.inError(error), jobId: this.#record.jobId },
        'A failure could not be looked into',
      );
      return undefined;
    }
  }

  async #undo(ending: Ending | undefined, runner: StepRunner): Promise<AttemptOutcome> {
    this.#attempt.beginUndo();
    const putBack = await this.#undoOrGiveUp(runner);
    for (const note of putBack.done) await this.#jobLog().info(`Put back: ${note}`);
    for (const note of putBack.failed) await this.#jobLog().error(`Not put back: ${note}`);
    const undo =
      putBack.failed.length > 0 ? 'failed' : putBack.done.length > 0 ? 'done' : 'nothing-to-do';
    if (!ending) {
      await this.#write('ended', { undo, message: `Dismissed. ${inWords(putBack)}` });
      return { kind: 'ended' };
    }
    const exception = {
      ...(await this.#conclude(ending, putBack, runner)),
      putBack: putBack.done,
      notPutBack: putBack.failed,
    };
    await this.#endAsFailed({ exception, undo, message: `Failed. ${inWords(putBack)}` });
    return { kind: 'ended' };
  }

  async #endAsFailed(change: {
    exception: Problem;
    undo: 'done' | 'failed' | 'nothing-to-do';
    message: string;
  }): Promise<void> {
    try {
      await this.#write('ended', { status: 'failed', ...change });
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      await this.#write('ended', {
        undo: change.undo,
        message: change.message.replace('Failed', 'Dismissed'),
      });
    }
  }

  /** A site that stays closed cannot be put right for ever: one more deadline, then it is said so. */
  async #undoOrGiveUp(runner: StepRunner): Promise<PutBack> {
    if (this.#record.deaths >= 2 * deathsAllowed)
      return this.#givenUp(`${this.#record.deaths} workers died, the last while putting back`);
    const children = await this.#children('undo').stopAll();
    try {
      const { done, failed } = await runner.undoAll();
      return { done: [...children.done, ...done], failed: [...children.failed, ...failed] };
    } catch (error) {
      const spent = Date.now() - this.#record.createdMs;
      const allowed = 2 * (this.#record.deadlineMs - this.#record.createdMs);
      if (!(error instanceof SiteRestsError) || spent < allowed) throw error;
      return this.#givenUp(`the site could not be reached any more: ${error.message}`);
    }
  }

  #givenUp(reason: string): PutBack {
    const steps = [...this.#steps.values()].reverse();
    const noted = (state: StepRecord['state']) =>
      steps.flatMap((step) => (step.state === state && step.note ? [step.note] : []));
    return { done: noted('undone'), failed: [...noted('undo-failed'), reason] };
  }

  async #conclude(ending: Ending, putBack: PutBack, runner: StepRunner): Promise<Problem> {
    const report = this.#report();
    if (!report || ending.evidence === undefined) return ending.problem;
    try {
      return await report.conclude(ending.evidence, putBack, this.#context(runner));
    } catch (error) {
      if (this.#attempt.stopReason) throw error;
      this.#deps.log.warn(
        { err: this.#mask.inError(error), jobId: this.#record.jobId },
        'A failure could not be explained',
      );
      return ending.problem;
    }
  }

  #children(mode: 'do' | 'undo'): ChildRunner {
    return new ChildRunner(this.#deps, {
      parent: this.#record,
      attempt: this.#attempt,
      mode,
      write: (kind, change) => this.#write(kind, change),
    });
  }

  #runner(mode: 'do' | 'undo'): StepRunner {
    return new StepRunner({
      steps: [...this.#steps.values()],
      mode,
      onFault: (error) =>
        this.#deps.log.error(
          { err: this.#mask.inError(error), jobId: this.#record.jobId },
          'A step could not be undone for a fault of ours',
        ),
      contextFor: (place) => this.#stepContext(place),
      write: async (kind, change) => {
        if (change.stepRecord) this.#steps.set(change.stepRecord.name, change.stepRecord);
        await this.#write(kind, change);
      },
    });
  }

  #stepContext(place: StepPlace) {
    this.#attempt.checkpoint();
    return {
      jobId: this.#record.jobId,
      attempt: this.#attempt.number,
      signal: this.#attempt.signal,
      pause: (ms: number) => this.#attempt.pause(ms),
      log: this.#jobLog(place.name),
      timing: this.#deps.timing,
      progress: (fraction: number, message: string) => this.#tellProgress(place, fraction, message),
    };
  }

  async #tellProgress(
    { share: [from, to] }: StepPlace,
    fraction: number,
    message: string,
  ): Promise<void> {
    const progress = Math.min(
      99,
      Math.floor(from + (to - from) * Math.min(1, Math.max(0, fraction))),
    );
    const told = `${progress} ${message}`;
    if (told === this.#lastProgress) return;
    this.#lastProgress = told;
    await this.#write('progress', { progress, message });
  }

  #context(runner: StepRunner): JobContext {
    const attempt = this.#attempt;
    const { guard } = attempt;
    const { storage, uploads, ledger, folderUses, siteJobTimes, validations } = this.#deps;
    return {
      jobId: this.#record.jobId,
      owner: this.#record.owner,
      attempt: attempt.number,
      sites: { get: (name) => this.#deps.sites.get(name).guardedBy(guard) },
      arcpy: this.#deps.arcpy ?? noArcpy,
      storage: fenced(storage, guard, ['write', 'writeText', 'delete', 'deleteBeginning']),
      publishRoots: this.#deps.publishRoots ?? [],
      deadlineMs: this.#record.deadlineMs,
      documents: this.#deps.documents,
      uploads: fenced(uploads, guard, ['save', 'hold', 'holdUntil', 'letGo']),
      ledger: fenced(ledger, guard, ['record', 'setLive']),
      folderUses: fenced(folderUses, guard, ['join', 'claimAlone', 'leave']),
      siteJobTimes: fenced(siteJobTimes, guard, ['note']),
      siteTroubles: this.#deps.siteTroubles,
      secrets: this.#secrets,
      validations: fenced(validations.maskedBy(this.#mask), guard, ['save', 'forget']),
      // A replay takes nothing: what comes after a lock that was not given was never begun.
      lock: async (names) => (runner.mode === 'undo' ? undefined : this.#lock(names)),
      findJob: (jobId, site) => findJobOf(this.#deps, this.#record.owner, { jobId, site }),
      followUp: createFollowUp(this.#deps, this.#jobType, { record: this.#record, attempt }),
      step: runner.step,
      children: this.#children(runner.mode).run,
      get signal() {
        return attempt.signal;
      },
      pause: (ms) => attempt.pause(ms),
      log: this.#jobLog(),
      timing: this.#deps.timing,
      warn: (text) => this.#warn(text),
      warnings: () => [...this.#warnings],
      stepSeconds: () => this.#stepSeconds(),
      currentStep: () => this.#currentStep(),
      recordedResult: (step) => this.#steps.get(step)?.result,
      startedMs: () => this.#record.startedMs ?? this.#record.createdMs,
      elapsedMs: () => Date.now() - (this.#record.startedMs ?? this.#record.createdMs),
      isFirstAttempt: attempt.number === 1,
    };
  }

  async #warn(text: string): Promise<void> {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    await this.#write('warning', { warnings: this.#warnings });
    await this.#jobLog().warning(text);
  }

  #currentStep(): string | undefined {
    return [...this.#steps.values()].findLast((step) => step.state === 'begun')?.name;
  }

  #stepSeconds(): Record<string, number> {
    return Object.fromEntries(
      [...this.#steps.values()].flatMap(({ name, startedMs, finishedMs }) =>
        finishedMs === undefined ? [] : [[name, (finishedMs - startedMs) / 1000]],
      ),
    );
  }

  #jobLog(step?: string): JobLog {
    return new JobLog(
      this.#deps.records,
      this.#record.jobId,
      { attempt: this.#attempt.number, step },
      (text) => this.#mask.inText(text),
    );
  }
}

/** Another job holds what this one needs: it goes on when that one ends. */
class LockTakenError extends Error {
  override readonly name = 'LockTakenError';
  readonly lock: string;

  constructor(lock: string) {
    super(`Another job holds ${lock}`);
    this.lock = lock;
  }
}
/** Jobs of ArcPy are put back where they are, also by a worker without one; that needs nothing of it. */
const noArcpy: ArcpyOfWorker = {
  use: async () => {
    throw new ArcpyUnavailableError('This worker has no ArcPy.');
  },
  tools: [],
  blankProject: () => undefined,
};

/** How a job ends for a reason of the gateway's own. */
class EndingError extends GatewayError {
  override readonly name = 'EndingError';
  readonly code: 'worker_died_repeatedly' | 'deadline_exceeded' | 'unknown_step';

  constructor(
    code: 'worker_died_repeatedly' | 'deadline_exceeded' | 'unknown_step',
    message: string,
  ) {
    super(message);
    this.code = code;
  }
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as never;
}

function inWords({ done, failed }: PutBack): string {
  if (failed.length > 0) return `Not everything could be put back: ${failed.join('; ')}`;
  return done.length > 0 ? `Put back: ${done.join('; ')}` : 'There was nothing to put back.';
}
