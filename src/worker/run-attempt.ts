import { JobEndedError } from '../jobs/job-change.ts';
import { ChildrenPendingError } from '../jobs/job-children.ts';
import type { JobLocks } from '../jobs/job-locks.ts';
import { type Ending, isFinal, type JobRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import { JobSecrets, type JobSecretsDeps, SecretMissingError } from '../jobs/job-secrets.ts';
import type { JobContext, JobType } from '../jobs/job-type.ts';
import { type PutBack, ReplayedToEnd, type StepPlace, StepRunner } from '../jobs/step.ts';
import { SiteRestsError } from '../jobs/step-patience.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { type Problem, toProblem } from '../lib/problem.ts';
import type { Attempt } from './attempt.ts';
import { type ContextDeps, createJobContext } from './attempt-context.ts';
import {
  describeAttemptBefore,
  EndingError,
  findEndingBeforehand,
  findReasonToGiveUp,
  giveUp,
  inWords,
  isUndoOverdue,
} from './attempt-endings.ts';
import { AttemptJournal } from './attempt-journal.ts';
import { ChildRunner } from './child-runner.ts';

/** What every attempt of a worker has in common. */
export type AttemptDeps = ContextDeps & {
  records: JobRecords;
  locks: JobLocks;
  jobSecrets: JobSecretsDeps;
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

/** Carries a job on from where its record says it stands, to its end or to where it has to wait. */
export async function runAttempt(
  deps: AttemptDeps,
  jobType: JobType,
  record: JobRecord,
  attempt: Attempt,
): Promise<AttemptOutcome> {
  const journal = new AttemptJournal(record, attempt);
  const run = new AttemptRun(deps, jobType, { record, attempt, journal });
  try {
    const outcome = await run.toItsEnd();
    await journal.flush();
    return outcome;
  } catch (error) {
    if (attempt.stopReason !== 'lost') await journal.flush().catch(() => undefined);
    if (attempt.stopReason === 'lost') return { kind: 'lost' };
    if (error instanceof ChildrenPendingError) return { kind: 'has-children' };
    if (error instanceof SiteRestsError) return { kind: 'rests', reason: error.reason };
    if (error instanceof LockTakenError) return { kind: 'waits', lock: error.lock };
    if (attempt.stopReason === 'draining') return { kind: 'handed-over' };
    throw error;
  } finally {
    journal.close();
  }
}

class AttemptRun {
  readonly #deps: AttemptDeps;
  readonly #jobType: JobType;
  readonly #record: JobRecord;
  readonly #attempt: Attempt;
  readonly #journal: AttemptJournal;
  readonly #secrets: JobSecrets;
  #locks: string[];

  constructor(
    deps: AttemptDeps,
    jobType: JobType,
    { record, attempt, journal }: { record: JobRecord; attempt: Attempt; journal: AttemptJournal },
  ) {
    this.#deps = deps;
    this.#jobType = jobType;
    this.#record = record;
    this.#attempt = attempt;
    this.#journal = journal;
    this.#locks = record.locks;
    this.#secrets = new JobSecrets(deps.jobSecrets, record, {
      mask: journal.mask,
      write: (secrets) => journal.write('secrets', { secrets }),
    });
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
      await this.#journal.write('ended', {
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

  async #sayWhyAgain(): Promise<void> {
    const before = describeAttemptBefore(this.#record);
    if (!before) return;
    const log = this.#journal.jobLog();
    await (before.hasDied ? log.warning(before.text) : log.info(before.text));
  }

  async #endBeforehand(): Promise<Ending | undefined> {
    const found = findEndingBeforehand(this.#record, this.#jobType);
    if (!found || isFinal(this.#record.status)) return undefined;
    const ending = { problem: toProblem(found) };
    await this.#journal.write('ending', {
      ending,
      message: 'Failed; putting back what was begun',
    });
    return ending;
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
    if (wanted.length > this.#locks.length) await this.#journal.write('locks', { locks: wanted });
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
          { err: this.#journal.mask.inError(error), jobId: this.#record.jobId },
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
        { err: this.#journal.mask.inError(cause), jobId: this.#record.jobId },
        'A job failed for a fault of ours',
      );
    }
    this.#attempt.beginUndo();
    const problem = toProblem(cause);
    await this.#journal.jobLog().error(problem.detail ?? problem.title);
    const evidence = await this.#investigate(cause, runner);
    const ending = { problem, ...(evidence !== undefined && { evidence }) };
    await this.#journal.write('ending', { ending, message: 'Failed; putting back what was begun' });
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
        { err: this.#journal.mask.inError(error), jobId: this.#record.jobId },
        'A failure could not be looked into',
      );
      return undefined;
    }
  }

  async #undo(ending: Ending | undefined, runner: StepRunner): Promise<AttemptOutcome> {
    this.#attempt.beginUndo();
    const putBack = await this.#undoOrGiveUp(runner);
    for (const note of putBack.done) await this.#journal.jobLog().info(`Put back: ${note}`);
    for (const note of putBack.failed) await this.#journal.jobLog().error(`Not put back: ${note}`);
    const undo =
      putBack.failed.length > 0 ? 'failed' : putBack.done.length > 0 ? 'done' : 'nothing-to-do';
    if (!ending) {
      await this.#journal.write('ended', { undo, message: `Dismissed. ${inWords(putBack)}` });
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
      await this.#journal.write('ended', { status: 'failed', ...change });
    } catch (error) {
      if (!(error instanceof JobEndedError)) throw error;
      await this.#journal.write('ended', {
        undo: change.undo,
        message: change.message.replace('Failed', 'Dismissed'),
      });
    }
  }

  async #undoOrGiveUp(runner: StepRunner): Promise<PutBack> {
    const reason = findReasonToGiveUp(this.#record);
    if (reason !== undefined) return giveUp(this.#journal.steps, reason);
    const children = await this.#children('undo').stopAll();
    try {
      const { done, failed } = await runner.undoAll();
      return { done: [...children.done, ...done], failed: [...children.failed, ...failed] };
    } catch (error) {
      if (!(error instanceof SiteRestsError) || !isUndoOverdue(this.#record)) throw error;
      const why =
        error.reason.code === 'storage_exhausted'
          ? 'the disk of the gateway stayed full'
          : 'the site could not be reached any more';
      return giveUp(this.#journal.steps, `${why}: ${error.message}`);
    }
  }

  async #conclude(ending: Ending, putBack: PutBack, runner: StepRunner): Promise<Problem> {
    const report = this.#report();
    if (!report || ending.evidence === undefined) return ending.problem;
    try {
      return await report.conclude(ending.evidence, putBack, this.#context(runner));
    } catch (error) {
      if (this.#attempt.stopReason) throw error;
      this.#deps.log.warn(
        { err: this.#journal.mask.inError(error), jobId: this.#record.jobId },
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
      write: (kind, change) => this.#journal.write(kind, change),
    });
  }

  #runner(mode: 'do' | 'undo'): StepRunner {
    return new StepRunner({
      steps: this.#journal.steps,
      mode,
      onFault: (error) =>
        this.#deps.log.error(
          { err: this.#journal.mask.inError(error), jobId: this.#record.jobId },
          'A step could not be undone for a fault of ours',
        ),
      contextFor: (place) => this.#stepContext(place),
      write: (kind, change, options) => this.#journal.write(kind, change, options),
    });
  }

  #stepContext(place: StepPlace) {
    this.#attempt.checkpoint();
    return {
      jobId: this.#record.jobId,
      attempt: this.#attempt.number,
      signal: this.#attempt.signal,
      pause: (ms: number) => this.#journal.pause(ms),
      log: this.#journal.jobLog(place.name),
      timing: this.#deps.timing,
      progress: (fraction: number, message: string) =>
        this.#journal.tellProgress(place, fraction, message),
    };
  }

  #context(runner: StepRunner): JobContext {
    return createJobContext(this.#deps, {
      jobType: this.#jobType,
      record: this.#record,
      attempt: this.#attempt,
      journal: this.#journal,
      secrets: this.#secrets,
      runner,
      children: this.#children(runner.mode),
      lock: (names) => this.#lock(names),
    });
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
