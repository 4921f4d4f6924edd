/** Moving a journal to another database and back: nothing is lost, nothing is merged, nothing is half done. */
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { copyJournal, countRows } from '../../src/journal/copy.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openStoreAt } from '../../src/journal/open.ts';
import { SqlJournal } from '../../src/journal/sql-journal.ts';
import type { SqlStore } from '../../src/journal/sql-store.ts';
import { Secret } from '../../src/secret.ts';
import { cidrs, incomplete, nowMs, observation, row } from '../plan/fixtures.ts';
import { usePostgres } from '../postgres/server.ts';
import { gateId, holder, intent, leaseMs, recordPlan, temporaryDirectory } from './fixtures.ts';

const server = usePostgres();

async function sqlite(): Promise<SqlStore> {
  const store = await openStoreAt({ path: join(temporaryDirectory(), 'journal.db') });
  onTestFinished(() => store.db.destroy());
  return store;
}

let url: string | undefined;

/** Empty each time. */
async function postgres(): Promise<SqlStore> {
  url ??= await server.createDatabase();
  await server.query(url, 'drop schema if exists postern cascade');
  const store = await openStoreAt({ path: '', database: new Secret(url, 'env:TEST') });
  onTestFinished(() => store.db.destroy());
  return store;
}

const pool = cidrs('198.51.100.1', '198.51.100.2', '198.51.100.3', '2001:db8::/64');
const lists = fc.uniqueArray(fc.constantFrom(...pool));
/** What a person or a server may have written, beyond ASCII too. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map(each => each.replaceAll('\0', ''));

const deeds = fc.array(
  fc.oneof(
    fc.record({ deed: fc.constant('read' as const), list: lists, complete: fc.boolean() }),
    fc.record({ deed: fc.constant('ledger' as const), gate: text, list: lists, absent: fc.boolean() }),
    fc.record({ deed: fc.constant('adopt' as const), gate: text, list: lists }),
    fc.record({
      deed: fc.constant('write' as const),
      gate: text,
      list: lists,
      reason: text,
      isOpen: fc.boolean(),
    }),
    fc.record({ deed: fc.constant('plan' as const), gate: text, checksum: text, json: fc.json() }),
  ),
  { maxLength: 15 },
);

type Deeds = typeof deeds extends fc.Arbitrary<infer Value> ? Value : never;

async function fill(journal: Journal, all: Deeds) {
  for (const [n, each] of all.entries()) {
    const atMs = nowMs + n;
    if (each.deed === 'read') {
      const made = each.complete
        ? observation('control-plane', each.list)
        : incomplete('control-plane', each.list);
      await journal.recordObservation({ ...made, id: `r${n}`, atMs });
    } else if (each.deed === 'ledger') {
      const more = each.absent ? { absentSinceMs: atMs, absentReads: 2, lastAbsentReadAtMs: atMs } : {};
      await journal.saveLedger(
        each.gate,
        each.list.map(one => ({ ...row(one), ...more })),
      );
    } else if (each.deed === 'adopt') await journal.adopt(each.gate, each.list, atMs);
    else if (each.deed === 'write') {
      const id = await journal.beginWrite(
        intent({ gateId: each.gate, target: each.list, reason: each.reason, atMs }),
      );
      if (!each.isOpen)
        await journal.finishWrite(id, { outcome: 'applied', after: each.list, atMs, error: each.reason });
    } else await recordPlan(journal, each.gate, each.checksum, atMs, each.json);
  }
}

/** Every row, in an order that does not depend on the database. */
async function dump(store: SqlStore): Promise<unknown> {
  const names = [
    'content',
    'observation',
    'ledger',
    'owned',
    'write_record',
    'plan',
    'coverage',
    'memo',
    'approval',
  ] as const;
  return await Promise.all(
    names.map(async name => {
      const rows = await store.db.selectFrom(name).selectAll().execute();
      return rows.map(each => JSON.stringify(Object.entries(each).sort())).sort();
    }),
  );
}

