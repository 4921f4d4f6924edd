import { expect, test } from 'vitest';
import { write } from '../../../src/gates/aws/write.ts';
import { GateError, GateUnverifiedError } from '../../../src/gates/gate.ts';
import { FakeClock } from '../../journal/fixtures.ts';

const monthMs = 30 * 86_400_000;

/** AWS keeps on showing what was there before; at the third look the clock is set by so much. */
async function looksInVain(byMs: number): Promise<{ looks: number; error: unknown }> {
  const clock = new FakeClock();
  let looks = 0;
  const writing = {
    gate: 'role',
    noun: 'The policy',
    clock,
    random: () => 0.5,
    look: async () => {
      looks++;
      if (looks === 3) clock.nowMs += byMs;
      // Else a test that fails would go on for a month.
      if (looks > 1_000) throw new GateError('role', 'It looks for ever.');
      return 'old';
    },
    compose: () => 'new',
    send: async () => {},
    shows: (own: string, text: string) => own === text,
    explainRefusal: () => new GateError('role', 'refused'),
    describeDifference: () => ({ what: 'it is old' }),
  };
  const error = await write(writing).catch((error: unknown) => error);
  return { looks, error };
}

test.each([
  ['three minutes', 0],
  ['as long when the clock is put right by a second', -1_000],
])('AWS is looked at for %s', async (_, byMs) => {
  const { looks, error } = await looksInVain(byMs);
  expect(error).toBeInstanceOf(GateUnverifiedError);
  expect(looks).toBeGreaterThan(20);
  expect(looks).toBeLessThan(40);
});

test('and not for a month when the clock is set back by that', async () => {
  const { looks, error } = await looksInVain(-monthMs);
  expect(error).toBeInstanceOf(GateUnverifiedError);
  expect(looks).toBeLessThan(40);
});
