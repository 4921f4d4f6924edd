/** Opens the journal in a SQLite file. What is SQLite's own (pragmas, migration, busy waits) stands here. */
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import { type Clock, systemClock } from '../../clock.ts';
import { JournalError } from '../errors.ts';
import type { Journal } from '../journal.ts';
import { type JournalTables, migrations } from '../schema.ts';
import { SqlJournal } from '../sql-journal.ts';
import { nodeSqliteDialect } from './dialect.ts';

/** How long one process waits for another's transaction; they take milliseconds. */
const busyTimeoutMs = 10_000;

/**
 * Opens, and where needed makes, the journal at `path`. WAL lets readers and a writer work side by side;
 * `synchronous=FULL` puts every commit on the disk before it returns.
 *
 * @throws JournalError when the file cannot be opened, is not a journal, or is one of a newer Postern; the
 * file is never replaced or deleted
 */
export async function openJournal(options: {
  readonly path: string;
  readonly clock?: Clock;
}): Promise<Journal> {
  const { path, clock = systemClock } = options;
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const isNew = !existsSync(path);
    database = new DatabaseSync(path);
    if (isNew) chmodSync(path, 0o600);
    database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
    database.exec('pragma journal_mode = wal');
    database.exec('pragma synchronous = full');
    database.exec('pragma foreign_keys = on');
    migrate(database, path);
  } catch (error) {
    database?.close();
    throw explain(path, error);
  }
  const opened = database;
  return new SqlJournal({
    db: new Kysely<JournalTables>({ dialect: nodeSqliteDialect(opened) }),
    location: path,
    clock,
    transaction: { begin: 'begin immediate', commit: 'commit', rollback: 'rollback' },
  });
}

function migrate(database: DatabaseSync, path: string): void {
  if (versionOf(database) === migrations.length) return;
  // Another process may be migrating too: the version counts once the lock is ours.
  database.exec('begin immediate');
  try {
    const version = versionOf(database);
    if (version > migrations.length) {
      throw new JournalError(
        `The journal ${path} was written by a newer Postern (schema ${version}; this one knows ${migrations.length}).`,
        'Upgrade Postern, or name another journal with --state.',
      );
    }
    for (const statements of migrations.slice(version)) for (const sql of statements) database.exec(sql);
    database.exec(`pragma user_version = ${migrations.length}`);
    database.exec('commit');
  } catch (error) {
    database.exec('rollback');
    throw error;
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('pragma user_version').get()?.user_version ?? 0);
}

const remedies: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /not a database|malformed|corrupt/i,
    'Name another journal with --state, or restore this one from a backup; Postern does not touch it.',
  ],
  [
    /readonly|EACCES|EPERM|EROFS|unable to open/i,
    'Give Postern a directory that it may write, with --state or POSTERN_STATE.',
  ],
  [/full|ENOSPC/i, 'Make room on the disk.'],
  [/locked|busy/i, 'Another process holds the journal for very long; see whether it hangs.'],
];

function explain(path: string, error: unknown): JournalError {
  if (error instanceof JournalError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const remedy = remedies.find(([pattern]) => pattern.test(message))?.[1] ?? 'See the cause.';
  return new JournalError(`The journal ${path} cannot be opened: ${message}`, remedy, error);
}
