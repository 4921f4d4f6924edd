/** What one worker of a fleet answers for gates that another looked at, on a simulated clock. */
import { expect, test } from 'vitest';
import type { GateStatus } from '../../../src/watch/status.ts';
import type { FleetTasks } from '../../../src/watch/watch.ts';
import { minuteMs, Rig } from '../rig.ts';

async function fleetRig() {
  const rig = new Rig({ gates: ['vault', 'other'], watch: { eventsMs: 0 } });
  const pings: number[] = [];
  let tasks: FleetTasks | undefined;
  rig.fleet = given => {
    tasks = given;
    return { start: () => {}, hint: async () => {}, isSharing: true, stop: async () => {} };
  };
  rig.pingUrl = 'http://atlas.lab/ping';
  const answer = { status: 200, headers: {}, body: Buffer.from('') };
  rig.onRequest = (_, path) => {
    if (path !== '/ping') return undefined;
    pings.push(rig.clock.now());
    return Promise.resolve(answer);
  };
  rig.start();
  await rig.clock.advance(5_000);
  const work = async (gate: string) => {
    const done = tasks!.work(gate);
    await rig.clock.advance(1_000);
    return await done;
  };
  const gate = (name: string) => rig.watch.status().gates.find(each => each.name === name)!;
  /** Another worker looks at a gate, and finds it as our last look did, but for this. */
  const elsewhere = async (name: string, more: Partial<GateStatus>) => {
    const { lastRun, ...before } = gate('vault');
    const endedAtMs = rig.clock.now();
    const told = { ...before, name, lastRun: { ...lastRun, gate: name, endedAtMs }, ...more };
    await rig.watch.journal!.remember(`gate-status/${name}`, told);
    await rig.clock.advance(4_000);
  };
  return { rig, pings, work, gate, elsewhere };
}

test('a gate that another worker looked at last is answered for as that one left it', async () => {
  const { rig, work, gate, elsewhere } = await fleetRig();
  await work('vault');
  expect(gate('other')).toMatchObject({ lastRun: undefined, coverage: undefined });
  await elsewhere('other', { coverage: 'locked-out', planChecksum: 'abc', id: 'gate-of-other' });
  expect(gate('other')).toMatchObject({ coverage: 'locked-out', planChecksum: 'abc', policy: 'sync' });
  expect(gate('other').projects).toEqual([rig.projects.get('other')!.id]);
  // Our own look is newer again.
  await work('other');
  expect(gate('other')).toMatchObject({ coverage: 'let-in' });
  expect(await rig.watch.journal!.recall('gate-status/other')).toMatchObject({ coverage: 'let-in' });
});

test('what is no status, or of a gate that the config lacks, is left out', async () => {
  const { rig, work, gate, elsewhere } = await fleetRig();
  await work('vault');
  for (const odd of [null, 7, {}, { name: 'other' }, { name: 'other', nextAtMs: 1, lastRun: {} }])
    await rig.watch.journal!.remember('gate-status/other', odd);
  await elsewhere('third', {});
  expect(gate('other').lastRun).toBeUndefined();
  expect(rig.watch.status().gates).toHaveLength(2);
  expect(rig.of('internal-fault')).toEqual([]);
});

test('the dead man’s switch hears from it only while every gate is well, whoever looks at it', async () => {
  const { pings, work, elsewhere, rig } = await fleetRig();
  await work('vault');
  await rig.clock.advance(5 * minuteMs);
  // Nobody has looked at the other gate.
  expect(pings).toEqual([]);
  await elsewhere('other', {});
  expect(pings).toHaveLength(1);
  await work('vault');
  await elsewhere('other', { coverage: 'locked-out' });
  expect(pings).toHaveLength(1);
  await work('vault');
  await elsewhere('other', {});
  expect(pings).toHaveLength(2);
});

test('the newest plan is had from the journal where another worker made it, and can be approved', async () => {
  const { rig, work, elsewhere } = await fleetRig();
  await work('vault');
  const plan = { checksum: 'c0ffee', gate: { id: 'gate-of-other' } };
  await rig.watch.journal!.recordReading('gate-of-other', {
    ledger: undefined,
    coverage: { atMs: rig.clock.now(), coverage: 'let-in', missing: 0 },
    plan: { checksum: plan.checksum, atMs: rig.clock.now(), json: () => JSON.stringify(plan) },
  });
  await elsewhere('other', {
    planChecksum: 'c0ffee',
    id: 'gate-of-other',
    closing: ['3.120.1.9/32'] as never,
  });
  expect(await rig.watch.planOf('other')).toEqual(plan);
  await rig.watch.approve('other', { by: 'alice', reason: 'CHG-7' });
  expect(await rig.watch.journal!.approvals({ limit: 1 })).toMatchObject([
    { gateId: 'gate-of-other', gateName: 'other', planChecksum: 'c0ffee', cidrs: ['3.120.1.9/32'] },
  ]);
});
