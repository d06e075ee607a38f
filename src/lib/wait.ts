import { setTimeout as timeout } from 'node:timers/promises';

/** A pause that ends early, by throwing the signal's reason, when the signal says so. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  try {
    await timeout(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Half to all of `ms`, so that many who wait for the same thing do not come back together. */
export function withJitter(ms: number): number {
  return ms / 2 + Math.random() * (ms / 2);
}
