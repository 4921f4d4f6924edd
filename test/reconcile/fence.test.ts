/** A run that loses its gate's lock while it works: it sends nothing more, and says so. */
import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/gates/gate.ts';
import { LockLostError } from '../../src/journal/errors.ts';
import type { HeldLock, Journal } from '../../src/journal/journal.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { Fence } from '../../src/reconcile/fence.ts';
import { TransportError } from '../../src/transport/index.ts';
import { cidr, cidrs } from '../plan/fixtures.ts';
import { World } from './world.ts';

const office = cidr('198.17.0.1');
const [a, b, c] = cidrs('52.0.0.1', '52.0.0.2', '52.0.0.3');

/** The journal with some of its methods replaced. */
function withMethods(journal: Journal, methods: Partial<Journal>): Journal {
  return new Proxy(journal, {
    get: (target, name) => {
      const own = methods[name as keyof Journal] ?? target[name as keyof Journal];
      return typeof own === 'function' ? (own as () => unknown).bind(target) : own;
    },
  });
}

test('the intent of a write proves the lock; one that is lost ends the run before anything is written', async () => {
  const world = new World([a!], [office]);
  const tokens: unknown[] = [];
  world.breakJournal = journal =>
    withMethods(journal, {
      beginWrite: async ({ gateId }, token) => {
        tokens.push(token);
        throw new LockLostError(gateId);
      },
    });
  const run = await world.run();
  const result = await applyGate(run);
  expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining('lock') });
  expect(tokens).toEqual([expect.any(String)]);
  expect(world.gate.writes).toEqual([]);
  // The journal is well: it must not count as lost, or additions would go on without it.
  expect(run.journal.unavailable).toBeUndefined();
  expect(world.spooled).toEqual([]);
});

test('a ledger of a run that lost its lock is not saved', async () => {
  const world = new World([a!], [office]);
  world.breakJournal = journal =>
    withMethods(journal, {
      recordReading: (gateId, reading, lock) =>
        journal.recordReading(gateId, reading, lock === undefined ? undefined : 'stolen'),
    });
  expect(await applyGate(await world.run())).toMatchObject({ status: 'refused' });
  expect(await (await world.journal()).ledger(world.gate.id)).toEqual([]);
  expect(world.gate.writes).toEqual([]);
});

/** A gate whose transport asks the fence, as every real one's does. */
async function fencedRun(world: World, retired?: AbortSignal) {
  const fence = new Fence(retired);
  const run = { ...(await world.run()), fence };
  const write = world.gate.write.bind(world.gate);
  world.gate.write = async (next, expected) => {
    const because = fence.refusal();
    if (because === undefined) return await write(next, expected);
    const cause = new TransportError('refused-write', { method: 'PATCH', url: 'https://x/' }, because, {
      mayHaveBeenSent: false,
    });
    throw new GateError('vault', cause.message, { cause });
  };
  return { run, fence };
}

test('a lease that may be over is noticed at the gate’s way out, after the intent was journalled', async () => {
  const world = new World([a!], [office]);
  let isCertain = true;
  world.breakJournal = journal =>
    withMethods(journal, {
      lock: async (...args) => ({
        ...((await journal.lock(...args)) as HeldLock),
        isCertain: () => isCertain,
      }),
      beginWrite: async (...args) => {
        const id = await journal.beginWrite(...args);
        isCertain = false;
        return id;
      },
    });
  const { run, fence } = await fencedRun(world);
  expect(await applyGate(run)).toMatchObject({ status: 'refused', writes: [] });
  expect(world.gate.writes).toEqual([]);
  expect(await (await world.journal()).writes({ limit: 9 })).toMatchObject([{ outcome: 'not-applied' }]);
  // The run is over, and with it what it held.
  expect(fence.refusal()).toBeUndefined();
});

test('a journal that fails in the middle takes its lock along: additions go on, as without either', async () => {
  const world = new World([a!], [office]);
  world.breakJournal = journal =>
    withMethods(journal, {
      lock: async (...args) => ({ ...((await journal.lock(...args)) as HeldLock), isCertain: () => false }),
      beginWrite: async () => {
        throw new Error('the database is away');
      },
    });
  const { run } = await fencedRun(world);
  expect(await applyGate(run)).toMatchObject({ status: 'changed' });
  expect(world.gate.entries).toContain(a);
  expect(world.spooled).toHaveLength(1);
});

describe('a config that is no longer in force', () => {
  test('is seen at the gate’s way out, after the intent was journalled', async () => {
    const world = new World([a!], [office]);
    const retired = new AbortController();
    world.breakJournal = journal =>
      withMethods(journal, {
        beginWrite: async (...args) => {
          const id = await journal.beginWrite(...args);
          retired.abort();
          return id;
        },
      });
    const { run } = await fencedRun(world, retired.signal);
    expect(await applyGate(run)).toMatchObject({ status: 'refused', writes: [] });
    expect(world.gate.writes).toEqual([]);
    expect(await (await world.journal()).writes({ limit: 9 })).toMatchObject([{ outcome: 'not-applied' }]);
  });

  test('does not keep a write from its end that was sent in part', () => {
    const retired = new AbortController();
    const fence = new Fence(retired.signal);
    fence.begin(true);
    expect(fence.refusal()).toBeUndefined();
    retired.abort();
    expect(fence.refusal()).toBeUndefined();
    fence.begin(true);
    expect(fence.refusal()).toContain('config');
  });

  test('takes over nothing: whose entries are whose is for the next config to say', async () => {
    const world = new World([a!], [a!]);
    world.settings = { ...world.settings, adopt: true };
    const retired = new AbortController();
    const { run } = await fencedRun(world, retired.signal);
    retired.abort();
    expect(await applyGate(run)).toMatchObject({ status: 'refused' });
    expect(await (await world.journal()).owned(world.gate.id)).toEqual([]);
  });

  test('puts back nothing of earlier runs', async () => {
    const world = new World([a!, b!], [office]);
    await applyGate(await world.run());
    world.listed = [a!];
    world.passDays(1);
    await applyGate(await world.run());
    world.passDays(8);
    expect(await applyGate(await world.run())).toMatchObject({ status: 'changed' });
    world.listed = [a!, c!];
    const retired = new AbortController();
    const { run } = await fencedRun(world, retired.signal);
    const invalid = async () =>
      (await run.readVerdicts()).map(verdict => ({ ...verdict, verdict: 'invalid' as const }));
    const report: typeof run.report = ({ kind }) => kind === 'writing' && retired.abort();
    world.gate.writes.length = 0;
    await applyGate({ ...run, readVerdicts: invalid, report });
    expect(world.gate.writes).toEqual([]);
  });

  test('does not keep what was just removed from being put back', async () => {
    const world = new World([a!, b!], [office]);
    await applyGate(await world.run());
    world.listed = [a!];
    world.passDays(1);
    await applyGate(await world.run());
    world.passDays(8);
    const retired = new AbortController();
    const { run } = await fencedRun(world, retired.signal);
    let isRemoved = false;
    const report: typeof run.report = event => {
      isRemoved ||= event.kind === 'written' && event.write === 'remove';
      if (isRemoved) retired.abort();
    };
    const readVerdicts: typeof run.readVerdicts = async () =>
      (await run.readVerdicts()).map(verdict => (isRemoved ? { ...verdict, verdict: 'invalid' } : verdict));
    expect(await applyGate({ ...run, signal: retired.signal, report, readVerdicts })).toMatchObject({
      status: 'restored',
    });
    expect(world.gate.entries).toContain(b);
  });
});
