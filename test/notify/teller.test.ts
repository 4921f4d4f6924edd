import { expect, test } from 'vitest';

import type { Channel } from '../../src/notify/channels/channel.ts';
import type { Notice } from '../../src/notify/situation.ts';
import { Teller } from '../../src/notify/teller.ts';
import type { TellerMemory } from '../../src/notify/teller-memory.ts';
import type { WatchStatus } from '../../src/watch/status.ts';
import { nowMs } from './fixtures.ts';
import { feedStatus, gateStatus, missing, stubWatch, unseenFeed, unseenGate, watchStatus } from './status.ts';
import { WaitingClock } from './waiting-clock.ts';

const lockedOut = watchStatus({ gates: [gateStatus({ coverage: 'locked-out', missing })] });

const refused = watchStatus({
  config: { path: 'postern.yaml', loadedAtMs: nowMs, fault: 'a tab in line 3' },
});
const saying = ({ kind, situation: { key } }: Notice) => `${kind} ${key}`;

async function open(memory?: unknown, hasJournal = true) {
  const told: Notice[] = [];
  const faults: unknown[] = [];
  const world = {
    status: watchStatus() as WatchStatus,
    kept: memory,
    hasJournal,
    answering: undefined as Promise<void> | undefined,
  };
  const { watch, send } = stubWatch(() => world.status);
  const clock = new WaitingClock(nowMs);
  const channel: Channel = {
    kind: 'webhook',
    name: 'oncall',
    from: 'info',
    send: async notice => {
      await world.answering;
      told.push(notice);
    },
  };
  const teller = new Teller({
    watch,
    channels: [channel],
    clock,
    random: () => 1,
    recall: async () => {
      if (!world.hasJournal) throw new Error('no journal');
      return world.kept;
    },
    remember: async next => {
      if (!world.hasJournal) throw new Error('no journal');
      world.kept = next;
    },
    onFault: error => faults.push(error),
  });
  await teller.start();
  const settle = () => new Promise(resolve => setImmediate(resolve));
  await settle();
  return {
    told,
    faults,
    teller,
    world,
    send,
    emit: async (event: object) => {
      send(event);
      await settle();
      // A look right after another waits for so long.
      clock.advance(1_000);
      await settle();
    },
    pass: async (ms: number) => {
      clock.advance(ms);
      await settle();
    },
  };
}

const ended = (writes: readonly object[], status = 'changed') => ({
  kind: 'run-ended',
  runId: 'r1',
  gate: 'production',
  summary: { status, message: 'In step.', writes },
});

test('a situation is told as soon as a run shows it, and its end when it is over', async () => {
  const { told, world, emit, pass, teller } = await open();
  world.status = lockedOut;
  await emit(ended([], 'failed'));
  world.status = watchStatus();
  for (let minute = 0; minute < 4; minute++) await pass(60_000);
  expect(told.map(({ kind, situation }) => `${kind} ${situation.key}`)).toEqual([
    'opened locked-out/production',
    'resolved locked-out/production',
  ]);
  await teller.stop();
});

test('nor does it wait for a month after a clock that was ahead', async () => {
  const { told, world, emit, pass, teller } = await open();
  await pass(30 * 24 * 60 * 60_000);
  await pass(-30 * 24 * 60 * 60_000);
  world.status = lockedOut;
  await emit(ended([], 'failed'));
  expect(told.map(saying)).toEqual(['opened locked-out/production']);
  await teller.stop();
});

test('a write is told once, with what it did', async () => {
  const { told, emit, teller } = await open();
  await emit(ended([{ kind: 'add', adds: missing, removes: [] }]));
  await emit(ended([], 'unchanged'));
  expect(told.map(({ situation: { message } }) => message)).toEqual([
    'Postern let in 2 addresses at gate production.',
  ]);
  await teller.stop();
});

test('a removal that was put back pages', async () => {
  const { told, emit, teller } = await open();
  await emit({
    kind: 'removal-restored',
    runId: 'r1',
    gate: 'production',
    message: 'Atlas says no.',
    addresses: missing,
  });
  expect(told.map(({ kind, situation: { severity, addresses } }) => [kind, severity, addresses])).toEqual([
    ['event', 'error', missing],
  ]);
  await teller.stop();
});

