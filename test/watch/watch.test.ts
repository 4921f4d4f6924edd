import { describe, expect, test } from 'vitest';
import { GateError } from '../../src/gates/gate.ts';
import { situationsOf } from '../../src/notify/situations.ts';
import { troubles } from '../../src/watch/health.ts';
import { cidr } from '../plan/fixtures.ts';
import { dayMs, forbidden, hourMs, minuteMs, Rig } from './rig.ts';

const fresh = ['44.206.200.18/32'];
const dropped = ['3.120.1.9/32'];

test('it lets Atlas in at once, and stays in step', async () => {
  const rig = new Rig().start();
  await rig.clock.advance(1_000);
  expect(rig.lockedOut()).toEqual([]);
  expect(rig.watch.status().gates[0]).toMatchObject({
    coverage: 'let-in',
    missing: [],
    consecutiveFailures: 0,
  });
  await rig.clock.advance(hourMs);
  expect(rig.gate.writes).toHaveLength(1);
  expect(rig.of('internal-fault')).toEqual([]);
  expect(rig.watch.status().lastHealthyCycleAtMs).toBeGreaterThan(rig.clock.now() - 5 * minuteMs);
});

describe('when to look', () => {
  test('a new address of the control plane is let in within little more than its interval', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    await rig.clock.advance(70_000);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.gate.entries).toContain(cidr(fresh[0]!));
  });

  test('drift is noticed: what someone takes out is put back within the interval of gates', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    rig.gate.entries = rig.gate.entries.slice(3);
    expect(rig.lockedOut()).not.toEqual([]);
    await rig.clock.advance(2.3 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
  });

  test('one reading of a feed serves all gates, at about the intervals of the config', async () => {
    const rig = new Rig({ gates: ['a', 'b', 'c', 'd', 'e'] }).start();
    await rig.clock.advance(hourMs);
    const reads = rig.requestsTo('controlPlane').length;
    expect(reads).toBeGreaterThan(50);
    expect(reads).toBeLessThan(75);
    const nodes = rig.requestsTo(`${rig.project.id}/ipAddresses`).length;
    expect(nodes).toBeGreaterThan(16);
    expect(nodes).toBeLessThan(26);
    expect(rig.gate.reads).toBeGreaterThan(26);
    // What began together has drifted apart.
    const times = [...rig.projects.values()].map(({ id }) => rig.requestsTo(`${id}/ipAddresses`).at(-1));
    expect(new Set(times).size).toBeGreaterThan(3);
  });

  test('a cluster that is being created is looked at more often than every three minutes', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(4 * minuteMs);
    const cluster = rig.atlas.createCluster(rig.project.id, 'archive');
    await rig.clock.advance(4 * minuteMs);
    rig.atlas.provision(cluster, 3);
    await rig.clock.advance(40_000);
    expect(rig.lockedOut()).toEqual([]);
  });

  test('an event of Atlas makes it look at once, and is told once', async () => {
    const rig = new Rig({ watch: { nodesMs: hourMs } }).start();
    await rig.clock.advance(10 * minuteMs);
    rig.atlas.announceMove(rig.project.clusters[0]!);
    await rig.clock.advance(75_000);
    expect(rig.watch.status().feeds.find(({ feed }) => feed.startsWith('nodes'))?.addresses).toBe(6);
    await rig.clock.advance(20 * minuteMs);
    expect(rig.of('hinted').filter(({ hint }) => hint.because.endsWith('FIRST_ROUND'))).toHaveLength(1);
  });

  test('a storm of hints makes few reads, and believes nothing', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    const before = rig.requests.length;
    const { entries } = rig.gate;
    for (let second = 0; second < 60; second++) {
      for (let times = 0; times < 20; times++) rig.watch.hint({ source: 'webhook', because: 'storm' });
      await rig.clock.advance(1_000);
    }
    // Without hints a minute costs about four requests; a gap of ten seconds allows seven looks.
    expect(rig.requests.length - before).toBeLessThan(50);
    expect(rig.gate.entries).toBe(entries);
  });

  describe('while a feed is being read', () => {
    async function withSlowReading() {
      const rig = new Rig({ watch: { eventsMs: 0 } }).start();
      await rig.clock.advance(10 * minuteMs);
      const answered = Promise.withResolvers<undefined>();
      const readings = () => rig.requestsTo('controlPlane');
      const before = readings().length;
      rig.onRequest = (_, path) => (path.includes('controlPlane') ? answered.promise : undefined);
      while (readings().length === before) await rig.clock.advance(1_000);
      const begunAtMs = readings().at(-1)!;
      const next = async () => {
        rig.onRequest = () => undefined;
        answered.resolve(undefined);
        await rig.clock.advance(20_000);
        return (readings()[before + 1] ?? Number.POSITIVE_INFINITY) - begunAtMs;
      };
      return { rig, next };
    }

    test('a hint makes it be read once more, after the gap between two readings', async () => {
      const { rig, next } = await withSlowReading();
      rig.watch.hint({ source: 'webhook', because: 'a cluster was created' });
      const afterMs = await next();
      expect(afterMs).toBeGreaterThanOrEqual(10_000);
      expect(afterMs).toBeLessThan(12_000);
    });

    test('another place of Atlas in the config makes it be read there at once', async () => {
      const { rig, next } = await withSlowReading();
      rig.watch.reload({ ...rig.config, atlas: { ...rig.config.atlas, timeoutMs: 20_000 } });
      expect(await next()).toBeLessThan(3_000);
    });
  });

  test('hours of sleep: everything is looked at once, and not as often as was missed', async () => {
    const rig = new Rig({ gates: ['a', 'b', 'c'] }).start();
    await rig.clock.advance(10 * minuteMs);
    rig.clock.set(rig.clock.now() + 9 * hourMs);
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    const before = rig.requestsTo('controlPlane').length;
    await rig.clock.advance(50_000);
    expect(rig.of('clock-jumped')).toHaveLength(1);
    expect(rig.requestsTo('controlPlane').length - before).toBeLessThanOrEqual(3);
    for (const name of ['a', 'b', 'c']) expect(rig.lockedOut(name)).toEqual([]);
  });

  test('a clock that is set back does not make it sleep for days', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    rig.clock.set(rig.clock.now() - 3 * dayMs);
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    await rig.clock.advance(2 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
  });

  test('nor be silent for as long as the clock had been ahead when Atlas cannot be read', async () => {
    const rig = new Rig();
    rig.clock.set(rig.clock.now() + dayMs);
    rig.onRequest = async () => ({ status: 401, headers: {}, body: Buffer.from('{}') });
    rig.start();
    await rig.clock.advance(minuteMs);
    rig.clock.set(rig.clock.now() - dayMs);
    await rig.clock.advance(30 * minuteMs);
    const keys = situationsOf(rig.watch.status()).map(({ key }) => key);
    expect(keys).toContain('feed-not-read/control-plane');
  });

  test('nor wait for days to open the journal again, or to see that a run hangs', async () => {
    const rig = new Rig();
    const { store } = rig;
    let isFull = true;
    const open = () => (isFull ? Promise.reject(new Error('disk is full')) : store.open());
    rig.store = { ...store, open };
    rig.gate.onRead = () => new Promise(() => {});
    rig.start();
    await rig.clock.advance(10 * minuteMs);
    isFull = false;
    rig.clock.set(rig.clock.now() - 3 * dayMs);
    await rig.clock.advance(6 * minuteMs);
    expect(rig.watch.status().journal).toMatchObject({ available: true });
    expect(rig.of('run-hangs')).toHaveLength(1);
  });
});

