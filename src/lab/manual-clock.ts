import type { Clock } from '../clock.ts';

/** A clock that stands still but for `advance` and `sleep`: what waits an hour takes no time. */
export class ManualClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now = (): number => this.#nowMs;

  sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    this.advance(ms);
  };

  advance(ms: number): void {
    this.#nowMs += ms;
  }
}
