import type { GateStatus, WatchStatus } from './status.ts';

/** A run takes seconds, and who works on a gate by hand minutes. */
const unseenTooLongMs = 15 * 60_000;

/** For how long nobody has looked at the gate, where that is too long though no run failed; else undefined. Pure. */
export function unseenForMs(
  gate: Pick<GateStatus, 'unseenSinceMs' | 'isRunning' | 'nextAtMs' | 'plannedAtMs'>,
  nowMs: number,
): number | undefined {
  const { plannedAtMs = Number.NEGATIVE_INFINITY } = gate;
  // Where none was begun: since it should have been, as where every place is taken.
  const sinceMs = gate.unseenSinceMs ?? (gate.isRunning ? undefined : gate.nextAtMs);
  if (sinceMs === undefined) return undefined;
  // In a fleet another worker may have looked meanwhile.
  const forMs = nowMs - Math.max(sinceMs, plannedAtMs);
  return forMs >= unseenTooLongMs ? forMs : undefined;
}

/**
 * Why not all is well; empty when it is: every feed is complete, every gate was found or brought in step and
 * lets Atlas in, and the journal can be used. Pure.
 */
export function troubles(
  status: Pick<WatchStatus, 'nowMs' | 'feeds' | 'gates' | 'journal'>,
): readonly string[] {
  const { nowMs, feeds, gates, journal } = status;
  return [
    ...(journal.available ? [] : [`the journal cannot be used (${journal.because ?? 'unknown'})`]),
    ...feeds
      .filter(({ complete }) => complete !== true)
      .map(
        ({ feed, complete }) =>
          `feed ${feed} ${complete === undefined ? 'has not been read' : 'is incomplete'}`,
      ),
    ...gates.flatMap(gate => {
      const { name, coverage, consecutiveFailures, lastRun } = gate;
      if (unseenForMs(gate, nowMs) !== undefined) return [`gate ${name} has not been looked at for long`];
      if (lastRun === undefined) return [`gate ${name} has not been looked at`];
      if (consecutiveFailures > 0 || lastRun.status === 'failed') return [`gate ${name} fails`];
      if (coverage === 'locked-out') return [`gate ${name} does not let in every address`];
      return coverage === 'let-in' ? [] : [`for gate ${name} it cannot be told`];
    }),
  ];
}
