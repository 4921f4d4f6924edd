/** What every journal does, whatever database stands behind it. */
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import type { CoverageChange, Journal } from '../../src/journal/journal.ts';
import { Secret } from '../../src/secret.ts';
import { addressesOf, cidr, cidrs, dayMs, incomplete, nowMs, observation, row } from '../plan/fixtures.ts';
import { gateId, holder, intent, leaseMs, recordPlan } from './fixtures.ts';

export interface OpenStore {
  /** Another connection to the same store, as another process has. */
  open(): Promise<Journal>;
  /** Lets time pass for the leases of locks. */
  passTime(ms: number): Promise<void>;
  /** How often a feed is read where two months of it are recorded; default 10. */
  readonly pollMinutes?: number;
}

/** @param makeStore makes a fresh, empty store */
export function specifyJournal(name: string, makeStore: () => Promise<OpenStore> | OpenStore): void {
  const setUp = async () => {
    const store = await makeStore();
    const open = async () => {
      const journal = await store.open();
      onTestFinished(() => journal.close());
      return journal;
    };
    return {
      open,
      journal: await open(),
      pollMinutes: store.pollMinutes ?? 10,
      passTime: (ms: number) => store.passTime(ms),
    };
  };

  describe(`${name}: approvals`, () => {
    const approval = {
      gateId,
      gateName: 'vault',
      cidrs: cidrs('198.51.100.1', '198.51.100.2'),
      planChecksum: 'sum',
      by: 'alice',
      reason: 'CHG-7',
      atMs: nowMs,
      expiresAtMs: nowMs + dayMs,
    };

    test('are had back whole, newest first, of one gate or of all', async () => {
      const { journal, open } = await setUp();
      const first = await journal.approve(approval);
      const second = await journal.approve({ ...approval, reason: 'CHG-8' });
      await journal.approve({ ...approval, gateId: 'other' });
      const other = await open();
      expect(await other.approvals({ gateId, limit: 9 })).toEqual([
        { ...approval, id: second, reason: 'CHG-8' },
        { ...approval, id: first },
      ]);
      expect(await other.approvals({ limit: 9 })).toHaveLength(3);
      expect(await other.approvals({ limit: 1 })).toMatchObject([{ gateId: 'other' }]);
    });

    test('hold no secret that a reason may quote', async () => {
      const { journal } = await setUp();
      new Secret('approval-secret-value', 'env:X');
      await journal.approve({ ...approval, reason: 'with approval-secret-value' });
      expect((await journal.approvals({ limit: 1 }))[0]?.reason).toBe('with [redacted]');
    });
  });

  describe(`${name}: observations`, () => {
    const [a, b] = cidrs('198.51.100.1', '198.51.100.2');

    test('the last complete one is had back whole, by another connection too', async () => {
      const { journal, open } = await setUp();
      const complete = observation('control-plane', [a!, b!], {
        sections: { 'aws/us-east-1': 2, 'gcp/x': 0, 7: 1 },
        findings: [],
      });
      await journal.recordObservation(complete);
      await journal.recordObservation({ ...incomplete('control-plane', [a!]), id: 'later', atMs: nowMs + 1 });
      await journal.recordObservation(observation('static', [a!], { atMs: nowMs + 2 }));
      expect(await (await open()).lastComplete('control-plane')).toEqual(complete);
      expect(await journal.lastComplete('nodes:x')).toBeUndefined();
    });

    test('two readings that list the same in another order are the same content', async () => {
      const { journal } = await setUp();
      await journal.recordObservation(observation('control-plane', [b!, a!]));
      await journal.recordObservation(observation('control-plane', [a!, b!], { atMs: nowMs + 1 }));
      expect((await journal.lastComplete('control-plane'))?.addresses).toEqual(
        addressesOf('control-plane', [a!, b!]),
      );
    });

    test('after a clock that was ahead, the newest is what came in last', async () => {
      const { journal } = await setUp();
      const record = (id: string, atMs: number, list = [a!]) =>
        journal.recordObservation(observation('control-plane', list, { id, atMs }));
      await record('ahead', nowMs + 30 * dayMs);
      await record('right', nowMs + 60_000, [a!, b!]);
      expect(await journal.lastComplete('control-plane')).toMatchObject({ id: 'right' });
      // It is kept though another of its day found the same, and it is older than what is.
      await record('behind', nowMs - 50 * dayMs, [b!]);
      await record('pruning', nowMs + 3 * dayMs, [b!]);
      await record('behind again', nowMs - 50 * dayMs + 1, [b!]);
      await journal.recordObservation({
        ...incomplete('control-plane', []),
        id: 'no',
        atMs: nowMs + 4 * dayMs,
      });
      expect(await journal.lastComplete('control-plane')).toMatchObject({ id: 'behind again' });
      expect(await journal.peakCount('control-plane', nowMs)).toBe(2);
    });

    test('of two readings at a time, the newest is the one that began last, whichever comes in last', async () => {
      const { journal } = await setUp();
      await journal.recordObservation(observation('control-plane', [a!], { id: 'first', atMs: nowMs }));
      await journal.recordObservation(
        observation('control-plane', [a!, b!], { id: 'late', atMs: nowMs + 30_000 }),
      );
      await journal.recordObservation(
        observation('control-plane', [a!], { id: 'slow', atMs: nowMs + 9_000 }),
      );
      expect(await journal.lastComplete('control-plane')).toMatchObject({ id: 'late' });
      // One that was made before them all, and is recorded by a worker that stood still meanwhile.
      await journal.recordObservation(
        observation('control-plane', [b!], { id: 'very late', atMs: nowMs - 3_600_000 }),
        nowMs + 50_000,
      );
      expect(await journal.lastComplete('control-plane')).toMatchObject({ id: 'late' });
      await journal.recordObservation(
        observation('control-plane', [a!], { id: 'next', atMs: nowMs + 60_000 }),
      );
      expect(await journal.lastComplete('control-plane')).toMatchObject({ id: 'next' });
    });

    test('the peak counts distinct addresses, of complete readings in the window only', async () => {
      const { journal } = await setUp();
      const record = (count: number, atMs: number, more = {}) =>
        journal.recordObservation(
          observation(
            'control-plane',
            Array.from({ length: count }, (_, i) => cidr(`198.51.100.${i}`)),
            { atMs, ...more },
          ),
        );
      await record(9, nowMs - 31 * dayMs);
      await record(5, nowMs - 30 * dayMs);
      await record(8, nowMs - dayMs, { complete: false });
      await record(2, nowMs);
      await journal.recordObservation(observation('static', [a!, a!], { atMs: nowMs }));
      expect(await journal.peakCount('control-plane', nowMs - 30 * dayMs)).toBe(5);
      expect(await journal.peakCount('control-plane', nowMs + 1)).toBe(0);
      expect(await journal.peakCount('static', 0)).toBe(1);
      expect(await journal.peakCount('nodes:x', 0)).toBe(0);
    });

    test('they are listed newest first, with their faults and without their addresses', async () => {
      const { journal } = await setUp();
      const broken = { ...incomplete('control-plane', [a!]), id: 'broken', atMs: nowMs + 1 };
      await journal.recordObservation(observation('control-plane', [a!]));
      await journal.recordObservation(broken);
      await journal.recordObservation(observation('static', [a!], { atMs: nowMs + 2 }));
      const { addresses: _, ...listed } = broken;
      expect(await journal.observations({ feed: 'control-plane', limit: 1 })).toEqual([listed]);
      expect((await journal.observations({ limit: 9 })).map(({ feed }) => feed)).toEqual([
        'static',
        'control-plane',
        'control-plane',
      ]);
    });
  });

  describe(`${name}: retention`, () => {
    const [a, b, c] = cidrs('198.51.100.1', '198.51.100.2', '198.51.100.3');

    test('a poll every few minutes for sixty days keeps the peaks, the last complete one, and little else', async () => {
      const { journal, pollMinutes } = await setUp();
      const stepMs = pollMinutes * 60_000;
      const perDay = dayMs / stepMs;
      await journal.recordObservation(observation('nodes:quiet', [a!, b!], { atMs: nowMs }));
      for (let at = 0; at < 60 * dayMs; at += stepMs) {
        // The peak of three addresses was seen once, on day 35.
        const list = at === 35 * dayMs ? [a!, b!, c!] : [a!];
        await journal.recordObservation(
          observation('control-plane', list, { atMs: nowMs + at, id: `r${at}` }),
        );
      }
      const endMs = nowMs + 60 * dayMs;
      expect(await journal.peakCount('control-plane', endMs - 30 * dayMs)).toBe(3);
      expect((await journal.lastComplete('control-plane'))?.id).toBe(`r${60 * dayMs - stepMs}`);
      expect((await journal.lastComplete('nodes:quiet'))?.addresses).toHaveLength(2);
      const kept = await journal.observations({ limit: 10_000 });
      expect(kept.filter(({ atMs }) => atMs >= endMs - 2 * dayMs)).toHaveLength(2 * perDay);
      expect(kept.length).toBeLessThan(2 * perDay + 45 + 10);
      expect(
        Math.min(...kept.filter(({ feed }) => feed === 'control-plane').map(({ atMs }) => atMs)),
      ).toBeGreaterThan(endMs - 41 * dayMs);
    }, 60_000);

    test('a plan that was carried out stays, one that was not goes, the newest stays', async () => {
      const { journal } = await setUp();
      for (const [n, checksum] of ['dropped', 'carried out', 'newest'].entries()) {
        await recordPlan(journal, gateId, checksum, nowMs + n);
      }
      await journal.beginWrite(intent({ planChecksum: 'carried out' }));
      await journal.recordObservation(observation('control-plane', [a!], { atMs: nowMs + 41 * dayMs }));
      expect((await journal.plans({ limit: 9 })).map(({ checksum }) => checksum)).toEqual([
        'newest',
        'carried out',
      ]);
    });
  });

  describe(`${name}: ledger`, () => {
    test('saving replaces the rows of that gate only', async () => {
      const { journal, open } = await setUp();
      const [one, two, three] = cidrs('198.51.100.1', '2001:db8::/64', '198.51.100.3').map(each => row(each));
      const absent = { ...two!, absentSinceMs: nowMs, absentReads: 3, lastAbsentReadAtMs: nowMs + 5 };
      await journal.saveLedger('other', [three!]);
      await journal.saveLedger(gateId, [one!, three!]);
      await journal.saveLedger(gateId, [one!, absent]);
      expect(await (await open()).ledger(gateId)).toEqual([one, absent]);
      expect(await journal.ledger('other')).toEqual([three]);
      await journal.saveLedger(gateId, []);
      expect(await journal.ledger(gateId)).toEqual([]);
    });

    test('one that cannot be saved whole leaves the old one whole, and the journal usable', async () => {
      const { journal } = await setUp();
      const old = [row(cidr('198.51.100.1'))];
      await journal.saveLedger(gateId, old);
      const twice = row(cidr('198.51.100.2'));
      await expect(journal.saveLedger(gateId, [twice, twice])).rejects.toMatchObject({
        name: 'JournalError',
      });
      expect(await journal.ledger(gateId)).toEqual(old);
    });

    const ledgers = fc
      .uniqueArray(fc.record({ at: fc.nat(9), lastMs: fc.nat(2), reads: fc.nat(1) }), {
        selector: ({ at }) => at,
      })
      .map(list =>
        list.map(({ at, lastMs, reads }) => ({
          ...row(cidr(`198.51.100.${at}`)),
          lastWantedAtMs: nowMs + lastMs,
          ...(reads > 0 && { absentSinceMs: nowMs, absentReads: reads, lastAbsentReadAtMs: nowMs + lastMs }),
        })),
      );

    test('whatever is saved after whatever, by whichever way, comes back as it was', async () => {
      const { journal } = await setUp();
      const coverage = { atMs: nowMs, coverage: 'let-in', missing: 0 } as const;
      const plan = { checksum: 'a', atMs: nowMs, json: () => '{}' };
      let gate = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(ledgers, fc.boolean()), { maxLength: 5 }), async saves => {
          const id = `ledger ${gate++}`;
          for (const [ledger, isReading] of saves) {
            await (isReading
              ? journal.recordReading(id, { ledger, coverage, plan })
              : journal.saveLedger(id, ledger));
            const inOrder = (rows: readonly { cidr: string }[]) =>
              rows.toSorted((one, two) => (one.cidr < two.cidr ? -1 : 1));
            expect(inOrder(await journal.ledger(id))).toEqual(inOrder(ledger));
          }
        }),
        { numRuns: 30 },
      );
    });

    test('what another saved since this one read is replaced as well, not mixed with', async () => {
      const { journal, open } = await setUp();
      const other = await open();
      const [one, two, three] = cidrs('198.51.100.1', '198.51.100.2', '198.51.100.3').map(each => row(each));
      await journal.saveLedger(gateId, [one!]);
      expect(await journal.ledger(gateId)).toEqual([one]);
      await other.saveLedger(gateId, [two!]);
      await journal.saveLedger(gateId, [one!, three!]);
      expect(await other.ledger(gateId)).toEqual([one, three]);
    });

    test('a reading without a ledger leaves it, and one of a run that lost its lock records nothing', async () => {
      const { journal } = await setUp();
      const old = [row(cidr('198.51.100.1'))];
      await journal.saveLedger(gateId, old);
      await recordPlan(journal, gateId, 'a', nowMs);
      expect(await journal.ledger(gateId)).toEqual(old);
      const reading = {
        ledger: [],
        coverage: { atMs: nowMs + 1, coverage: 'locked-out', missing: 3 },
        plan: { checksum: 'b', atMs: nowMs + 1, json: () => '{}' },
      } as const;
      await expect(journal.recordReading(gateId, reading, 'stolen')).rejects.toMatchObject({
        name: 'LockLostError',
      });
      expect(await journal.ledger(gateId)).toEqual(old);
      expect(await journal.plans({ limit: 9 })).toMatchObject([{ checksum: 'a' }]);
      expect(await journal.coverage({ gateId, sinceMs: 0 })).toHaveLength(1);
    });

    test('what a reading says the gate has lost is ours no more, and everything else is', async () => {
      const { journal } = await setUp();
      const [one, other] = cidrs('198.51.100.1', '198.51.100.2');
      await journal.adopt(gateId, [one!, other!], nowMs);
      await journal.adopt('bystander', [one!], nowMs);
      const coverage = { atMs: nowMs, coverage: 'let-in', missing: 0 } as const;
      const plan = { checksum: 'a', atMs: nowMs, json: () => '{}' };
      await journal.recordReading(gateId, { ledger: undefined, lost: [one!], coverage, plan });
      expect((await journal.owned(gateId)).map(({ cidr }) => cidr)).toEqual([other]);
      expect(await journal.owned('bystander')).toHaveLength(1);
    });

    test('a thousand rows, and several saves at once, come back as the last save', async () => {
      const { journal } = await setUp();
      const rows = Array.from({ length: 1_000 }, (_, i) => row(cidr(`198.18.${i >> 8}.${i & 255}`)));
      await Promise.all([1, 500, 1_000].map(count => journal.saveLedger(gateId, rows.slice(0, count))));
      expect(await journal.ledger(gateId)).toHaveLength(1_000);
    });
  });

  describe(`${name}: writes and what is ours`, () => {
    const pool = cidrs('198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4', '198.51.100.5');
    const lists = fc.uniqueArray(fc.constantFrom(...pool));

    test('owned = (owned ∪ (target − before)) ∩ after, whatever the lists', async () => {
      const { journal } = await setUp();
      let gate = 0;
      await fc.assert(
        fc.asyncProperty(lists, lists, lists, fc.option(lists), async (mine, before, target, after) => {
          const id = `gate ${gate++}`;
          await journal.adopt(id, mine, nowMs);
          await journal.adopt('bystander', pool, nowMs);
          const write = await journal.beginWrite(intent({ gateId: id, before, target }));
          await journal.finishWrite(write, { outcome: 'partly', after, atMs: nowMs + 1 });
          const owned = await journal.owned(id);
          const gained = target.filter(each => !before.includes(each) && !mine.includes(each));
          const ours: readonly Cidr[] = after
            ? [...mine, ...gained].filter(each => after.includes(each))
            : mine;
          expect(owned.map(each => each.cidr).sort()).toEqual([...ours].sort());
          for (const entry of owned) {
            expect(entry.how).toBe(mine.includes(entry.cidr) ? 'adopted' : 'written');
            expect(entry.sinceMs).toBe(mine.includes(entry.cidr) ? nowMs : nowMs + 1);
          }
          expect(await journal.owned('bystander')).toHaveLength(pool.length);
        }),
        { numRuns: 150 },
      );
    });

    test('adopting twice leaves the first as it was', async () => {
      const { journal } = await setUp();
      await journal.adopt(gateId, [pool[0]!], nowMs);
      await journal.adopt(gateId, pool.slice(0, 2), nowMs + 5);
      await journal.adopt(gateId, [], nowMs + 6);
      expect((await journal.owned(gateId)).map(({ sinceMs }) => sinceMs)).toEqual([nowMs, nowMs + 5]);
    });

    test('a write is unfinished until it is closed, and a closed one stays as it is', async () => {
      const { journal, open } = await setUp();
      const first = await journal.beginWrite(intent());
      const second = await journal.beginWrite(intent({ kind: 'remove', atMs: nowMs + 1 }));
      const other = await open();
      expect((await other.unfinishedWrites(gateId)).map(({ id }) => id)).toEqual([first, second]);
      expect(await other.unfinishedWrites('other')).toEqual([]);

      const after = intent().target;
      await journal.finishWrite(first, { outcome: 'applied', after, atMs: nowMs + 2 });
      await other.finishWrite(first, { outcome: 'not-applied', after: [], atMs: nowMs + 3, error: 'late' });
      expect((await other.owned(gateId)).map(entry => entry.cidr)).toEqual(cidrs('192.0.2.2'));
      expect(await other.writes({ limit: 9 })).toEqual([
        {
          ...intent({ kind: 'remove', atMs: nowMs + 1 }),
          id: second,
          outcome: null,
          after: null,
          finishedAtMs: null,
          error: null,
        },
        { ...intent(), id: first, outcome: 'applied', after, finishedAtMs: nowMs + 2, error: null },
      ]);
      expect(await other.writes({ gateId, limit: 1 })).toHaveLength(1);
      expect(await other.writes({ gateId: 'other', limit: 1 })).toEqual([]);
    });

    test('a write that is not there cannot be finished, and the error says so', async () => {
      const { journal } = await setUp();
      await expect(
        journal.finishWrite(77, { outcome: 'applied', after: null, atMs: nowMs }),
      ).rejects.toMatchObject({ name: 'JournalError', message: expect.stringContaining('no write 77') });
    });

    test('a secret that an error quotes is not written down', async () => {
      const { journal } = await setUp();
      const secret = new Secret('s3cret-"value"', 'env:X').reveal();
      const id = await journal.beginWrite(intent({ reason: `because ${secret}` }));
      await journal.finishWrite(id, {
        outcome: 'not-applied',
        after: null,
        atMs: nowMs,
        error: `sent ${secret}`,
      });
      await journal.recordObservation({
        ...incomplete('control-plane', []),
        faults: [{ kind: 'refused', place: 'x', message: `you sent ${secret}` }],
      });
      const all = JSON.stringify([
        await journal.writes({ limit: 9 }),
        await journal.observations({ limit: 9 }),
      ]);
      expect(all).not.toContain('s3cret');
      expect(all.split('[redacted]')).toHaveLength(4);
    });
  });

  describe(`${name}: plans`, () => {
    test('newest first, and one that would write the same as the one before is no news', async () => {
      const { journal } = await setUp();
      for (const [n, checksum] of ['a', 'a', 'b', 'a'].entries()) {
        await recordPlan(journal, gateId, checksum, nowMs + n, `{"n":${n}}`);
      }
      await recordPlan(journal, 'other', 'a', nowMs);
      expect((await journal.plans({ gateId, limit: 9 })).map(({ json }) => json)).toEqual([
        '{"n":3}',
        '{"n":2}',
        '{"n":0}',
      ]);
      expect(await journal.plans({ limit: 9 })).toHaveLength(4);
    });
  });

  describe(`${name}: locks`, () => {
    test('one at a time, also for two callers in one process; the holder is named', async () => {
      const { journal, open } = await setUp();
      const first = await journal.lock(gateId, holder({ command: 'first' }), leaseMs);
      for (const each of [journal, await open()]) {
        expect(await each.lock(gateId, holder({ command: 'second' }), leaseMs)).toEqual({
          acquired: false,
          holder: holder({ command: 'first' }),
        });
      }
      expect(await journal.lock('other', holder(), leaseMs)).toMatchObject({ acquired: true });
      if (first.acquired) await first.release();
      const second = await journal.lock(gateId, holder(), leaseMs);
      expect(second).toMatchObject({ acquired: true });
      expect(second).not.toHaveProperty('takenFrom');
    });

    test('of many that ask at once, one has it', async () => {
      const { journal, open } = await setUp();
      const journals = [journal, await open(), await open()];
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, n) => journals[n % 3]!.lock(gateId, holder(), leaseMs)),
      );
      expect(results.filter(({ acquired }) => acquired)).toHaveLength(1);
    });

    test('one elsewhere loses it when its lease is over', async () => {
      const { journal, passTime } = await setUp();
      await journal.lock('remote', holder({ host: 'elsewhere', pid: 1 }), leaseMs);
      await passTime(leaseMs - 5_000);
      expect(await journal.lock('remote', holder(), leaseMs)).toMatchObject({ acquired: false });
      await passTime(5_000);
      expect(await journal.lock('remote', holder(), leaseMs)).toMatchObject({
        acquired: true,
        takenFrom: holder({ host: 'elsewhere', pid: 1 }),
      });
    });

    test('who lost it cannot release it from under the new holder', async () => {
      const { journal, open, passTime } = await setUp();
      const lost = await journal.lock(gateId, holder({ host: 'elsewhere' }), leaseMs);
      await passTime(leaseMs);
      await journal.lock(gateId, holder({ command: 'new' }), leaseMs);
      if (lost.acquired) await lost.release();
      expect(await (await open()).lock(gateId, holder(), leaseMs)).toMatchObject({
        acquired: false,
        holder: { command: 'new' },
      });
    });

    test('who lost it changes nothing of the gate, is told so, and can use the journal still', async () => {
      const { journal, open, passTime } = await setUp();
      const rows = [row(cidr('198.51.100.1'))];
      const lost = await journal.lock(gateId, holder({ host: 'elsewhere' }), leaseMs);
      if (!lost.acquired) throw new Error('not acquired');
      await journal.saveLedger(gateId, rows, lost.token);
      await journal.adopt(gateId, cidrs('198.51.100.1'), nowMs, lost.token);
      const before = await journal.beginWrite(intent(), lost.token);
      await passTime(leaseMs);
      const other = await open();
      const held = await other.lock(gateId, holder({ command: 'new' }), leaseMs);
      if (!held.acquired) throw new Error('not acquired');

      const refusal = { name: 'LockLostError', message: expect.stringContaining(gateId) };
      await expect(journal.beginWrite(intent(), lost.token)).rejects.toMatchObject(refusal);
      await expect(journal.saveLedger(gateId, [], lost.token)).rejects.toMatchObject(refusal);
      await expect(journal.adopt(gateId, cidrs('198.51.100.2'), nowMs, lost.token)).rejects.toMatchObject(
        refusal,
      );
      expect((await other.writes({ limit: 9 })).map(({ id }) => id)).toEqual([before]);
      expect(await other.ledger(gateId)).toEqual(rows);
      expect(await journal.owned(gateId)).toHaveLength(1);

      await held.release();
      await expect(other.beginWrite(intent(), held.token)).rejects.toMatchObject(refusal);
      // Another gate's lock is no proof either.
      const elsewhere = await other.lock('other', holder(), leaseMs);
      if (!elsewhere.acquired) throw new Error('not acquired');
      await expect(other.beginWrite(intent(), elsewhere.token)).rejects.toMatchObject(refusal);
      await other.beginWrite(intent({ gateId: 'other' }), elsewhere.token);
    });

    test('a lease that ran out while nobody came is a lock still', async () => {
      const { journal, passTime } = await setUp();
      const lock = await journal.lock(gateId, holder({ host: 'elsewhere' }), leaseMs);
      if (!lock.acquired) throw new Error('not acquired');
      expect(lock.isCertain()).toBe(true);
      await passTime(2 * leaseMs);
      await journal.beginWrite(intent(), lock.token);
      await lock.release();
      expect(lock.isCertain()).toBe(false);
    });

    test('a journal that failed gives up its locks when it is closed: a daemon must not lock itself out', async () => {
      const { open } = await setUp();
      const journal = await open();
      await journal.lock(gateId, holder(), leaseMs);
      await expect(
        journal.finishWrite(77, { outcome: 'applied', after: null, atMs: nowMs }),
      ).rejects.toThrow();
      await journal.close();
      await journal.close();
      expect(await (await open()).lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: true });
    });

    test('one that did not fail keeps them: closing is not releasing', async () => {
      const { open } = await setUp();
      const journal = await open();
      await journal.lock(gateId, holder(), leaseMs);
      await journal.close();
      expect(await (await open()).lock(gateId, holder(), leaseMs)).toMatchObject({ acquired: false });
    });
  });

  describe(`${name}: coverage and memos`, () => {
    test('coverage is kept where it changes, and told from any time on', async () => {
      const { journal, open } = await setUp();
      const at = (minute: number, coverage: CoverageChange['coverage'], missing = 0) =>
        journal.recordCoverage(gateId, { atMs: nowMs + minute * 60_000, coverage, missing });
      await at(0, 'let-in');
      await at(1, 'let-in');
      await at(2, 'locked-out', 3);
      await at(3, 'locked-out', 1);
      await at(4, 'let-in');
      await journal.recordCoverage('other', { atMs: nowMs, coverage: 'cannot-tell', missing: 0 });
      const told = async (sinceMs: number) =>
        (await (await open()).coverage({ gateId, sinceMs })).map(
          ({ atMs, coverage, missing }) => `${(atMs - nowMs) / 60_000} ${coverage} ${missing}`,
        );
      expect(await told(0)).toEqual(['0 let-in 0', '2 locked-out 3', '3 locked-out 1', '4 let-in 0']);
      expect(await told(nowMs + 2.5 * 60_000)).toEqual(['2 locked-out 3', '3 locked-out 1', '4 let-in 0']);
      expect(await told(nowMs + 99 * 60_000)).toEqual(['4 let-in 0']);
    });

    test('a memo is had back as it was, the newest one, without secrets', async () => {
      const { journal, open } = await setUp();
      new Secret('hunter2-hunter2', 'env:X');
      expect(await journal.recall('alerts')).toBeUndefined();
      await journal.remember('alerts', { open: [1, 2], said: 'no' });
      await journal.remember('alerts', { open: [], said: 'key hunter2-hunter2' });
      await journal.remember('other', null);
      expect(await (await open()).recall('alerts')).toEqual({ open: [], said: 'key [redacted]' });
      expect(await journal.recall('other')).toBeNull();
    });

    test('memos of one kind are had back together, and one can be forgotten', async () => {
      const { journal, open } = await setUp();
      await journal.remember('gate/a', { n: 1 });
      await journal.remember('gate/b_%', [2]);
      await journal.remember('gates', 3);
      expect(await (await open()).recallAll('gate/')).toEqual(
        new Map<string, unknown>([
          ['gate/a', { n: 1 }],
          ['gate/b_%', [2]],
        ]),
      );
      await journal.forget('gate/a');
      await journal.forget('gate/never');
      expect([...(await journal.recallAll('gate')).keys()].sort()).toEqual(['gate/b_%', 'gates']);
      expect(await journal.recallAll('nothing')).toEqual(new Map());
    });
  });
}
