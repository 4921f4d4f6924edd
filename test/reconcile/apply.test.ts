import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import type { GateState } from '../../src/gates/gate.ts';
import { GateUnverifiedError } from '../../src/gates/gate.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import { applyGate, planGate } from '../../src/reconcile/apply.ts';
import { cidr, cidrs, limitsOf } from '../plan/fixtures.ts';
import { ProcessDied, World, type WriteFault } from './world.ts';

const office = cidr('198.17.0.0/24');
const [a, b, c] = cidrs('3.92.113.229', '3.208.110.31', '44.206.200.18') as [Cidr, Cidr, Cidr];

/** A world in which `a` and `b` are Postern's, and Atlas has dropped `b` long enough ago for it to go. */
async function withRipe(): Promise<World> {
  const world = new World([a, b], [office]);
  await applyGate(await world.run());
  world.listed = [a];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(7);
  world.gate.writes.length = 0;
  world.events.length = 0;
  return world;
}

test('a first run lets Atlas in, beside what others wrote', async () => {
  const world = new World([a, b], [office]);
  const result = await applyGate(await world.run());
  expect(result).toMatchObject({
    status: 'changed',
    writes: [{ kind: 'add', adds: [a, b], removes: [] }],
  });
  expect(world.gate.entries).toEqual([office, a, b]);
  expect((await applyGate(await world.run())).status).toBe('unchanged');
});

test('the journal has when Atlas was let in, and when not', async () => {
  const world = new World([a], [office]);
  await applyGate(await world.run());
  world.listed = [a, b];
  world.passDays(1);
  await planGate(await world.run());
  world.passDays(1);
  await applyGate(await world.run());
  const changes = await (await world.journal()).coverage({ gateId: world.gate.id, sinceMs: 0 });
  expect(changes.map(({ coverage, missing }) => `${coverage} ${missing}`)).toEqual([
    'locked-out 1',
    'let-in 0',
    'locked-out 1',
    'let-in 0',
  ]);
});

test('an address that Atlas drops stays for its grace, and goes in a write of its own', async () => {
  const world = new World([a, b], [office]);
  await applyGate(await world.run());
  world.listed = [a];
  for (const days of [1, 3, 3.99]) {
    world.passDays(days);
    expect((await applyGate(await world.run())).status).toBe('unchanged');
    expect(world.gate.entries).toContain(b);
  }
  world.passDays(0.02);
  world.passDays(1);
  const result = await applyGate(await world.run());
  expect(result).toMatchObject({ status: 'changed', writes: [{ kind: 'remove', removes: [b] }] });
  expect(world.gate.entries).toEqual([office, a]);
});

test('an entry of ours that somebody took out is theirs when somebody puts it back', async () => {
  const world = new World([a, b], [office]);
  await applyGate(await world.run());
  world.listed = [a];
  world.passDays(1);
  await applyGate(await world.run());
  world.gate.entries = [office, a];
  world.passDays(1);
  await applyGate(await world.run());
  world.gate.entries = [office, a, b];
  world.passDays(30);
  expect((await applyGate(await world.run())).status).toBe('unchanged');
  expect(world.gate.entries).toEqual([office, a, b]);
});

test('and that is noticed though our last write was dated by a clock that was a month ahead', async () => {
  const world = new World([a, b], [office], {}, 10 * 60_000);
  await applyGate(await world.run());
  world.passDays(30);
  world.listed = [a, b, c];
  await applyGate(await world.run());
  world.passDays(-29);
  world.listed = [a, c];
  await applyGate(await world.run());
  world.gate.entries = [office, a, c];
  world.passDays(1);
  await applyGate(await world.run());
  world.gate.entries = [office, a, b, c];
  for (const days of [30, 8, 1]) {
    world.passDays(days);
    expect((await applyGate(await world.run())).status).toBe('unchanged');
  }
  expect(world.gate.entries).toEqual([office, a, b, c]);
});

