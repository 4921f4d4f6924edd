/** The journal over any SQL database that Kysely speaks to. */
import { createHash } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Observation } from '../atlas/observation.ts';
import { systemClock } from '../clock.ts';
import type { Coverage } from '../gates/gate.ts';
import { redactSecrets } from '../secret.ts';
import { arrivalAfter } from './arrival.ts';
import { canonicalJson } from './canonical-json.ts';
import { chunksOf } from './chunks.ts';
import { JournalError, LockLostError } from './errors.ts';
import { GateLocks, verifyLock } from './gate-locks.ts';
import type {
  Approval,
  CoverageChange,
  GateReading,
  Journal,
  LedgerRow,
  LockHolder,
  LockResult,
  LockToken,
  OwnedEntry,
  WriteFilter,
  WriteIntent,
  WriteKind,
  WriteOutcome,
  WriteRecord,
} from './journal.ts';
import { LedgerRows } from './ledger-rows.ts';
import { prune } from './retention.ts';
import type { JournalTables } from './schema.ts';
import type { SqlStore, TransactionOptions } from './sql-store.ts';

/** Pruning more often than this gains nothing. */
const pruneEveryMs = 60 * 60 * 1000;

/** Contents are shared by readings, so that one recording must not prune what another is about to refer to. */
const readingsScope = 'readings';

export class SqlJournal implements Journal {
  readonly location: string;
  readonly lockLeaseMs: number;
  readonly #db: Kysely<JournalTables>;
  readonly #store: SqlStore;
  readonly #locks: GateLocks;
  readonly #ledgers = new LedgerRows();
  #hasFailed = false;
  #prunedAtMs = Number.NEGATIVE_INFINITY;

