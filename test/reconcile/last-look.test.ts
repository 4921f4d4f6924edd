/** What is asked once more just before a write, whatever made it; and what an unlucky order of events may not do. */
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { GateError } from '../../src/gates/gate.ts';
import type { Journal, LedgerRow, OwnedEntry, WriteRecord } from '../../src/journal/journal.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { putBack } from '../../src/reconcile/put-back.ts';
import { removeConfirmed } from '../../src/reconcile/remove-confirmed.ts';
import type { Run } from '../../src/reconcile/run.ts';
import { planUndo, undoWrite } from '../../src/reconcile/undo.ts';
import {
  maxReadingAgeMs,
  type StepWrite,
  WriteStoppedError,
  writeStep,
} from '../../src/reconcile/write-step.ts';
import { cidr, cidrs, limitsOf, ownedOf, ripe } from '../plan/fixtures.ts';
import { ProcessDied, World } from './world.ts';

const office = cidr('198.17.0.0/24');
const [a, b, c, d] = cidrs('3.92.113.229', '3.208.110.31', '44.206.200.18', '52.0.74.246') as [
  Cidr,
  Cidr,
  Cidr,
  Cidr,
];
const minuteMs = 60_000;

/** A world in which `a`, `b` and `d` are Postern's, and Atlas has dropped `b` long enough ago for it to go. */
async function withRipe(): Promise<World> {
  const world = new World([a, b, d], [office]);
  await applyGate(await world.run());
  world.listed = [a, d];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(7);
  world.gate.writes.length = 0;
  return world;
}

async function written(world: World, write: Partial<StepWrite>, more: Partial<Run> = {}) {
  const run = { ...(await world.run()), ...more };
  const state = await run.gate.read();
  const whole: StepWrite = {
    kind: 'add',
    to: [...state.entries, a],
    planChecksum: 'x',
    reason: 'a test',
    letsIn: [],
    keeps: [],
    readAtMs: world.nowMs,
    ...write,
  };
  const result = await writeStep(run, state, whole).catch(error => error);
  return { result, unfinished: await (await world.journal()).unfinishedWrites(world.gate.id) };
}

describe('just before a write', () => {
  test.each<[StepWrite['kind'], boolean]>([
    ['add', true],
    ['enforce', true],
    ['remove', true],
    ['undo', true],
    ['restore', false],
  ])('of a run that was asked to stop: %s', async (kind, isStopped) => {
    const world = new World([a], [office]);
    const signal = AbortSignal.abort();
    const { result, unfinished } = await written(world, { kind, keeps: [office] }, { signal });
    if (isStopped) expect(result).toMatchObject({ message: expect.stringContaining('asked to stop') });
    expect(world.gate.writes).toHaveLength(isStopped ? 0 : 1);
    expect(unfinished).toHaveLength(isStopped ? 0 : 1);
  });

  test.each<[string, Partial<StepWrite>, RegExp]>([
    ['an empty list', { kind: 'remove', to: [] }, /would be empty/],
    [
      'an address that Atlas wants is left out',
      { to: [office, a], letsIn: [a, b] },
      /not be let in, 3\.208\.110\.31\/32/,
    ],
    [
      'an entry of someone else is left out',
      { kind: 'remove', to: [a], keeps: [office] },
      /not Postern's would be lost/,
    ],
    ['an addition takes away', { kind: 'add', to: [a] }, /should only add/],
    ['a restore takes away', { kind: 'restore', to: [a] }, /should only add/],
    ['a private address', { to: [office, cidr('10.0.0.1')] }, /10\.0\.0\.1\/32 would be written/],
    [
      'a private address is put back',
      { kind: 'restore', to: [office, cidr('10.0.0.1')] },
      /would be written/,
    ],
    ['everyone', { to: [office, cidr('0.0.0.0/0')] }, /0\.0\.0\.0\/0 would be written/],
    [
      'more than fits',
      { to: [office, ...Array.from({ length: 1000 }, (_, i) => cidr(`52.0.${i >> 8}.${i & 255}`))] },
      /1 too many/,
    ],
  ])('stopped, with nothing journalled and nothing sent: %s', async (_, write, message) => {
    const world = new World([a], [office]);
    const { result, unfinished } = await written(world, write);
    expect(result).toBeInstanceOf(WriteStoppedError);
    expect(result.message).toMatch(message);
    expect(result.message).toMatch(/Nothing was written\.$/);
    expect(world.gate.writes).toEqual([]);
    expect(unfinished).toEqual([]);
  });

  test('what is taken beside the list counts', async () => {
    const world = new World([a], [office]);
    const run = await world.run();
    const state = { ...(await run.gate.read()), takenElsewhere: 999 };
    const write = { kind: 'add', to: [office, a], planChecksum: 'x', reason: 'a test' } as const;
    const error = await writeStep(run, state, { ...write, letsIn: [], keeps: [], readAtMs: 0 }).catch(e => e);
    expect(error).toBeInstanceOf(WriteStoppedError);
  });

  test('what would never be written may stay where it is', async () => {
    const world = new World([a], [office, cidr('10.0.0.0/24')]);
    expect((await written(world, {})).result).not.toBeInstanceOf(Error);
  });

  test.each([
    [maxReadingAgeMs, false],
    [maxReadingAgeMs + 1, true],
  ])('a removal by a reading that is %d ms old', async (ageMs, isStopped) => {
    const world = new World([a], [office, a]);
    const { result } = await written(world, { kind: 'remove', to: [office], readAtMs: world.nowMs - ageMs });
    expect(result instanceof WriteStoppedError).toBe(isStopped);
  });

  test('an addition is urgent, however old its reading', async () => {
    const world = new World([a], [office]);
    expect((await written(world, { readAtMs: 0 })).result).not.toBeInstanceOf(Error);
  });

  test('putting back goes the same way', async () => {
    const world = new World([a], [office]);
    const run = await world.run();
    const removal = { before: [office, cidr('10.0.0.1')], target: [office], planChecksum: 'x' };
    await expect(putBack(run, await run.gate.read(), removal, 'a test')).rejects.toThrow(WriteStoppedError);
    expect(world.gate.writes).toEqual([]);
  });
});

