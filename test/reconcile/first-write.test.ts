/** A list that the first write puts in force: it stands only when Atlas confirms it, and what came before is put back. */
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { GateConflictError } from '../../src/gates/gate.ts';
import { afterRun } from '../../src/reconcile/after-run.ts';
import { applyGate, planGate } from '../../src/reconcile/apply.ts';
import type { GateSettings, SignOfTrouble } from '../../src/reconcile/run.ts';
import { undoWrite } from '../../src/reconcile/undo.ts';
import { cidr, cidrs, projectId } from '../plan/fixtures.ts';
import { ProcessDied, World, type WriteFault } from './world.ts';

const [a, b] = cidrs('3.92.113.229', '3.208.110.31') as [Cidr, Cidr];
const minuteMs = 60_000;

function outOfForce(settings: Partial<GateSettings> = {}): World {
  const world = new World([a, b], [], settings);
  world.gate.inForce = false;
  return world;
}

const history = async (world: World) =>
  (await (await world.journal()).writes({ limit: 10 })).map(({ kind, outcome }) => [kind, outcome]);

async function inForce(): Promise<World> {
  const world = outOfForce();
  expect((await applyGate(await world.run())).status).toBe('changed');
  return world;
}

/** Everyone is let in as before the first write, and nothing tries it again by itself. */
async function expectHeld(world: World) {
  expect(world.gate).toMatchObject({ inForce: false, entries: [] });
  expect(await (await world.journal()).owned(world.gate.id)).toEqual([]);
  world.passDays(40);
  const again = await applyGate(await world.run());
  expect(again).toMatchObject({
    status: 'refused',
    writes: [],
    message: expect.stringContaining('does not try it again by itself'),
    remedy: expect.stringContaining('--accept-first-write'),
  });
  expect(again.plan?.guards.map(({ guard }) => guard)).toContain('first-write-withdrawn');
  expect(world.gate.inForce).toBe(false);

  world.settings = { ...world.settings, acceptFirstWrite: true };
  expect((await applyGate(await world.run())).status).toBe('changed');
  expect(world.gate).toMatchObject({ inForce: true, entries: [a, b] });
}