test.each<[string, Partial<GateState>]>([
  ['cannot be read for what it is', { entries: [], obstacle: { message: 'Not ours.', remedy: 'Mend it.' } }],
  ['lets nobody in as it stands', { entries: [office], idle: [a, b] }],
])('a list that %s takes nothing out of our care', async (_, shows) => {
  const world = new World([a, b], [office]);
  await applyGate(await world.run());
  world.listed = [a];
  world.passDays(1);
  await applyGate(await world.run());
  world.gate.shows = shows;
  world.passDays(1);
  await planGate(await world.run());
  world.gate.shows = {};
  for (const days of [1, 8, 1]) {
    world.passDays(days);
    await applyGate(await world.run());
  }
  expect(world.gate.entries).toEqual([office, a]);
});

test('an addition that comes into the journal late does not end the wait after a newer one', async () => {
  const world = new World([a, b], [office], {}, 10 * 60_000);
  await applyGate(await world.run());
  world.listed = [a];
  for (const days of [1, 8]) {
    world.passDays(days);
    world.listed = days === 1 ? [a] : [a, c];
    await applyGate(await world.run());
  }
  expect(world.gate.entries).toEqual(expect.arrayContaining([b, c]));
  world.nowMs += 5_000;
  const journal = await world.journal();
  const atMs = world.nowMs - 3_600_000;
  const { id: gateId, name: gateName, entries } = world.gate;
  const late = { gateId, gateName, kind: 'add', before: entries, target: entries } as const;
  const id = await journal.beginWrite({ ...late, planChecksum: 'spooled', by: 'x', reason: 'x', atMs });
  await journal.finishWrite(id, { outcome: 'applied', after: entries, atMs });
  expect((await applyGate(await world.run())).plan?.guards.map(({ guard }) => guard)).toContain('settling');
  expect(world.gate.entries).toContain(b);
});

test.each([
  ['', 0],
  [', nor when an earlier write was dated by a clock that was ahead', 30],
])('a reading from before our own write takes nothing out of our care%s', async (_, daysAhead) => {
  const world = new World([a], [office], {}, 15 * 60_000);
  world.passDays(daysAhead);
  await applyGate(await world.run());
  world.passDays(-daysAhead);
  world.listed = [a, b];
  world.passDays(1);
  await applyGate(await world.run());
  const { entries } = world.gate;
  // The read shows the list of before; Atlas drops the address at the same time.
  world.gate.entries = [office, a];
  world.listed = [a];
  world.nowMs += 60_000;
  await applyGate(await world.run());
  world.gate.entries = entries;
  for (const days of [1 + daysAhead, 8, 1]) {
    world.passDays(days);
    await applyGate(await world.run());
  }
  expect(world.gate.entries).toEqual([office, a]);
});

describe('a removal that Atlas does not confirm is put back at once', () => {
  test.each(['invalid', 'unknown'] as const)('%s', async verdict => {
    const world = await withRipe();
    world.verdicts = ['valid', verdict];
    const result = await applyGate(await world.run());
    expect(result.status).toBe('restored');
    expect(world.gate.writes).toHaveLength(2);
    expect([...world.gate.entries].sort()).toEqual([office, a, b].sort());
    // It is in grace again, so the next run does not take it out once more.
    expect((await applyGate(await world.run())).status).toBe('unchanged');
    expect(world.gate.entries).toContain(b);
  });

  test('and again a day later, when it shows only then', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    expect(world.gate.entries).not.toContain(b);
    world.passDays(0.5);
    world.verdicts = ['invalid'];
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect(world.gate.entries).toContain(b);
  });

  test('not on a gate whose policy has become observe', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    world.settings = { ...world.settings, policy: 'observe' };
    world.verdicts = ['invalid', 'invalid'];
    world.gate.writes.length = 0;
    await applyGate(await world.run());
    expect(world.gate.writes).toEqual([]);
  });

  test('when putting back fails, the next run does it before anything else', async () => {
    const world = await withRipe();
    world.verdicts = ['valid', 'invalid'];
    world.gate.faults.push(undefined, 'refused');
    expect(await applyGate(await world.run())).toMatchObject({ status: 'failed' });
    expect(world.gate.entries).not.toContain(b);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  });
});

