/** Workers without their database, on a simulated clock that is set. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Secret } from '../../../src/secret.ts';
import { AloneRounds } from '../../../src/watch/fleet/alone.ts';
import { createFleet } from '../../../src/watch/fleet/fleet.ts';
import { SimClock } from '../sim-clock.ts';

const monthMs = 30 * 86_400_000;

test('each gate has its turn when it is due, and after a clock that was ahead at once', async () => {
  const clock = new SimClock(0);
  let turns = 0;
  const rounds = new AloneRounds({
    clock,
    concurrency: () => 1,
    gates: () => ['vault'],
    work: async () => {
      turns++;
      return 60_000;
    },
  });
  const round = async () => {
    rounds.startDue();
    await rounds.settled();
    return turns;
  };
  expect([await round(), await round()]).toEqual([1, 1]);
  await clock.advance(60_000);
  expect(await round()).toBe(2);
  clock.set(monthMs);
  expect(await round()).toBe(3);
  clock.set(120_000);
  expect([await round(), await round()]).toEqual([4, 4]);
});

test('a worker whose clock is set back as the database goes is alone as soon as any other', async () => {
  const clock = new SimClock(monthMs);
  const worked: string[] = [];
  const fleet = createFleet({
    // Nobody listens there.
    database: () => new Secret('postgresql://postern@127.0.0.1:1/postern', 'test'),
    clock,
    gates: () => ['vault'],
    work: async gate => {
      worked.push(gate);
      return { nextInMs: 60_000 };
    },
  });
  onTestFinished(() => fleet.stop());
  clock.set(0);
  fleet.start();
  for (let tick = 0; tick < 40 && worked.length === 0; tick++) {
    await wait(25);
    await clock.advance(3_000);
  }
  expect(worked).toEqual(['vault']);
});
