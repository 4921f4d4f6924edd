/**
 * Copies a whole journal from one database to another, SQLite or PostgreSQL: every row of every table, ids
 * included, in one transaction of the target. Interrupted at any point it leaves the target as empty as it was,
 * and the source is only read.
 */
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { canonicalJson } from './canonical-json.ts';
import { JournalError } from './errors.ts';
import type { JournalTables } from './schema.ts';
import type { SqlStore } from './sql-store.ts';

/** What is copied, in an order in which each row's references are there already, with what sorts its rows. */
const copiedTables = {
  content: ['digest'],
  observation: ['id'],
  ledger: ['gate_id', 'cidr'],
  ledger_reading: ['gate_id'],
  owned: ['gate_id', 'cidr'],
  write_record: ['id'],
  plan: ['gate_id', 'at_ms', 'checksum', 'json'],
  coverage: ['gate_id', 'at_ms'],
  memo: ['key'],
  approval: ['id'],
} as const satisfies Partial<Record<keyof JournalTables, readonly string[]>>;

/** Locks belong to processes that work on the source: there must be none. */
const leftOut = ['gate_lock'] as const satisfies readonly (keyof JournalTables)[];

/** A table that is in neither list does not compile: it would be lost on the way. */
type Missing = Exclude<keyof JournalTables, keyof typeof copiedTables | (typeof leftOut)[number]>;
const nothingMissing: [Missing] extends [never] ? true : Missing = true;

type Table = keyof typeof copiedTables;
const tables = Object.keys(nothingMissing && copiedTables) as readonly Table[];

/** A row of a ledger has nine values, and SQLite takes 32,766 in one statement. */
const rowsAtOnce = 500;

export interface TableCopy {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 over what all rows hold, in whatever order they come. */
  readonly digest: string;
}

/**
 * @param onTable is told of each table that was copied and read back
 * @returns what was copied, table by table
 * @throws JournalError when a run holds a lock in the source, when the target holds anything, or when what was
 * read back is not what was copied; nothing is in the target then
 */
export async function copyJournal(
  source: SqlStore,
  target: SqlStore,
  onTable: (copy: TableCopy) => void = () => {},
): Promise<readonly TableCopy[]> {
  return await snapshot(source, async from => {
    await refuseLocked(source, from);
    return await target
      .transact(async into => {
        // Nobody else may begin to use the target meanwhile.
        await target.enter?.(into, 'copy');
        await refuseFilled(target, into);
        const copies: TableCopy[] = [];
        for (const table of tables) {
          const copied = await copyTable(table, from, into);
          const found = await digestOf(table, into);
          if (copied.digest !== found.digest || copied.rows !== found.rows)
            throw changed(target, copied, found);
          onTable(copied);
          copies.push(copied);
        }
        await target.afterCopy?.(into);
        return copies;
      })
      .catch(error => {
        throw target.explain(error);
      });
  });
}

/** How many rows each table has. */
export async function countRows(store: SqlStore): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const table of tables) counts[table] = await countOf(store.db, table);
  return counts;
}

/** Reads all tables as they are at one moment, however long it takes. */
async function snapshot<T>(source: SqlStore, read: (db: Kysely<JournalTables>) => Promise<T>): Promise<T> {
  try {
    return await source.snapshot(read);
  } catch (error) {
    throw source.explain(error);
  }
}

async function copyTable(
  table: Table,
  from: Kysely<JournalTables>,
  into: Kysely<JournalTables>,
): Promise<TableCopy> {
  const digest = new RowDigest();
  for await (const rows of rowsOf(table, from)) {
    for (const row of rows) digest.add(row);
    await into
      .insertInto(table)
      .values(rows as never)
      .execute();
  }
  return { table, ...digest.result() };
}

async function digestOf(table: Table, db: Kysely<JournalTables>): Promise<TableCopy> {
  const digest = new RowDigest();
  for await (const rows of rowsOf(table, db)) for (const row of rows) digest.add(row);
  return { table, ...digest.result() };
}

async function* rowsOf(table: Table, db: Kysely<JournalTables>): AsyncGenerator<readonly object[]> {
  for (let offset = 0; ; offset += rowsAtOnce) {
    let query = db.selectFrom(table).selectAll().limit(rowsAtOnce).offset(offset);
    for (const column of copiedTables[table]) query = query.orderBy(sql.ref(column));
    const rows = await query.execute();
    if (rows.length > 0) yield rows;
    if (rows.length < rowsAtOnce) return;
  }
}

/** Databases sort texts in different orders, so the order must not count: what counts is the sum of all rows. */
class RowDigest {
  #rows = 0;
  #sum = 0n;

  add(row: object): void {
    this.#rows++;
    this.#sum += BigInt(`0x${createHash('sha256').update(canonicalJson(row)).digest('hex')}`);
  }

  result(): Omit<TableCopy, 'table'> {
    return { rows: this.#rows, digest: createHash('sha256').update(String(this.#sum)).digest('hex') };
  }
}

async function refuseLocked(source: SqlStore, db: Kysely<JournalTables>): Promise<void> {
  const nowMs = await source.locks.nowMs(db);
  const rows = await db.selectFrom('gate_lock').selectAll().execute();
  const held = rows.find(row => source.locks.isHeld(row, nowMs));
  if (!held) return;
  throw new JournalError(
    `The journal ${source.location} is being used by \`${held.command}\` (pid ${held.pid} on ${held.host}).`,
    'Stop it first: what it writes while the journal is being copied would be lost.',
  );
}

async function refuseFilled(target: SqlStore, db: Kysely<JournalTables>): Promise<void> {
  for (const table of tables) {
    const rows = await countOf(db, table);
    if (rows === 0) continue;
    throw new JournalError(
      `The journal ${target.location} is not empty: it has ${rows} rows in ${table}. Nothing was copied.`,
      'Name an empty database, or a file that is not there yet; Postern merges no journals.',
    );
  }
}

async function countOf(db: Kysely<JournalTables>, table: Table): Promise<number> {
  const row = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll().as('rows'))
    .executeTakeFirstOrThrow();
  return Number(row.rows);
}

function changed({ location }: SqlStore, copied: TableCopy, found: TableCopy): JournalError {
  return new JournalError(
    `What ${location} holds in ${copied.table} is not what was copied (${found.rows} rows of ${copied.rows}). Nothing was kept.`,
    'This is a defect in Postern: please report it.',
  );
}
