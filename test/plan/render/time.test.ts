import { describe, expect, test } from 'vitest';
import { formatDuration, formatRelative, formatTimestamp } from '../../../src/plan/render/time.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

describe('formatDuration', () => {
  test.each([
    ['0s', 0],
    ['0s', 999],
    ['1s', 1000],
    ['59s', 59_999],
    ['1m', minuteMs],
    ['4m 10s', 4 * minuteMs + 10_000],
    ['1h', hourMs + 59_999],
    ['23h 59m', dayMs - 1],
    ['1d', dayMs],
    ['5d 3h', 5 * dayMs + 3 * hourMs + 59 * minuteMs],
    ['400d', 400 * dayMs],
    ['5d', -5 * dayMs],
    ['forever', Number.POSITIVE_INFINITY],
    ['forever', Number.NaN],
  ])('%s', (text, durationMs) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['2026-08-11T14:05:00Z', Date.UTC(2026, 7, 11, 14, 5, 0, 999)],
  ['+275760-09-13T00:00:00Z', 8.64e15],
  ['a time beyond the calendar', 8.64e15 + 1],
  ['a time beyond the calendar', Number.NaN],
])('timestamp %s', (text, atMs) => {
  expect(formatTimestamp(atMs)).toBe(text);
});

test.each([
  ['just now', 0],
  ['just now', 999],
  ['in 5d 3h', 5 * dayMs + 3 * hourMs],
  ['3m ago', -3 * minuteMs],
])('relative %s', (text, distanceMs) => {
  expect(formatRelative(1_000_000_000 + distanceMs, 1_000_000_000)).toBe(text);
});
