import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { openPostgresStore } from '../../../src/journal/postgres/open.ts';
import { Secret } from '../../../src/secret.ts';
import type { Transport } from '../../../src/transport/index.ts';
import {
  type Budget,
  budgetedTransport,
  budgetOf,
  openRateBudgets,
} from '../../../src/watch/fleet/budget.ts';
import { createFleet } from '../../../src/watch/fleet/index.ts';
import { FakeClock } from '../../journal/fixtures.ts';
import { usePostgres } from '../../postgres/server.ts';

const server = usePostgres();
const atlas = 'https://cloud.mongodb.com';

async function open(url: string) {
  const store = await openPostgresStore({ url: new Secret(url, 'env:TEST') });
  onTestFinished(() => store.db.destroy());
  return await openRateBudgets(store);
}

/** Hardly refills while the test runs. */
const budget: Budget = { key: 'events/x', capacity: 10, refillPerMs: 1 / 10_000 };

test('workers count together: what is beyond the capacity waits, one refill after another', async () => {
  const url = await server.createDatabase();
  const [one, two] = [await open(url), await open(url)];
  const waits = await Promise.all(Array.from({ length: 14 }, (_, n) => (n % 2 ? one : two).take(budget)));
  const inOrder = waits.sort((a, b) => a - b);
  expect(inOrder.slice(0, 10)).toEqual(Array(10).fill(0));
  for (const [n, wait] of inOrder.slice(10).entries()) {
    expect(wait).toBeGreaterThan((n + 1) * 10_000 - 6_000);
    expect(wait).toBeLessThanOrEqual((n + 1) * 10_000);
  }
  expect(await one.take({ ...budget, key: 'events/y' })).toBe(0);
});

test('it refills by the database’s clock, to the capacity and no further, and nobody waits beyond a minute', async () => {
  const url = await server.createDatabase();
  const budgets = await open(url);
  const tokensAfter = async (tokens: number, agoSeconds: number) => {
    await server.query(
      url,
      `update postern.rate_budget set tokens = $1, at = now() - $2 * interval '1 second'`,
      [tokens, agoSeconds],
    );
    const waitMs = await budgets.take(budget);
    const [row] = await server.query(url, 'select tokens from postern.rate_budget');
    return { tokens: Math.round(row!.tokens as number), waitMs };
  };
  await budgets.take(budget);
  expect(await tokensAfter(0, 50)).toMatchObject({ tokens: 4, waitMs: 0 });
  expect(await tokensAfter(3, 86_400)).toMatchObject({ tokens: 9 });
  expect((await tokensAfter(-1_000, 0)).waitMs).toBeLessThanOrEqual(60_000);
  // A clock that was set back takes nothing away.
  expect(await tokensAfter(5, -3_600)).toMatchObject({ tokens: 4 });
});

test.each([
  ['/api/atlas/v2/unauth/controlPlaneIPAddresses', 'control-plane', 200],
  ['/api/atlas/v2/groups/64f0/ipAddresses', 'ip-addresses/64f0', 600],
  ['/api/atlas/v2/groups/64f0/clusters?pageNum=2', 'clusters/64f0', 5_000],
  ['/api/atlas/v2/groups/64f0/encryptionAtRest', 'encryption/64f0', 1_000],
  ['/api/atlas/v2/groups/64f0/events?eventType=X', 'events/64f0', 150],
  ['/api/atlas/v2/groups', 'projects', 600],
  ['/api/oauth/token', undefined, undefined],
])('%s counts against %s', (path, key, capacity) => {
  expect(budgetOf(`${atlas}${path}`)?.key).toBe(key);
  expect(budgetOf(`${atlas}${path}`)?.capacity).toBe(capacity);
});

test('the transport waits for its turn, only for Atlas, and not at all without the database', async () => {
  const sent: string[] = [];
  const transport: Transport = {
    usage: () => ({ requests: 0, retries: 0, bytesReceived: 0 }),
    send: async ({ url }) => {
      sent.push(url);
      return { status: 200, headers: {}, body: new Uint8Array() };
    },
  };
  const clock = new FakeClock();
  const startMs = clock.nowMs;
  const send = async (url: string, take: () => Promise<number>) => {
    const budgeted = budgetedTransport({ transport, budgets: { take }, atlasBaseUrl: atlas, clock });
    await budgeted.send({ method: 'GET', url, headers: {} });
    return clock.nowMs - startMs;
  };
  const controlPlane = '/api/atlas/v2/unauth/controlPlaneIPAddresses';
  expect(await send(`https://elsewhere.example${controlPlane}`, async () => 700)).toBe(0);
  expect(await send(`${atlas}${controlPlane}`, async () => 700)).toBe(700);
  expect(await send(`${atlas}${controlPlane}`, () => Promise.reject(new Error('no database')))).toBe(700);
  expect(sent).toHaveLength(3);
});

test('a hint that is given before the database is there is kept, and reaches the work when it is', async () => {
  const database = new Secret(await server.createDatabase(), 'env:TEST');
  const worked: string[] = [];
  const fleet = createFleet({
    database: () => database,
    gates: () => ['a', 'b'],
    work: async (gate, reason) => {
      worked.push(`${gate}: ${reason ?? 'due'}`);
      return { nextInMs: 3_600_000 };
    },
    timing: { tickMs: 200 },
  });
  onTestFinished(() => fleet.stop());
  await fleet.hint('b', 'hint');
  await fleet.hint('b', 'asked');
  expect(fleet.isSharing).toBe(false);
  fleet.start();
  const until = async (wanted: string) => {
    for (let tries = 0; !worked.includes(wanted) && tries < 600; tries++) await wait(100);
    expect(worked).toContain(wanted);
  };
  await until('b: asked');
  expect(worked).not.toContain('b: hint');
  await fleet.hint('a', 'feed-changed');
  await until('a: feed-changed');
}, 120_000);
