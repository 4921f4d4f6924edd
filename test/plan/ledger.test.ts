import { describe, expect, test } from 'vitest';
import type { Address } from '../../src/address/address.ts';
import type { Cidr } from '../../src/address/cidr.ts';
import type { LedgerRow } from '../../src/journal/journal.ts';
import { advanceLedger, restartGrace } from '../../src/plan/ledger.ts';
import { addressesOf, cidr, dayMs, nowMs, ownedOf, ripe, row } from './fixtures.ts';

const a = cidr('3.92.113.229');
const b = cidr('3.208.110.31');
const gapMs = 60_000;

const read = (
  wanted: readonly Address[],
  more: { complete?: boolean; atMs?: number; latestMs?: number } = {},
) => ({
  wanted,
  complete: true,
  atMs: nowMs,
  minReadGapMs: gapMs,
  ...more,
});
const rowOf = (rows: readonly LedgerRow[], each: Cidr) => rows.find(({ cidr }) => cidr === each);

describe('advanceLedger', () => {
  test('a wanted address gets a row, or has its clock reset', () => {
    const wanted = addressesOf('control-plane', [a, b]);
    const rows = advanceLedger([ripe(a)], [], read(wanted));
    for (const each of [a, b]) {
      expect(rowOf(rows, each)).toMatchObject({ absentSinceMs: null, absentReads: 0, lastWantedAtMs: nowMs });
    }
    expect(rowOf(rows, a)?.firstWantedAtMs).toBe(nowMs - 100 * dayMs);
  });

  test('a complete reading without it starts the clock; an incomplete one changes nothing', () => {
    expect(advanceLedger([row(a)], [], read([]))).toMatchObject([{ absentSinceMs: nowMs, absentReads: 1 }]);
    expect(advanceLedger([row(a)], [], read([], { complete: false }))).toEqual([row(a)]);
    expect(advanceLedger([ripe(a)], [], read([], { complete: false }))).toEqual([ripe(a)]);
  });

  test.each([
    ['the same reading again', 0, 1],
    ['a millisecond under the gap', gapMs - 1, 1],
    ['the gap', gapMs, 2],
    ['a clock that went back', -dayMs, 1],
  ])('%s counts as %s', (_, laterMs, reads) => {
    const once = advanceLedger([row(a)], [], read([]));
    const twice = advanceLedger(once, [], read([], { atMs: nowMs + laterMs }));
    expect(twice).toMatchObject([{ absentSinceMs: nowMs, absentReads: reads }]);
  });

  test('of feeds read one after another, grace runs from the latest, and each is read again for the next to count', () => {
    const latestMs = nowMs + 5 * gapMs;
    const once = advanceLedger([row(a)], [], read([], { latestMs }));
    expect(once).toMatchObject([{ absentSinceMs: latestMs, absentReads: 1 }]);
    // One of the feeds was read again: the feed that lacks the address may be the one that was not.
    for (const atMs of [nowMs, latestMs, latestMs + gapMs - 1]) {
      const again = advanceLedger(once, [], read([], { atMs, latestMs: latestMs + 3 * gapMs }));
      expect(again).toMatchObject([{ absentSinceMs: latestMs, absentReads: 1 }]);
    }
    const twice = advanceLedger(once, [], read([], { atMs: latestMs + gapMs, latestMs: latestMs + gapMs }));
    expect(twice).toMatchObject([{ absentSinceMs: latestMs, absentReads: 2 }]);
  });

  test('the same reading counts once, also where readings need no gap', () => {
    const noGap = { ...read([]), minReadGapMs: 0 };
    const once = advanceLedger([row(a)], [], noGap);
    expect(advanceLedger(once, [], noGap)).toMatchObject([{ absentReads: 1 }]);
    expect(advanceLedger(once, [], { ...noGap, atMs: nowMs + 1 })).toMatchObject([{ absentReads: 2 }]);
  });

  test('a reading that is older than the last one that wanted it starts no clock', () => {
    const wantedSince = row(a, { lastWantedAtMs: nowMs + 1 });
    expect(advanceLedger([wantedSince], [], read([]))).toEqual([wantedSince]);
    expect(advanceLedger([wantedSince], [], read([], { atMs: nowMs + 1 }))).toMatchObject([
      { absentReads: 1 },
    ]);
  });

  test('an address that comes back and goes again starts from nothing', () => {
    const back = advanceLedger([ripe(a)], [], read(addressesOf('control-plane', [a])));
    expect(advanceLedger(back, [], read([], { atMs: nowMs + 1 }))).toMatchObject([
      { absentSinceMs: nowMs + 1, absentReads: 1 },
    ]);
  });

  test('an owned entry that no row knows gets a clock', () => {
    const merged = cidr('3.0.0.0/31');
    const rows = advanceLedger([row(cidr('3.0.0.0'))], ownedOf([merged]), read([]));
    expect(rowOf(rows, cidr('3.0.0.1'))).toMatchObject({ absentSinceMs: nowMs, absentReads: 1 });
  });

  test('that Atlas once wanted it is remembered when only the config wants it now', () => {
    const now: Address[] = [
      { cidr: a, provenance: { feed: 'static', direction: 'outbound', future: false } },
    ];
    const [after] = advanceLedger([row(a)], [], read(now));
    expect(after?.provenance.map(({ feed }) => feed)).toEqual(['static', 'control-plane']);
  });
});

test('restartGrace starts the clock of what was put back, and of nothing else', () => {
  const rows = restartGrace([ripe(a), ripe(b)], [a], nowMs);
  expect(rowOf(rows, a)).toMatchObject({ absentSinceMs: nowMs, absentReads: 0, lastAbsentReadAtMs: null });
  expect(rowOf(rows, b)).toEqual(ripe(b));
});
