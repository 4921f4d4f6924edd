/** The fleet's budgets while the database comes and goes, on a simulated clock. */
import { expect, test } from 'vitest';
import { Secret } from '../../../src/secret.ts';
import type { Budget, RateBudgets } from '../../../src/watch/fleet/budget.ts';
import { keptRateBudgets } from '../../../src/watch/fleet/budget-keeper.ts';
import { SimClock } from '../sim-clock.ts';

const budget: Budget = { key: 'events/a', capacity: 150, refillPerMs: 1 };
const database = () => new Secret('postgresql://postern@db.invalid/postern', 'test');

/** Each opening is answered as the test says. */
function keeper(...openings: (() => Promise<RateBudgets>)[]) {
  const clock = new SimClock(0);
  let opened = 0;
  let url = database;
  const kept = keptRateBudgets({ database: () => url(), clock }, () => openings[opened++]!());
  const rotate = () => {
    url = () => new Secret('postgresql://postern:another@db.invalid/postern', 'test');
  };
  return { clock, kept, rotate, opened: () => opened };
}

const giving = (waitMs: number) => async (): Promise<RateBudgets> => ({ take: async () => waitMs });
const failing = async (): Promise<RateBudgets> => {
  throw new Error('the database is away');
};

test('it is opened once, when it is first asked for', async () => {
  const { kept, opened } = keeper(giving(7));
  expect(opened()).toBe(0);
  expect([await kept.take(budget), await kept.take(budget)]).toEqual([7, 7]);
  expect(opened()).toBe(1);
});

test('one that could not be opened is left alone for half a minute, and then opened anew', async () => {
  const { clock, kept, opened } = keeper(failing, giving(3));
  await expect(kept.take(budget)).rejects.toThrow('the database is away');
  await clock.advance(29_000);
  await expect(kept.take(budget)).rejects.toThrow('a moment ago');
  expect(opened()).toBe(1);
  await clock.advance(2_000);
  expect(await kept.take(budget)).toBe(3);
  expect(opened()).toBe(2);
});

test('after a clock that was ahead it is asked at once', async () => {
  const { clock, kept } = keeper(failing, giving(3));
  clock.set(30 * 86_400_000);
  await expect(kept.take(budget)).rejects.toThrow('the database is away');
  clock.set(0);
  expect(await kept.take(budget)).toBe(3);
});

test('one that does not answer within two seconds holds nobody up, and is not opened twice', async () => {
  let answer = (_: number) => {};
  const slow: RateBudgets = { take: () => new Promise<number>(resolve => (answer = resolve)) };
  const { clock, kept, opened } = keeper(async () => slow);
  const taken = expect(kept.take(budget)).rejects.toThrow('did not answer in time');
  await clock.advance(2_001);
  await taken;
  answer(1);
  await expect(kept.take(budget)).rejects.toThrow('a moment ago');
  await clock.advance(31_000);
  const again = kept.take(budget);
  await clock.advance(1);
  answer(5);
  expect(await again).toBe(5);
  expect(opened()).toBe(1);
});

test('what fails later is away for a while, and is there again without being opened anew', async () => {
  let fails = true;
  const { clock, kept, opened } = keeper(async () => ({
    take: async () => {
      if (fails) throw new Error('the connection broke');
      return 0;
    },
  }));
  await expect(kept.take(budget)).rejects.toThrow('the connection broke');
  fails = false;
  await clock.advance(31_000);
  expect(await kept.take(budget)).toBe(0);
  expect(opened()).toBe(1);
});

test('what fails after its password was rotated is opened anew', async () => {
  let isRefused = false;
  const old: RateBudgets = {
    take: async () => {
      if (isRefused) throw new Error('password authentication failed');
      return 1;
    },
  };
  const { clock, kept, rotate, opened } = keeper(async () => old, giving(2));
  expect(await kept.take(budget)).toBe(1);
  rotate();
  expect([await kept.take(budget), opened()]).toEqual([1, 1]);
  isRefused = true;
  await expect(kept.take(budget)).rejects.toThrow('authentication');
  await clock.advance(31_000);
  expect(await kept.take(budget)).toBe(2);
});
