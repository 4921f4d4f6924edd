/** How long a lock in a database is held: by its lease alone, which its holder renews while it works. */
import { type Kysely, sql } from 'kysely';
import { elapsedMs, type Keeping, type KeptLock, type LockRules, momentNow } from '../gate-locks.ts';
import type { JournalTables } from '../schema.ts';

/** A worker that was killed is replaced after this long. */
export const fleetLeaseMs = 15_000;
/** Renewed so often that one failure, and a second try, do not lose it. */
const renewalsPerLease = 3;
/** For a holder the lease ends earlier than for everyone else: a write that is just being sent must arrive. */
const certainShare = 0.8;

export const leasedLocks: LockRules = {
  /** The database's own clock: those of the workers' machines differ. */
  nowMs: async (db: Kysely<JournalTables>) => {
    const { rows } = await sql<{
      now: number;
    }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
    return rows[0]!.now;
  },
  isHeld: (row, nowMs) => Number(row.lease_until_ms) > nowMs,
  // The holder is on another machine than the database.
  endsWithPower: false,
  keep,
};

/** Real timers, whatever the clock is: a lease guards against real machines that stand still. */
function keep({ leaseMs, askedAt, renew }: KeptLock): Keeping {
  let wholeAt = askedAt;
  let state: 'held' | 'lost' | 'stopped' = 'held';
  let isRenewing = false;
  const timer = setInterval(async () => {
    if (isRenewing) return;
    isRenewing = true;
    const askedAgainAt = momentNow();
    try {
      if (await renew()) wholeAt = askedAgainAt;
      else state = 'lost';
    } catch {
      // The next tick tries again; until then the lease runs, and `isCertain` knows.
    } finally {
      isRenewing = false;
    }
    if (state !== 'held') clearInterval(timer);
  }, leaseMs / renewalsPerLease);
  timer.unref();
  return {
    isCertain: () => state === 'held' && elapsedMs(wholeAt) < leaseMs * certainShare,
    stop: () => {
      state = 'stopped';
      clearInterval(timer);
    },
  };
}