  constructor(store: SqlStore) {
    this.#db = store.db;
    this.location = store.location;
    this.lockLeaseMs = store.lockLeaseMs;
    this.#store = store;
    this.#locks = new GateLocks(store.locks, (work, scope, options) =>
      this.#inTransaction(work, scope, options),
    );
  }

  recordObservation(observation: Observation, nowMs = observation.atMs): Promise<void> {
    const { id, feed, atMs, complete, faults, findings, addresses, sections } = observation;
    // In order, because Atlas may list the same addresses in another order each time.
    const inOrder = [...addresses].sort((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
    const json = canonicalJson({ addresses: inOrder, sections });
    const digest = createHash('sha256').update(json).digest('hex');
    const record = async (db: Kysely<JournalTables>) => {
      await db
        .insertInto('content')
        .values({ digest, json })
        .onConflict(oc => oc.doNothing())
        .execute();
      const newest = await newestComplete(db, feed).select(['arrival', 'at_ms']).executeTakeFirst();
      await db
        .insertInto('observation')
        .values({
          id,
          feed,
          at_ms: atMs,
          complete: complete ? 1 : 0,
          arrival: arrivalAfter(
            newest && { arrival: Number(newest.arrival), atMs: Number(newest.at_ms) },
            atMs,
            nowMs,
          ),
          address_count: new Set(addresses.map(({ cidr }) => cidr)).size,
          notes: withoutSecrets({ faults, findings }),
          content_digest: digest,
        })
        .onConflict(oc => oc.doNothing())
        .execute();
      // The reading's own time: it is what the readings before it are measured by.
      if (Math.abs(atMs - this.#prunedAtMs) < pruneEveryMs) return;
      await prune(db, atMs);
      this.#prunedAtMs = atMs;
    };
    return this.#inTransaction(record, readingsScope, { mayBeLost: true });
  }

  lastComplete(feed: FeedId): Promise<Observation | undefined> {
    return this.#explained(async () => {
      const row = await newestComplete(this.#db, feed)
        .innerJoin('content', 'content.digest', 'observation.content_digest')
        .selectAll('observation')
        .select('content.json')
        .executeTakeFirst();
      return row && { ...observationOf(row), ...JSON.parse(row.json) };
    });
  }

  peakCount(feed: FeedId, sinceMs: number): Promise<number> {
    return this.#explained(async () => {
      const row = await this.#db
        .selectFrom('observation')
        .select(({ fn }) => fn.max('address_count').as('peak'))
        .where('feed', '=', feed)
        .where('complete', '=', 1)
        .where('at_ms', '>=', sinceMs)
        .executeTakeFirst();
      return Number(row?.peak ?? 0);
    });
  }

  observations(filter: { feed?: FeedId; limit: number }) {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('observation')
        .innerJoin('content', 'content.digest', 'observation.content_digest')
        .selectAll('observation')
        .select('content.json')
        .$if(filter.feed !== undefined, query => query.where('feed', '=', filter.feed!))
        .orderBy('at_ms', 'desc')
        .limit(filter.limit)
        .execute();
      return rows.map(row => ({ ...observationOf(row), sections: JSON.parse(row.json).sections }));
    });
  }

  ledger(gateId: string): Promise<readonly LedgerRow[]> {
    return this.#explained(() => this.#ledgers.read(this.#db, gateId));
  }

  saveLedger(gateId: string, rows: readonly LedgerRow[], lock?: LockToken): Promise<void> {
    return this.#inTransaction(async db => {
      await verifyLock(db, gateId, lock);
      await this.#ledgers.write(db, gateId, rows);
    }, gateId);
  }

  recordReading(gateId: string, reading: GateReading, lock?: LockToken): Promise<void> {
    const { ledger, lost = [], coverage, plan } = reading;
    const mayBeLost = lost.length === 0 && !(ledger && this.#ledgers.resets(gateId, ledger));
    return this.#inTransaction(
      async db => {
        await verifyLock(db, gateId, lock);
        if (ledger) await this.#ledgers.write(db, gateId, ledger);
        await disown(db, gateId, lost);
        await writeCoverage(db, gateId, coverage);
        await writePlan(db, gateId, plan);
      },
      gateId,
      { mayBeLost },
    );
  }

  owned(gateId: string): Promise<readonly OwnedEntry[]> {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('owned')
        .select(['cidr', 'how', 'since_ms'])
        .where('gate_id', '=', gateId)
        .execute();
      return rows.map(row => ({
        cidr: row.cidr as Cidr,
        how: row.how as OwnedEntry['how'],
        sinceMs: Number(row.since_ms),
      }));
    });
  }

  adopt(gateId: string, cidrs: readonly Cidr[], atMs: number, lock?: LockToken): Promise<void> {
    return this.#inTransaction(async db => {
      await verifyLock(db, gateId, lock);
      await own(db, gateId, cidrs, 'adopted', atMs);
    }, gateId);
  }

  beginWrite(intent: WriteIntent, lock?: LockToken): Promise<number> {
    return this.#inTransaction(async db => {
      await verifyLock(db, intent.gateId, lock);
      const row = await db
        .insertInto('write_record')
        .values({
          gate_id: intent.gateId,
          gate_name: intent.gateName,
          kind: intent.kind,
          before: JSON.stringify(intent.before),
          target: JSON.stringify(intent.target),
          plan_checksum: intent.planChecksum,
          by: intent.by,
          reason: storable(intent.reason),
          at_ms: intent.atMs,
          outcome: null,
          after: null,
          finished_at_ms: null,
          error: null,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      return row.id;
    }, intent.gateId);
  }

  finishWrite(
    id: number,
    result: { outcome: WriteOutcome; after: readonly Cidr[] | null; atMs: number; error?: string },
  ): Promise<void> {
    return this.#inTransaction(async db => {
      const found = db.selectFrom('write_record').where('id', '=', id);
      // Which gate a write is of never changes; everything else is read once the gate is ours.
      const gate = await found.select('gate_id').executeTakeFirst();
      if (gate) await this.#store.enter?.(db, gate.gate_id);
      const row = await found.selectAll().executeTakeFirst();
      if (!row) {
        throw new JournalError(
          `The journal ${this.location} has no write ${id} to finish.`,
          'See whether the journal was replaced, by an older copy for instance, while Postern ran.',
        );
      }
      if (row.outcome !== null) return;
      const write = recordOf(row);
      await db
        .updateTable('write_record')
        .set({
          outcome: result.outcome,
          after: result.after && JSON.stringify(result.after),
          finished_at_ms: result.atMs,
          error: result.error === undefined ? null : storable(result.error),
        })
        .where('id', '=', id)
        .execute();
      if (result.after === null) return;
      const before = new Set(write.before);
      const after = new Set(result.after);
      const gained = write.target.filter(cidr => !before.has(cidr) && after.has(cidr));
      await own(db, write.gateId, gained, 'written', result.atMs);
      const owned = await db.selectFrom('owned').select('cidr').where('gate_id', '=', write.gateId).execute();
      const gone = owned.map(({ cidr }) => cidr).filter(cidr => !after.has(cidr as Cidr));
      await disown(db, write.gateId, gone);
    });
  }

  unfinishedWrites(gateId: string): Promise<readonly WriteRecord[]> {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('write_record')
        .selectAll()
        .where('gate_id', '=', gateId)
        .where('outcome', 'is', null)
        .orderBy('id')
        .execute();
      return rows.map(recordOf);
    });
  }

  writes({ gateId, kinds, tookEffect, limit }: WriteFilter): Promise<readonly WriteRecord[]> {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('write_record')
        .selectAll()
        .$if(gateId !== undefined, query => query.where('gate_id', '=', gateId!))
        .$if(kinds !== undefined, query => query.where('kind', 'in', kinds!))
        .$if(tookEffect === true, query =>
          query.where(where =>
            where.or([where('outcome', 'is', null), where('outcome', '!=', 'not-applied')]),
          ),
        )
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map(recordOf);
    });
  }

  plans(filter: { gateId?: string; limit: number }) {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('plan')
        .selectAll()
        .$if(filter.gateId !== undefined, query => query.where('gate_id', '=', filter.gateId!))
        .orderBy('at_ms', 'desc')
        .limit(filter.limit)
        .execute();
      return rows.map(({ gate_id: gateId, checksum, at_ms, json }) => ({
        gateId,
        checksum,
        atMs: Number(at_ms),
        json,
      }));
    });
  }

  recordCoverage(gateId: string, change: CoverageChange): Promise<void> {
    return this.#inTransaction(db => writeCoverage(db, gateId, change), gateId, { mayBeLost: true });
  }

  coverage({ gateId, sinceMs }: { gateId: string; sinceMs: number }): Promise<readonly CoverageChange[]> {
    return this.#explained(async () => {
      const changes = this.#db.selectFrom('coverage').selectAll().where('gate_id', '=', gateId);
      const before = await changes.where('at_ms', '<=', sinceMs).orderBy('at_ms', 'desc').limit(1).execute();
      const after = await changes.where('at_ms', '>', sinceMs).orderBy('at_ms').execute();
      return [...before, ...after].map(({ at_ms, coverage, missing }) => ({
        atMs: Number(at_ms),
        coverage: coverage as Coverage,
        missing,
      }));
    });
  }

  approve(approval: Omit<Approval, 'id'>): Promise<number> {
    return this.#inTransaction(async db => {
      const row = await db
        .insertInto('approval')
        .values({
          gate_id: approval.gateId,
          gate_name: approval.gateName,
          cidrs: JSON.stringify(approval.cidrs),
          plan_checksum: approval.planChecksum,
          by: redactSecrets(approval.by),
          reason: redactSecrets(approval.reason),
          at_ms: approval.atMs,
          expires_at_ms: approval.expiresAtMs,
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      return row.id;
    });
  }

  approvals(filter: { gateId?: string; limit: number }): Promise<readonly Approval[]> {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('approval')
        .selectAll()
        .$if(filter.gateId !== undefined, query => query.where('gate_id', '=', filter.gateId!))
        .orderBy('id', 'desc')
        .limit(filter.limit)
        .execute();
      return rows.map(row => ({
        id: row.id,
        gateId: row.gate_id,
        gateName: row.gate_name,
        cidrs: JSON.parse(row.cidrs),
        planChecksum: row.plan_checksum,
        by: row.by,
        reason: row.reason,
        atMs: Number(row.at_ms),
        expiresAtMs: Number(row.expires_at_ms),
      }));
    });
  }

  recall(key: string): Promise<unknown> {
    return this.#explained(async () => {
      const row = await this.#db.selectFrom('memo').select('json').where('key', '=', key).executeTakeFirst();
      return row && JSON.parse(row.json);
    });
  }

  async remember(key: string, value: unknown): Promise<void> {
    const json = withoutSecrets(value);
    const keep = async (db: Kysely<JournalTables>) => {
      await db
        .insertInto('memo')
        .values({ key, json })
        .onConflict(oc => oc.column('key').doUpdateSet({ json }))
        .execute();
    };
    await this.#inTransaction(keep, undefined, { mayBeLost: true });
  }

  recallAll(prefix: string): Promise<ReadonlyMap<string, unknown>> {
    return this.#explained(async () => {
      const rows = await this.#db
        .selectFrom('memo')
        .selectAll()
        .where(sql`substr(key, 1, ${prefix.length})`, '=', prefix)
        .execute();
      return new Map(rows.map(({ key, json }) => [key, JSON.parse(json)]));
    });
  }

  async forget(key: string): Promise<void> {
    await this.#inTransaction(async db => {
      await db.deleteFrom('memo').where('key', '=', key).execute();
    });
  }

  lock(gateId: string, holder: LockHolder, leaseMs: number): Promise<LockResult> {
    return this.#locks.lock(gateId, holder, leaseMs);
  }

  /**
   * Gives up the locks that are left when the journal has failed: who meets a failure may never come to release
   * them, and a daemon must not lock itself out. Never throws: every commit is on disk already.
   */
  async close(): Promise<void> {
    await this.#locks.close({ release: this.#hasFailed });
    await this.#store.turns(undefined)?.take(async () => {});
    await this.#db.destroy().catch(() => {});
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const delayMs = this.#store.retryDelayMs?.(error, attempt);
        if (delayMs === undefined) {
          // That another has the lock is no fault of the journal.
          if (!(error instanceof LockLostError)) this.#hasFailed = true;
          throw this.#store.explain(error);
        }
        await systemClock.sleep(delayMs);
      }
    }
  }

  /** @param scope within which transactions run one after another; none for a single statement */
  #inTransaction<T>(
    work: (db: Kysely<JournalTables>) => Promise<T>,
    scope?: string,
    options?: TransactionOptions,
  ): Promise<T> {
    const turns = this.#store.turns(scope);
    const transact = () => this.#explained(() => this.#transact(work, scope, options));
    return turns ? turns.take(transact) : transact();
  }

  #transact<T>(
    work: (db: Kysely<JournalTables>) => Promise<T>,
    scope: string | undefined,
    options: TransactionOptions | undefined,
  ): Promise<T> {
    return this.#store.transact(async db => {
      if (scope !== undefined) await this.#store.enter?.(db, scope);
      return await work(db);
    }, options);
  }
}