describe('the write that puts a list in force', () => {
  test('is asked of Atlas before it stands, and is an addition in every other way', async () => {
    const world = outOfForce();
    world.verdicts = ['valid', 'valid'];
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'changed', writes: [{ kind: 'enforce', adds: [a, b] }] });
    expect(result.message).toContain('2 added');
    expect(afterRun(result.plan!, result)).toMatchObject({ missing: [], coverage: 'let-in' });
    expect(world.events.map(({ kind }) => kind)).toContain('verified');
    expect(await history(world)).toEqual([['enforce', 'applied']]);
    expect((await (await world.journal()).owned(world.gate.id)).map(each => each.cidr).sort()).toEqual(
      [a, b].sort(),
    );
    world.listed = [a, b, cidr('44.206.200.18')];
    expect((await applyGate(await world.run())).writes.map(({ kind }) => kind)).toEqual(['add']);
  });

  test.each(['invalid', 'unknown'] as const)('is taken back at once when Atlas then says %s', async said => {
    const world = outOfForce();
    world.verdicts = ['valid', said];
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'restored',
      writes: [{ kind: 'enforce' }, { kind: 'withdraw', removes: [a, b] }],
      message: expect.stringContaining('taken out of force at once'),
    });
    expect(afterRun(result.plan!, result).coverage).toBe('let-in');
    expect(await history(world)).toEqual([
      ['withdraw', 'applied'],
      ['enforce', 'reverted'],
    ]);
    await expectHeld(world);
  });

  test('is taken back although someone changes the list meanwhile', async () => {
    const world = outOfForce();
    world.gate.faults.push(undefined, 'conflict');
    world.gate.meddle = entries => [...entries, cidr('198.19.0.0/32')];
    world.verdicts = ['valid', 'invalid'];
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect(world.gate).toMatchObject({ inForce: false, entries: [] });
  });

  test('and cannot be taken back: the run fails, and the next one takes it back first', async () => {
    const world = outOfForce();
    world.gate.faults.push(undefined, 'refused');
    world.verdicts = ['valid', 'invalid'];
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('could not be taken back'),
    });
    expect(world.gate.inForce).toBe(true);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    await expectHeld(world);
  });

  test.each<WriteFault>([
    'others-changed',
    'unreadable-after',
  ])('is in doubt after a write that is %s', async fault => {
    const world = outOfForce();
    world.gate.faults.push(fault);
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect(world.gate).toMatchObject({ inForce: false, entries: [] });
  });

  test('and cannot be looked at: the run says that it may be in force, and the next one asks Atlas', async () => {
    const world = outOfForce();
    world.gate.faults.push('unreadable-after');
    const run = await world.run();
    const write = world.gate.write.bind(world.gate);
    world.gate.write = (...parts) =>
      write(...parts).finally(() => {
        world.gate.readFault = new Error('no answer');
      });
    const result = await applyGate(run);
    expect(result).toMatchObject({ status: 'failed', message: expect.stringContaining('may have been put') });
    expect((result.error as { remedy?: string }).remedy).toContain('at once');
    world.gate.readFault = undefined;
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    await expectHeld(world);
  });

  test('and was taken out by hand: nobody puts it back by himself', async () => {
    const world = await inForce();
    world.passDays(3);
    Object.assign(world.gate, { inForce: false, entries: [] });
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'refused',
      writes: [],
      message: expect.stringContaining('someone took the list out of force'),
    });
    world.settings = { ...world.settings, acceptFirstWrite: true };
    expect((await applyGate(await world.run())).status).toBe('changed');
    expect(world.gate.inForce).toBe(true);
  });

  test('and was taken out by hand after Postern could not: nobody puts it back by himself', async () => {
    const world = outOfForce();
    world.gate.faults.push(undefined, 'refused');
    world.verdicts = ['valid', 'invalid'];
    expect((await applyGate(await world.run())).status).toBe('failed');
    Object.assign(world.gate, { inForce: false, entries: [] });
    world.verdicts = [];
    await applyGate(await world.run());
    expect(await history(world)).toContainEqual(['enforce', 'reverted']);
    await expectHeld(world);
  });

  test('and was taken out by another just as Postern was about to: it is not tried again', async () => {
    const world = outOfForce();
    world.verdicts = ['valid', 'invalid'];
    const run = await world.run();
    world.gate.withdraw = async () => {
      Object.assign(world.gate, { inForce: false, entries: [] });
      throw new GateConflictError('vault', 'The list was changed by bob.');
    };
    expect((await applyGate(run)).status).toBe('restored');
    expect(await history(world)).toContainEqual(['enforce', 'reverted']);
    await expectHeld(world);
  });

  test('that stood, was undone, and was made again is not undone in place of the newer one', async () => {
    const world = await inForce();
    expect((await undoWrite(await world.run())).status).toBe('changed');
    world.settings = { ...world.settings, acceptFirstWrite: true };
    expect((await applyGate(await world.run())).status).toBe('changed');
    const undone = await undoWrite(await world.run(), { writeId: 1 });
    expect(undone).toMatchObject({ status: 'refused', message: expect.stringContaining('did not put the') });
    expect(world.gate.inForce).toBe(true);
  });

  test('of an earlier time is not undone in place of the one that stands', async () => {
    const world = outOfForce();
    world.verdicts = ['valid', 'invalid'];
    await applyGate(await world.run());
    world.settings = { ...world.settings, acceptFirstWrite: true };
    expect((await applyGate(await world.run())).status).toBe('changed');
    const undone = await undoWrite(await world.run(), { writeId: 1 });
    expect(undone).toMatchObject({ status: 'refused', message: expect.stringContaining('did not put the') });
    expect(world.gate.inForce).toBe(true);
  });

  test('is not made when the journal cannot be used', async () => {
    const world = outOfForce();
    world.breakJournal = () => undefined;
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining('the journal') });
    expect(world.gate.writes).toEqual([]);
  });

  test('is not made when the journal cannot take it', async () => {
    const world = outOfForce();
    world.breakJournal = journal =>
      new Proxy(journal, {
        get: (target, name) => {
          if (name === 'beginWrite') return async () => Promise.reject(new Error('disk full'));
          const value = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    expect((await applyGate(await world.run())).status).toBe('failed');
    expect(world.gate.writes).toEqual([]);
  });

  test('is not made by readings of yesterday', async () => {
    const world = outOfForce();
    const result = await applyGate(await world.run(), {
      confirm: async () => {
        world.nowMs += 11 * minuteMs;
        return true;
      },
    });
    expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining('11 minutes ago') });
    expect(world.gate.writes).toEqual([]);
  });
});

describe('on probation', () => {
  test.each([
    [1, 'restored', false],
    [25 * 60, 'unchanged', true],
  ] as const)('%s minutes later Atlas calls the key invalid', async (minutes, status, staysInForce) => {
    const world = await inForce();
    world.nowMs += minutes * minuteMs;
    world.verdicts = ['invalid'];
    const result = await applyGate(await world.run());
    expect(result.status).toBe(status);
    expect(world.gate.inForce).toBe(staysInForce);
    if (!staysInForce) await expectHeld(world);
  });

  test.each([
    [10, false],
    [40, true],
  ] as const)('a sign of trouble %s minutes later', async (minutes, staysInForce) => {
    const world = await inForce();
    world.nowMs += minutes * minuteMs;
    const what = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';
    const sign: SignOfTrouble = { projectId, atMs: world.nowMs, what };
    const result = await applyGate({ ...(await world.run()), readSigns: async () => [sign] });
    expect(world.gate.inForce).toBe(staysInForce);
    if (!staysInForce) expect(result.message).toContain('not long after its list was put in force');
  });

  test('what was missing is let in first, and the next run tells whether that was the trouble', async () => {
    const world = await inForce();
    world.nowMs += minuteMs;
    world.listed = [a, b, cidr('44.206.200.18')];
    world.verdicts = ['invalid', 'invalid'];
    expect(await applyGate(await world.run())).toMatchObject({
      status: 'changed',
      writes: [{ kind: 'add' }],
    });
    expect(world.gate.inForce).toBe(true);
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect(world.gate.inForce).toBe(false);
  });

  test('what someone else put in force after it was taken out is left alone', async () => {
    const world = await inForce();
    await undoWrite(await world.run());
    world.gate.inForce = true;
    world.gate.entries = [a, b];
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate).toMatchObject({ inForce: true, entries: [a, b] });
  });
});

