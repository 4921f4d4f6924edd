/** A list that the next write puts in force: that write shuts out, so it must know all that Atlas uses. */
import { expect, test } from 'vitest';
import { tripObstacle, tripShutsOut } from '../../src/plan/guards.ts';
import type { PlanInput } from '../../src/plan/input.ts';
import { cidrs, incomplete, limitsOf, observation, reading, stateOf } from './fixtures.ts';

const some = cidrs('3.92.113.229');
const input = (state: object, feeds: PlanInput['feeds']) =>
  ({
    gate: { id: 'g', kind: 'aws-key-policy', name: 'payments', limits: limitsOf(10) },
    state: stateOf([], { lets: 'everyone', ...state }),
    feeds,
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
