/** Time, handed in: one seed replays a whole simulated year, and tests never sleep. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * How long to wait still for a moment that was set at most `longestMs` ahead; 0 once it has come. One that is further
 * away was set by a clock that was ahead and is right again: waited for, it would hold things up for days.
 */
export function msLeft(untilMs: number, nowMs: number, longestMs: number): number {
  const leftMs = untilMs - nowMs;
  return leftMs > longestMs ? 0 : Math.max(0, leftMs);
}

/** Two machines' clocks differ by this much without being wrong. */
const toleranceMs = 60_000;

/** Whether something that is said to have happened can have: else the clock of whoever says so was ahead. */
export function isPast(atMs: number, nowMs: number): boolean {
  return atMs <= nowMs + toleranceMs;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
