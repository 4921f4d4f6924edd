/** A short soak; `npm run soak` is the long one. */
import { expect, test } from 'vitest';
import { openSite } from '../e2e/harness.ts';
import { soak } from './soak.ts';
import { lowest, trendOf } from './trend.ts';

const minuteMs = 60_000;

test('a daemon over 20 gates keeps them in step in little memory', async () => {
  const site = await openSite();
  const result = await soak(site, { gates: 20, forMs: 15_000, everySeconds: 1, sampleEveryMs: 500 });
  const { samples, exitCode, faults, inStepAfterMs, changeTookMs } = result;
  expect(exitCode).toBe(0);
  expect(faults).toEqual([]);
  expect(inStepAfterMs).toBeDefined();
  expect(changeTookMs).toBeDefined();
  // Whether it grows shows in minutes only; a leak of a list per run would show here already.
  expect(Math.min(...samples.slice(-5).map(({ heapBytes }) => heapBytes))).toBeLessThan(200 * 2 ** 20);
}, 120_000);

test('a trend: flat where it only swings, growing where it grows, however it swings', () => {
  const samples = (of: (minute: number) => number) =>
    Array.from({ length: 30 }, (_, minute) => ({ atMs: minute * minuteMs, value: of(minute) }));
  expect(trendOf(samples(minute => 100 + (minute % 5) * 10)).verdict).toBe('flat');
  expect(trendOf(samples(() => 100)).verdict).toBe('flat');
  expect(trendOf(samples(minute => 100 + minute + (minute % 5) * 5)).verdict).toBe('growing');
  expect(trendOf(samples(minute => 100 - minute)).verdict).toBe('flat');
  // A heap goes up and down; its lowest points are what is in use.
  const heap = samples(minute => 100 + (minute % 10) * 50);
  expect(lowest(heap, 10).map(({ value }) => value)).toEqual([100, 100, 100]);
});
