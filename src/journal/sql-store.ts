import type { Kysely } from 'kysely';
import type { JournalError } from './errors.ts';
import type { LockRules } from './gate-locks.ts';
import type { JournalTables } from './schema.ts';
import type { Turns } from './turns.ts';

/** What stands behind a journal: a database that is open and migrated, and what is its own. */
export interface SqlStore {
  readonly db: Kysely<JournalTables>;
  /** A path, or a database's host and name; never a secret. */
  readonly location: string;
  readonly locks: LockRules;
  readonly lockLeaseMs: number;
  /** Does `work` in one transaction that can write. */
  transact<T>(work: (db: Kysely<JournalTables>) => Promise<T>): Promise<T>;
  /** Has the transactions of a scope take place in the order in which they were asked for. */
  turns(scope: string | undefined): Turns | undefined;
  /**
   * First thing in a transaction that reads before it writes: waits until no other one is in the same scope.
   * Absent where a transaction is alone from its beginning.
   */
  enter?(db: Kysely<JournalTables>, scope: string): Promise<void>;
  /** How long to wait before what failed is tried again from its beginning; undefined: not at all. */
  retryDelayMs?(error: unknown, attempt: number): number | undefined;
  /** What a fault of the database means, where, and what to do. */
  explain(error: unknown): JournalError;
}
