/** A list that the next write puts in force: that write shuts out, so it must know all that Atlas uses. */
import { expect, test } from 'vitest';
import { tripNotInForce, tripObstacle, tripShutsOut } from '../../src/plan/guards.ts';
import type { PlanInput } from '../../src/plan/input.ts';
import {
  cidrs,
  incomplete,
  journalOf,
  limitsOf,
  observation,
  projectId,
  reading,
  stateOf,
} from './fixtures.ts';

const some = cidrs('3.92.113.229');
const input = (state: object, feeds: PlanInput['feeds'], more: Partial<PlanInput> = {}) =>
  ({
    gate: { id: 'g', kind: 'aws-key-policy', name: 'payments', limits: limitsOf(10) },
    state: stateOf([], { lets: 'everyone', ...state }),
    feeds,
    journal: journalOf([], []),
    verdicts: [{ projectId, verdict: 'valid' }],
    acceptFirstWrite: false,
    ...more,
  }) as unknown as PlanInput;
const complete = [reading(observation('control-plane', some))];
const partial = [...complete, reading(incomplete('nodes:aaaaaaaaaaaaaaaaaaaaaaaa', some))];

test.each<[string, object, PlanInput['feeds'], number, boolean]>([
  ['everything is known', { nextWriteShutsOut: true }, complete, 0, false],
  ['a feed is incomplete', { nextWriteShutsOut: true }, partial, 0, true],
  ['there is no feed', { nextWriteShutsOut: true }, [], 0, true],
  ['an address cannot be written', { nextWriteShutsOut: true }, complete, 1, true],
  ['an incomplete feed, and the list is in force already', {}, partial, 1, false],
])('%s', (_, state, feeds, unwritable, trips) => {
  const guards = tripShutsOut(input(state, feeds), unwritable);
  expect(guards.map(({ guard, blocks }) => [guard, blocks])).toEqual(
    trips ? [['first-write-shuts-out', 'write']] : [],
  );
});

const shutsOut = { nextWriteShutsOut: true };
const withdrawn = journalOf([], [], { withdrawn: { atMs: 0, because: 'Atlas says no' } });
const says = (...verdicts: ('valid' | 'invalid' | 'unknown')[]) => ({
  verdicts: verdicts.map(verdict => ({ projectId, verdict })),
});

test.each<[string, Partial<PlanInput>, string | undefined, string | undefined]>([
  ['Atlas confirms every key', says('valid', 'valid'), undefined, undefined],
  [
    'Atlas calls a key invalid',
    says('valid', 'invalid'),
    'first-write-not-confirmable',
    'first-write-not-confirmable',
  ],
  ['Atlas cannot be asked', says('valid', 'unknown'), 'first-write-not-confirmable', undefined],
  ['there is no project to ask about', says(), 'first-write-not-confirmable', undefined],
  ['it was taken back before', { journal: withdrawn }, 'first-write-withdrawn', undefined],
  [
    'there is no journal',
    { journal: { available: false, reason: 'disk full' } },
    'first-write-not-journalled',
    'first-write-not-journalled',
  ],
])('the first write, when %s; and when an operator accepts it', (_, more, guard, accepted) => {
  const guards = (acceptFirstWrite: boolean) =>
    tripShutsOut(input(shutsOut, complete, { ...more, acceptFirstWrite }), 0).map(trip => trip.guard);
  expect(guards(false)).toEqual(guard ? [guard] : []);
  expect(guards(true)).toEqual(accepted ? [accepted] : []);
});

test('an operator who accepts it does not accept an incomplete reading', () => {
  const more = { acceptFirstWrite: true };
  expect(tripShutsOut(input(shutsOut, partial, more), 0)).toHaveLength(1);
  expect(tripShutsOut(input(shutsOut, complete, more), 1)).toHaveLength(1);
});

test.each([
  ['add', true],
  ['remove', true],
  ['restore', true],
  ['undo', true],
  ['withdraw', true],
  ['enforce', false],
] as const)('only the write that is watched for it puts a list in force: %s', (kind, trips) => {
  expect(tripNotInForce('payments', { nextWriteShutsOut: true }, kind)).toHaveLength(trips ? 1 : 0);
  expect(tripNotInForce('payments', {}, kind)).toHaveLength(trips ? 0 : 1);
});

test('a gate that would refuse any write is promised none, and the plan says why', () => {
  const obstacle = { message: 'Its statement is not ours.', remedy: 'Take it out.' };
  expect(tripObstacle(input({ obstacle }, complete))).toEqual([
    {
      guard: 'not-writable',
      blocks: 'write',
      message: 'Gate payments: Its statement is not ours.',
      remedy: 'Take it out.',
    },
  ]);
  expect(tripObstacle(input({}, complete))).toEqual([]);
});