test('a yes that comes an hour later removes nothing', async () => {
  const world = await withRipe();
  const confirm = async () => {
    world.nowMs += 60 * minuteMs;
    return true;
  };
  const result = await applyGate(await world.run(), { confirm });
  expect(result).toMatchObject({ status: 'refused', message: expect.stringMatching(/read 60 minutes ago/) });
  expect(world.gate.writes).toEqual([]);
  expect((await applyGate(await world.run())).status).toBe('changed');
  expect(world.gate.entries).not.toContain(b);
});

describe('additions go on', () => {
  test('in a run that puts a late removal back', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    world.passDays(0.5);
    world.listed = [a, d, c];
    world.verdicts = ['invalid'];
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'restored', writes: [{ kind: 'add' }, { kind: 'restore' }] });
    expect(world.gate.entries).toEqual(expect.arrayContaining([a, b, c, d]));
  });

  test('when what an interrupted run took out cannot be put back, and then the run fails', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    expect(world.gate.entries).not.toContain(b);
    world.listed = [a, d, c];
    world.verdicts = ['invalid', 'invalid'];
    world.gate.faults.push('refused');
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'failed', writes: [{ kind: 'add', adds: [c] }] });
    expect(world.gate.entries).toContain(c);
    // The next run puts it back.
    world.verdicts = ['invalid', 'invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  });

  test('after a conflict while an interrupted run was settled', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    world.verdicts = ['invalid', 'invalid', 'invalid', 'invalid'];
    world.gate.meddle = entries => [...entries, c];
    world.gate.faults.push('conflict');
    await applyGate(await world.run());
    expect(world.gate.entries).toEqual(expect.arrayContaining([office, a, b, c, d]));
  });
});

describe('a removal that is in doubt', () => {
  test('several removals of one day are all put back', async () => {
    const world = new World([a, b, c, d], [office]);
    await applyGate(await world.run());
    world.listed = [a, c, d];
    world.passDays(0.5);
    await applyGate(await world.run());
    world.listed = [a, d];
    world.passDays(0.5);
    await applyGate(await world.run());
    world.passDays(6.6);
    await applyGate(await world.run());
    world.passDays(0.5);
    await applyGate(await world.run());
    expect(world.gate.entries).toEqual([office, a, d]);
    world.verdicts = ['invalid'];
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'restored',
      message: expect.stringMatching(/The last 2 removals/),
    });
    expect(world.gate.entries).toEqual(expect.arrayContaining([b, c]));
  });

  test('one of two days ago is not', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    world.passDays(2);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).not.toContain(b);
  });

  test('written, and read back as something else: put back at once', async () => {
    const world = await withRipe();
    world.gate.faults.push('others-changed');
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({ status: 'restored', message: expect.stringMatching(/not read back/) });
    expect(world.gate.entries).toContain(b);
    await applyGate(await world.run());
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toEqual([]);
    expect(world.gate.entries).toContain(b);
  });

  test('written, and not to be read back: the next run asks Atlas, and puts it back', async () => {
    const world = await withRipe();
    world.gate.faults.push('unreadable-after');
    expect((await applyGate(await world.run())).status).toBe('failed');
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  });

  test('neither put back: said, and the next run does it first', async () => {
    const world = await withRipe();
    world.gate.faults.push('others-changed', 'refused');
    const result = await applyGate(await world.run());
    expect(result).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(/could not be put back/),
    });
    world.verdicts = ['unknown'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  });
});

