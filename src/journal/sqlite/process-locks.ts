/** How long a lock in a file is held: by the life of its holder's process where that can be told. */
import { hostname } from 'node:os';
import { type Clock, msLeft } from '../../clock.ts';
import { isHeldHere, type LockRow, type LockRules } from '../gate-locks.ts';
import { livenessOf } from '../process-identity.ts';

/** A run over one gate takes seconds; a holder that is silent for this long, on another machine, is gone. */
export const processLeaseMs = 15 * 60_000;

export function processLocks(clock: Clock): LockRules {
  return { nowMs: async () => clock.now(), isHeld, endsWithPower: true };
}

/**
 * A process on this machine holds its lock as long as it lives. Where that cannot be told for sure, on another
 * machine or where only the pid is known, it holds it until the lease is over.
 */
function isHeld(row: LockRow, nowMs: number): boolean {
  // Twice as long, since machines' clocks differ; one further ahead was taken by a clock that was wrong.
  const isLeased = msLeft(Number(row.lease_until_ms), nowMs, 2 * processLeaseMs) > 0;
  if (row.host !== hostname()) return isLeased;
  const here = isHeldHere(row);
  if (here !== undefined) return here;
  const liveness = livenessOf(row.pid, row.process_identity);
  return liveness === 'unknown' ? isLeased : liveness === 'alive';
}
