/** Tellers of several workers over one real journal: who tells, and what becomes of it when that one ends. */

import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { HeldLock, Journal } from '../../src/journal/journal.ts';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import { FleetTelling } from '../../src/notify/fleet-telling.ts';
import type { Notice } from '../../src/notify/situation.ts';
import { Teller } from '../../src/notify/teller.ts';
import type { TellerMemory } from '../../src/notify/teller-memory.ts';
import type { WatchStatus } from '../../src/watch/status.ts';
import { temporaryDirectory } from '../journal/fixtures.ts';
import { nowMs, situation } from './fixtures.ts';
import { gateStatus, missing, stubWatch, unseenGate, watchStatus } from './status.ts';
import { WaitingClock } from './waiting-clock.ts';

const lockedOut = watchStatus({ gates: [gateStatus({ coverage: 'locked-out', missing })] });
const refused = watchStatus({
  config: { path: 'postern.yaml', loadedAtMs: nowMs, fault: 'a tab in line 3' },
});
const away = watchStatus({
  journal: { location: 'db', available: false, because: 'it is away', sinceMs: nowMs },
});

async function openFleet() {
  const shared = await openJournal({ path: join(temporaryDirectory(), 'journal.db') });
  const clock = new WaitingClock(nowMs);
  const told: (Notice & { readonly by: string })[] = [];
  onTestFinished(() => shared.close());
  const pass = async (ms: number) => {
    clock.advance(ms);
    await wait(60);
  };
  async function join1(name: string, more: { status?: WatchStatus; journal?: Journal } = {}) {
    const world = {
      status: watchStatus() as WatchStatus,
      journal: shared as Journal | undefined,
      takes: true,
      answering: undefined as Promise<void> | undefined,
      ...more,
    };
    const { watch, send } = stubWatch(() => world.status);
    const fleet = new FleetTelling({ journal: () => world.journal, clock, worker: name });
    const teller = new Teller({
      watch,
      channels: [
        {
          kind: 'webhook',
          name: 'oncall',
          from: 'info',
          send: async notice => {
            await world.answering;
            if (!world.takes) throw new Error('no answer');
            told.push({ ...notice, by: name });
          },
        },
      ],
      clock,
      random: () => 0,
      recall: async () => await world.journal!.recall('told'),
      remember: async memory => {
        await world.journal!.remember('told', memory);
      },
      fleet,
    });
    await teller.start();
    await wait(60);
    onTestFinished(() => teller.stop());
    return {
      teller,
      world,
      fleet,
      emit: async (event: object) => {
        send(event);
        await wait(60);
      },
    };
  }
  const said = () => told.map(({ by, kind, situation: { key } }) => `${by}: ${kind} ${key}`);
  return { join: join1, pass, said, shared };
}

