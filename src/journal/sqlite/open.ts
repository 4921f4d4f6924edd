/** Opens the journal in a SQLite file. What is SQLite's own (pragmas, migration, busy waits) stands here. */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import { type Clock, systemClock } from '../../clock.ts';
import { JournalError } from '../errors.ts';
import type { Journal } from '../journal.ts';
import { makeDirectory } from '../make-directory.ts';
import { type JournalTables, migrations } from '../schema.ts';
import { SqlJournal } from '../sql-journal.ts';
import type { SqlStore } from '../sql-store.ts';
import { Turns } from '../turns.ts';
import { nodeSqliteDialect } from './dialect.ts';
import { explainSqlite, isBusy } from './explain.ts';
import { processLeaseMs, processLocks } from './process-locks.ts';

/** How long one process waits for another's transaction; they take milliseconds. */
const busyTimeoutMs = 10_000;
const switchWaitMs = 10;

/**
 * Opens, and where needed makes, the journal at `path`. WAL lets readers and a writer work side by side;
 * `synchronous=FULL` puts a commit on the disk before it returns, with all that were made before it.
 *
 * @throws JournalError when the file cannot be opened, is damaged, is not a journal, or is one of a newer
 * Postern; the file is never replaced, deleted, or, in these cases, written
 */
export async function openJournal(options: SqliteOptions): Promise<Journal> {
  return new SqlJournal(await openSqliteStore(options));
}

export interface SqliteOptions {
  readonly path: string;
  readonly clock?: Clock;
  /** Told of the database below the journal, by who looks after its file. */
  onOpen?(database: DatabaseSync): void;
}

/** What is behind `openJournal`, for what works on its tables. */
export async function openSqliteStore({
  path,
  clock = systemClock,
  onOpen,
}: SqliteOptions): Promise<SqlStore> {
  let database: DatabaseSync | undefined;
  try {
    makeDirectory(dirname(path));
    makePrivateFile(path);
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    refuseStranger(database, path);
    await useWriteAheadLog(database);
    database.exec('pragma foreign_keys = on');
    migrate(database, path);
  } catch (error) {
    database?.close();
    throw explainSqlite(path, 'cannot be opened', error);
  }
  onOpen?.(database);
  return sqliteStore(database, path, clock);
}

/** A journal over a database that is open and migrated. */
export function sqliteJournal(database: DatabaseSync, path: string, clock: Clock): Journal {
  return new SqlJournal(sqliteStore(database, path, clock));
}

function sqliteStore(database: DatabaseSync, path: string, clock: Clock): SqlStore {
  const db = new Kysely<JournalTables>({ dialect: nodeSqliteDialect(database) });
  const turns = turnsOf(path);
  return {
    db,
    location: path,
    locks: processLocks(clock),
    lockLeaseMs: processLeaseMs,
    turns: () => turns,
    transact: (work, options) =>
      transact(db, work, 'begin immediate', options?.mayBeLost ? 'normal' : 'full'),
    snapshot: read => turns.take(() => transact(db, read, 'begin')),
    schemaVersion: migrations.length,
    sizeBytes: async () =>
      ['', '-wal'].reduce(
        (sum, ending) => sum + (statSync(path + ending, { throwIfNoEntry: false })?.size ?? 0),
        0,
      ),
    explain: error => explainSqlite(path, 'could not be used', error),
  };
}

/** @param begin `begin immediate` has the lock from the beginning, so that what it reads stays true while it writes */
function transact<T>(
  db: Kysely<JournalTables>,
  work: (db: Kysely<JournalTables>) => Promise<T>,
  begin: 'begin' | 'begin immediate',
  synchronous: 'normal' | 'full' = 'full',
): Promise<T> {
  return db.connection().execute(async connection => {
    await sql.raw(`pragma synchronous = ${synchronous}`).execute(connection);
    await sql.raw(begin).execute(connection);
    try {
      const result = await work(connection);
      await sql.raw('commit').execute(connection);
      return result;
    } catch (error) {
      await sql
        .raw('rollback')
        .execute(connection)
        .catch(() => {});
      throw error;
    }
  });
}

const turnsByFile = new Map<string, Turns>();

/**
 * Shared by all that this process has open of one file. SQLite waits for a lock by blocking the thread, and so
 * would wait in vain for a transaction of the same thread.
 */
function turnsOf(path: string): Turns {
  const file = realpathSync(path);
  const turns = turnsByFile.get(file) ?? new Turns();
  turnsByFile.set(file, turns);
  return turns;
}

/** SQLite gives the files beside it the same mode. An empty file is a fresh database to it. */
function makePrivateFile(path: string): void {
  try {
    // Exclusive: opening and closing a database that this process has open would drop its locks.
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/**
 * The switch upgrades a read lock, and for that SQLite does not wait by itself: while another process makes
 * the same journal it says at once that the database is locked. Real time, whatever the clock is.
 */
async function useWriteAheadLog(database: DatabaseSync): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += switchWaitMs) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || waitedMs >= busyTimeoutMs) throw error;
    }
    await systemClock.sleep(switchWaitMs);
  }
}

/** Reads only, so that a file that is refused stays as it is. */
function refuseStranger(database: DatabaseSync, path: string): void {
  const { version, tables, ours } = schemaOf(database);
  if (ours) refuseNewer(version, path);
  if (version === 0 ? tables > 0 : !ours) {
    throw new JournalError(
      `${path} is a SQLite database, but no journal of Postern's: another program made it.`,
      'Name another file with --state; Postern does not touch this one.',
    );
  }
  const damage = Object.values(database.prepare('pragma quick_check(1)').get() ?? {})[0];
  if (damage !== 'ok') {
    throw new JournalError(
      `The journal ${path} is damaged: ${damage}`,
      'Name another journal with --state, or restore this one from a backup; Postern does not touch it.',
    );
  }
}

function refuseNewer(version: number, path: string): void {
  if (version <= migrations.length) return;
  throw new JournalError(
    `The journal ${path} was written by a newer Postern (schema ${version}; this one knows ${migrations.length}).`,
    'Upgrade Postern, or name another journal with --state.',
  );
}

function migrate(database: DatabaseSync, path: string): void {
  if (schemaOf(database).version === migrations.length) return;
  // Another process may be migrating too: the version counts once the lock is ours.
  database.exec('begin immediate');
  try {
    const { version } = schemaOf(database);
    refuseNewer(version, path);
    for (const statements of migrations.slice(version)) for (const sql of statements) database.exec(sql);
    database.exec(`pragma user_version = ${migrations.length}`);
    database.exec('commit');
  } catch (error) {
    // Some faults, a full disk for one, have ended the transaction already.
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** In one statement, so that another process's migration is seen whole or not at all. */
function schemaOf(database: DatabaseSync): { version: number; tables: number; ours: boolean } {
  const row = database
    .prepare(
      `select (select user_version from pragma_user_version) as version, count(*) as tables,
        coalesce(sum(type = 'table' and name = 'write_record'), 0) as ours from sqlite_schema`,
    )
    .get();
  return { version: Number(row?.version), tables: Number(row?.tables), ours: Number(row?.ours) > 0 };
}
