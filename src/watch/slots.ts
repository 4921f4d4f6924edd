/** Lets at most so many pieces of work go on at once; the others wait in order. */
export class Slots {
  #limit: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  set limit(limit: number) {
    this.#limit = limit;
    this.#admit();
  }

  get isFree(): boolean {
    return this.#taken < this.#limit;
  }

  /** @returns a function that gives the slot back; calling it again does nothing */
  async take(): Promise<() => void> {
    if (!this.isFree) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.#taken++;
    return this.#giver();
  }

  /** Undefined when none is free. */
  tryTake(): (() => void) | undefined {
    if (!this.isFree) return undefined;
    this.#taken++;
    return this.#giver();
  }

  #giver(): () => void {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.#taken--;
      this.#admit();
    };
  }

  #admit(): void {
    while (this.isFree && this.#waiting.length > 0) {
      this.#taken++;
      this.#waiting.shift()!();
    }
  }
}
