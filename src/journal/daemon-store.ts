/** The journal as a daemon keeps it: in a file, or in a database that other workers share. */
import type { Clock } from '../clock.ts';
import type { Secret } from '../secret.ts';
import type { JournalStore } from '../watch/watch.ts';
import { openJournalAt } from './open.ts';
import { appendToSpool, drainSpool, spoolPaths } from './spool.ts';
import { sqliteStore } from './sqlite/store.ts';

export interface DaemonStoreOptions {
  /** The file; the spool is beside it, also when the journal is in a database. */
  readonly path: string;
  /** Asked each time that the journal is opened, so that a rotated password is noticed. */
  readonly database: (() => Secret) | undefined;
  readonly clock: Clock;
}

export function daemonStore({ path, database, clock }: DaemonStoreOptions): JournalStore {
  if (!database) return sqliteStore({ path, clock });
  const spool = spoolPaths(path);
  return {
    // Its host and name are known once it is open; its URL is a secret.
    location: 'the PostgreSQL database',
    open: async () => await openJournalAt({ path, database: database(), clock }),
    spool: write => appendToSpool(spool, write),
    drain: (journal, onFault, kept) => drainSpool(spool, journal, { onFault, kept }),
  };
}
