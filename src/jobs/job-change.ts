import type { Problem } from '../lib/problem.ts';
import type { Ending, JobStatus, Parked, StepRecord, UndoState } from './job-record.ts';
import type { SealedSecrets } from './job-secrets.ts';

/** This attempt is not the newest any more: another worker has the job. It must touch nothing. */
export class FencedOffError extends Error {
  override readonly name = 'FencedOffError';
}

/** The job has ended meanwhile: dismissed, as nothing else ends a job from outside. */
export class JobEndedError extends Error {
  override readonly name = 'JobEndedError';
}

/** The parent of the job does not want it begun any more. */
export class UnwantedChildError extends Error {
  override readonly name = 'UnwantedChildError';
}

/** What an attempt writes. `undefined` leaves a member as it is, `null` removes it. */
export type JobChange = {
  status?: JobStatus;
  message?: string;
  progress?: number;
  step?: string;
  stepRecords?: StepRecord[];
  results?: unknown;
  exception?: Problem;
  ending?: Ending;
  undo?: UndoState;
  parked?: Parked | null;
  warnings?: string[];
  locks?: string[];
  secrets?: SealedSecrets;
  /** Of a parent: how many children there will be, and what becomes of the rest when one fails. */
  'children:expected'?: number;
  'children:onFailure'?: 'continue' | 'stop';
  /** False when the attempt hands over in an orderly way; a death leaves it true. */
  isOpen?: false;
};
