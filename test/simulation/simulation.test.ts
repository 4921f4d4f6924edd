/** Simulated worlds in the suite: some that never change, some new ones each time, and the judge itself. */
import { describe, expect, test } from 'vitest';
import { gateKinds } from '../../src/gates/gate.ts';
import { rivals } from './rivals.ts';
import { replayIncident } from './scenario-2025-08-11.ts';
import { type SimulationResult, simulate } from './simulate.ts';

const years = 0.1;
const freshSeeds = [1, 2].map(() => `fresh-${Math.floor(Math.random() * 1e9)}`);

function expectClean({ seed, breaches, preventableMs, trace }: SimulationResult, more = ''): void {
  const command = `npm run simulate -- --years ${years} --seed ${seed} --trace ${more}`;
  const story = `${command}\n${trace.join('\n')}`;
  expect(breaches, story).toEqual([]);
  expect(preventableMs, story).toBe(0);
}

describe('no preventable lock-out and no breach', () => {
  test.each(gateKinds)('%s', async kind => {
    expectClean(await simulate({ seed: 'fixed', years, kind }), `--kind ${kind}`);
  }, 240_000);

  test.each(freshSeeds)('seed %s', async seed => {
    console.log(`simulated seed ${seed}`);
    expectClean(await simulate({ seed, years }));
  }, 240_000);
});

test('one seed replays the daemon exactly, and sleeping through idle times hides nothing', async () => {
  const first = await simulate({ seed: 'replay', years: 0.03 });
  expect(await simulate({ seed: 'replay', years: 0.03 })).toEqual(first);
  expect(first.daemon.skipped).toBeGreaterThan(first.daemon.cycles);
  expectClean(await simulate({ seed: 'replay', years: 0.03, skips: false }));
}, 240_000);

test('repeated applies do the same, whether idle ones are left out or not', async () => {
  const options = { seed: 'replay', years: 0.03, way: 'applies' } as const;
  const [first, again, whole] = [
    await simulate(options),
    await simulate(options),
    await simulate({ ...options, skips: false }),
  ];
  expect(again).toEqual(first);
  expect(first.daemon.skipped).toBeGreaterThan(first.daemon.cycles);
  const { writes, lockedOutMs, lockOuts, exposedMs, heldMs, breaches } = first;
  expect(whole).toMatchObject({ writes, lockedOutMs, lockOuts, exposedMs, heldMs, breaches });
}, 240_000);

test('the judge finds what rivals do wrong', async () => {
  const results = new Map<string, SimulationResult>();
  for (const { name } of rivals.filter(({ name }) => name !== 'cron-replace')) {
    results.set(name, await simulate({ seed: 'rivals', years: 0.6, rival: name }));
  }
  expect(results.get('terraform-daily')?.preventableMs).toBeGreaterThan(0);
  expect(results.get('by-hand')?.preventableMs).toBeGreaterThan(0);
  const { exposedMs = 0, heldMs = 0 } = results.get('cron-add') ?? {};
  expect(exposedMs + heldMs).toBeGreaterThan(0);
}, 240_000);

test('on 2025-08-11 Postern is late by one interval and the propagation time at most', async () => {
  expect((await replayIncident('postern', 'from the announcement on')).lockedOutMinutes).toBe(0);
  expect((await replayIncident('postern', 'from the moment of use')).lockedOutMinutes).toBeLessThan(4);
  expect(
    (await replayIncident('terraform-daily', 'from the moment of use')).lockedOutMinutes,
  ).toBeGreaterThan(60);
}, 300_000);
