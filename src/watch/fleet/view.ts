/**
 * How every gate of a fleet stands, for each of its workers: whoever looked at a gate writes that into the shared
 * journal, and all read it. It is for answering and telling alone; nothing is written to a gate by it.
 */
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import type { Journal } from '../../journal/journal.ts';
import type { GateStatus } from '../status.ts';

const prefix = 'gate-status/';
/** What another worker saw is known here after this time at the latest. */
const refreshMs = 3_000;

export interface FleetViewOptions {
  /** Undefined while it cannot be used: then each worker knows what it saw itself. */
  journal(): Journal | undefined;
  readonly clock: Clock;
  /** Told when something is new. */
  onNews(): void;
}

/** As much of it as decides here; a worker of another version may write more. */
const shared = z.looseObject({
  name: z.string(),
  nextAtMs: z.number(),
  lastRun: z.looseObject({ endedAtMs: z.number() }),
});

export class FleetView {
  readonly #options: FleetViewOptions;
  #gates = new Map<string, GateStatus>();

  constructor(options: FleetViewOptions) {
    this.#options = options;
  }

  /** Tells the others. Never throws: without the journal they see it after a later run. */
  async publish(status: GateStatus): Promise<void> {
    await this.#options
      .journal()
      ?.remember(prefix + status.name, status)
      .catch(() => {});
  }

  /** Reads what the others have told, again and again. Never throws. */
  async keepFresh(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#refresh().catch(() => {});
      await this.#options.clock.sleep(refreshMs, stop).catch(() => {});
    }
  }

  async #refresh(): Promise<void> {
    const told = await this.#options.journal()?.recallAll(prefix);
    if (!told) return;
    const before = this.#gates;
    this.#gates = new Map(
      [...told.values()].flatMap(value => {
        const { success, data } = shared.safeParse(value);
        return success ? [[data.name, value as GateStatus] as const] : [];
      }),
    );
    const isNew = ({ name, lastRun }: GateStatus) =>
      before.get(name)?.lastRun?.endedAtMs !== lastRun?.endedAtMs;
    if ([...this.#gates.values()].some(isNew)) this.#options.onNews();
  }

  /** A gate as it was left by whoever looked at it last; its config is this worker's own. */
  newest(own: GateStatus): GateStatus {
    const other = this.#gates.get(own.name);
    if (!other || own.isRunning || endOf(other) <= endOf(own)) return own;
    const { kind, policy, projects } = own;
    return { ...other, kind, policy, projects, isRunning: false };
  }
}

function endOf({ lastRun }: GateStatus): number {
  return lastRun?.endedAtMs ?? Number.NEGATIVE_INFINITY;
}