test('after a restart what lasts is not told again, and its end is', async () => {
  const before = await open();
  before.world.status = lockedOut;
  await before.pass(30_000);
  await before.teller.stop();
  expect(before.told).toHaveLength(1);

  const after = await open(before.world.kept);
  after.world.status = lockedOut;
  await after.pass(30_000);
  expect(after.told).toEqual([]);
  after.world.status = watchStatus();
  for (let minute = 0; minute < 4; minute++) await after.pass(60_000);
  expect(after.told.map(({ kind }) => kind)).toEqual(['resolved']);
  await after.teller.stop();
});

/** A channel is at its first message until `answers`, and a second one waits. */
async function openSlow() {
  const { promise, resolve: answers } = Promise.withResolvers<void>();
  const opened = await open();
  opened.world.answering = promise;
  opened.world.status = lockedOut;
  await opened.pass(30_000);
  opened.world.status = { ...lockedOut, config: refused.config };
  return { ...opened, answers };
}

test('a channel that is slow holds up no look, and what it takes at last is not told again after a restart', async () => {
  const { told, teller, world, pass, answers } = await openSlow();
  await pass(30_000);
  const waiting = () => (world.kept as TellerMemory).backlog.oncall?.map(saying);
  expect(teller.alerts).toHaveLength(2);
  expect(waiting()).toEqual(['opened locked-out/production', 'opened config-refused']);
  answers();
  await pass(0);
  expect(told).toHaveLength(2);
  expect(waiting()).toEqual([]);
  await teller.stop();
});

test('a stop waits for a channel, but not for long; what it was at is told after the restart', async () => {
  const { told, teller, world, pass, answers } = await openSlow();
  let hasStopped = false;
  const stopped = teller.stop().then(() => {
    hasStopped = true;
  });
  await pass(9_000);
  expect(hasStopped).toBe(false);
  await pass(1_000);
  expect(hasStopped).toBe(true);
  await stopped;
  const { kept } = world;
  answers();
  await pass(0);
  // Another may tell by now: nothing more is sent, and what that one keeps is not written over.
  expect(told.map(saying)).toEqual(['opened locked-out/production']);
  expect(world.kept).toBe(kept);
  const after = await open(kept);
  expect(after.told.map(saying)).toContain('opened config-refused');
  await after.teller.stop();
});

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const unread = { complete: false, faults: ['503'], consecutiveFaults: 9 };

/** What is open when a daemon ends whose gate, or feed, was in this state. */
async function memoryOf(status: WatchStatus) {
  const before = await open();
  before.world.status = status;
  await before.pass(30_000);
  await before.teller.stop();
  return before.world.kept;
}

test.for<[name: string, before: WatchStatus, restarted: WatchStatus]>([
  [
    'a gate that is locked out, with a finding, has no plan yet',
    watchStatus({
      gates: [
        gateStatus({
          coverage: 'locked-out',
          missing,
          findings: [{ id: 'fight', severity: 'error', message: 'It is undone.' }],
        }),
      ],
    }),
    watchStatus({ gates: [unseenGate({ consecutiveFailures: 2 })] }),
  ],
  [
    'a gate that fails has a plan, and no good run yet',
    watchStatus({ gates: [gateStatus({ consecutiveFailures: 9 })] }),
    watchStatus({ gates: [gateStatus({ consecutiveFailures: 1, lastGoodRunAtMs: undefined })] }),
  ],
  [
    'a feed that is not read has no complete reading yet',
    watchStatus({ feeds: [feedStatus({ ...unread, lastCompleteAtMs: nowMs - 2 * hourMs })] }),
    watchStatus({ feeds: [unseenFeed(unread)], startedAtMs: nowMs }),
  ],
])('after a restart nothing is over before it was looked at: %s', async ([, before, restarted]) => {
  const memory = await memoryOf(before);
  const { told, world, pass, teller } = await open(memory);
  const wereOpen = (memory as TellerMemory).alerts.map(({ situation: { key } }) => key);
  for (let minute = 1; minute < 50; minute++) {
    const atMs = nowMs + minute * minuteMs;
    const gates = restarted.gates.map(gate => ({ ...gate, nextAtMs: atMs + minuteMs }));
    world.status = { ...restarted, gates, nowMs: atMs };
    await pass(minuteMs);
  }
  expect(told).toEqual([]);
  expect(teller.alerts.map(({ situation: { key } }) => key)).toEqual(wereOpen);
  world.status = watchStatus();
  for (let minute = 0; minute < 4; minute++) await pass(minuteMs);
  expect(told.map(saying)).toEqual(wereOpen.map(key => `resolved ${key}`));
  await teller.stop();
});

