import fc from 'fast-check';
import { expect, test } from 'vitest';
import { severities } from '../../src/finding.ts';
import { type Alert, advanceAlerts, defaultAlertTiming } from '../../src/notify/alerts.ts';
import type { Situation } from '../../src/notify/situation.ts';
import { nowMs, situation } from './fixtures.ts';

const minuteMs = 60_000;

/** Tells minute by minute what is so, and collects `minute kind severity`. */
function story(...minutes: readonly (readonly Situation[])[]): readonly string[] {
  let alerts: readonly Alert[] = [];
  return minutes.flatMap((situations, minute) => {
    const step = advanceAlerts(alerts, situations, nowMs + minute * minuteMs);
    alerts = step.alerts;
    return step.notices.map(({ kind, situation: { severity } }) => `${minute} ${kind} ${severity}`);
  });
}

const error = situation();
const warning = situation({ severity: 'warning' });

test.each<[string, readonly (readonly Situation[])[], readonly string[]]>([
  ['a situation that lasts is told once', [[error], [error], [error]], ['0 opened error']],
  [
    'its end is told once it has been clear for two minutes',
    [[error], [], [], [], []],
    ['0 opened error', '3 resolved error'],
  ],
  ['one that comes back at once is the same', [[error], [], [error], [], [error]], ['0 opened error']],
  ['one that gets worse is told again', [[warning], [error]], ['0 opened warning', '1 worsened error']],
  [
    'one that gets milder is not, nor when it is as bad as before',
    [[error], [warning], [error]],
    ['0 opened error'],
  ],
  ['two with one key are one, the more severe', [[warning, error, warning]], ['0 opened error']],
  ['two with two keys are two', [[error, situation({ key: 'b' })]], ['0 opened error', '0 opened error']],
])('%s', (_, minutes, told) => {
  expect(story(...minutes)).toEqual(told);
});

test('an error that lasts is told again each day, a warning is not', () => {
  const days = (severity: Situation['severity'], count: number) => {
    let alerts: readonly Alert[] = [];
    const kinds: string[] = [];
    for (let hour = 0; hour <= count * 24; hour++) {
      const step = advanceAlerts(alerts, [situation({ severity })], nowMs + hour * 60 * minuteMs);
      alerts = step.alerts;
      kinds.push(...step.notices.map(({ kind }) => kind));
    }
    return kinds;
  };
  expect(days('error', 3)).toEqual(['opened', 'reminder', 'reminder', 'reminder']);
  expect(days('warning', 3)).toEqual(['opened']);
});

test('after a clock that was a month ahead an alert ends, is told anew, and is told again each day', () => {
  const hourMs = 60 * minuteMs;
  const aheadMs = nowMs + 30 * 24 * hourMs;
  const lasting = situation({ key: 'lasting' });
  let { alerts } = advanceAlerts([], [error, lasting], aheadMs);
  ({ alerts } = advanceAlerts(alerts, [lasting], aheadMs + minuteMs));
  const told = [
    [0, [lasting]],
    [3 * minuteMs, [lasting]],
    [hourMs, [lasting, error]],
    [25 * hourMs, [lasting, error]],
  ].flatMap(([afterMs, situations]) => {
    const step = advanceAlerts(alerts, situations as Situation[], nowMs + (afterMs as number));
    alerts = step.alerts;
    return step.notices.map(({ kind, situation: { key } }) => `${kind} ${key}`);
  });
  expect(told).toEqual([
    `resolved ${error.key}`,
    `opened ${error.key}`,
    'reminder lasting',
    `reminder ${error.key}`,
  ]);
});

test('whatever comes and goes: each key is opened and resolved in turn, and nothing stays open that is long over', () => {
  const some = fc
    .subarray(['a', 'b', 'c'])
    .chain(keys =>
      fc.tuple(
        ...keys.map(key => fc.constantFrom(...severities).map(severity => situation({ key, severity }))),
      ),
    );
  fc.assert(
    fc.property(fc.array(fc.tuple(some, fc.integer({ min: 0, max: 10 })), { maxLength: 40 }), cycles => {
      let alerts: readonly Alert[] = [];
      let atMs = nowMs;
      const open = new Set<string>();
      const step = (situations: readonly Situation[]) => {
        const next = advanceAlerts(alerts, situations, atMs);
        alerts = next.alerts;
        for (const { kind, situation } of next.notices) {
          expect(kind === 'opened').toBe(!open.has(situation.key));
          if (kind === 'opened') open.add(situation.key);
          if (kind === 'resolved') open.delete(situation.key);
        }
        expect(new Set(alerts.map(({ situation }) => situation.key))).toEqual(open);
        for (const { key } of situations) expect(open.has(key)).toBe(true);
      };
      for (const [situations, minutes] of cycles) {
        atMs += minutes * minuteMs;
        step(situations);
      }
      step([]);
      atMs += defaultAlertTiming.clearMs;
      step([]);
      expect(alerts).toEqual([]);
    }),
  );
});
