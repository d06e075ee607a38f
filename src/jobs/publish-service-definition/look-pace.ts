import type { Timing } from '../../lib/timing.ts';

const quickLooks = 10;

/**
 * When a site job is looked at: often at first and around its probable end, ever more rarely otherwise. Most publishes
 * are short: whoever waits for one shall not wait longer for us than for the site. Two looks are never closer than
 * `pollMinMs`.
 */
export class LookPace {
  readonly #timing: Pick<Timing, 'pollMinMs' | 'pollMaxMs'>;
  readonly #endMs: number | undefined;
  #waitMs: number;

  /** @param endMs when the site job will probably have ended, in milliseconds since its submission */
  constructor(timing: Pick<Timing, 'pollMinMs' | 'pollMaxMs'>, endMs?: number) {
    this.#timing = timing;
    this.#endMs = endMs;
    this.#waitMs = timing.pollMinMs / growth;
  }

  /** The pause before the next look, so many milliseconds after the submission. */
  next(sinceMs: number): number {
    const { pollMinMs, pollMaxMs } = this.#timing;
    this.#waitMs = this.#isQuick(sinceMs) ? pollMinMs : Math.min(this.#waitMs * growth, pollMaxMs);
    const toEndMs = (this.#endMs ?? 0) - sinceMs;
    // A look that would come shortly before the probable end is left out for one right at it.
    return toEndMs >= pollMinMs && toEndMs < this.#waitMs + pollMinMs ? toEndMs : this.#waitMs;
  }

  #isQuick(sinceMs: number): boolean {
    const quickMs = quickLooks * this.#timing.pollMinMs;
    const pastEndMs = this.#endMs === undefined ? -1 : sinceMs - this.#endMs;
    return sinceMs < quickMs || (pastEndMs >= 0 && pastEndMs < quickMs);
  }
}

const growth = 1.3;

/** The moment at which to look would have cost the least waiting in the past; nothing without one. */
export function findBestLook(pastMs: readonly number[], everyMs: number): number | undefined {
  const costOf = (lookMs: number) =>
    pastMs.reduce((sum, endedMs) => sum + waitedFor(lookMs - endedMs, everyMs), 0);
  const costs = pastMs.map((lookMs) => ({ lookMs, cost: costOf(lookMs) }));
  return costs.sort((one, other) => one.cost - other.cost)[0]?.lookMs;
}

/** What ended long before was found by an earlier look, what ends later by one that follows. */
function waitedFor(lateMs: number, everyMs: number): number {
  if (lateMs > everyMs) return everyMs / 2;
  return lateMs >= 0 ? lateMs : everyMs - (-lateMs % everyMs || everyMs);
}
