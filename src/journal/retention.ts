/**
 * What the journal may forget. A poll every minute would otherwise make it grow for ever. Writes, ledgers and
 * what is ours are never forgotten.
 */
import { type Kysely, sql } from 'kysely';
import type { JournalTables } from './schema.ts';

const dayMs = 24 * 60 * 60 * 1000;

/** Longer than the window in which the plan looks for a feed's peak (30 days by default). */
export const observationRetentionMs = 40 * dayMs;
/** For so long every reading is kept, for `history` and the dashboard. */
const everyReadingMs = 2 * dayMs;

/**
 * Takes out, as part of the caller's transaction:
 * - readings older than the retention, but never a feed's last complete one;
 * - of one day's readings that found the same, all but the last, once two days have gone by. No peak is lost:
 *   the one that stays has the same count and is the newer;
 * - plans older than the retention that no write carried out, but never a gate's newest;
 * - contents that no reading has any more.
 */
export async function prune(db: Kysely<JournalTables>, nowMs: number): Promise<void> {
  const oldestMs = nowMs - observationRetentionMs;
  const thinnedMs = nowMs - everyReadingMs;
  const day = sql.lit(dayMs);
  await sql`
    delete from observation
    where (
      at_ms < ${oldestMs}
      or at_ms < ${thinnedMs} and exists (
        select 1 from observation as later
        where later.feed = observation.feed and later.complete = observation.complete
          and later.content_digest = observation.content_digest
          and later.at_ms > observation.at_ms and later.at_ms < ${thinnedMs}
          and later.at_ms - later.at_ms % ${day} = observation.at_ms - observation.at_ms % ${day}
      )
    )
    and not (complete = 1 and arrival = (
      select max(newest.arrival) from observation as newest
      where newest.feed = observation.feed and newest.complete = 1
    ))`.execute(db);
  await sql`
    delete from plan
    where at_ms < ${oldestMs}
      and checksum not in (select plan_checksum from write_record)
      and at_ms < (select max(newest.at_ms) from plan as newest where newest.gate_id = plan.gate_id)`.execute(
    db,
  );
  await sql`delete from content where digest not in (select content_digest from observation)`.execute(db);
}
