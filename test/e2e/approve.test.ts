/** `postern approve` from end to end: the real commands, days apart, against a lab over real HTTP. */
import { expect, test } from 'vitest';
import * as apply from '../../src/cli/commands/apply.ts';
import * as approve from '../../src/cli/commands/approve.ts';
import * as check from '../../src/cli/commands/check.ts';
import { openWorkbench } from './workbench.ts';

const dayMs = 24 * 60 * 60_000;
const dropped = ['3.12.113.165/32', '3.17.198.241/32'];
const another = '3.212.79.116/32';
const yes = { yes: true };

/** Two dropped addresses are ripe, and wait for approval. */
async function openWaiting() {
  const bench = await openWorkbench({ approval: 'required' });
  await bench.run(apply.run, yes);
  bench.stage.lab.atlas.removeControlPlane(dropped);
  await bench.run(check.run, {});
  bench.clock.advance(8 * dayMs);
  return {
    ...bench,
    apply: () => bench.run(apply.run, yes),
    approve: (options: Parameters<typeof approve.run>[2], ...gates: readonly string[]) =>
      bench.run(approve.run, options, ...gates),
    /** Those of the addresses that are let in. */
    isIn: (...cidrs: readonly string[]) => cidrs.filter(cidr => bench.rules().includes(cidr)),
  };
}

test('a removal waits, is approved with who and why, and goes with the next run', async () => {
  const bench = await openWaiting();
  const waits = await bench.apply();
  expect(waits.text).toContain('The removal of 2 addresses from gate payments waits for approval.');
  expect(waits.text).toContain('run postern approve payments');
  expect(bench.isIn(...dropped)).toEqual(dropped);

  const given = await bench.approve({ by: 'alice', reason: 'CHG-7', ...yes }, 'payments');
  expect(given.code).toBe(0);
  for (const cidr of dropped) expect(given.text).toContain(cidr);
  expect(given.text).toMatch(/✓ payments: approved until \d{4}-/);
  // It writes to no gate.
  expect(bench.isIn(...dropped)).toEqual(dropped);
  expect((await bench.approve({ list: true })).text).toMatch(/payments +2 +alice +CHG-7/);

  expect((await bench.apply()).text).toContain('2 removed');
  expect(bench.isIn(...dropped)).toEqual([]);
  const after = await bench.approve({ reason: 'CHG-7', ...yes });
  expect(after).toMatchObject({ code: 0, text: expect.stringContaining('No removal waits for approval.') });
});

test.each([
  ['no reason', {}, 'payments', 'An approval needs a reason.'],
  ['an empty reason', { reason: ' ' }, 'payments', 'An approval needs a reason.'],
  ['nobody to ask', { reason: 'CHG-7' }, 'payments', 'Nobody can be asked'],
  ['a gate that is not there', { reason: 'CHG-7', ...yes }, 'paymnts', /no gate.*paymnts/],
])('%s: an error, and nothing is approved', async (_, options, gate, message) => {
  const bench = await openWaiting();
  await expect(bench.approve(options, gate)).rejects.toThrow(message);
  expect((await bench.approve({ list: true })).text).toContain('No approval has been given.');
  await bench.apply();
  expect(bench.isIn(...dropped)).toEqual(dropped);
});

test('an approval is not used for another plan, nor after it has expired', async () => {
  const bench = await openWaiting();
  await bench.approve({ by: 'alice', reason: 'CHG-7', expires: 30 * dayMs, ...yes });
  // One more becomes ripe before anything is removed: what would be removed is not what was approved.
  bench.stage.lab.atlas.removeControlPlane([another]);
  await bench.run(check.run, {});
  bench.clock.advance(8 * dayMs);
  const other = await bench.apply();
  expect(other.text).toContain('the approvals that were given have expired, or are for other addresses');
  expect(bench.isIn(...dropped, another)).toEqual([...dropped, another]);

  await bench.approve({ reason: 'CHG-8', expires: dayMs, ...yes });
  bench.clock.advance(2 * dayMs);
  expect((await bench.apply()).text).toContain('have expired');
  expect((await bench.approve({ list: true })).text).toMatch(/CHG-8 .* expired\n/);
  expect(bench.isIn(...dropped, another)).toEqual([...dropped, another]);
});
