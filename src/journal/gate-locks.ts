/** The gates' locks: rows of one table. Who holds one, and for how long, is the store's own rule. */
import { randomUUID } from 'node:crypto';
import { threadId } from 'node:worker_threads';
import type { Kysely, Selectable } from 'kysely';
import { LockLostError } from './errors.ts';
import type { HeldLock, LockHolder, LockResult, LockToken } from './journal.ts';
import { processIdentity } from './process-identity.ts';
import type { JournalTables } from './schema.ts';
import type { TransactionOptions } from './sql-store.ts';

export type LockRow = Selectable<JournalTables['gate_lock']>;

export interface LockRules {
  /** By whose clock leases are measured. */
  nowMs(db: Kysely<JournalTables>): Promise<number>;
  isHeld(row: LockRow, nowMs: number): boolean;
  /** Whether no harm is done when a failure of power takes a lock back, since it ends the holder as well. */
  readonly endsWithPower: boolean;
  /** Starts to watch over a lock that was just taken; undefined where a holder keeps it for as long as it lives. */
  keep?(lock: KeptLock): Keeping;
}

export interface KeptLock {
  readonly leaseMs: number;
  /** When the request that took it was about to be sent. */
  readonly askedAt: Moment;
  /** Makes the lease whole again. False when another has the lock. */
  renew(): Promise<boolean>;
}

export interface Keeping {
  isCertain(): boolean;
  stop(): void;
}

/** By both clocks of this machine: one stands still while it sleeps, the other can be set. */
export interface Moment {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

export function momentNow(): Moment {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}

export function elapsedMs(since: Moment): number {
  const { wallMs, monotonicMs } = momentNow();
  return Math.max(wallMs - since.wallMs, monotonicMs - since.monotonicMs);
}

/** Another thread has the same pid, and a set of its own. */
const tokenPrefix = `${threadId}:`;
/** The locks that this process holds. A row of ours that is not among them was left over by a failed release. */
const heldTokens = new Set<LockToken>();

/** Whether this thread took the lock and holds it still; undefined when it took no lock of that token. */
export function isHeldHere({ pid, process_identity, token }: LockRow): boolean | undefined {
  const isOurs = pid === process.pid && process_identity === processIdentity(process.pid);
  return isOurs && token.startsWith(tokenPrefix) ? heldTokens.has(token) : undefined;
}

type InTransaction = <T>(
  work: (db: Kysely<JournalTables>) => Promise<T>,
  scope: string,
  options: TransactionOptions,
) => Promise<T>;

export class GateLocks {
  readonly #rules: LockRules;
  readonly #inTransaction: <T>(work: (db: Kysely<JournalTables>) => Promise<T>, scope: string) => Promise<T>;
  /** Token → each lock whose row may still be there. */
  readonly #locks = new Map<LockToken, { readonly gateId: string; readonly keeping: Keeping | undefined }>();

  /** @param inTransaction one at a time for each gate, which is the scope */
  constructor(rules: LockRules, inTransaction: InTransaction) {
    this.#rules = rules;
    this.#inTransaction = (work, scope) => inTransaction(work, scope, { mayBeLost: rules.endsWithPower });
  }

  async lock(gateId: string, holder: LockHolder, leaseMs: number): Promise<LockResult> {
    const token = `${tokenPrefix}${randomUUID()}`;
    const askedAt = momentNow();
    const result = await this.#inTransaction(async db => {
      const nowMs = await this.#rules.nowMs(db);
      const row = await db
        .selectFrom('gate_lock')
        .selectAll()
        .where('gate_id', '=', gateId)
        .executeTakeFirst();
      const current = row && holderOf(row);
      if (row && current && this.#rules.isHeld(row, nowMs))
        return { acquired: false, holder: current } as const;
      await db.deleteFrom('gate_lock').where('gate_id', '=', gateId).execute();
      await db
        .insertInto('gate_lock')
        .values({
          gate_id: gateId,
          token,
          pid: holder.pid,
          host: holder.host,
          command: holder.command,
          since_ms: holder.sinceMs,
          lease_until_ms: nowMs + leaseMs,
          process_identity: processIdentity(holder.pid),
        })
        .execute();
      return { acquired: true, ...(current && { takenFrom: current }) } as const;
    }, gateId);
    if (!result.acquired) return result;
    heldTokens.add(token);
    const renew = () => this.#renew(gateId, token, leaseMs);
    const keeping = this.#rules.keep?.({ leaseMs, askedAt, renew });
    this.#locks.set(token, { gateId, keeping });
    return { ...result, ...this.#inHand(gateId, token, keeping) };
  }

  #inHand(
    gateId: string,
    token: LockToken,
    keeping: Keeping | undefined,
  ): Omit<HeldLock, 'acquired' | 'takenFrom'> {
    return {
      token,
      isCertain: () => heldTokens.has(token) && (keeping?.isCertain() ?? true),
      release: () => this.#release(gateId, token),
    };
  }

  #renew(gateId: string, token: LockToken, leaseMs: number): Promise<boolean> {
    return this.#inTransaction(async db => {
      const nowMs = await this.#rules.nowMs(db);
      const { numUpdatedRows } = await db
        .updateTable('gate_lock')
        .set({ lease_until_ms: nowMs + leaseMs })
        .where('gate_id', '=', gateId)
        .where('token', '=', token)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    }, gateId);
  }

  async #release(gateId: string, token: LockToken): Promise<void> {
    // Given up even if the row cannot be deleted now: the next caller in this process may replace it.
    heldTokens.delete(token);
    this.#locks.get(token)?.keeping?.stop();
    await this.#inTransaction(async db => {
      await db.deleteFrom('gate_lock').where('gate_id', '=', gateId).where('token', '=', token).execute();
    }, gateId);
    this.#locks.delete(token);
  }

  /** Ends the renewals; with `release`, gives up what is held as well. Never throws. */
  async close(options: { readonly release: boolean }): Promise<void> {
    for (const [token, { gateId, keeping }] of this.#locks) {
      keeping?.stop();
      if (options.release) await this.#release(gateId, token).catch(() => {});
    }
  }
}

/**
 * The fence: inside the transaction that is about to write for a gate. A lease that ran out counts as held
 * while nobody took the lock: nobody else has worked on the gate then.
 *
 * @throws LockLostError when `token` is not the gate's lock any more
 */
export async function verifyLock(
  db: Kysely<JournalTables>,
  gateId: string,
  token: LockToken | undefined,
): Promise<void> {
  if (token === undefined) return;
  const row = await db
    .selectFrom('gate_lock')
    .select('token')
    .where('gate_id', '=', gateId)
    .executeTakeFirst();
  if (row?.token !== token) throw new LockLostError(gateId);
}

function holderOf(row: LockRow): LockHolder {
  return { pid: row.pid, host: row.host, command: row.command, sinceMs: Number(row.since_ms) };
}
