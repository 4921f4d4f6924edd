/**
 * Rate budgets: Atlas counts requests per endpoint and scope, whichever worker sends them, so the workers count
 * together, in the database. Limits as MongoDB publishes them, "Atlas Administration API rate limiting",
 * 10 April 2026; they may change without notice, and a 429 is heeded all the same.
 */
import { sql } from 'kysely';
import type { Clock } from '../../clock.ts';
import type { SqlStore } from '../../journal/sql-store.ts';
import type { Transport } from '../../transport/transport.ts';

interface Limit {
  /** Of the path below `/api/atlas/v2`; what it captures is the scope. */
  readonly path: RegExp;
  readonly name: string;
  readonly capacity: number;
  readonly refillPerMinute: number;
}

const limits: readonly Limit[] = [
  // Counted per address that asks. Workers may share one, so they share one budget.
  { name: 'control-plane', path: /^\/unauth\/controlPlaneIPAddresses$/, capacity: 400, refillPerMinute: 100 },
  { name: 'ip-addresses', path: /^\/groups\/([^/]+)\/ipAddresses$/, capacity: 1_200, refillPerMinute: 500 },
  {
    name: 'encryption',
    path: /^\/groups\/([^/]+)\/encryptionAtRest/,
    capacity: 2_000,
    refillPerMinute: 1_000,
  },
  { name: 'clusters', path: /^\/groups\/([^/]+)\/clusters$/, capacity: 10_000, refillPerMinute: 5_000 },
  { name: 'events', path: /^\/groups\/([^/]+)\/events$/, capacity: 300, refillPerMinute: 100 },
  { name: 'alerts', path: /^\/groups\/([^/]+)\/alert/, capacity: 1_200, refillPerMinute: 500 },
  { name: 'org-events', path: /^\/orgs\/([^/]+)\/events$/, capacity: 500, refillPerMinute: 250 },
  { name: 'org-projects', path: /^\/orgs\/([^/]+)\/groups$/, capacity: 500, refillPerMinute: 250 },
  { name: 'projects', path: /^\/groups$/, capacity: 1_200, refillPerMinute: 500 },
];

/** Others use the same Atlas: half of what it allows is left to them. */
const ourShare = 0.5;
/** However full a budget's queue is, an address that is needed is asked for within this time. */
const longestWaitMs = 60_000;

export interface Budget {
  /** Such as `ip-addresses/64f0…`. */
  readonly key: string;
  readonly capacity: number;
  readonly refillPerMs: number;
}

/** The budget that a request counts against; undefined where Atlas publishes no limit. Pure. */
export function budgetOf(url: string): Budget | undefined {
  const path = URL.parse(url)?.pathname.replace(/^\/api\/atlas\/v2/, '');
  for (const limit of limits) {
    const match = path === undefined ? null : limit.path.exec(path);
    if (!match) continue;
    return {
      key: match[1] === undefined ? limit.name : `${limit.name}/${match[1]}`,
      capacity: limit.capacity * ourShare,
      refillPerMs: (limit.refillPerMinute * ourShare) / 60_000,
    };
  }
  return undefined;
}

export interface RateBudgets {
  /** Takes one from the budget, and gives how long to wait before it may be used. Throws what the database throws. */
  take(budget: Budget): Promise<number>;
}

/** Makes the table where needed. Throws what the database throws. */
export async function openRateBudgets(store: SqlStore): Promise<RateBudgets> {
  const { db } = store;
  await store.transact(async transaction => {
    await store.enter?.(transaction, 'rate-budget');
    await sql`create table if not exists rate_budget (
      scope text primary key, tokens double precision not null, at timestamptz not null)`.execute(
      transaction,
    );
  });
  return {
    async take({ key, capacity, refillPerMs }) {
      // One statement: the row's lock makes takers queue. Below zero is what was promised to those who wait.
      const { rows } = await sql<{ tokens: number }>`
        insert into rate_budget as budget (scope, tokens, at)
        values (${key}, ${capacity}::float8 - 1, clock_timestamp())
        on conflict (scope) do update set
          tokens = greatest(
            least(${capacity}::float8, budget.tokens + ${refillPerMs}::float8 * 1000 *
              greatest(0, extract(epoch from clock_timestamp() - budget.at))::float8) - 1,
            -${longestWaitMs}::float8 * ${refillPerMs}::float8),
          at = clock_timestamp()
        returning tokens`.execute(db);
      return Math.max(0, -rows[0]!.tokens / refillPerMs);
    },
  };
}

export interface BudgetOptions {
  readonly transport: Transport;
  readonly budgets: RateBudgets;
  readonly atlasBaseUrl: string;
  readonly clock: Clock;
}

/** The same way out, which waits where the fleet has used up its budget. Without the database it does not wait. */
export function budgetedTransport({ transport, budgets, atlasBaseUrl, clock }: BudgetOptions): Transport {
  const { host } = new URL(atlasBaseUrl);
  return {
    usage: () => transport.usage(),
    async send(request) {
      const budget = URL.parse(request.url)?.host === host ? budgetOf(request.url) : undefined;
      const waitMs = budget ? await budgets.take(budget).catch(() => 0) : 0;
      if (waitMs > 0) await clock.sleep(waitMs, request.signal);
      return await transport.send(request);
    },
  };
}
