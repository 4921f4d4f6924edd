/** The journal's file as SQLite itself sees it, beside Postern. */
import { DatabaseSync } from 'node:sqlite';

/** `ok`, or what SQLite found wrong. */
export function integrityOf(path: string): string {
  // Not read-only: what a killed process left in the log is played in, as the next process would.
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    const rows = database.prepare('pragma integrity_check').all();
    return rows.map(row => String(Object.values(row)[0])).join('; ');
  } finally {
    database.close();
  }
}

export function unfinishedWritesOf(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  try {
    return Number(database.prepare('select count(*) as n from write_record where outcome is null').get()?.n);
  } finally {
    database.close();
  }
}

/** Kind and outcome of every write, oldest first. */
export function writesOf(path: string): readonly (readonly [string, string | null])[] {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  try {
    const rows = database.prepare('select kind, outcome from write_record order by id').all();
    return rows.map(({ kind, outcome }) => [String(kind), outcome === null ? null : String(outcome)]);
  } finally {
    database.close();
  }
}