describe('a gate that fails', () => {
  test('is tried again, ever less often, and disturbs no other', async () => {
    const rig = new Rig({ gates: ['bad', 'good'] });
    rig.gates.get('bad')!.onRead = () => {
      throw new GateError('bad', 'No answer.');
    };
    rig.start();
    await rig.clock.advance(hourMs);
    const { gates } = rig.watch.status();
    expect(gates[0]).toMatchObject({ lastRun: { status: 'failed' }, backOff: { isLasting: false } });
    // Nothing is known of it, so it may be urgent: about one try a minute, and not one a second.
    expect(rig.gates.get('bad')!.reads).toBeGreaterThan(50);
    expect(rig.gates.get('bad')!.reads).toBeLessThan(120);
    expect(gates[1]).toMatchObject({ coverage: 'let-in', consecutiveFailures: 0 });
    expect(rig.of('internal-fault')).toEqual([]);
  });

  test('for lack of a right, is left alone for longer; a new address is tried at once all the same', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    rig.gate.onRead = () => {
      throw forbidden();
    };
    await rig.clock.advance(4 * hourMs);
    const tries = rig.gate.reads;
    await rig.clock.advance(2 * hourMs);
    expect(rig.gate.reads - tries).toBeLessThan(12);
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    rig.gate.onRead = () => {};
    await rig.clock.advance(70_000);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.watch.status().gates[0]).toMatchObject({ consecutiveFailures: 0, backOff: undefined });
  });

  test('while something is missing, is tried at least every five minutes, whatever the fault', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(10 * minuteMs);
    rig.gate.onWrite = () => {
      throw forbidden();
    };
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    await rig.clock.advance(3 * hourMs);
    expect(rig.watch.status().gates[0]).toMatchObject({ coverage: 'locked-out', missing: fresh });
    rig.gate.onWrite = () => {};
    await rig.clock.advance(5 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
  });

  test('and one that hangs for ever neither stops the others nor is started twice', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const rig = new Rig({ gates: names, watch: { concurrency: 1 } });
    rig.gates.get('a')!.onRead = () => new Promise(() => {});
    rig.start();
    await rig.clock.advance(20 * minuteMs);
    expect(rig.of('run-hangs')).toHaveLength(1);
    for (const name of names.slice(1)) expect(rig.lockedOut(name)).toEqual([]);
    expect(rig.gates.get('a')!.reads).toBe(1);
    expect(situationsOf(rig.watch.status())).toMatchObject([
      { key: 'gate-not-seen/a', message: expect.stringContaining('does not end') },
    ]);
  });
});

