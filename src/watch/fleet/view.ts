/**
 * How every gate of a fleet stands, for each of its workers: whoever looked at a gate writes that into the shared
 * journal, and all read it. It is for answering and telling alone; nothing is written to a gate by it.
 */
import { z } from 'zod';
import { type Clock, isPast } from '../../clock.ts';
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
  plannedAtMs: z.number().optional(),
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
    const key = prefix + status.name;
    try {
      const journal = this.#options.journal();
      const told = statusOf(await journal?.recall(key));
      await journal?.remember(key, told ? this.#newest(status, told) : status);
    } catch {
      // As above.
    }
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
        const status = statusOf(value);
        return status ? [[status.name, status] as const] : [];
      }),
    );
    const isNew = ({ name, lastRun }: GateStatus) =>
      before.get(name)?.lastRun?.endedAtMs !== lastRun?.endedAtMs;
    if ([...this.#gates.values()].some(isNew)) this.#options.onNews();
  }

  /** A gate as it was left by whoever looked at it last; its config is this worker's own. */
  newest(own: GateStatus): GateStatus {
    const other = this.#gates.get(own.name);
    return other ? this.#newest(own, other) : own;
  }

  #newest(own: GateStatus, other: GateStatus): GateStatus {
    return newestParts(own, other, this.#options.clock.now());
  }

  /** When another worker's newest run over a gate ended. */
  endedAtMs(gate: string): number | undefined {
    const atMs = this.#gates.get(gate)?.lastRun?.endedAtMs;
    return atMs !== undefined && isPast(atMs, this.#options.clock.now()) ? atMs : undefined;
  }
}

function statusOf(value: unknown): GateStatus | undefined {
  return shared.safeParse(value).success ? (value as GateStatus) : undefined;
}

/**
 * Two workers' word on one gate: of each part the newer one. A run that was refused, or failed before it came to a
 * plan, says nothing of how the gate stands: what its worker knows of that may be hours old. Nor does one that a
 * clock that was ahead has dated: it would be the newer one for as long as that was ahead. Pure.
 *
 * @param own whose config, and whose being at work, counts
 */
export function newestParts(own: GateStatus, other: GateStatus, nowMs: number): GateStatus {
  const latest = (timeOf: (status: GateStatus) => number | undefined) =>
    pastOf(timeOf(other), nowMs) > pastOf(timeOf(own), nowMs) ? other : own;
  const ran = latest(({ lastRun }) => lastRun?.endedAtMs);
  const planned = latest(({ plannedAtMs }) => plannedAtMs);
  const wrote = latest(({ lastWrite }) => lastWrite?.atMs);
  const wasGood = latest(({ lastGoodRunAtMs }) => lastGoodRunAtMs);
  return {
    ...own,
    id: planned.id ?? ran.id,
    coverage: planned.coverage,
    lets: planned.lets,
    missing: planned.missing,
    plannedAtMs: planned.plannedAtMs,
    planChecksum: planned.planChecksum,
    pendingRemovals: planned.pendingRemovals,
    closing: planned.closing,
    guards: planned.guards,
    findings: planned.findings,
    usage: planned.usage,
    lastRun: ran.lastRun,
    nextAtMs: ran.nextAtMs,
    consecutiveFailures: ran.consecutiveFailures,
    backOff: ran.backOff,
    // A run of this worker's that hangs ends nowhere, and so is nobody's newest.
    unseenSinceMs: own.isRunning ? own.unseenSinceMs : ran.unseenSinceMs,
    lastGoodRunAtMs: wasGood.lastGoodRunAtMs,
    lastWrite: wrote.lastWrite,
    soakUntilMs: wrote.soakUntilMs,
  };
}

/** Of what never happened, or cannot have yet, as of what is infinitely long ago. */
function pastOf(atMs: number | undefined, nowMs: number): number {
  return atMs !== undefined && isPast(atMs, nowMs) ? atMs : Number.NEGATIVE_INFINITY;
}
