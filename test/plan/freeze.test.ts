import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDated, parseWeekly, toFreezeWindow } from '../../src/config/freeze.ts';
import { describeWindow, frozenBy, isTimeZone } from '../../src/plan/freeze.ts';

const at = (text: string) => Date.parse(text);

describe('weekly', () => {
  const weekend = toFreezeWindow({ weekly: 'fri 16:00 - mon 08:00', timeZone: 'Europe/Berlin' });
  test.each([
    ['friday, a minute before', '2026-11-27T14:59:59Z', false],
    ['friday, on the minute', '2026-11-27T15:00:00Z', true],
    ['sunday, over the end of the week', '2026-11-29T23:30:00Z', true],
    ['monday, a minute before its end', '2026-11-30T06:59:59Z', true],
    ['monday, at its end', '2026-11-30T07:00:00Z', false],
    ['in summer, by the wall clock', '2026-07-03T14:00:00Z', true],
    ['in summer, an hour before', '2026-07-03T13:59:00Z', false],
    ['midweek', '2026-11-25T12:00:00Z', false],
  ])('%s', (_, time, isFrozen) => {
    expect(frozenBy([weekend], at(time)) !== undefined).toBe(isFrozen);
  });

  test('any two times divide the week: what one freezes, its reverse does not', () => {
    const time = fc
      .record({ day: fc.constantFrom('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'), minute: fc.nat(1439) })
      .map(({ day, minute }) => {
        const two = (value: number) => String(value).padStart(2, '0');
        return `${day} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
      });
    const instant = fc.integer({ min: at('2026-01-01T00:00:00Z'), max: at('2027-01-01T00:00:00Z') });
    fc.assert(
      fc.property(time, time, instant, (from, to, nowMs) => {
        fc.pre(from !== to);
        const one = toFreezeWindow({ weekly: `${from} - ${to}`, timeZone: 'America/New_York' });
        const other = toFreezeWindow({ weekly: `${to} - ${from}`, timeZone: 'America/New_York' });
        expect(frozenBy([one], nowMs) === undefined).toBe(frozenBy([other], nowMs) !== undefined);
      }),
    );
  });
});

describe('dated', () => {
  const holidays = toFreezeWindow({ from: '2026-12-20', to: '2027-01-06', timeZone: 'Asia/Tokyo' });
  test.each([
    ['the minute before', '2026-12-19T14:59:59Z', false],
    ['its first minute', '2026-12-19T15:00:00Z', true],
    ['the last day is in it', '2027-01-06T14:59:59Z', true],
    ['and its end is not', '2027-01-06T15:00:00Z', false],
  ])('%s', (_, time, isFrozen) => {
    expect(frozenBy([holidays], at(time)) !== undefined).toBe(isFrozen);
  });

  test('with a time of day', () => {
    const window = toFreezeWindow({ from: '2026-12-20 18:00', to: '2026-12-20 19:30' });
    expect(frozenBy([window], at('2026-12-20T19:29:00Z'))).toBe(window);
    expect(frozenBy([window], at('2026-12-20T19:30:00Z'))).toBeUndefined();
    expect(describeWindow(window)).toBe('2026-12-20 18:00 - 2026-12-20 19:30 UTC');
  });
});

test.each([
  'fri 16:00',
  'fri 16:00 - fri 16:00',
  'fri 25:00 - mon 08:00',
  'fry 16:00 - mon 08:00',
  '',
])('not weekly: %s', text => expect(parseWeekly(text)).toBeUndefined());
test.each(['2026-02-30', '2026-12-20 24:00', '20-12-2026', '2026-12-20T18:00:00Z', ''])('no date: %s', text =>
  expect(parseDated(text, 'from')).toBeUndefined());
test('time zones', () => {
  expect(isTimeZone('Europe/Berlin')).toBe(true);
  expect(isTimeZone('Europe/Atlantis')).toBe(false);
});