describe('a removal is put back', () => {
  /** Far apart but for two that can be merged; all are let in, with room for no more, and one is due. */
  async function full(): Promise<{ readonly world: World; readonly all: readonly Cidr[] }> {
    const others = cidrs(...Array.from({ length: 16 }, (_, n) => `3.64.${4 * n}.1`), '3.65.0.2', '3.65.0.3');
    const world = new World([a, b, ...others], [office]);
    await applyGate(await world.run());
    const all = [...world.gate.entries].sort();
    world.gate.limits = limitsOf(all.length);
    world.listed = [a, ...others];
    world.passDays(1);
    await applyGate(await world.run());
    world.passDays(8);
    return { world, all };
  }

  test('in the place of the blocks that it had merged, so that it fits', async () => {
    const { world, all } = await full();
    world.verdicts = ['valid', 'invalid'];
    const result = await applyGate(await world.run());
    expect(world.gate.writes.at(-2)).toContain('3.65.0.2/31');
    expect(result.status).toBe('restored');
    expect([...world.gate.entries].sort()).toEqual(all);
  });

  test('and so when Atlas says so only later', async () => {
    const { world, all } = await full();
    await applyGate(await world.run());
    expect(world.gate.entries).toContain('3.65.0.2/31');
    world.verdicts = ['invalid'];
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect([...world.gate.entries].sort()).toEqual(all);
  });

  test('though what is new does not fit', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    expect(world.gate.entries).toEqual([office, a]);
    world.gate.limits = limitsOf(3);
    world.listed = [a, ...cidrs('34.192.0.1', '52.0.0.1')];
    world.verdicts = ['invalid'];
    expect(await applyGate(await world.run())).toMatchObject({ status: 'restored' });
    expect(world.gate.entries).toEqual([office, a, b]);
  });

  test('though what is new cannot be written', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    world.listed = [a, c];
    world.verdicts = ['invalid'];
    world.gate.faults.push('refused');
    expect(await applyGate(await world.run())).toMatchObject({
      status: 'failed',
      writes: [{ kind: 'restore', adds: expect.arrayContaining([b, c]) }],
    });
    expect(world.gate.entries).toEqual([office, a, b, c]);
  });
});

describe('a removal that was begun and is not to be seen', () => {
  const settleMs = 15 * 60_000;

  async function withOpenRemoval(): Promise<World> {
    const world = new World([a, b], [office], {}, settleMs);
    await applyGate(await world.run());
    world.listed = [a];
    world.passDays(1);
    await applyGate(await world.run());
    world.passDays(8);
    world.gate.faults.push('dies-before');
    await applyGate(await world.run());
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
    return world;
  }

  test('stays open while it may be under way, and nothing is removed meanwhile', async () => {
    const world = await withOpenRemoval();
    world.nowMs += 60_000;
    const { plan } = await applyGate(await world.run());
    expect(plan?.guards.map(({ guard }) => guard)).toContain('unsettled');
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
    // It takes effect after all, and Atlas says no.
    world.gate.entries = [office, a];
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  });

  test('did not take effect once it could be seen, and removals go on', async () => {
    const world = await withOpenRemoval();
    world.nowMs += settleMs;
    expect(await applyGate(await world.run())).toMatchObject({ writes: [{ kind: 'remove', removes: [b] }] });
    const writes = await (await world.journal()).writes({ limit: 2 });
    expect(writes.map(({ outcome }) => outcome)).toEqual(['applied', 'not-applied']);
  });
});

