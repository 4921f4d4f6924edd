/**
 * How a gate's ledger lies in its table. Almost every reading finds what the one before it found, so only rows
 * that are another are written. The time at which they were last wanted is always another, and is the same for
 * nearly all: it stands once, in `ledger_reading`, and a row that shares it has `atTheReading` in its place.
 */
import type { Kysely, Selectable } from 'kysely';
import type { Cidr } from '../address/cidr.ts';
import { chunksOf } from './chunks.ts';
import { JournalError } from './errors.ts';
import type { LedgerRow } from './journal.ts';
import type { JournalTables } from './schema.ts';

type StoredRow = Selectable<JournalTables['ledger']>;

/** No time: epochs are not negative. */
const atTheReading = -1;

const values = [
  'provenance',
  'first_wanted_at_ms',
  'last_wanted_at_ms',
  'absent_since_ms',
  'absent_reads',
  'last_absent_read_at_ms',
] as const satisfies readonly (keyof StoredRow)[];

interface Stored {
  readonly rows: readonly StoredRow[];
  readonly lastWantedAtMs: number;
  readonly saves: number;
}

/** A run saves what it read a moment ago: so many runs may be between the one and the other. */
const rememberedLedgers = 64;

export class LedgerRows {
  /** Gate → what was read of it last, until it is saved. */
  readonly #read = new Map<string, Stored>();

  async read(db: Kysely<JournalTables>, gateId: string): Promise<readonly LedgerRow[]> {
    const stored = await readStored(db, gateId);
    this.#read.delete(gateId);
    this.#read.set(gateId, stored);
    if (this.#read.size > rememberedLedgers) this.#read.delete(this.#read.keys().next().value!);
    return stored.rows.map(row => ledgerRow(row, stored.lastWantedAtMs));
  }

  /**
   * Has the gate's ledger be `rows`, within the caller's transaction.
   *
   * @throws JournalError when an address is in it twice
   */
  async write(db: Kysely<JournalTables>, gateId: string, rows: readonly LedgerRow[]): Promise<void> {
    const sharedMs = Math.max(0, ...rows.map(row => row.lastWantedAtMs));
    const wanted = new Map(rows.map(row => [row.cidr as string, storedRow(gateId, row, sharedMs)]));
    if (wanted.size < rows.length) {
      throw new JournalError(
        `A ledger of gate ${gateId} has an address twice. Nothing was written.`,
        'This is a defect in Postern: please report it.',
      );
    }
    const stored = await this.#storedNow(db, gateId);
    const known = new Map(stored.rows.map(row => [row.cidr, row]));
    await remove(
      db,
      gateId,
      stored.rows.map(({ cidr }) => cidr).filter(cidr => !wanted.has(cidr)),
    );
    await put(
      db,
      [...wanted.values()].filter(row => !isSame(row, known.get(row.cidr))),
    );
    const reading = { last_wanted_at_ms: sharedMs, saves: stored.saves + 1 };
    await db
      .insertInto('ledger_reading')
      .values({ gate_id: gateId, ...reading })
      .onConflict(oc => oc.column('gate_id').doUpdateSet(reading))
      .execute();
  }

  /**
   * Whether saving `rows` starts a clock again that was running, as far as what was read tells. Lost, such a save would
   * let it run on from where it began.
   */
  resets(gateId: string, rows: readonly LedgerRow[]): boolean {
    const read = this.#read.get(gateId);
    if (!read) return true;
    const absent = new Set(read.rows.filter(row => row.absent_since_ms !== null).map(({ cidr }) => cidr));
    return rows.some(({ cidr, absentSinceMs }) => absentSinceMs === null && absent.has(cidr));
  }

  /** What this process read last, unless another saved since. */
  async #storedNow(db: Kysely<JournalTables>, gateId: string): Promise<Stored> {
    const read = this.#read.get(gateId);
    this.#read.delete(gateId);
    const saves = read && (await readReading(db, gateId))?.saves;
    return read && saves === read.saves ? read : await readStored(db, gateId);
  }
}

async function readStored(db: Kysely<JournalTables>, gateId: string): Promise<Stored> {
  // First, so that rows which are saved meanwhile are taken for older than they are, and read again.
  const reading = await readReading(db, gateId);
  const rows = await db.selectFrom('ledger').selectAll().where('gate_id', '=', gateId).execute();
  return { rows, lastWantedAtMs: reading?.last_wanted_at_ms ?? 0, saves: reading?.saves ?? 0 };
}

async function readReading(
  db: Kysely<JournalTables>,
  gateId: string,
): Promise<{ last_wanted_at_ms: number; saves: number } | undefined> {
  return await db
    .selectFrom('ledger_reading')
    .select(['last_wanted_at_ms', 'saves'])
    .where('gate_id', '=', gateId)
    .executeTakeFirst();
}

async function remove(db: Kysely<JournalTables>, gateId: string, cidrs: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(cidrs, 500)) {
    await db.deleteFrom('ledger').where('gate_id', '=', gateId).where('cidr', 'in', chunk).execute();
  }
}

async function put(db: Kysely<JournalTables>, rows: readonly StoredRow[]): Promise<void> {
  for (const chunk of chunksOf(rows, 100)) {
    await db
      .insertInto('ledger')
      .values(chunk)
      .onConflict(oc =>
        oc
          .columns(['gate_id', 'cidr'])
          .doUpdateSet(({ ref }) =>
            Object.fromEntries(values.map(column => [column, ref(`excluded.${column}`)])),
          ),
      )
      .execute();
  }
}

function ledgerRow(row: StoredRow, sharedMs: number): LedgerRow {
  const lastWantedAtMs = Number(row.last_wanted_at_ms);
  return {
    cidr: row.cidr as Cidr,
    provenance: JSON.parse(row.provenance),
    firstWantedAtMs: Number(row.first_wanted_at_ms),
    lastWantedAtMs: lastWantedAtMs === atTheReading ? sharedMs : lastWantedAtMs,
    absentSinceMs: numberOrNull(row.absent_since_ms),
    absentReads: row.absent_reads,
    lastAbsentReadAtMs: numberOrNull(row.last_absent_read_at_ms),
  };
}

function storedRow(gateId: string, row: LedgerRow, sharedMs: number): StoredRow {
  return {
    gate_id: gateId,
    cidr: row.cidr,
    provenance: JSON.stringify(row.provenance),
    first_wanted_at_ms: row.firstWantedAtMs,
    last_wanted_at_ms: row.lastWantedAtMs === sharedMs ? atTheReading : row.lastWantedAtMs,
    absent_since_ms: row.absentSinceMs,
    absent_reads: row.absentReads,
    last_absent_read_at_ms: row.lastAbsentReadAtMs,
  };
}

function isSame(row: StoredRow, known: StoredRow | undefined): boolean {
  return known !== undefined && values.every(column => row[column] === known[column]);
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}
