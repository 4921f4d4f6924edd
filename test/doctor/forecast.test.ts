import fc from 'fast-check';
import { expect, test } from 'vitest';
import { daysUntilFull, growthOf, totalGrowth } from '../../src/doctor/forecast.ts';

const dayMs = 24 * 60 * 60 * 1000;
const at = (day: number, addresses: number) => ({ atMs: Date.parse('2026-11-01') + day * dayMs, addresses });

test('a straight line is found whatever its slope, and whatever the order of its points', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -20, max: 20 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 3, maxLength: 20 }),
      (slope, days) => {
        fc.pre(Math.max(...days) - Math.min(...days) >= 2);
        const growth = growthOf(days.map(day => at(day, 400 + slope * day)));
        expect(growth?.addressesPerDay).toBeCloseTo(slope, 6);
      },
    ),
  );
});

test.each([
  ['none', []],
  ['two', [at(0, 1), at(5, 9)]],
  ['within a day', [at(0, 1), at(0.4, 5), at(0.9, 9)]],
])('too few readings tell nothing: %s', (_, points) => {
  expect(growthOf(points)).toBeUndefined();
});

test('feeds grow together, and one that shrinks counts', () => {
  const growth = (addressesPerDay: number) => ({ addressesPerDay, days: 10 });
  expect(totalGrowth([growth(3), undefined, growth(-1)])?.addressesPerDay).toBe(2);
  expect(totalGrowth([undefined])).toBeUndefined();
});

test('days until full, in the unit of the limit', () => {
  const usage = { used: 8_000, limit: 10_000, unit: 'characters' } as const;
  expect(daysUntilFull(usage, 400, { addressesPerDay: 2, days: 10 })).toBe(50);
  expect(daysUntilFull(usage, 400, { addressesPerDay: 0, days: 10 })).toBeUndefined();
  expect(daysUntilFull(usage, 400, undefined)).toBeUndefined();
  expect(daysUntilFull({ ...usage, used: 11_000 }, 400, { addressesPerDay: 2, days: 10 })).toBe(0);
});