test('whatever is in it, a journal that goes to PostgreSQL and back is the same, and counts its ids on', async () => {
  await fc.assert(
    fc.asyncProperty(deeds, async all => {
      const [first, middle, last] = [await sqlite(), await postgres(), await sqlite()];
      await fill(new SqlJournal(first), all);
      const before = await dump(first);
      const there = await copyJournal(first, middle);
      expect(await dump(middle)).toEqual(before);
      const back = await copyJournal(middle, last);
      expect(await dump(last)).toEqual(before);
      expect(await dump(first)).toEqual(before);
      expect(back).toEqual(there);
      const writes = all.filter(({ deed }) => deed === 'write').length;
      for (const store of [middle, last])
        expect(await new SqlJournal(store).beginWrite(intent())).toBe(writes + 1);
      for (const store of [first, middle, last]) await store.db.destroy();
    }),
    { numRuns: Number(process.env.POSTERN_RUNS ?? 12) },
  );
}, 120_000);

test('coverage, memos and approvals go along, and approvals count their ids on', async () => {
  const [from, to] = [await sqlite(), await postgres()];
  const journal = new SqlJournal(from);
  await journal.recordCoverage(gateId, { atMs: nowMs, coverage: 'locked-out', missing: 3 });
  await journal.remember('told', { alerts: [] });
  const approval = {
    gateId,
    gateName: 'vault',
    cidrs: pool,
    planChecksum: 'a'.repeat(64),
    by: 'alice',
    reason: 'looked at it',
    atMs: nowMs,
    expiresAtMs: nowMs + 1,
  };
  const id = await journal.approve(approval);
  await copyJournal(from, to);
  expect(await dump(to)).toEqual(await dump(from));
  const there = new SqlJournal(to);
  expect(await there.recall('told')).toEqual({ alerts: [] });
  expect(await there.approve(approval)).toBe(id + 1);
});

test('more rows than one statement takes are copied', async () => {
  const [from, to] = [await sqlite(), await postgres()];
  const rows = Array.from({ length: 1_203 }, (_, n) => row(cidrs(`198.18.${n >> 8}.${n & 255}`)[0]!));
  await new SqlJournal(from).saveLedger(gateId, rows);
  await copyJournal(from, to);
  expect(await countRows(to)).toMatchObject({ ledger: 1_203, owned: 0 });
});

test('a target that holds anything is refused, and stays as it is', async () => {
  for (const make of [sqlite, postgres]) {
    const [from, to] = [await sqlite(), await make()];
    await new SqlJournal(from).adopt(gateId, pool, nowMs);
    await new SqlJournal(to).adopt('other', pool.slice(0, 1), nowMs);
    const before = await dump(to);
    await expect(copyJournal(from, to)).rejects.toMatchObject({
      name: 'JournalError',
      message: expect.stringContaining('not empty'),
    });
    expect(await dump(to)).toEqual(before);
  }
});

test('a journal that a run works with is refused', async () => {
  for (const [make, target] of [
    [sqlite, postgres],
    [postgres, sqlite],
  ] as const) {
    const from = await make();
    const journal = new SqlJournal(from);
    const lock = await journal.lock(gateId, holder({ command: 'postern watch' }), leaseMs);
    await expect(copyJournal(from, await target())).rejects.toMatchObject({
      message: expect.stringContaining('postern watch'),
    });
    if (lock.acquired) await lock.release();
  }
});

test('a copy that fails at any table leaves the target empty', async () => {
  const [from, to] = [await sqlite(), await postgres()];
  const journal = new SqlJournal(from);
  await journal.recordObservation(observation('control-plane', pool));
  await journal.adopt(gateId, pool, nowMs);
  await journal.beginWrite(intent());
  let copied = 0;
  await expect(
    copyJournal(from, to, () => {
      if (++copied === 5) throw new Error('cut off');
    }),
  ).rejects.toThrow('cut off');
  expect(new Set(Object.values(await countRows(to)))).toEqual(new Set([0]));
  await copyJournal(from, to);
  expect(await dump(to)).toEqual(await dump(from));
});