/** The journal, with another word on its locks. */
function withLocks(journal: Journal, change: (lock: HeldLock) => HeldLock): Journal {
  const lock: Journal['lock'] = async (...args) => {
    const result = await journal.lock(...args);
    return result.acquired ? change(result) : result;
  };
  return new Proxy(journal, {
    get: (target, name) => {
      if (name === 'lock') return lock;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('what all see is told by one, and known to all', async () => {
  const { join, pass, said } = await openFleet();
  const [a, b] = [await join('a'), await join('b')];
  a.world.status = b.world.status = lockedOut;
  for (let look = 0; look < 4; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production']);
  expect(b.teller.alerts.map(({ situation }) => situation.key)).toEqual(['locked-out/production']);
  a.world.status = b.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production', 'a: resolved locked-out/production']);
  expect(b.teller.alerts).toEqual([]);
});

test('what only one sees that does not tell is told by the one that does', async () => {
  const { join, pass, said } = await openFleet();
  await join('a');
  const b = await join('b');
  b.world.status = refused;
  for (let look = 0; look < 3; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened config-refused']);
  b.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened config-refused', 'a: resolved config-refused']);
});

test('what a worker saw that is gone is over after a while', async () => {
  const { join, pass, said, shared } = await openFleet();
  await join('a');
  const b = await join('b');
  b.world.status = refused;
  await pass(30_000);
  await b.teller.stop();
  await pass(30_000);
  for (let look = 0; look < 12; look++) await pass(30_000);
  expect(said().at(-1)).toBe('a: resolved config-refused');
  for (let day = 0; day < 2; day++) await pass(24 * 60 * 60_000);
  expect([...(await shared.recallAll('situations/')).keys()]).toEqual([]);
});

test('nor does what a worker saw by a clock that was ahead last until then', async () => {
  const { join, pass, said, shared } = await openFleet();
  const { key, ...rest } = situation();
  const atMs = nowMs + 30 * 24 * 60 * 60_000;
  await shared.remember('situations/gone', { atMs, situations: [{ ...rest, key }], opened: [] });
  await join('a');
  for (let look = 0; look < 3; look++) await pass(30_000);
  expect(said()).toEqual([]);
});

test('what a worker sees whose clock is wrong by hours is told all the same', async () => {
  const { join, pass, said, shared } = await openFleet();
  await join('a');
  const { key, ...rest } = situation();
  for (let look = 0; look < 3; look++) {
    const atMs = nowMs + 30 * 24 * 60 * 60_000 + look;
    await shared.remember('situations/ahead', { atMs, situations: [{ ...rest, key }], opened: [] });
    await pass(30_000);
  }
  expect(said()).toEqual([`a: opened ${key}`]);
});

test('the next one goes on where the last one ended: nothing twice, nothing lost', async () => {
  const { join, pass, said } = await openFleet();
  const [a, b] = [await join('a'), await join('b')];
  a.world.status = b.world.status = lockedOut;
  await pass(30_000);
  a.world.takes = false;
  a.world.status = b.world.status = { ...lockedOut, config: refused.config };
  await pass(30_000);
  await a.emit({ kind: 'stopping', because: 'SIGTERM', inHand: 0 });
  a.world.status = { ...lockedOut, state: 'stopping' };
  a.world.takes = true;
  await pass(30_000);
  await a.teller.stop();
  for (let look = 0; look < 3; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production', 'b: opened config-refused']);
  b.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said().slice(2).sort()).toEqual(['b: resolved config-refused', 'b: resolved locked-out/production']);
});

test('who takes over, and has not looked at a gate yet, does not end what was told of it', async () => {
  const { join, pass, said } = await openFleet();
  const a = await join('a', { status: lockedOut });
  const b = await join('b', { status: watchStatus({ gates: [unseenGate()] }) });
  await pass(30_000);
  await a.teller.stop();
  for (let look = 0; look < 10; look++) await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production']);
  b.world.journal = undefined;
  for (let look = 0; look < 10; look++) await pass(30_000);
  expect(said()).toHaveLength(1);
  b.world.journal = a.world.journal;
  b.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said().slice(1)).toEqual(['b: resolved locked-out/production']);
});

test('a write of its own is told by the worker that made it', async () => {
  const { join, pass, said } = await openFleet();
  await join('a');
  const b = await join('b');
  const writes = [{ kind: 'add', adds: missing, removes: [] }];
  const summary = { status: 'changed', message: 'In step.', writes };
  await b.emit({ kind: 'run-ended', runId: 'r1', gate: 'production', summary });
  await pass(1_000);
  expect(said()).toEqual([expect.stringMatching(/^b: event /)]);
});

test('without the journal each tells by itself; afterwards the one that tells ends it', async () => {
  const { join, pass, said } = await openFleet();
  await join('a');
  const b = await join('b');
  const { journal } = b.world;
  b.world.journal = undefined;
  b.world.status = away;
  await pass(30_000);
  expect(said()).toEqual(['b: opened journal-unavailable']);
  b.world.journal = journal;
  b.world.status = watchStatus();
  for (let look = 0; look < 10; look++) await pass(30_000);
  expect(said()).toEqual(['b: opened journal-unavailable', 'a: resolved journal-unavailable']);
  expect(b.teller.alerts).toEqual([]);
});

test('one that begins tells nothing of a journal that it has not opened yet', async () => {
  const { join, pass, said } = await openFleet();
  const a = await join('a');
  a.world.status = { ...away, state: 'starting' };
  await pass(30_000);
  expect(said()).toEqual([]);
});

test('one whose lease is over keeps nothing, and tells only again when it is its turn', async () => {
  const { join, pass, said } = await openFleet();
  const [a, b] = [await join('a'), await join('b')];
  await a.fleet.release();
  a.world.journal = undefined;
  b.world.status = lockedOut;
  await pass(30_000);
  a.world.journal = b.world.journal;
  a.world.status = lockedOut;
  for (let look = 0; look < 3; look++) await pass(30_000);
  expect(said()).toEqual(['b: opened locked-out/production']);
});

test('what waits to be sent is not more because the journal was away', async () => {
  const { join, pass, shared } = await openFleet();
  const a = await join('a');
  a.world.takes = false;
  a.world.status = lockedOut;
  await pass(30_000);
  for (let time = 0; time < 3; time++) {
    a.world.journal = undefined;
    await pass(30_000);
    a.world.journal = shared;
    await pass(30_000);
  }
  const { backlog } = (await shared.recall('told')) as TellerMemory;
  expect(backlog.oncall?.map(({ kind, situation: { key } }) => `${kind} ${key}`)).toEqual([
    'opened locked-out/production',
  ]);
});

test('what a worker could not say while it was alone is for the one that tells to say', async () => {
  const { join, pass, said, shared } = await openFleet();
  const a = await join('a');
  const b = await join('b');
  b.world.journal = undefined;
  b.world.takes = false;
  b.world.status = lockedOut;
  await pass(30_000);
  b.world.journal = shared;
  b.world.takes = true;
  b.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said()).toEqual([]);
  a.world.status = lockedOut;
  await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production']);
});

test('an end that a worker could not say while it was alone is said by the one that tells', async () => {
  const { join, pass, said, shared } = await openFleet();
  await join('a');
  const b = await join('b');
  b.world.journal = undefined;
  b.world.status = lockedOut;
  await pass(30_000);
  b.world.takes = false;
  b.world.status = watchStatus();
  for (let look = 0; look < 6; look++) await pass(30_000);
  b.world.journal = shared;
  b.world.takes = true;
  for (let look = 0; look < 4; look++) await pass(30_000);
  expect(said()).toEqual(['b: opened locked-out/production', 'a: resolved locked-out/production']);
});

test('when another takes over, a channel that is slow gets what it was at, and the rest from that one', async () => {
  const { join, pass, said } = await openFleet();
  const [a, b] = [await join('a'), await join('b')];
  const { promise, resolve } = Promise.withResolvers<void>();
  a.world.answering = promise;
  a.world.status = b.world.status = lockedOut;
  await pass(30_000);
  a.world.status = b.world.status = { ...lockedOut, config: refused.config };
  await pass(30_000);
  await a.fleet.release();
  a.world.journal = undefined;
  await b.emit({
    kind: 'run-ended',
    runId: 'r1',
    gate: 'production',
    summary: { status: 'failed', writes: [] },
  });
  await pass(1_000);
  a.world.journal = b.world.journal;
  await pass(30_000);
  resolve();
  await pass(30_000);
  expect(said()).toEqual([
    'b: opened locked-out/production',
    'b: opened config-refused',
    'a: opened locked-out/production',
  ]);
});

test('what a channel took late from a worker that was alone, the one that tells ends', async () => {
  const { join, pass, said, shared } = await openFleet();
  await join('a');
  const b = await join('b');
  const { promise, resolve } = Promise.withResolvers<void>();
  b.world.answering = promise;
  b.world.journal = undefined;
  b.world.status = lockedOut;
  await pass(30_000);
  b.world.status = watchStatus();
  for (let look = 0; look < 6; look++) await pass(30_000);
  b.world.journal = shared;
  await pass(30_000);
  resolve();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said()).toEqual(['b: opened locked-out/production', 'a: resolved locked-out/production']);
});

test('who is not certain of its turn any more says nothing until it is', async () => {
  const { join, pass, said, shared } = await openFleet();
  let isCertain = false;
  const journal = withLocks(shared, lock => ({ ...lock, isCertain: () => isCertain && lock.isCertain() }));
  await join('a', { journal, status: lockedOut });
  expect(said()).toEqual([]);
  isCertain = true;
  await pass(30_000);
  expect(said()).toEqual(['a: opened locked-out/production']);
});

test('alone, a worker ends what it saw itself, and leaves what only others see', async () => {
  const { join, pass, said, shared } = await openFleet();
  const a = await join('a');
  const b = await join('b');
  a.world.status = lockedOut;
  b.world.status = refused;
  for (let look = 0; look < 2; look++) await pass(30_000);
  const opened = ['a: opened config-refused', 'a: opened locked-out/production'];
  expect([...said()].sort()).toEqual(opened);
  a.world.journal = undefined;
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said()).toHaveLength(2);
  a.world.status = watchStatus();
  for (let look = 0; look < 8; look++) await pass(30_000);
  expect(said().slice(2)).toEqual(['a: resolved locked-out/production']);
  expect(a.teller.alerts.map(({ situation }) => situation.key)).toEqual(['config-refused']);
  a.world.journal = shared;
  b.world.status = watchStatus();
  for (let look = 0; look < 10; look++) await pass(30_000);
  expect(said().slice(3)).toContain('a: resolved config-refused');
});

test('a write that ends while its worker stops is still told by that worker', async () => {
  const { join, said } = await openFleet();
  const a = await join('a');
  await a.emit({ kind: 'stopping', because: 'SIGTERM', inHand: 1 });
  a.world.status = watchStatus({ state: 'stopping' });
  const writes = [{ kind: 'add', adds: missing, removes: [] }];
  const summary = { status: 'changed', message: 'In step.', writes };
  await a.emit({ kind: 'run-ended', runId: 'r1', gate: 'production', summary });
  await a.teller.stop();
  expect(said()).toEqual([expect.stringMatching(/^a: event /)]);
});

test('a lease that was not certain for a moment is told by again once it is renewed', async () => {
  const { shared } = await openFleet();
  const lease = { isCertain: true, released: 0 };
  const journal = withLocks(shared, lock => ({
    ...lock,
    isCertain: () => lease.isCertain && lock.isCertain(),
    release: async () => {
      lease.released++;
      await lock.release();
    },
  }));
  const clock = new WaitingClock(nowMs);
  const a = new FleetTelling({ journal: () => journal, clock, worker: 'a' });
  const b = new FleetTelling({ journal: () => shared, clock, worker: 'b' });
  expect([await a.turn(), await b.turn()]).toEqual(['ours', 'theirs']);
  lease.isCertain = false;
  expect([await a.turn(), await b.turn()]).toEqual(['theirs', 'theirs']);
  lease.isCertain = true;
  expect([await a.turn(), await b.turn()]).toEqual(['ours', 'theirs']);
  // And whoever gives it up gives up the one that is renewed.
  await a.release();
  expect(lease.released).toBe(1);
  expect([await b.turn(), await a.turn()]).toEqual(['ours', 'theirs']);
});

test('who takes the lease anew gives up the one before, so that nothing renews it any more', async () => {
  const [one, other] = [(await openFleet()).shared, (await openFleet()).shared];
  const released: string[] = [];
  const named = (name: string, journal: Journal) =>
    withLocks(journal, lock => ({
      ...lock,
      isCertain: () => false,
      release: async () => {
        released.push(name);
        await lock.release();
      },
    }));
  let journal = named('one', one);
  const a = new FleetTelling({ journal: () => journal, clock: new WaitingClock(nowMs), worker: 'a' });
  expect(await a.turn()).toBe('ours');
  journal = named('other', other);
  expect(await a.turn()).toBe('ours');
  expect(released).toEqual(['one']);
  await a.release();
  expect(released).toEqual(['one', 'other']);
});
