import type { Clock } from '../clock.ts';

/** Sleeps that can be ended from elsewhere. A wake that comes while nobody sleeps ends the next sleep. */
export class Waker {
  readonly #clock: Clock;
  #sleeping: AbortController | undefined;
  #isWoken = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#isWoken = true;
    this.#sleeping?.abort(new Error('woken'));
  }

  /** Never throws. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isWoken && ms > 0) {
      this.#sleeping = new AbortController();
      await this.#clock.sleep(ms, this.#sleeping.signal).catch(() => {});
      this.#sleeping = undefined;
    }
    this.#isWoken = false;
  }
}

/** What a promise gives, or `late` once it has taken too long. The promise itself goes on. */
export async function within<T, L>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => L,
  stop?: AbortSignal,
): Promise<T | L> {
  const timer = new AbortController();
  const signal = stop ? AbortSignal.any([timer.signal, stop]) : timer.signal;
  const timeout = clock.sleep(ms, signal).then(late, () => {
    // Ended because the promise came first, in which case nobody looks at this; or because of `stop`.
    return late();
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    timer.abort(new Error('done'));
  }
}