describe('what an undo takes back', () => {
  const letIn = { before: [office], target: [office, a] } as unknown as WriteRecord;
  const fromConfig = { provenance: [{ feed: 'static', direction: 'outbound', future: false }] } as const;
  const absent = (more: Partial<LedgerRow>) => [ripe(a, { ...fromConfig, ...more })];

  test.each<[string, readonly LedgerRow[], readonly OwnedEntry[], boolean]>([
    ['only the config ever wanted it', absent({}), ownedOf([a]), true],
    ['something wants it', absent({ absentSinceMs: null }), ownedOf([a]), false],
    ['Atlas wanted it once', [ripe(a)], ownedOf([a]), false],
    ['nobody knows who wanted it', absent({ provenance: [] }), ownedOf([a]), false],
    ['the ledger does not know it', [], ownedOf([a]), false],
    ['it is not ours', absent({}), [], false],
  ])('%s', (_, ledger, owned, isTaken) => {
    const undo = planUndo(letIn, [office, a], ledger, owned);
    expect(undo.takesBack).toEqual(isTaken ? [a] : []);
  });
});

describe('undo', () => {
  test('puts nothing back on a gate whose policy is observe', async () => {
    const world = await withRipe();
    await applyGate(await world.run());
    world.settings = { ...world.settings, policy: 'observe' };
    world.gate.writes.length = 0;
    expect((await undoWrite(await world.run())).status).toBe('refused');
    expect(world.gate.writes).toEqual([]);
  });

  const pinned = c;
  const withPin = async () => {
    const world = new World([a], [office, a], { pinned: [pinned] });
    await applyGate(await world.run());
    world.settings = { ...world.settings, pinned: [] };
    world.passDays(0.01);
    // A complete reading shows that nothing wants it.
    await applyGate(await world.run());
    world.passDays(0.01);
    expect(world.gate.entries).toContain(pinned);
    return world;
  };

  test('takes nothing back while a feed cannot be read completely, though earlier readings were', async () => {
    const world = await withPin();
    world.feedComplete = false;
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({ status: 'refused', message: expect.stringMatching(/read completely/) });
    expect(world.gate.entries).toContain(pinned);
  });

  test.each([
    'invalid',
    'unknown',
  ] as const)('takes nothing back while Atlas calls the key %s', async verdict => {
    const world = await withPin();
    world.verdicts = [verdict];
    expect(await undoWrite(await world.run())).toMatchObject({
      status: 'refused',
      message: expect.stringMatching(/does not confirm/),
    });
    expect(world.gate.writes).toHaveLength(1);
  });

  test('that was interrupted before Atlas had confirmed it is put back by the next run', async () => {
    const world = await withPin();
    world.gate.faults.push('dies-after');
    await undoWrite(await world.run());
    expect(world.gate.entries).not.toContain(pinned);
    world.verdicts = ['invalid'];
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(pinned);
  });

  test('of which Atlas complains half a day later is put back', async () => {
    const world = await withPin();
    expect((await undoWrite(await world.run())).status).toBe('changed');
    expect(world.gate.entries).not.toContain(pinned);
    world.passDays(0.5);
    world.verdicts = ['invalid'];
    expect((await applyGate(await world.run())).status).toBe('restored');
    expect(world.gate.entries).toContain(pinned);
  });

  test('a yes that comes an hour later takes nothing back', async () => {
    const world = await withPin();
    const confirm = async () => {
      world.nowMs += 60 * minuteMs;
      return true;
    };
    expect((await undoWrite(await world.run(), { confirm })).status).toBe('refused');
    expect(world.gate.entries).toContain(pinned);
  });
});

