import { Attempt } from '../../src/worker/attempt.ts';
import { type JobCore, silent } from './job-core.ts';

/** An attempt of a job, as a worker makes it that has taken the job. */
export function attemptOf(
  { records }: Pick<JobCore, 'records'>,
  jobId: string,
  number: number,
  lockMs = 60_000,
): Attempt {
  return new Attempt({ records, jobId, number, lockMs, log: silent });
}
