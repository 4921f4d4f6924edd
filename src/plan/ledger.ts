/**
 * The ledger of a gate: for each address that the gate has wanted, since when it is absent and in how many
 * complete readings. It is kept per gate, not per feed, so that a config edit that takes a project out of a
 * gate starts the same slow clock as Atlas dropping an address (DESIGN.md §3, invariant 4).
 */

import type { Address, Provenance } from '../address/address.ts';
import { AddressSet } from '../address/address-set.ts';
import { type Cidr, compareCidrs } from '../address/cidr.ts';
import type { LedgerRow, OwnedEntry } from '../journal/journal.ts';

export interface LedgerReading {
  /** What the gate must let in now: all its feeds, and what is pinned. */
  readonly wanted: readonly Address[];
  /** Whether every feed of the gate was read completely; if not, no absence is counted. */
  readonly complete: boolean;
  /** When its earliest feed was read: one reading is not counted twice because another was made anew. */
  readonly atMs: number;
  /** When its latest feed was read: an absence is not known before. Default `atMs`. */
  readonly latestMs?: number;
  readonly minReadGapMs: number;
}

/**
 * The ledger after one more reading. Pure. A wanted address has its clock reset; an absent one has it
 * started, or gets one more absent reading, only by a complete reading. An owned entry that no row knows
 * (the journal was restored from an older copy, say) gets a row, so that its clock can run.
 */
export function advanceLedger(
  rows: readonly LedgerRow[],
  owned: readonly OwnedEntry[],
  reading: LedgerReading,
): readonly LedgerRow[] {
  const wanted = groupByCidr(reading.wanted);
  const next = new Map<Cidr, LedgerRow>();
  for (const row of [...rows, ...rowsForUnknown(owned, rows)]) {
    if (!wanted.has(row.cidr)) next.set(row.cidr, reading.complete ? countAbsence(row, reading) : row);
  }
  const known = new Map(rows.map(row => [row.cidr, row]));
  for (const [cidr, provenance] of wanted) {
    next.set(cidr, {
      cidr,
      provenance: [...provenance, ...earlierFeeds(known.get(cidr), provenance)],
      firstWantedAtMs: known.get(cidr)?.firstWantedAtMs ?? reading.atMs,
      lastWantedAtMs: reading.atMs,
      absentSinceMs: null,
      absentReads: 0,
      lastAbsentReadAtMs: null,
    });
  }
  return [...next.values()].sort((a, b) => compareCidrs(a.cidr, b.cidr));
}

/** Starts the grace period again for some rows, as `undo` does for what it puts back. Pure. */
export function restartGrace(
  rows: readonly LedgerRow[],
  cidrs: readonly Cidr[],
  atMs: number,
): readonly LedgerRow[] {
  const putBack = AddressSet.of(cidrs);
  return rows.map(row =>
    row.absentSinceMs !== null && putBack.overlaps(row.cidr)
      ? { ...row, absentSinceMs: atMs, absentReads: 0, lastAbsentReadAtMs: null }
      : row,
  );
}

function countAbsence(row: LedgerRow, { atMs, latestMs = atMs, minReadGapMs }: LedgerReading): LedgerRow {
  // Another worker's newer reading wanted it.
  if (atMs < row.lastWantedAtMs) return row;
  if (row.absentSinceMs === null) {
    return { ...row, absentSinceMs: latestMs, absentReads: 1, lastAbsentReadAtMs: latestMs };
  }
  // One reading counts once, whoever plans on it again, with whatever gap; that of any one of the feeds, too.
  if (row.lastAbsentReadAtMs !== null && atMs <= row.lastAbsentReadAtMs) return row;
  // Two readings a moment apart may be one cached answer, and a clock that went back proves nothing.
  if (row.lastAbsentReadAtMs !== null && atMs - row.lastAbsentReadAtMs < minReadGapMs) return row;
  return { ...row, absentReads: row.absentReads + 1, lastAbsentReadAtMs: latestMs };
}

function rowsForUnknown(owned: readonly OwnedEntry[], rows: readonly LedgerRow[]): readonly LedgerRow[] {
  const exact = new Set(rows.map(row => row.cidr));
  const others = owned.filter(({ cidr }) => !exact.has(cidr));
  if (others.length === 0) return [];
  const known = AddressSet.of(exact);
  return others.flatMap(entry =>
    AddressSet.of([entry.cidr])
      .difference(known)
      .toCidrs()
      .map(cidr => ({
        cidr,
        provenance: [],
        firstWantedAtMs: entry.sinceMs,
        lastWantedAtMs: entry.sinceMs,
        absentSinceMs: null,
        absentReads: 0,
        lastAbsentReadAtMs: null,
      })),
  );
}

/** That another feed wanted it once is remembered: `undo` takes back only what no feed of Atlas ever wanted. */
function earlierFeeds(row: LedgerRow | undefined, now: readonly Provenance[]): readonly Provenance[] {
  return (row?.provenance ?? []).filter(({ feed }) => !now.some(current => current.feed === feed));
}

function groupByCidr(addresses: readonly Address[]): Map<Cidr, Provenance[]> {
  const groups = new Map<Cidr, Provenance[]>();
  for (const { cidr, provenance } of addresses) {
    const group = groups.get(cidr);
    if (group) group.push(provenance);
    else groups.set(cidr, [provenance]);
  }
  return groups;
}
