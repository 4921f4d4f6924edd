/** The runs under way, also those of gates that have left the config, and the places that they take. */
import type { Clock } from '../clock.ts';
import type { CloudName, GateWatch } from './gate-watch.ts';
import { Slots } from './slots.ts';

/** A run takes seconds, or minutes where a cloud is slow; one that takes longer gives up its place. */
const hangMs = 15 * 60_000;

export interface RunsOptions {
  readonly clock: Clock;
  /** So many at once for each cloud: one that hangs does not take the places of the others. */
  readonly concurrency: number;
  fault(where: string, error: unknown): void;
  onEnd(gate: GateWatch): void;
  onHang(gate: GateWatch): void;
}

interface UnderWay {
  readonly done: Promise<void>;
  /** Ends whoever waits for it, since it hangs. */
  readonly giveUp: () => void;
  /** Gives the place back; again: nothing. */
  giveBack(): void;
  isHanging: boolean;
}

export class Runs {
  readonly #options: RunsOptions;
  readonly #slots: Record<CloudName, Slots>;
  readonly #underWay = new Map<GateWatch, UnderWay>();

  constructor(options: RunsOptions) {
    this.#options = options;
    const slots = () => new Slots(options.concurrency);
    this.#slots = { aws: slots(), azure: slots(), gcp: slots() };
  }

  get count(): number {
    return this.#underWay.size;
  }

  set concurrency(limit: number) {
    for (const slots of Object.values(this.#slots)) slots.limit = limit;
  }

  isRoomFor(gate: GateWatch): boolean {
    return this.#slots[gate.cloud].isFree;
  }

  /** @returns the run to its end, or until it is seen to hang; never rejects; undefined where there is no room */
  tryStart(gate: GateWatch): Promise<void> | undefined {
    const giveBack = this.#slots[gate.cloud].tryTake();
    if (!giveBack) return undefined;
    const done = gate
      .run()
      .catch(error => this.#options.fault(`gate ${gate.name}`, error))
      .then(() => {
        giveBack();
        this.#underWay.delete(gate);
        this.#options.onEnd(gate);
      });
    const { promise: givenUp, resolve: giveUp } = Promise.withResolvers<void>();
    this.#underWay.set(gate, { done, giveUp, giveBack, isHanging: false });
    return Promise.race([done, givenUp]);
  }

  /** A run that hangs must not keep the other gates of its cloud from their turn. */
  freeHanging(): void {
    const nowMs = this.#options.clock.now();
    for (const [gate, run] of this.#underWay) {
      if (!gate.running || nowMs - gate.running.sinceMs < hangMs || run.isHanging) continue;
      run.isHanging = true;
      run.giveBack();
      run.giveUp();
      this.#options.onHang(gate);
    }
  }

  async ended(): Promise<void> {
    await Promise.all([...this.#underWay.values()].map(({ done }) => done));
  }
}
