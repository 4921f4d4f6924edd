/** The one place that decides what stands behind the journal. */
import type { Clock } from '../clock.ts';
import type { Secret } from '../secret.ts';
import type { Journal } from './journal.ts';
import type { SqlStore } from './sql-store.ts';

export interface JournalPlace {
  /** The SQLite file. */
  readonly path: string;
  /** The URL of a PostgreSQL database; when given, the journal is there. */
  readonly database?: Secret | undefined;
  readonly clock?: Clock;
}

/** @throws JournalError when it cannot be had: which journal, why, and what to do */
export async function openJournalAt(place: JournalPlace): Promise<Journal> {
  // Each is loaded when it is needed: most commands of most people never need PostgreSQL's client.
  if (place.database) {
    const { openPostgresJournal } = await import('./postgres/open.ts');
    return await openPostgresJournal({ url: place.database });
  }
  const { openJournal } = await import('./sqlite/open.ts');
  return await openJournal(place);
}

/** The same without the journal's own methods, for what works on its tables. */
export async function openStoreAt(place: JournalPlace): Promise<SqlStore> {
  if (place.database) {
    const { openPostgresStore } = await import('./postgres/open.ts');
    return await openPostgresStore({ url: place.database });
  }
  const { openSqliteStore } = await import('./sqlite/open.ts');
  return await openSqliteStore(place);
}
