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

/** A pause that never fails, and can be ended from outside: it leaves neither timer nor listener behind. */
export function startPause(
  ms: number,
  signal: AbortSignal,
): { over: Promise<void>; end: () => void } {
  let end = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(() => end(), ms);
    end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  return { over, end: () => end() };
}

/** Half to all of `ms`, so that many who wait for the same thing do not come back together. */
export function withJitter(ms: number): number {
  return ms / 2 + Math.random() * (ms / 2);
}
