import { describe, expect, test } from 'vitest';
import * as apply from '../../src/cli/commands/apply.ts';
import * as check from '../../src/cli/commands/check.ts';
import { type FaultAct, poisons } from '../../src/lab/index.ts';
import { openWorkbench } from './workbench.ts';

const dayMs = 24 * 60 * 60 * 1000;
const dropped = ['3.12.113.165/32', '3.17.198.241/32'];
const edit = (change: (body: any) => unknown): FaultAct => ({ kind: 'edit', edit: change });

/** Every way in which the control plane's answer has been, or could be, wrong. */
const answers: readonly (readonly [what: string, act: FaultAct])[] = [
  ['no outbound', edit(poisons.withoutOutbound)],
  ['no Azure', edit(poisons.withoutCloud('azure'))],
  ['an empty Google Cloud', edit(poisons.emptyCloud('gcp'))],
  ['an empty region', edit(poisons.emptyRegion('aws', 'us-east-1'))],
  ['everything empty', edit(body => ({ ...body, outbound: { aws: {}, azure: {}, gcp: {} } }))],
  ['0.0.0.0/0 among the addresses', edit(poisons.withAddress('0.0.0.0/0'))],
  ['a private address', edit(poisons.withAddress('10.1.2.3/32'))],
  ['a malformed address', edit(poisons.withAddress('3.4.5.6.7/32'))],
  ['host bits', edit(poisons.withAddress('3.4.5.6/24'))],
  ['a number for an address', edit(poisons.withAddress(42 as unknown as string))],
  ['null', edit(() => null)],
  ['a list', edit(() => [])],
  ['a maintenance page', poisons.maintenancePage],
  ['a body that breaks off', { kind: 'truncate' }],
  ['a cut connection', { kind: 'cut-before' }],
  ['a 404', { kind: 'answer', status: 404, body: '{"error":404}' }],
];

describe('an answer that is wrong adds at most, and removes nothing, though grace is over', () => {
  test.each(answers)('%s', async (_, act) => {
    const { stage, clock, rules, run } = await openWorkbench();
    const { atlas, faults } = stage.lab;
    await run(apply.run, { yes: true });
    const before = rules();
    atlas.removeControlPlane(dropped);
    for (const days of [1, 1, 8]) {
      await run(check.run, {});
      clock.advance(days * dayMs);
    }
    atlas.addControlPlane('azure', 'eastus', ['20.62.134.9/32']);
    const heal = faults.add({ on: 'atlas', path: 'controlPlane', act });
    const { code, text } = await run(apply.run, { yes: true });
    expect(code).toBe(3);
    expect(text).toContain('the answer is incomplete');
    expect(text).toContain('held back');
    for (const rule of before) expect(rules()).toContain(rule);
    expect(rules().length).toBeLessThanOrEqual(before.length + 1);

    // The same world with a whole answer: both are removed, so it was the answer that held them.
    heal();
    clock.advance(dayMs);
    await run(apply.run, { yes: true });
    clock.advance(dayMs);
    await run(apply.run, { yes: true });
    for (const rule of dropped) expect(rules()).not.toContain(rule);
  });

  test('a list that lost a third of its addresses is not believed, however long it lasts', async () => {
    const { stage, clock, rules, run } = await openWorkbench({ maxCount: 1_000, maxShare: 1 });
    await run(apply.run, { yes: true });
    const before = rules();
    stage.lab.faults.add({ on: 'atlas', path: 'controlPlane', act: edit(poisons.shrunken(0.6)) });
    for (let day = 0; day < 20; day++) {
      clock.advance(dayMs);
      const { text } = await run(apply.run, { yes: true });
      if (day > 10) expect(text).toContain('--accept-shrink');
    }
    expect(rules()).toEqual(before);
    // And if the operator believes it, Atlas, which still calls from there, does not confirm the removal.
    const { text } = await run(apply.run, { yes: true, acceptShrink: true });
    expect(text).toContain('put back at once');
    expect([...rules()].sort()).toEqual([...before].sort());
  });
});