describe('a gate that somebody else has', () => {
  test('is told of once that lasts, and the dead man’s switch is silent until it is over', async () => {
    const rig = new Rig({ gates: ['a', 'b'] }).start();
    await rig.clock.advance(10 * minuteMs);
    const holder = { pid: process.pid, host: 'a-laptop', command: 'postern apply', sinceMs: rig.clock.now() };
    const lock = await rig.watch.journal!.lock(rig.gates.get('a')!.id, holder, 30 * minuteMs);
    await rig.clock.advance(10 * minuteMs);
    expect(situationsOf(rig.watch.status())).toEqual([]);
    await rig.clock.advance(10 * minuteMs);
    expect(situationsOf(rig.watch.status())).toMatchObject([
      { key: 'gate-not-seen/a', severity: 'error', message: expect.stringContaining('postern apply') },
    ]);
    expect(rig.of('cycle-ended').at(-1)).toMatchObject({
      healthy: false,
      because: ['gate a has not been looked at for long'],
    });
    if (lock.acquired) await lock.release();
    await rig.clock.advance(5 * minuteMs);
    expect(situationsOf(rig.watch.status())).toEqual([]);
    expect(rig.of('cycle-ended').at(-1)).toMatchObject({ healthy: true });
  });
});

describe('a gate whose turn does not come', () => {
  /** A fleet that hands out nothing, though gates are due. */
  function inIdleFleet() {
    const rig = new Rig();
    rig.fleet = () => ({ isSharing: true, start: () => {}, stop: async () => {}, hint: async () => {} });
    return rig.start();
  }
  const keys = (rig: Rig) => situationsOf(rig.watch.status()).map(({ key }) => key);

  test('is told of after a quarter of an hour, and so is nobody at the dead man’s switch', async () => {
    const rig = inIdleFleet();
    await rig.clock.advance(14 * minuteMs);
    expect(keys(rig)).toEqual([]);
    await rig.clock.advance(2 * minuteMs);
    expect(situationsOf(rig.watch.status())).toMatchObject([
      { key: 'gate-not-seen/vault', message: expect.stringContaining('no run is begun') },
    ]);
    expect(troubles(rig.watch.status())).toEqual(['gate vault has not been looked at for long']);
  });

  test('is not late for what the machine slept, nor by a clock that was set', async () => {
    const rig = inIdleFleet();
    await rig.clock.advance(minuteMs);
    rig.clock.set(rig.clock.now() + 9 * hourMs);
    // Asked before the loop has noticed, and after.
    expect(keys(rig)).not.toContain('gate-not-seen/vault');
    await rig.clock.advance(14 * minuteMs);
    expect(keys(rig)).not.toContain('gate-not-seen/vault');
    rig.clock.set(rig.clock.now() - 9 * hourMs);
    await rig.clock.advance(minuteMs);
    expect(keys(rig)).not.toContain('gate-not-seen/vault');
    await rig.clock.advance(2 * minuteMs);
    expect(keys(rig)).toContain('gate-not-seen/vault');
  });
});

