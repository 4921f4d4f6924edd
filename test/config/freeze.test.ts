/** Freeze windows as they stand in a config: what is taken, and what is refused, with its place and a way out. */
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { frozenBy } from '../../src/plan/freeze.ts';
import { filesOf, gateYaml } from './fixtures.ts';

const load = (...windows: readonly string[]) => {
  const yaml = gateYaml('removal:', '  freeze:', ...windows.map(window => `    - ${window}`));
  return loadConfig({ env: {}, files: filesOf({ 'postern.yaml': yaml }) }).gates[0]!.removal.freeze;
};

/** What is said, without the file and the gate before it. */
function faultsOf(...windows: readonly string[]): readonly string[] {
  try {
    load(...windows);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.issues.map(({ line, path, message, remedy }) =>
      [line, path.replace('gates[0].removal.freeze', 'freeze'), message, remedy].filter(Boolean).join(' '),
    );
  }
}

const weekdays = 'Days are mon, tue, wed, thu, fri, sat, sun; times go from 00:00 to 24:00.';
const shapes = 'Write weekly: fri 16:00 - mon 08:00, or from: 2026-12-20 and to: 2027-01-06.';
const nothing = 'it ends when it begins, so it freezes nothing. Write another end.';
const never = 'the weekly windows leave no minute of the week, so nothing would ever be removed.';

describe('refused', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    [
      'an hour that there is not',
      ['weekly: fri 25:00 - mon 08:00'],
      [
        `8 freeze[0].weekly expected days and times such as fri 16:00 - mon 08:00; got "fri 25:00 - mon 08:00". ${weekdays}`,
      ],
    ],
    [
      'a day in another language',
      ['weekly: fr 16:00 - mo 08:00'],
      [
        `8 freeze[0].weekly expected days and times such as fri 16:00 - mon 08:00; got "fr 16:00 - mo 08:00". ${weekdays}`,
      ],
    ],
    ['a week of no length', ['weekly: fri 16:00 - fri 16:00'], [`8 freeze[0].weekly ${nothing}`]],
    [
      'two names of one moment',
      ['weekly: fri 24:00 - sat 00:00', 'weekly: sun 24:00 - mon 00:00'],
      [`8 freeze[0].weekly ${nothing}`, `9 freeze[1].weekly ${nothing}`],
    ],
    ['dates of no length', ['{ from: 2026-12-20 18:00, to: 2026-12-20 18:00 }'], [`8 freeze[0] ${nothing}`]],
    [
      'dates the wrong way round',
      ['{ from: 2027-01-06, to: 2026-12-20 }'],
      ['8 freeze[0] it ends before it begins. Swap from and to.'],
    ],
    [
      'a day that there is not',
      ['{ from: 2026-02-30, to: 2026-03-01 }'],
      ['8 freeze[0].from expected a date such as 2026-12-20, or 2026-12-20 18:00; got "2026-02-30".'],
    ],
    [
      'a beginning alone',
      ['from: 2026-12-20'],
      [`8 freeze[0] expected weekly, or from and to; got from. ${shapes}`],
    ],
    [
      'both kinds at once',
      ['{ weekly: fri 16:00 - mon 08:00, to: 2026-12-20 }'],
      [`8 freeze[0] expected weekly, or from and to; got weekly and to. ${shapes}`],
    ],
    [
      'neither',
      ['note: end of the year'],
      [`8 freeze[0] expected weekly, or from and to; got none of them. ${shapes}`],
    ],
    [
      'a time zone that is mistyped',
      ['{ weekly: fri 16:00 - mon 08:00, timeZone: Europe/Berln }'],
      [
        '8 freeze[0].timeZone expected a time zone such as Europe/Berlin; got "Europe/Berln". Did you mean Europe/Berlin?',
      ],
    ],
    [
      'a time zone that is like no other',
      ['{ weekly: fri 16:00 - mon 08:00, timeZone: Middle-earth/Minas_Tirith }'],
      [
        '8 freeze[0].timeZone expected a time zone such as Europe/Berlin; got "Middle-earth/Minas_Tirith". Leave it out for UTC.',
      ],
    ],
    [
      'the whole week',
      ['weekly: mon 00:00 - sun 24:00'],
      [`8 freeze ${never} Shorten one, or set policy: add-only.`],
    ],
    [
      'two that meet twice',
      ['weekly: mon 08:00 - fri 16:00', 'weekly: thu 12:00 - mon 08:00'],
      [`8 freeze ${never} Shorten one, or set policy: add-only.`],
    ],
  ])('%s', (_, windows, faults) => expect(faultsOf(...windows)).toEqual(faults));

  test('every fault at once', () => {
    expect(faultsOf('weekly: never', '{ from: 2027-01-06, to: 2026-12-20, timeZone: UTZ }')).toHaveLength(3);
  });
});

test('windows that overlap freeze while either does', () => {
  const windows = load('weekly: fri 16:00 - mon 08:00', '{ from: 2026-12-20, to: 2027-01-06 }');
  const isFrozen = (time: string) => frozenBy(windows, Date.parse(time)) !== undefined;
  expect(isFrozen('2026-12-19T12:00:00Z')).toBe(true); // saturday
  expect(isFrozen('2026-12-20T12:00:00Z')).toBe(true); // both
  expect(isFrozen('2026-12-23T12:00:00Z')).toBe(true); // wednesday, at the end of the year
  expect(isFrozen('2026-12-16T12:00:00Z')).toBe(false);
});

test('a week but for an hour is a window; so are two that cover it in different time zones', () => {
  expect(load('weekly: mon 01:00 - mon 00:00')).toHaveLength(1);
  const zones = ['Asia/Tokyo', 'America/Lima'];
  expect(
    load(
      `{ weekly: mon 08:00 - fri 16:00, timeZone: ${zones[0]} }`,
      `{ weekly: fri 16:00 - mon 08:00, timeZone: ${zones[1]} }`,
    ).map(({ timeZone }) => timeZone),
  ).toEqual(zones);
});

test('an empty list is no window', () => {
  const yaml = gateYaml('removal: { freeze: [] }');
  const { gates } = loadConfig({ env: {}, files: filesOf({ 'postern.yaml': yaml }) });
  expect(gates[0]!.removal.freeze).toEqual([]);
});
