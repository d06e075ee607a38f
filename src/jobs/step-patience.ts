import { GatewayError } from '../lib/errors.ts';
import { withJitter } from '../lib/wait.ts';
import { toStorageError } from '../storage/folder-storage.ts';
import type { StepContext } from './step.ts';

/** A step asks for patience that outlasts the attempt: the site is closed for a while, or our own disk is full. */
export class SiteRestsError extends Error {
  override readonly name = 'SiteRestsError';
  readonly reason: GatewayError;

  constructor(reason: GatewayError) {
    super(reason.message, { cause: reason });
    this.reason = reason;
  }
}

/** A site that cannot be reached is left to rest much sooner than one that is busy. */
const unreachableShare = 40;
/** A page in place of an answer may pass; one that stays comes of a wrong address, which no rest mends. */
const pageShare = 10;

/** Repeats what failed in passing, with growing pauses; a site that stays so is left to rest. */
export async function patiently<T>(
  context: Pick<StepContext, 'timing' | 'signal' | 'log' | 'pause'>,
  work: () => Promise<T>,
): Promise<T> {
  const { retryMinMs, retryMaxMs, retryForMs } = context.timing;
  const beganMs = Date.now();
  for (
    let waitMs = retryMinMs, tries = 1;
    ;
    waitMs = Math.min(waitMs * 2, retryMaxMs), tries += 1
  ) {
    try {
      return await work();
    } catch (caught) {
      context.signal.throwIfAborted();
      const error = toStorageError(caught); // any file of ours may meet the full disk
      if (!(error instanceof GatewayError)) throw error;
      // A refused login is not repeated: it would lock the account. The site rests until it is mended.
      if (error.again === 'later' || error.code === 'site_login_refused')
        throw new SiteRestsError(error);
      if (error.again !== 'now') throw error;
      const isPage = error.code === 'site_error';
      const share = error.code === 'site_unreachable' ? unreachableShare : isPage ? pageShare : 1;
      if (Date.now() + waitMs > beganMs + retryForMs / share)
        throw isPage ? error : new SiteRestsError(error);
      const pauseMs = withJitter(waitMs);
      await context.log.warning(
        `${error.message} Try ${tries} failed; the next follows in ${(pauseMs / 1000).toFixed(1)} s.`,
      );
      await context.pause(pauseMs);
    }
  }
}

/** Whether what was sent before has had time enough to arrive when a look began. */
export function hasBeenQuiet(
  { quietSinceMs, timing }: Pick<StepContext, 'quietSinceMs' | 'timing'>,
  lookBeganMs: number,
): boolean {
  return lookBeganMs - quietSinceMs >= timing.lookAgainMs;
}

/** Until what was sent before has had time enough to arrive. */
export async function untilQuiet({
  quietSinceMs,
  timing,
  pause,
}: Pick<StepContext, 'quietSinceMs' | 'timing' | 'pause'>): Promise<void> {
  await pause(Math.max(0, quietSinceMs + timing.lookAgainMs - Date.now()));
}
