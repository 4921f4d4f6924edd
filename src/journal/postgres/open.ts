/** Opens the journal in a PostgreSQL database. What is PostgreSQL's own stands in this folder. */
import { createHash } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import type { Secret } from '../../secret.ts';
import type { Journal } from '../journal.ts';
import type { JournalTables } from '../schema.ts';
import { SqlJournal } from '../sql-journal.ts';
import type { SqlStore } from '../sql-store.ts';
import { Turns } from '../turns.ts';
import { journalSchema, parseDatabaseUrl } from './address.ts';
import { explainPostgres, isConnectionFault, isContention } from './explain.ts';
import { fleetLeaseMs, leasedLocks } from './leased-locks.ts';
import { migrate, postgresMigrations } from './migrate.ts';

export interface PostgresOptions {
  /** `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full` */
  readonly url: Secret;
  /** Default: so long that a worker that was killed is replaced within seconds. */
  readonly leaseMs?: number;
}

/** About four seconds in all: a server that restarts is back by then, and additions are not kept waiting longer. */
const retryDelaysMs = [100, 300, 1_000, 2_500] as const;

/**
 * Opens, and where needed makes, the journal in a database. Any number of processes may have it open.
 *
 * @throws JournalError when the database cannot be had, is read-only, or is not Postern's to use
 */
export async function openPostgresJournal(options: PostgresOptions): Promise<Journal> {
  return new SqlJournal(await openPostgresStore(options));
}

/** What is behind `openPostgresJournal`, for what works on its tables. */
export async function openPostgresStore({ url, leaseMs = fleetLeaseMs }: PostgresOptions): Promise<SqlStore> {
  const { location, pool: poolConfig } = parseDatabaseUrl(url);
  // Loaded here, so that whoever has his journal in a file does not pay for it.
  const [{ default: pg }, { Kysely, PostgresDialect }] = await Promise.all([import('pg'), import('kysely')]);
  const pool = new pg.Pool({ ...poolConfig, types: { getTypeParser: parserOf(pg.types) } });
  // A connection that breaks while nobody waits for it: whoever uses it next is told, and the pool makes another.
  pool.on('error', () => {});
  pool.on('connect', client => client.on('error', () => {}));
  const explain = (what: string) => (error: unknown) => explainPostgres(location, what, error);
  try {
    await persistently(async () => {
      const client = await pool.connect();
      let fault: unknown;
      try {
        await migrate(client, location);
      } catch (error) {
        fault = error;
        throw error;
      } finally {
        client.release(fault !== undefined);
      }
    });
  } catch (error) {
    await pool.end();
    throw explain('cannot be opened')(error);
  }
  const db = new Kysely<JournalTables>({ dialect: new PostgresDialect({ pool }) });
  const turnsByScope = new Map<string, Turns>();
  return {
    db,
    location,
    locks: leasedLocks,
    lockLeaseMs: leaseMs,
    // A commit that may be lost is not worth a statement more: PostgreSQL has many share one write to the disk.
    transact: work => transact(db, work),
    snapshot: read =>
      db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read),
    schemaVersion: postgresMigrations.length,
    sizeBytes: async () => {
      const { rows } = await sql<{ bytes: number }>`
        select coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as bytes
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${journalSchema} and c.relkind = 'r'`.execute(db);
      return rows[0]!.bytes;
    },
    afterCopy: advanceIds,
    turns: scope => {
      if (scope === undefined) return undefined;
      const turns = turnsByScope.get(scope) ?? new Turns();
      turnsByScope.set(scope, turns);
      return turns;
    },
    enter,
    retryDelayMs,
    explain: explain('could not be used'),
  };
}

/**
 * Read committed is enough, because `enter` has writers of one gate come one after another, as they do in
 * SQLite: each statement after it sees all that was committed before.
 */
async function transact<T>(
  db: Kysely<JournalTables>,
  work: (db: Kysely<JournalTables>) => Promise<T>,
): Promise<T> {
  let isDone = false;
  try {
    return await db
      .transaction()
      .setIsolationLevel('read committed')
      .setAccessMode('read write')
      .execute(async transaction => {
        const result = await work(transaction);
        isDone = true;
        return result;
      });
  } catch (error) {
    throw isDone ? new CommitError(error) : error;
  }
}

/** Nobody knows whether the transaction took place: it is never tried again. */
class CommitError extends Error {
  constructor(cause: unknown) {
    super(
      `it is not known whether the last change was taken in (${cause instanceof Error ? cause.message : cause})`,
      {
        cause,
      },
    );
  }
}

/** Until the end of the transaction. Two scopes whose digests begin alike wait for each other, and no harm is done. */
async function enter(db: Kysely<JournalTables>, scope: string): Promise<void> {
  const key = createHash('sha256').update(`postern/${scope}`).digest().readBigInt64BE();
  await sql`select pg_advisory_xact_lock(${key})`.execute(db);
}

/** Every table whose `id` counts by itself. */
async function advanceIds(db: Kysely<JournalTables>): Promise<void> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.columns
    where table_schema = ${journalSchema} and column_name = 'id' and is_identity = 'YES'`.execute(db);
  for (const { name } of rows) {
    await sql`select setval(pg_get_serial_sequence(${name}, 'id'),
      greatest(1, (select max(id) from ${sql.table(name)})),
      exists (select from ${sql.table(name)}))`.execute(db);
  }
}

function retryDelayMs(error: unknown, attempt: number): number | undefined {
  if (error instanceof CommitError) return undefined;
  return isConnectionFault(error) || isContention(error) ? retryDelaysMs[attempt] : undefined;
}

async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const delayMs = retryDelayMs(error, attempt);
      if (delayMs === undefined) throw error;
      await new Promise(resolve => setTimeout(resolve, delayMs));
    }
  }
}

/** A `bigint` comes as text, because it may be larger than a number is exact; ids and times here are not. */
function parserOf(types: typeof import('pg').types): typeof import('pg').types.getTypeParser {
  const bigint = types.builtins.INT8;
  return ((oid: number, format: 'text' | 'binary') =>
    oid === bigint ? Number : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser;
}
