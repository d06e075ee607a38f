import type { JobRecord, StepRecord } from '../jobs/job-record.ts';
import type { JobType } from '../jobs/job-type.ts';
import type { PutBack } from '../jobs/step.ts';
import { GatewayError } from '../lib/errors.ts';

/** After so many deaths in one step the next attempt only puts back. */
const deathsAllowed = 5;
/** After so many it gives up, which leaves things half done: whoever only puts back is given far more tries. */
const deathsAllowedInAll = 30;

/** How a job ends for a reason of the gateway's own. */
export class EndingError extends GatewayError {
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

/** What makes going on pointless before it is tried. */
export function findEndingBeforehand(record: JobRecord, jobType: JobType): EndingError | undefined {
  return tooManyDeaths(record) ?? tooLate(record) ?? unknownStep(record, jobType);
}

function tooManyDeaths({ deaths, step }: JobRecord): EndingError | undefined {
  if (deaths < deathsAllowed) return undefined;
  const text = `${deaths} workers died in the step "${step}".`;
  return new EndingError('worker_died_repeatedly', text);
}

function tooLate({ deadlineMs, parked }: JobRecord): EndingError | undefined {
  if (Date.now() < deadlineMs) return undefined;
  const reason = parked?.detail ?? 'it did not come to its end';
  return new EndingError('deadline_exceeded', `The job ran into its deadline: ${reason}`);
}

function unknownStep({ steps }: JobRecord, jobType: JobType): EndingError | undefined {
  const first = steps.find(({ name }) => !jobType.steps.includes(name.split(':')[0] ?? name));
  if (!first) return undefined;
  const text = `The job was begun by another version, in a step "${first.name}" that this one does not know.`;
  return new EndingError('unknown_step', text);
}

/** Why undoing is not tried any more, before it is tried again. */
export function findReasonToGiveUp({ deaths }: JobRecord): string | undefined {
  if (deaths < deathsAllowedInAll) return undefined;
  return `${deaths} workers died, the last while putting back`;
}

/** A site that stays closed cannot be put right for ever: one more deadline, then it is said so. */
export function isUndoOverdue({ createdMs, deadlineMs }: JobRecord): boolean {
  return Date.now() - createdMs >= 2 * (deadlineMs - createdMs);
}

/** What was put back before it was given up. */
export function giveUp(steps: StepRecord[], reason: string): PutBack {
  const lastFirst = [...steps].reverse();
  const noted = (state: StepRecord['state']) =>
    lastFirst.flatMap((step) => (step.state === state && step.note ? [step.note] : []));
  return { done: noted('undone'), failed: [...noted('undo-failed'), reason] };
}

export function inWords({ done, failed }: PutBack): string {
  if (failed.length > 0) return `Not everything could be put back: ${failed.join('; ')}`;
  return done.length > 0 ? `Put back: ${done.join('; ')}` : 'There was nothing to put back.';
}

/** A job that is begun again tells its callers what became of the attempt before. */
export function describeAttemptBefore({
  attempt,
  attempts,
}: JobRecord): { text: string; hasDied: boolean } | undefined {
  const before = attempts.at(-2);
  if (!before?.outcome) return undefined;
  const where = before.step ? ` in the step "${before.step}"` : '';
  const became = {
    died: `Attempt ${before.attempt} broke off${where}: its worker died, or could not be reached`,
    'handed-over': `Attempt ${before.attempt} was handed over${where}: its worker was stopped`,
    rested: `Attempt ${before.attempt} rested${where}: ${before.reason ?? 'the site was closed'}`,
    ended: `Attempt ${before.attempt} ended`,
  }[before.outcome];
  const hasDied = before.outcome === 'died';
  return { text: `${became}. Attempt ${attempt} goes on from there.`, hasDied };
}
