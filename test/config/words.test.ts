import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/config/duration.ts';
import { nearest } from '../../src/config/nearest.ts';

test.each([
  ['0s', 0],
  ['90m', 5_400_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['1d12h', 129_600_000],
  ['30s', 30_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each([
  '',
  '7',
  '-7d',
  '7 d',
  '7D',
  '7w',
  '1.5h',
  'd',
  '7d ',
  '9999999d',
  '1e3s',
  '٧d',
])('%j is no duration', text => {
  expect(parseDuration(text)).toBeUndefined();
});

test('what is written as a duration is read back as the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400 * 900_000 }), seconds => {
      expect(parseDuration(formatDuration(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
});

test.each([
  ['plna', 'plan'],
  ['aply', 'apply'],
  ['histroy', 'history'],
  ['PLAN', 'plan'],
  ['xyzzy', undefined],
  ['', undefined],
  ['p', undefined],
  ['x'.repeat(10_000), undefined],
])('for %s, %s is suggested', (word, expected) => {
  expect(nearest(word, ['plan', 'apply', 'history'])).toBe(expected);
});