describe('one look', () => {
  test('ends though the clock is set back during it', async () => {
    const rig = new Rig();
    rig.gate.onRead = () => {
      rig.gate.onRead = () => {};
      rig.clock.set(rig.clock.now() - hourMs);
    };
    rig.start({ once: true });
    let hasEnded = false;
    void rig.ended.then(() => (hasEnded = true));
    await rig.clock.advance(5 * minuteMs);
    expect(hasEnded).toBe(true);
  });
});

describe('whatever throws', () => {
  const boom = () => {
    throw new TypeError('boom');
  };
  test.each<[string, (rig: Rig) => void]>([
    ['a listener', rig => rig.watch.subscribe(boom)],
    ['the opening of a gate', rig => (rig.onOpenGate = boom)],
    ['the reading of a gate', rig => (rig.gate.onRead = boom)],
    ['every request to Atlas', rig => (rig.onRequest = boom)],
    [
      'the events alone',
      rig => (rig.onRequest = (_, path) => (path.endsWith('/events') ? boom() : undefined)),
    ],
    ['the ping', rig => Object.defineProperty(rig, 'pingUrl', { get: boom })],
    ['the look at the journal', rig => (rig.store.isInPlace = boom)],
  ])('%s: it goes on, and mends itself', async (_, break_) => {
    const rig = new Rig().start();
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    await rig.clock.advance(5 * minuteMs);
    break_(rig);
    await rig.clock.advance(20 * minuteMs);
    expect(rig.watch.status().state).toBe('running');
    rig.onOpenGate = () => {};
    rig.gate.onRead = () => {};
    rig.onRequest = () => undefined;
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    await rig.clock.advance(8 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  test('Atlas hangs for ever: a gate that someone changes is mended from what was read before', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(5 * minuteMs);
    rig.onRequest = () => new Promise(() => {});
    await rig.clock.advance(minuteMs);
    rig.gate.entries = [];
    // Atlas cannot be asked about the key either, and an addition does not wait for that.
    await rig.clock.advance(15 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
  });
});

test('an address that Atlas drops goes after its grace, read afresh just before, and is on probation', async () => {
  const rig = new Rig({ removal: { graceMs: 2 * hourMs, maxShare: 1, shrinkShare: 1 } }).start();
  await rig.clock.advance(10 * minuteMs);
  rig.atlas.removeControlPlane(dropped);
  await rig.clock.advance(2 * hourMs - minuteMs);
  expect(rig.gate.entries).toContain(dropped[0]);
  expect(rig.watch.status().gates[0]?.pendingRemovals).toMatchObject([{ cidr: dropped[0] }]);
  await rig.clock.advance(6 * minuteMs);
  expect(rig.gate.entries).not.toContain(dropped[0]);
  const { gates } = rig.watch.status();
  expect(gates[0]).toMatchObject({ pendingRemovals: [], soakUntilMs: expect.any(Number) });
  const ended = rig
    .of('run-ended')
    .find(({ summary }) => summary.writes.some(({ kind }) => kind === 'remove'));
  expect(rig.requestsTo('controlPlane').some(atMs => ended!.summary.startedAtMs - atMs < 15_000)).toBe(true);
});