describe('any failure of an addition stops the removals of its run', () => {
  test.each<WriteFault>(['refused', 'cut-before', 'unreadable-after'])('%s', async fault => {
    const world = await withRipe();
    world.listed = [a, c];
    world.gate.faults.push(fault);
    expect((await applyGate(await world.run())).status).toBe('failed');
    expect(world.gate.entries).toContain(b);
    expect(world.gate.writes.length).toBeLessThanOrEqual(1);
  });
});

describe('the process ends at a write', () => {
  test.each<[WriteFault, number]>([
    ['dies-before', 0],
    ['dies-after', 0],
  ])('%s of an addition: the next run knows what is ours', async fault => {
    const world = new World([a, b], [office]);
    world.gate.faults.push(fault);
    expect((await applyGate(await world.run())).error).toBeInstanceOf(ProcessDied);
    await applyGate(await world.run());
    expect([...world.gate.entries].sort()).toEqual([office, a, b].sort());
    const journal = await world.journal();
    expect((await journal.owned(world.gate.id)).map(({ cidr }) => cidr).sort()).toEqual([a, b].sort());
    expect(await journal.unfinishedWrites(world.gate.id)).toEqual([]);
  });

  test('after a removal, before Atlas was asked: confirmed by the next run', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    expect((await applyGate(await world.run())).status).toBe('unchanged');
    expect(world.gate.entries).toEqual([office, a]);
  });

  test('after a removal, before Atlas was asked: put back by the next run when Atlas says no', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toEqual([]);
  });
});

describe('somebody else works on the same list', () => {
  test('a change between read and write: read again, planned again, written', async () => {
    const world = new World([a], [office]);
    const others = cidr('198.19.0.0/32');
    world.gate.meddle = entries => [...entries, others];
    world.gate.faults.push('conflict');
    expect((await applyGate(await world.run())).status).toBe('changed');
    expect(world.gate.entries).toEqual([office, others, a]);
  });

  test('again and again: given up after three attempts, naming what to do', async () => {
    const world = new World([a], [office]);
    let round = 0;
    world.gate.meddle = () => cidrs(`198.17.1.${round++}`);
    world.gate.faults.push('conflict', 'conflict', 'conflict', 'conflict');
    const result = await applyGate(await world.run());
    expect(result.status).toBe('failed');
    expect(result.message).toMatch(/3 times/);
    expect((result.error as { remedy: string }).remedy).toMatch(/ignore_changes/);
    expect(world.gate.writes).toEqual([]);
  });

  test('who undoes the additions of several runs is told of, and Atlas is let in all the same', async () => {
    const world = new World([a], [office]);
    for (let round = 0; round < 3; round++) {
      await applyGate(await world.run());
      expect(world.gate.entries).toContain(a);
      world.gate.entries = [office];
      world.passDays(0.1);
    }
    const plan = await planGate(await world.run());
    expect(plan.findings.find(({ id }) => id === 'fight')?.remedy).toMatch(/ignore_changes/);
    expect(plan.steps).toMatchObject([{ kind: 'add', adds: [a] }]);
  });
});

describe('a reviewed plan', () => {
  test('is written when the world is as it was', async () => {
    const world = new World([a], [office]);
    const { checksum } = await planGate(await world.run());
    world.nowMs += 60_000;
    const result = await applyGate(await world.run(), { approvedChecksum: checksum });
    expect(result.status).toBe('changed');
  });

  test.each<[string, (world: World) => void]>([
    ['Atlas lists another address', world => (world.listed = [a, b])],
    ['the gate has another entry', world => (world.gate.entries = [office, c])],
    ['the policy is another', world => (world.settings = { ...world.settings, policy: 'add-only' })],
  ])('is refused when %s', async (_, move) => {
    const world = new World([a], [office]);
    const { checksum } = await planGate(await world.run());
    move(world);
    const result = await applyGate(await world.run(), { approvedChecksum: checksum });
    expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining('world has moved') });
    expect(world.gate.writes).toEqual([]);
  });

  test('is refused when the list changes between the comparison and the write', async () => {
    const world = new World([a], [office]);
    const { checksum } = await planGate(await world.run());
    world.gate.meddle = entries => [...entries, c];
    world.gate.faults.push('conflict');
    expect((await applyGate(await world.run(), { approvedChecksum: checksum })).status).toBe('refused');
    expect(world.gate.writes).toEqual([]);
  });
});

