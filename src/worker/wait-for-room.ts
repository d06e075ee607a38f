import type { JobRecord, Parked } from '../jobs/job-record.ts';
import type { GatewayError } from '../lib/errors.ts';
import type { Timing } from '../lib/timing.ts';

/** A disk is mended by people or by the sweeper: after a while nobody looks more often than this many pauses. */
const longestPauses = 16;

/**
 * How a job waits that met a full disk of our own. No site is closed for it: what needs no room goes on. Each try
 * in a row waits longer, for it begins its step anew.
 */
export function waitForRoom(
  { attempts }: Pick<JobRecord, 'attempts'>,
  reason: Pick<GatewayError, 'message'>,
  { siteClosedMs }: Pick<Timing, 'siteClosedMs'>,
): Parked {
  const before = attempts.filter(({ outcome }) => outcome !== undefined);
  const others = before.findLastIndex(({ outcome }) => outcome !== 'rested');
  const pauses = Math.min(2 ** (before.length - 1 - others), longestPauses);
  return {
    reason: 'storage',
    detail: `The disk of the gateway is full: ${reason.message} The job goes on when there is room.`,
    untilMs: Date.now() + pauses * siteClosedMs,
  };
}
