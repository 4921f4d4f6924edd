/** What a worker does while the database is away: every gate, by itself. Others do the same; all only add. */
import { type Clock, msLeft } from '../../clock.ts';

export interface AloneOptions {
  readonly clock: Clock;
  concurrency(): number;
  gates(): readonly string[];
  /** Never throws; gives when the gate is due again. */
  work(gate: string): Promise<number>;
}

export class AloneRounds {
  readonly #options: AloneOptions;
  readonly #due = new Map<string, { readonly atMs: number; readonly waitMs: number }>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: AloneOptions) {
    this.#options = options;
  }

  hint(gate: string): void {
    this.#due.delete(gate);
  }

  /** Starts what is due, as far as there is room, and waits for none of it. */
  startDue(): void {
    const { clock, concurrency, gates } = this.#options;
    for (const gate of gates()) {
      if (this.#running.size >= concurrency()) return;
      const due = this.#due.get(gate);
      if (this.#running.has(gate) || (due && msLeft(due.atMs, clock.now(), due.waitMs) > 0)) continue;
      this.#running.set(gate, this.#run(gate));
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #run(gate: string): Promise<void> {
    const waitMs = await this.#options.work(gate);
    this.#due.set(gate, { atMs: this.#options.clock.now() + waitMs, waitMs });
    this.#running.delete(gate);
  }
}