describe('the journal fails', () => {
  const broken = new Proxy({} as never, {
    get: () => async () => {
      throw new Error('database or disk is full');
    },
  });

  test('from the start: additions happen and are spooled, removals do not happen', async () => {
    const world = await withRipe();
    world.listed = [a, c];
    world.breakJournal = () => broken;
    expect((await applyGate(await world.run())).status).toBe('changed');
    expect(world.gate.entries).toEqual(expect.arrayContaining([office, a, b, c]));
    expect(world.spooled).toMatchObject([
      { kind: 'add', target: expect.arrayContaining([c]), outcome: 'applied' },
    ]);
  });

  test('just before the removal: nothing is removed', async () => {
    const world = await withRipe();
    world.breakJournal = journal =>
      new Proxy(journal, {
        get: (target, name) => {
          if (name === 'beginWrite') return async () => Promise.reject(new Error('database or disk is full'));
          const value = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('nothing was removed'),
    });
    expect(world.gate.entries).toContain(b);
  });
});

describe('what is asked, and what is refused', () => {
  test('a no writes nothing', async () => {
    const world = new World([a], [office]);
    expect((await applyGate(await world.run(), { confirm: async () => false })).status).toBe('refused');
    expect(world.gate.writes).toEqual([]);
  });

  test('observe writes nothing, whoever confirms it', async () => {
    const world = new World([a], [office], { policy: 'observe' });
    expect((await applyGate(await world.run(), { confirm: async () => true })).status).toBe('refused');
    expect(world.gate.writes).toEqual([]);
  });

  test('a second run on the same gate is told who has it', async () => {
    const world = new World([a], [office]);
    const journal = await world.journal();
    const lock = await journal.lock(
      world.gate.id,
      { pid: process.pid, host: (await import('node:os')).hostname(), command: 'postern watch', sinceMs: 0 },
      1_000,
    );
    expect(lock.acquired).toBe(true);
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining('postern watch') });
    expect(world.gate.writes).toEqual([]);
  });

  test('a read of the gate that fails fails the run, and no other', async () => {
    const world = new World([a], [office]);
    world.gate.readFault = new GateUnverifiedError('vault', 'No answer.');
    expect(await applyGate(await world.run())).toMatchObject({ status: 'failed', message: 'No answer.' });
  });
});

test('plan writes nothing to the gate, and counts its reading', async () => {
  const world = new World([a, b], [office], {
    removal: { ...defaultRemovalPolicy, graceMs: 0, maxShare: 1 },
  });
  await applyGate(await world.run());
  world.listed = [a];
  world.gate.writes.length = 0;
  world.passDays(0.1);
  await planGate(await world.run());
  world.passDays(0.1);
  const plan = await planGate(await world.run());
  expect(plan.steps).toMatchObject([{ kind: 'remove', removes: [b] }]);
  expect(world.gate.writes).toEqual([]);
});

test('one reading counts once, however often a run plans on it', async () => {
  const world = new World([a, b], [office], {
    removal: { ...defaultRemovalPolicy, graceMs: 0, maxShare: 1 },
  });
  await applyGate(await world.run());
  world.listed = [a];
  const run = await world.run();
  for (let times = 0; times < 3; times++) {
    world.passDays(0.1);
    await planGate(run);
  }
  expect(await (await world.journal()).ledger(world.gate.id)).toContainEqual(
    expect.objectContaining({ cidr: b, absentReads: 1 }),
  );
});
