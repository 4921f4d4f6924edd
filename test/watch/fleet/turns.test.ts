/** The daemon as one worker of a fleet, on a simulated clock: what it looks at, and what it takes from others. */
import { expect, test } from 'vitest';
import { parseCidr } from '../../../src/address/cidr.ts';
import type { FleetTasks } from '../../../src/watch/watch.ts';
import { minuteMs, Rig } from '../rig.ts';

const fresh = '44.206.200.18/32';

/** A rig whose fleet hands out nothing by itself, and keeps what it was told. */
function fleetRig() {
  // No hints but those that a test gives.
  const rig = new Rig({ watch: { eventsMs: 0 } });
  const hints: string[] = [];
  let tasks: FleetTasks | undefined;
  rig.fleet = given => {
    tasks = given;
    return {
      start: () => {},
      hint: async (gate, reason) => void hints.push(`${gate}: ${reason}`),
      isSharing: true,
      stop: async () => {},
    };
  };
  rig.start();
  const work = async (...args: Parameters<FleetTasks['work']>) => {
    const done = tasks!.work(...args);
    await rig.clock.advance(1_000);
    return await done;
  };
  return { rig, hints, work, tasks: () => tasks! };
}

test('no gate is looked at before the fleet says so; its next time is the fleet’s to know', async () => {
  const { rig, hints, work } = fleetRig();
  await rig.clock.advance(10 * minuteMs);
  expect(rig.gate.reads).toBe(0);
  expect(hints).toContain('vault: feed-changed');
  const { nextInMs } = await work('vault');
  expect(rig.lockedOut()).toEqual([]);
  expect(nextInMs).toBeGreaterThan(minuteMs);
  const { reads } = rig.gate;
  await rig.clock.advance(10 * minuteMs);
  expect(rig.gate.reads).toBe(reads);
  hints.length = 0;
  rig.watch.syncNow();
  await rig.clock.advance(1);
  expect(hints).toEqual(['vault: asked']);
  expect(rig.gate.reads).toBe(reads);
});

test('a gate that is not in the config, or is being looked at, is left to whoever has it', async () => {
  const { rig, work } = fleetRig();
  await rig.clock.advance(5_000);
  expect(await work('elsewhere')).toEqual({ nextInMs: 1_000 });
  let finish = () => {};
  rig.gate.onRead = () => new Promise<void>(resolve => (finish = resolve));
  const first = work('vault');
  await rig.clock.advance(2_000);
  expect(await work('vault')).toEqual({ nextInMs: 1_000 });
  expect(rig.gate.reads).toBe(1);
  rig.gate.onRead = () => {};
  finish();
  await rig.clock.advance(1_000);
  await first;
  expect(rig.lockedOut()).toEqual([]);
});

test('what another worker has read is used at once, and not read again while it is young', async () => {
  const { rig, work } = fleetRig();
  await rig.clock.advance(5_000);
  await work('vault');
  const journal = rig.watch.journal!;
  const own = (await journal.lastComplete('control-plane'))!;
  const requests = () => rig.requestsTo('controlPlaneIPAddresses').length;
  const before = requests();
  // Another worker reads it half a minute later, and finds one address more.
  await rig.clock.advance(30_000);
  const address = { ...own.addresses[0]!, cidr: parseCidr(fresh) };
  const addresses = [...own.addresses, address];
  await journal.recordObservation({ ...own, id: 'of-another', atMs: rig.clock.now(), addresses });
  await work('vault', 'feed-changed');
  expect(rig.gate.entries).toContain(fresh);
  // Its own would have been due by now.
  await rig.clock.advance(40_000);
  expect(requests()).toBe(before);
  // No one else reads any more.
  await rig.clock.advance(minuteMs);
  expect(requests()).toBe(before + 1);
});

test('for a hint, what was read before it does not count', async () => {
  const { rig } = fleetRig();
  await rig.clock.advance(30_000);
  const journal = rig.watch.journal!;
  const own = (await journal.lastComplete('control-plane'))!;
  await journal.recordObservation({ ...own, id: 'of-another', atMs: rig.clock.now() });
  const before = rig.requestsTo('controlPlaneIPAddresses').length;
  rig.watch.hint({ source: 'webhook', because: 'test' });
  await rig.clock.advance(1_000);
  expect(rig.requestsTo('controlPlaneIPAddresses')).toHaveLength(before + 1);
});

test('a fault that is no Error is told by its message', async () => {
  const { rig, tasks } = fleetRig();
  await rig.clock.advance(1_000);
  // As pg-boss hands them over.
  const error = { message: 'connect ECONNREFUSED 127.0.0.1:5432', code: 'ECONNREFUSED', queue: 'gates' };
  tasks().onEvent?.({ kind: 'fault', error });
  expect(rig.of('fleet-fault')).toMatchObject([{ because: error.message }]);
});
