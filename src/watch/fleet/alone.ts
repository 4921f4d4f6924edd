/** What a worker does while the database is away: every gate, by itself. Others do the same; all only add. */
import type { Clock } from '../../clock.ts';

export interface AloneOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  gates(): readonly string[];
  /** Never throws; gives when the gate is due again. */
  work(gate: string): Promise<number>;
}

export class AloneRounds {
  readonly #options: AloneOptions;
  readonly #dueAtMs = new Map<string, number>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(options: AloneOptions) {
    this.#options = options;
  }

  hint(gate: string): void {
    this.#dueAtMs.delete(gate);
  }

  /** Starts what is due, as far as there is room, and waits for none of it. */
  startDue(): void {
    const { clock, concurrency, gates } = this.#options;
    for (const gate of gates()) {
      if (this.#running.size >= concurrency) return;
      if (this.#running.has(gate) || (this.#dueAtMs.get(gate) ?? 0) > clock.now()) continue;
      this.#running.set(gate, this.#run(gate));
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #run(gate: string): Promise<void> {
    const nextInMs = await this.#options.work(gate);
    this.#dueAtMs.set(gate, this.#options.clock.now() + nextInMs);
    this.#running.delete(gate);
  }
}
