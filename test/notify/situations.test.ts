import { expect, test } from 'vitest';
import { situationsOf } from '../../src/notify/situations.ts';
import type { WatchStatus } from '../../src/watch/status.ts';
import { nowMs } from './fixtures.ts';
import { feedStatus, gateStatus, missing, watchStatus } from './status.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

test('where all is well there is nothing to tell', () => {
  expect(situationsOf(watchStatus())).toEqual([]);
});

const guard = {
  guard: 'too-many-removals',
  blocks: 'removals',
  message: '60 addresses would be removed at once; the limit is 50.',
  remedy: 'Look at the plan.',
} as const;
const pending = (agoMs: number) => ({
  cidr: missing[0]!,
  absentSinceMs: nowMs - 8 * dayMs,
  closesAtMs: nowMs - agoMs,
  because: 'held back by a guard',
});
const feed = (more: object) =>
  watchStatus({ feeds: [feedStatus({ complete: false, faults: ['503'], ...more })] });
const gate = (more: object) => watchStatus({ gates: [gateStatus(more)] });

test.each<[string, WatchStatus, readonly string[]]>([
  [
    'an address that is not let in',
    gate({ coverage: 'locked-out', missing }),
    [
      'error locked-out/production: 2 addresses that Atlas uses are not let in by gate production. Clusters whose key is behind it may go down.',
    ],
  ],
  [
    'a gate that lets in nobody',
    gate({ coverage: 'locked-out', lets: 'nobody' }),
    ['error locked-out/production: Gate production lets in nobody, so Atlas is locked out.'],
  ],
  ['a gate that failed twice', gate({ consecutiveFailures: 2 }), []],
  [
    'a gate that failed three times',
    gate({ consecutiveFailures: 3, lastRun: { message: 'The vault cannot be read: 404.' } }),
    ['error gate-fails/production: Gate production cannot be looked after: The vault cannot be read: 404.'],
  ],
  [
    'a gate whose fault looks lasting',
    gate({ consecutiveFailures: 1, backOff: { untilMs: nowMs, isLasting: true, because: '403' } }),
    ['error gate-fails/production: Gate production cannot be looked after: 403'],
  ],
  [
    'a feed that failed a moment ago',
    feed({ consecutiveFaults: 3, lastCompleteAtMs: nowMs - 14 * minuteMs }),
    [],
  ],
  [
    'a feed that fails for a quarter of an hour',
    feed({ consecutiveFaults: 9, lastCompleteAtMs: nowMs - 15 * minuteMs }),
    ['warning feed-not-read/control-plane: The feed control-plane has not been read completely for 15m: 503'],
  ],
  [
    'a feed that fails for an hour',
    feed({ consecutiveFaults: 60, lastCompleteAtMs: nowMs - 61 * minuteMs }),
    ['error feed-not-read/control-plane: The feed control-plane has not been read completely for 1h 1m: 503'],
  ],
  [
    'a feed that was never read, from the start on',
    feed({ consecutiveFaults: 60, lastCompleteAtMs: undefined }),
    ['error feed-not-read/control-plane: The feed control-plane has not been read completely for 1d: 503'],
  ],
  [
    'findings, but not those that only inform',
    gate({
      findings: [
        { id: 'default-action-allow', severity: 'error', message: 'Everybody comes in.' },
        { id: 'foreign-but-wanted', severity: 'info', message: '3 addresses.' },
      ],
    }),
    ['error finding/production/default-action-allow: production: Everybody comes in.'],
  ],
  [
    'a removal that is due since an hour',
    gate({ guards: [guard], pendingRemovals: [pending(60 * minuteMs)] }),
    [],
  ],
  [
    'a removal that is due since a day',
    gate({ guards: [guard], pendingRemovals: [pending(dayMs)] }),
    [
      'warning held-back/production: 1 address that Atlas no longer lists is still let in by gate production: 60 addresses would be removed at once; the limit is 50.',
    ],
  ],
  [
    'a removal that the policy forbids is what its owner chose',
    gate({ policy: 'add-only', guards: [guard], pendingRemovals: [pending(dayMs)] }),
    [],
  ],
  [
    'a journal that cannot be used',
    watchStatus({ journal: { location: '/j.db', available: false, because: 'disk full', sinceMs: nowMs } }),
    ['error journal-unavailable: The journal /j.db cannot be used: disk full'],
  ],
  [
    'a config that was refused',
    watchStatus({ config: { path: 'postern.yaml', loadedAtMs: nowMs, fault: 'unknown\n  key' } }),
    ['warning config-refused: The new config postern.yaml is not taken: unknown key'],
  ],
])('%s', (_, status, told) => {
  expect(situationsOf(status).map(({ severity, key, message }) => `${severity} ${key}: ${message}`)).toEqual(
    told,
  );
});

test('each tells what Postern did and what to do', () => {
  const [observed] = situationsOf(gate({ coverage: 'locked-out', missing, policy: 'observe' }));
  expect(observed).toMatchObject({
    addresses: missing,
    did: 'Nothing: the policy of the gate is observe.',
    remedy: 'Run: postern apply --gate production --policy add-only',
  });
  const [blocked] = situationsOf(
    gate({ coverage: 'locked-out', missing, guards: [{ ...guard, blocks: 'write', remedy: 'Make room.' }] }),
  );
  expect(blocked?.remedy).toBe('Make room.');
});
