import type { Clock } from '../../src/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  fire(): void;
}

/**
 * A clock that stands still until `advance`: whoever sleeps is woken in order, and what they do then is done
 * before time goes on. `set` moves the wall clock alone, as an administrator or a machine's sleep does.
 */
export class SimClock implements Clock {
  #wallMs: number;
  /** Time as timers measure it: setting the wall clock does not move it. */
  #monotonicMs = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs: number) {
    this.#wallMs = startMs;
  }

  now = (): number => this.#wallMs;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const end = () => {
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(signal!.reason);
      };
      const timer: Timer = {
        atMs: this.#monotonicMs + ms,
        order: this.#order++,
        fire: () => {
          end();
          resolve();
        },
      };
      this.#timers.add(timer);
      signal?.addEventListener('abort', onAbort, { once: true });
    });

  set(wallMs: number): void {
    this.#wallMs = wallMs;
  }

  get sleepers(): number {
    return this.#timers.size;
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    for (;;) {
      await settled();
      const next = [...this.#timers]
        .filter(({ atMs }) => atMs <= untilMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      const toMs = next ? Math.max(next.atMs, this.#monotonicMs) : untilMs;
      this.#wallMs += toMs - this.#monotonicMs;
      this.#monotonicMs = toMs;
      if (!next) break;
      next.fire();
    }
    await settled();
  }
}

/** Everything that waits for no clock has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise<void>(resolve => setImmediate(resolve));
}
