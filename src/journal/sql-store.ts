import type { Kysely } from 'kysely';
import type { JournalError } from './errors.ts';
import type { LockRules } from './gate-locks.ts';
import type { JournalTables } from './schema.ts';
import type { Turns } from './turns.ts';

export interface TransactionOptions {
  /**
   * That a failure of power may take it back, as long as everything before a transaction that must not be lost
   * is on the disk with it. For readings: without the newest of them a removal comes later, and nothing else.
   */
  readonly mayBeLost?: boolean;
}

/** What stands behind a journal: a database that is open and migrated, and what is its own. */
export interface SqlStore {
  readonly db: Kysely<JournalTables>;
  /** A path, or a database's host and name; never a secret. */
  readonly location: string;
  readonly locks: LockRules;
  readonly lockLeaseMs: number;
  /** Does `work` in one transaction that can write, and is on the disk when this resolves, unless it may be lost. */
  transact<T>(work: (db: Kysely<JournalTables>) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Does `read` in a transaction that sees everything as it is at its beginning. */
  snapshot<T>(read: (db: Kysely<JournalTables>) => Promise<T>): Promise<T>;
  /** Which of the migrations are in it: all that this Postern knows. */
  readonly schemaVersion: number;
  /** How much room it takes on its disk. */
  sizeBytes(): Promise<number>;
  /** After rows were inserted with ids of their own: has the next id be one that is free. */
  afterCopy?(db: Kysely<JournalTables>): Promise<void>;
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
