/** Never earlier than said, up to a tenth later: receivers that were away are not all called at once. */
const jitter = 0.1;
/** A receiver may ask for patience, not for being called in a year. */
const longestRetryAfterMs = 24 * 3_600_000;

/**
 * When the attempt after `tries` attempts is due; undefined when the schedule is over.
 *
 * @param scheduleSeconds pause before each attempt, the first one included
 */
export function toNextAttemptMs(
  scheduleSeconds: readonly number[],
  { tries, retryAfterMs = 0, nowMs }: { tries: number; retryAfterMs?: number; nowMs: number },
): number | undefined {
  const seconds = scheduleSeconds[tries];
  if (seconds === undefined) return undefined;
  const scheduledMs = seconds * 1000 * (1 + Math.random() * jitter);
  return Math.ceil(nowMs + Math.max(scheduledMs, Math.min(retryAfterMs, longestRetryAfterMs)));
}
