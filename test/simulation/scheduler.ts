/**
 * Simulated time: a queue of events, run one after another. Time stands still while one runs, with all that
 * it sets going, and then jumps to the next. Events of the same instant run in the order they were asked for.
 */
export interface Timer {
  cancel(): void;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export class Scheduler {
  nowMs: number;
  #order = 0;
  /** A binary heap, the next event first. */
  readonly #queue: Event[] = [];
  readonly #onAdvance: (fromMs: number, toMs: number) => void;
  /** How many events were run. */
  count = 0;

  /** @param onAdvance told of each span in which nothing changes, before time moves over it */
  constructor(startMs: number, onAdvance: (fromMs: number, toMs: number) => void) {
    this.nowMs = startMs;
    this.#onAdvance = onAdvance;
  }

  at(atMs: number, run: () => void): Timer {
    const event: Event = { atMs: Math.max(atMs, this.nowMs), order: this.#order++, run };
    this.#push(event);
    return {
      cancel: () => {
        event.run = undefined;
      },
    };
  }

  after(ms: number, run: () => void): Timer {
    return this.at(this.nowMs + ms, run);
  }

  /** Rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** When the next event is. */
  get nextMs(): number {
    while (this.#queue.length > 0 && !this.#queue[0]!.run) this.#pop();
    return this.#queue[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Runs every event up to and including `untilMs`, and lets time come to it. */
  async run(untilMs: number): Promise<void> {
    await settled();
    while (this.#queue.length > 0 && this.#queue[0]!.atMs <= untilMs) {
      const event = this.#pop();
      if (!event.run) continue;
      this.#advance(event.atMs);
      this.count++;
      event.run();
      await settled();
      if (this.count % breatheEvery === 0) await new Promise(setImmediate);
    }
    this.#advance(untilMs);
  }

  #advance(toMs: number): void {
    if (toMs <= this.nowMs) return;
    this.#onAdvance(this.nowMs, toMs);
    this.nowMs = toMs;
  }

  #push(event: Event): void {
    const queue = this.#queue;
    let index = queue.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, queue[parent]!)) break;
      queue[index] = queue[parent]!;
      index = parent;
    }
    queue[index] = event;
  }

  #pop(): Event {
    const queue = this.#queue;
    const first = queue[0]!;
    const last = queue.pop()!;
    let index = 0;
    for (let child = 1; child < queue.length; child = 2 * index + 1) {
      if (child + 1 < queue.length && isBefore(queue[child + 1]!, queue[child]!)) child++;
      if (!isBefore(queue[child]!, last)) break;
      queue[index] = queue[child]!;
      index = child;
    }
    if (queue.length > 0) queue[index] = last;
    return first;
  }
}

/** A tick runs when every promise that could go on has gone on; what a tick itself sets going has one more. */
async function settled(): Promise<void> {
  await new Promise<void>(resolve => process.nextTick(() => process.nextTick(resolve)));
}

/** Ticks starve what the machine itself has to do, such as the messages of a worker: it has its turn now and then. */
const breatheEvery = 5_000;

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