test('nor after the gate was edited, and what the config no longer has is over', async () => {
  const { told, world, pass, teller } = await open();
  world.status = watchStatus({
    gates: [gateStatus({ coverage: 'locked-out', missing })],
    feeds: [feedStatus({ ...unread, lastCompleteAtMs: nowMs - 2 * hourMs })],
  });
  await pass(30_000);
  world.status = watchStatus({ gates: [unseenGate()], feeds: [unseenFeed()] });
  for (let minute = 0; minute < 10; minute++) await pass(minuteMs);
  expect(told.map(({ kind }) => kind)).toEqual(['opened', 'opened']);
  world.status = watchStatus({ gates: [unseenGate({ name: 'other' })], feeds: [] });
  for (let minute = 0; minute < 4; minute++) await pass(minuteMs);
  expect(told.slice(2).map(saying)).toEqual([
    'resolved locked-out/production',
    'resolved feed-not-read/control-plane',
  ]);
  await teller.stop();
});

test('without a journal the telling goes on', async () => {
  const { told, world, pass, teller } = await open();
  world.hasJournal = false;
  world.status = lockedOut;
  await pass(30_000);
  expect(told).toHaveLength(1);
  await teller.stop();
});

test('however many runs end in a moment, the state of all gates is looked at once', async () => {
  const { world, send, pass } = await open();
  let looks = 0;
  const { status } = world;
  Object.defineProperty(world, 'status', {
    get: () => {
      looks++;
      return status;
    },
  });
  for (let run = 0; run < 100; run++) send(ended([]));
  await pass(1_000);
  expect(looks).toBe(1);
});

test('before the journal is open, and once it is closed, nothing is told of it', async () => {
  const { told, world, pass, teller } = await open();
  const journal = { location: 'journal.db', available: false, because: undefined, sinceMs: nowMs };
  for (const state of ['starting', 'stopping', 'stopped'] as const) {
    world.status = watchStatus({ state, journal });
    await pass(30_000);
  }
  await teller.stop();
  expect(told).toEqual([]);
});

test('what was told before a restart is known once the journal is there, however late that is', async () => {
  const before = await open();
  before.world.status = lockedOut;
  await before.pass(30_000);
  await before.teller.stop();

  const after = await open(before.world.kept, false);
  after.world.status = refused;
  await after.pass(30_000);
  expect(after.told.map(saying)).toEqual(['opened config-refused']);
  expect(after.world.kept).toEqual(before.world.kept);
  after.world.hasJournal = true;
  after.world.status = { ...lockedOut, config: refused.config };
  await after.pass(30_000);
  expect(after.told.map(saying)).toEqual(['opened config-refused']);
  after.world.status = watchStatus();
  for (let minute = 0; minute < 4; minute++) await after.pass(60_000);
  expect(after.told.slice(1).map(saying).sort()).toEqual([
    'resolved config-refused',
    'resolved locked-out/production',
  ]);
  expect(after.world.kept).toEqual({ alerts: [], backlog: { oncall: [] } });
  await after.teller.stop();
});

test.for([
  'told',
  { alerts: 'none', backlog: {} },
  { alerts: [{ situation: { key: 'a' } }], backlog: {} },
  { alerts: [], backlog: { oncall: [{ id: 'a' }] } },
])('what is remembered in another shape is as nothing: %j', async memory => {
  const { told, faults, world, pass, teller } = await open(memory);
  world.status = lockedOut;
  await pass(30_000);
  expect(told.map(saying)).toEqual(['opened locked-out/production']);
  expect(faults).toEqual([]);
  await teller.stop();
});

test('a look that fails is told as a fault, and the next one is made', async () => {
  const { told, faults, world, pass, teller } = await open();
  world.status = undefined as unknown as WatchStatus;
  await pass(30_000);
  expect(faults).toEqual([expect.any(TypeError)]);
  world.status = lockedOut;
  await pass(30_000);
  expect(told.map(saying)).toEqual(['opened locked-out/production']);
  await teller.stop();
});
