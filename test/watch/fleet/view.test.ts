/** What one worker of a fleet answers for gates that another looked at, on a simulated clock. */
import { expect, test } from 'vitest';
import type { RunSummary } from '../../../src/watch/events.ts';
import { newestParts } from '../../../src/watch/fleet/view.ts';
import type { GateStatus } from '../../../src/watch/status.ts';
import type { FleetTasks } from '../../../src/watch/watch.ts';
import { gateStatus } from '../../notify/status.ts';
import { cidrs } from '../../plan/fixtures.ts';
import { hourMs, minuteMs, Rig } from '../rig.ts';

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

test('a run that came to no plan hides neither what the newest plan said, nor the run itself', () => {
  const [longAgo, planned, ended] = [hourMs, 5 * hourMs, 5 * hourMs + minuteMs];
  const run = (endedAtMs: number, more: Partial<RunSummary> = {}) => ({
    ...({ runId: 'a', gate: 'production', gateId: undefined, status: 'unchanged', message: '' } as const),
    ...{ writes: [], coverage: undefined, missing: [], startedAtMs: endedAtMs, endedAtMs, ...more },
  });
  const shut = gateStatus({
    coverage: 'locked-out',
    missing: cidrs('52.1.2.3'),
    closing: cidrs('52.1.2.4'),
    plannedAtMs: planned,
    planChecksum: 'new',
    lastRun: run(planned),
    lastGoodRunAtMs: planned,
    lastWrite: { atMs: planned, kind: 'remove', addresses: 1 },
    soakUntilMs: 6 * hourMs,
    projects: ['of another version of the config'],
  });
  const held = gateStatus({
    plannedAtMs: longAgo,
    planChecksum: 'old',
    lastRun: run(ended, { status: 'failed', message: 'The vault says no.' }),
    lastGoodRunAtMs: longAgo,
    lastWrite: { atMs: longAgo, kind: 'add', addresses: 3 },
    consecutiveFailures: 2,
    nextAtMs: ended + minuteMs,
  });
  const expected = {
    ...shut,
    ...{ lastRun: held.lastRun, consecutiveFailures: 2, nextAtMs: ended + minuteMs },
  };
  expect(newestParts(held, shut, 6 * hourMs)).toEqual({ ...expected, projects: held.projects });
  expect(newestParts(shut, held, 6 * hourMs)).toEqual(expected);
  expect(newestParts({ ...held, isRunning: true }, shut, 6 * hourMs)).toMatchObject({
    coverage: 'locked-out',
    isRunning: true,
  });
});

test('what a worker whose clock was a month ahead said of a gate is not the newest for a month', async () => {
  const { rig, work, gate, elsewhere } = await fleetRig();
  await work('vault');
  await work('other');
  const aheadMs = rig.clock.now() + 30 * 24 * hourMs;
  const lastRun = { ...gate('other').lastRun!, endedAtMs: aheadMs };
  await elsewhere('other', { coverage: 'locked-out', plannedAtMs: aheadMs, lastRun });
  expect(gate('other')).toMatchObject({ coverage: 'let-in' });
  await work('other');
  const { lastRun: told, ...published } = (await rig.watch.journal!.recall(
    'gate-status/other',
  )) as GateStatus;
  expect(published).toMatchObject({ coverage: 'let-in' });
  expect(told!.endedAtMs).toBeLessThan(aheadMs);
});

test('a run that hangs gives its job back, and the worker takes others', async () => {
  const { rig, work, gate } = await fleetRig();
  await work('vault');
  rig.gates.get('other')!.onRead = () => new Promise(() => {});
  let nextInMs: number | undefined;
  void work('other').then(ended => (nextInMs = ended.nextInMs));
  await rig.clock.advance(14 * minuteMs);
  expect(nextInMs).toBeUndefined();
  await rig.clock.advance(2 * minuteMs);
  expect(nextInMs).toBe(1_000);
  expect(gate('other').unseenSinceMs).toBeLessThan(rig.clock.now() - 15 * minuteMs);
});

test('our run that is refused does not put our old plan over the newer one of another worker', async () => {
  const { rig, pings, work, gate, elsewhere } = await fleetRig();
  await work('vault');
  await work('other');
  const before = pings.length;
  await rig.clock.advance(10 * minuteMs);
  await elsewhere('other', { coverage: 'locked-out', planChecksum: 'new', plannedAtMs: rig.clock.now() });
  const holder = { pid: process.pid, host: 'postern-2', command: 'apply', sinceMs: rig.clock.now() };
  await rig.watch.journal!.lock(rig.gates.get('other')!.id, holder, 15 * minuteMs);
  await work('other');
  await work('vault');
  const shut = { coverage: 'locked-out', planChecksum: 'new', lastRun: { status: 'refused' } };
  expect(gate('other')).toMatchObject(shut);
  expect(await rig.watch.journal!.recall('gate-status/other')).toMatchObject(shut);
  expect(pings).toHaveLength(before);
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
  await work('other');
  await rig.clock.advance(minuteMs);
  const newer = { id: 'gate-of-other', plannedAtMs: rig.clock.now(), closing: cidrs('3.120.1.9') };
  // The journal lacks this one. Ours is older than what the status says, and is not given in its place.
  await elsewhere('other', { ...newer, planChecksum: 'decaf' });
  expect(await rig.watch.planOf('other')).toBeUndefined();
  await elsewhere('other', { ...newer, planChecksum: 'c0ffee' });
  expect(await rig.watch.planOf('other')).toEqual(plan);
  await rig.watch.approve('other', { by: 'alice', reason: 'CHG-7' });
  expect(await rig.watch.journal!.approvals({ limit: 1 })).toMatchObject([
    { gateId: 'gate-of-other', gateName: 'other', planChecksum: 'c0ffee', cidrs: ['3.120.1.9/32'] },
  ]);
});
