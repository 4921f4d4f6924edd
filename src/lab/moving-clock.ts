import type { Clock } from '../clock.ts';

/** The real clock, set ahead by what is slept and advanced: what waits an hour takes no time. */
export class MovingClock implements Clock {
  #aheadMs = 0;

  now = (): number => Date.now() + this.#aheadMs;

  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    this.advance(ms);
  };

  advance(ms: number): void {
    this.#aheadMs += ms;
  }
}