describe('after a crash', () => {
  const crashed = async (faults: (WriteFault | undefined)[], verdicts: World['verdicts'] = []) => {
    const world = outOfForce();
    world.gate.faults.push(...faults);
    world.verdicts = verdicts;
    const { error } = await applyGate(await world.run());
    // What fails while it is taken back is wrapped.
    expect(error instanceof Error && (error.cause ?? error)).toBeInstanceOf(ProcessDied);
    world.verdicts = [];
    return world;
  };

  test('before it was sent, it is made by the next run', async () => {
    const world = await crashed(['dies-before']);
    expect((await applyGate(await world.run())).status).toBe('changed');
    expect(await history(world)).toEqual([
      ['enforce', 'applied'],
      ['enforce', 'not-applied'],
    ]);
  });

  test('after it took effect, it stands when Atlas confirms it', async () => {
    const world = await crashed(['dies-after']);
    expect((await applyGate(await world.run())).status).toBe('unchanged');
    expect(await history(world)).toEqual([['enforce', 'applied']]);
    expect(world.gate.inForce).toBe(true);
  });

  test('after it took effect, it is taken back when Atlas does not', async () => {
    const world = await crashed(['dies-after']);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    await expectHeld(world);
  });

  test.each<WriteFault>(['dies-before', 'dies-after'])('while it was being taken back (%s)', async fault => {
    const world = await crashed([undefined, fault], ['valid', 'invalid']);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    await expectHeld(world);
  });

  test('a removal that was open, of a list that is gone, puts nothing in force', async () => {
    const world = await inForce();
    world.listed = [a];
    world.passDays(1);
    await applyGate(await world.run());
    world.passDays(8);
    world.gate.faults.push('dies-after');
    expect((await applyGate(await world.run())).error).toBeInstanceOf(ProcessDied);
    world.gate.inForce = false;
    world.gate.entries = [];
    world.gate.writes.length = 0;
    world.verdicts = ['invalid', 'invalid'];
    await applyGate(await world.run());
    expect(world.gate.writes).toEqual([]);
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toEqual([]);
  });
});

describe('undo', () => {
  test('takes the list out of force, asks first, and needs nothing of Atlas', async () => {
    const world = await inForce();
    world.feedComplete = false;
    expect((await undoWrite(await world.run(), { confirm: async () => false })).status).toBe('refused');
    const asked: unknown[] = [];
    const result = await undoWrite(await world.run(), {
      confirm: async undo => {
        asked.push(undo);
        return true;
      },
    });
    expect(asked).toMatchObject([{ withdraws: true, putsBack: [], takesBack: [] }]);
    expect(result).toMatchObject({ status: 'changed', writes: [{ kind: 'withdraw' }] });
    world.feedComplete = true;
    await expectHeld(world);
  });

  test('done twice says that there is nothing to do, and undoing the undoing puts nothing in force', async () => {
    const world = await inForce();
    await undoWrite(await world.run());
    expect(await undoWrite(await world.run(), { writeId: 1 })).toMatchObject({
      status: 'refused',
      message: expect.stringContaining('undone already'),
    });
    expect(await undoWrite(await world.run())).toMatchObject({
      status: 'refused',
      message: expect.stringContaining('not in force'),
    });
    expect(world.gate.inForce).toBe(false);
  });

  test('is refused on policy observe', async () => {
    const world = await inForce();
    world.settings = { ...world.settings, policy: 'observe' };
    expect((await undoWrite(await world.run())).status).toBe('refused');
    expect(world.gate.inForce).toBe(true);
  });

  test('settles first what a crash left behind', async () => {
    const world = outOfForce();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    expect((await undoWrite(await world.run())).status).toBe('changed');
    expect(world.gate.inForce).toBe(false);
  });
});

test('a plan says why the first write waits', async () => {
  const world = outOfForce();
  world.verdicts = ['invalid'];
  const { guards, steps } = await planGate(await world.run());
  expect(steps).toEqual([]);
  expect(guards.map(({ guard }) => guard)).toEqual(['first-write-not-confirmable']);
});
