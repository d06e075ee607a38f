import { GatewayError } from '../../lib/errors.ts';
import { readServiceRoot } from '../../sites/rest-services.ts';
import type { JobContext } from '../job-type.ts';
import type { Decision, Publishing } from './publishing-context.ts';

export type OutageWatch = {
  /** Ends watching. @returns how long the service did not answer, in ms; null when nobody could tell */
  stop: () => number | null;
};

/**
 * Replacing interrupts a service for as long as the site's restart takes. Asks for it now and then, as a
 * user would, and adds up the time without an answer. Only a watch from begin to end tells something.
 */
export function watchForOutage(
  { site }: Publishing,
  decision: Decision,
  context: JobContext,
): OutageWatch {
  const isWatched =
    decision.action === 'replace' &&
    decision.live?.realTimeState === 'STARTED' &&
    context.isFirstAttempt;
  if (!isWatched) return { stop: () => null };
  const ended = new AbortController();
  let outageMs = 0;
  let downSinceMs: number | undefined;
  const watching = (async () => {
    const signal = AbortSignal.any([ended.signal, context.signal]);
    while (!signal.aborted) {
      const askedMs = Date.now();
      const answers = await doesAnswer(site, decision, signal);
      if (signal.aborted) return;
      if (!answers) downSinceMs ??= askedMs;
      else if (downSinceMs !== undefined) {
        outageMs += askedMs - downSinceMs;
        downSinceMs = undefined;
      }
      await context.pause(context.timing.outageProbeMs);
    }
  })();
  watching.catch(() => undefined); // it ends with the attempt; then its result is not asked for
  return {
    stop: () => {
      ended.abort();
      return outageMs + (downSinceMs === undefined ? 0 : Date.now() - downSinceMs);
    },
  };
}

async function doesAnswer(
  site: Publishing['site'],
  decision: Decision,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await readServiceRoot(site, decision.target, { signal });
    return true;
  } catch (error) {
    if (error instanceof GatewayError) return false;
    throw error;
  }
}
