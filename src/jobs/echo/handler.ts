import type { JobContext } from '../job-type.ts';
import type { EchoParams, EchoResult } from './schema.ts';

/** Gives the inputs back, after the pause that was asked for. */
export async function echo(
  { pause: seconds = 0, ...inputs }: EchoParams,
  { pause }: Pick<JobContext, 'pause'>,
): Promise<EchoResult> {
  if (seconds > 0) await pause(seconds * 1_000);
  return inputs;
}