describe('who confirms', () => {
  test('nobody to ask is no confirmation: put back', async () => {
    const world = await withRipe();
    const run = { ...(await world.run()), readVerdicts: async () => [] };
    const state = await run.gate.read();
    const write: StepWrite = {
      kind: 'remove',
      to: state.entries.filter(cidr => cidr !== b),
      planChecksum: 'x',
      reason: 'a test',
      letsIn: [],
      keeps: [],
      readAtMs: world.nowMs,
    };
    await expect(removeConfirmed(run, state, write, () => {})).rejects.toThrow(/no Atlas project/);
    expect(world.gate.entries).toContain(b);
    expect(await (await world.journal()).writes({ limit: 2 })).toMatchObject([
      { kind: 'restore', outcome: 'applied' },
      { kind: 'remove', outcome: 'reverted' },
    ]);
  });

  test('nor is it after an interruption', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    await applyGate({ ...(await world.run()), readVerdicts: async () => [] });
    expect(world.gate.entries).toContain(b);
  });

  test('a process that ends while Atlas is asked leaves the removal open', async () => {
    const world = await withRipe();
    let asked = 0;
    const readVerdicts = async () => {
      if (asked++ > 0) throw new ProcessDied();
      return [{ projectId: 'p', verdict: 'valid' as const }];
    };
    await applyGate({ ...(await world.run()), readVerdicts });
    expect(world.gate.entries).not.toContain(b);
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
  });

  test('on observe nothing is put back, and the removal stays open', async () => {
    const world = await withRipe();
    world.gate.faults.push('dies-after');
    await applyGate(await world.run());
    world.settings = { ...world.settings, policy: 'observe' };
    world.verdicts = ['invalid', 'invalid', 'invalid'];
    world.gate.writes.length = 0;
    await applyGate(await world.run());
    expect(world.gate.writes).toEqual([]);
    expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
  });
});

test('a change while the operator is asked is not written over', async () => {
  const world = new World([a], [office]);
  let asked = 0;
  const confirm = async () => {
    if (asked++ === 0) world.gate.entries = [...world.gate.entries, c];
    return true;
  };
  expect((await applyGate(await world.run(), { confirm })).status).toBe('changed');
  expect(world.gate.entries).toEqual([office, c, a]);
  expect(asked).toBe(2);
});

test('a journal that failed once is not trusted again in the same run', async () => {
  const world = await withRipe();
  world.listed = [a, d, c];
  let calls = 0;
  world.breakJournal = journal =>
    new Proxy(journal, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (name === 'owned' && calls++ === 0) return async () => Promise.reject(new Error('disk full'));
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  await applyGate(await world.run());
  expect(world.gate.entries).toEqual(expect.arrayContaining([a, b, c, d]));
  expect(world.spooled).toMatchObject([{ kind: 'add', outcome: 'applied' }]);
});

test('a removal needs its record on disk before it is sent', async () => {
  const world = await withRipe();
  const order: string[] = [];
  world.breakJournal = journal =>
    new Proxy(journal, {
      get(target, name: keyof Journal) {
        const value = Reflect.get(target, name);
        if (name !== 'beginWrite') return typeof value === 'function' ? value.bind(target) : value;
        return async (intent: Parameters<Journal['beginWrite']>[0]) => {
          const id = await target.beginWrite(intent);
          order.push(`journalled, ${world.gate.writes.length} writes`);
          return id;
        };
      },
    });
  await applyGate(await world.run());
  expect(order).toEqual(['journalled, 0 writes']);
  expect(world.gate.writes).toHaveLength(1);
});

test('an error that is no word of the gate leaves the write open', async () => {
  const world = new World([a], [office]);
  world.gate.write = async () => {
    throw new TypeError('a defect');
  };
  expect((await applyGate(await world.run())).status).toBe('failed');
  expect(await (await world.journal()).unfinishedWrites(world.gate.id)).toHaveLength(1);
});

test('a refusal of the gate closes it as not applied', async () => {
  const world = new World([a], [office]);
  world.gate.faults.push('refused');
  const result = await applyGate(await world.run());
  expect(result.error).toBeInstanceOf(GateError);
  expect(await (await world.journal()).writes({ limit: 1 })).toMatchObject([{ outcome: 'not-applied' }]);
});

test('a removal that would not fit, because it splits a block, leaves the addition of its plan alone', async () => {
  // Four neighbours as one entry, of which one is to go: two entries instead of one, and the gate is full.
  const four = cidrs('3.0.0.0', '3.0.0.1', '3.0.0.2', '3.0.0.3');
  const world = new World([...four, a], [office], {
    removal: { ...defaultRemovalPolicy, maxShare: 1 },
  });
  Object.assign(world.gate, { limits: limitsOf(3) });
  await applyGate(await world.run());
  expect(world.gate.entries).toEqual([office, cidr('3.0.0.0/30'), a]);
  world.listed = [four[0]!, four[1]!, four[3]!, a];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(8);
  const held = await applyGate(await world.run());
  expect(held.status).toBe('unchanged');
  expect(held.plan?.guards).toMatchObject([{ guard: 'does-not-fit', blocks: 'removals' }]);
  expect(held.plan?.entries.find(entry => entry.cidr === cidr('3.0.0.0/30'))?.action).toBe('retain');
});
