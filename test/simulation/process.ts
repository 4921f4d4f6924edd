/**
 * A process that can be killed at every await. What it calls the outside by (network, journal, clock) goes
 * through `call`; once it is dead nothing that it waits for ever comes back, so no line of it runs on, as
 * after a SIGKILL. What it had sent already still arrives.
 */
export class SimulatedProcess {
  #isAlive = true;
  #diesAfter = Number.POSITIVE_INFINITY;
  readonly #onDeath: () => void;
  /** How many times it came to a point where it could be killed. */
  awaits = 0;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#onDeath();
  }

  /** Dies at the n-th await from now on; each call has one before and one after what it does. */
  dieAfter(awaits: number): void {
    this.#diesAfter = this.awaits + awaits;
  }

  async call<T>(work: () => Promise<T>): Promise<T> {
    await this.#step();
    try {
      return await work();
    } finally {
      await this.#step();
    }
  }

  /** Waits as `call` does, at no point of its own: the clock is not where a process is worth killing. */
  async wait<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (!this.#isAlive) await never();
    }
  }

  #step(): Promise<void> | undefined {
    this.awaits++;
    if (this.awaits >= this.#diesAfter) this.kill();
    return this.#isAlive ? undefined : never();
  }
}

/** One for each who waits: what waits for the same promise for ever is kept for ever. */
function never(): Promise<never> {
  return new Promise(() => {});
}