/** Only where it is another than before. */
async function writeCoverage(
  db: Kysely<JournalTables>,
  gateId: string,
  { atMs, coverage, missing }: CoverageChange,
): Promise<void> {
  const newest = await db
    .selectFrom('coverage')
    .select(['coverage', 'missing'])
    .where('gate_id', '=', gateId)
    .orderBy('at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest && newest.coverage === coverage && newest.missing === missing) return;
  await db.insertInto('coverage').values({ gate_id: gateId, at_ms: atMs, coverage, missing }).execute();
}

/** A plan that would write the same thing as the one before is no news. */
async function writePlan(
  db: Kysely<JournalTables>,
  gateId: string,
  { checksum, atMs, json }: GateReading['plan'],
): Promise<void> {
  const newest = await db
    .selectFrom('plan')
    .select('checksum')
    .where('gate_id', '=', gateId)
    .orderBy('at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest?.checksum === checksum) return;
  await db.insertInto('plan').values({ gate_id: gateId, checksum, at_ms: atMs, json: json() }).execute();
}

function newestComplete(db: Kysely<JournalTables>, feed: FeedId) {
  return db
    .selectFrom('observation')
    .where('feed', '=', feed)
    .where('complete', '=', 1)
    .orderBy('arrival', 'desc')
    .orderBy('at_ms', 'desc')
    .limit(1);
}

async function disown(db: Kysely<JournalTables>, gateId: string, cidrs: readonly string[]): Promise<void> {
  for (const chunk of chunksOf(cidrs, 500)) {
    await db.deleteFrom('owned').where('gate_id', '=', gateId).where('cidr', 'in', chunk).execute();
  }
}

async function own(
  db: Kysely<JournalTables>,
  gateId: string,
  cidrs: readonly Cidr[],
  how: OwnedEntry['how'],
  atMs: number,
): Promise<void> {
  for (const chunk of chunksOf(cidrs, 200)) {
    await db
      .insertInto('owned')
      .values(chunk.map(cidr => ({ gate_id: gateId, cidr, how, since_ms: atMs })))
      .onConflict(oc => oc.doNothing())
      .execute();
  }
}

function recordOf(row: Selectable<JournalTables['write_record']>): WriteRecord {
  return {
    id: row.id,
    gateId: row.gate_id,
    gateName: row.gate_name,
    kind: row.kind as WriteKind,
    before: JSON.parse(row.before),
    target: JSON.parse(row.target),
    planChecksum: row.plan_checksum,
    by: row.by,
    reason: row.reason,
    atMs: Number(row.at_ms),
    outcome: row.outcome as WriteOutcome | null,
    after: row.after === null ? null : JSON.parse(row.after),
    finishedAtMs: numberOrNull(row.finished_at_ms),
    error: row.error,
  };
}

function observationOf(
  row: Selectable<JournalTables['observation']>,
): Omit<Observation, 'addresses' | 'sections'> {
  return {
    id: row.id,
    feed: row.feed as FeedId,
    atMs: Number(row.at_ms),
    complete: row.complete === 1,
    ...(JSON.parse(row.notes) as Pick<Observation, 'faults' | 'findings'>),
  };
}

function numberOrNull(value: number | null): number | null {
  return value === null ? null : Number(value);
}

/** Texts may quote what a server sent, and a server may quote what it was sent. PostgreSQL takes no NUL. */
function storable(text: string): string {
  return redactSecrets(text).replaceAll('\0', '\ufffd');
}

/** The same for all texts in a value; JSON spells out what is no text. */
function withoutSecrets(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'string' ? redactSecrets(part) : part,
  );
}
