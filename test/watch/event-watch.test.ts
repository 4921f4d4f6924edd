import { expect, test } from 'vitest';
import { EventWatch } from '../../src/watch/event-watch.ts';
import { SimClock } from './sim-clock.ts';

test('signs are asked for anew after a clock that was ahead, though nothing else reads events', async () => {
  const monthMs = 30 * 86_400_000;
  const clock = new SimClock(2 * monthMs);
  let reads = 0;
  const watch = new EventWatch(
    {
      clock,
      random: () => 0.5,
      intervalMs: () => 0,
      readEvents: async () => {
        reads++;
        return [];
      },
      emit: () => {},
      hint: () => {},
    },
    new AbortController().signal,
  );
  watch.configure(['p']);
  const ask = async () => {
    await watch.signs(['p'], clock.now() - 60_000);
    return reads;
  };
  expect(await ask()).toBe(1);
  clock.set(monthMs);
  watch.shift(-monthMs);
  await clock.advance(60_000);
  expect(await ask()).toBe(2);
});
