/** Stop, reload, the journal's faults, the ping: what surrounds the runs. */
import { existsSync, rmSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { GateConfig } from '../../src/config/index.ts';
import { watchConfigFile } from '../../src/watch/config-file.ts';
import { hourMs, minuteMs, Rig } from './rig.ts';
import { SimClock } from './sim-clock.ts';

const fresh = ['44.206.200.18/32'];
const others = ['44.207.12.57/32'];

describe('stop', () => {
  test('waits for the write in hand, begins none, and closes the journal', async () => {
    const rig = new Rig({ gates: ['a', 'b'] });
    let finish = () => {};
    rig.gates.get('a')!.onWrite = () => new Promise<void>(resolve => (finish = resolve));
    let read = () => {};
    rig.gates.get('b')!.onRead = () => new Promise<void>(resolve => (read = resolve));
    rig.start();
    await rig.clock.advance(5_000);
    const stopped = rig.watch.stop('asked');
    read();
    await rig.clock.advance(2_000);
    expect(rig.watch.status().state).toBe('stopping');
    finish();
    await rig.clock.advance(1);
    await stopped;
    expect(rig.of('stopped')).toMatchObject([{ unfinished: 0 }]);
    expect(rig.gates.get('a')!.writes).toHaveLength(1);
    expect(rig.gates.get('b')!.writes).toHaveLength(0);
    expect(rig.clock.sleepers).toBe(0);
  });

  test('is bounded: a write that hangs is left to the next start', async () => {
    const rig = new Rig();
    rig.gate.onWrite = () => new Promise(() => {});
    rig.start();
    await rig.clock.advance(5_000);
    const stopped = rig.watch.stop('asked');
    await rig.clock.advance(26_000);
    await stopped;
    expect(rig.of('stopped')).toMatchObject([{ unfinished: 1 }]);
  });

  test('while Atlas hangs, ends at once', async () => {
    const rig = new Rig();
    rig.onRequest = () => new Promise(() => {});
    rig.start();
    await rig.clock.advance(5_000);
    const stopped = rig.watch.stop('asked');
    await rig.clock.advance(1);
    await stopped;
    expect(rig.watch.status().state).toBe('stopped');
  });
});

describe('reload', () => {
  test('gates whose config is the same keep their times; a changed one is looked at anew', async () => {
    const rig = new Rig({ gates: ['a', 'b'] }).start();
    await rig.clock.advance(5 * minuteMs);
    const { nextAtMs } = rig.watch.status().gates[0]!;
    const b = { ...rig.config.gates[1]!, pinned: fresh as never };
    rig.watch.reload({ ...rig.config, gates: [rig.config.gates[0]!, b] });
    expect(rig.watch.status().gates[0]?.nextAtMs).toBe(nextAtMs);
    await rig.clock.advance(3_000);
    expect(rig.gates.get('b')!.entries).toContain(fresh[0]);
    expect(rig.of('config-reloaded')).toMatchObject([{ untouched: ['a'], changed: ['b'] }]);
  });

  test('a gate that is taken out is left as it is; a project that is taken out goes the slow road', async () => {
    const rig = new Rig({ gates: ['a', 'b'], removal: { maxShare: 1 } }).start();
    await rig.clock.advance(5 * minuteMs);
    const [a, b] = rig.config.gates;
    const both = { ...a!, projects: [...a!.projects, ...b!.projects] };
    rig.watch.reload({ ...rig.config, gates: [both] });
    await rig.clock.advance(5 * minuteMs);
    const entries = rig.gates.get('a')!.entries.length;
    const left = rig.gates.get('b')!.entries;
    rig.watch.reload({ ...rig.config, gates: [a!] });
    await rig.clock.advance(30 * minuteMs);
    expect(rig.gates.get('a')!.entries).toHaveLength(entries);
    expect(rig.watch.status().gates[0]?.pendingRemovals).toHaveLength(3);
    expect(rig.gates.get('b')!.entries).toBe(left);
    expect(rig.watch.status().feeds.map(({ feed }) => feed)).not.toContain(`nodes:${b!.projects[0]}`);
  });

  test('shorter intervals count at once, and not after what is left of the long ones', async () => {
    const long = { controlPlaneMs: hourMs, nodesMs: hourMs, gatesMs: hourMs, eventsMs: 0 };
    const rig = new Rig({ watch: long }).start();
    await rig.clock.advance(minuteMs);
    const soonest = () => {
      const { feeds, gates } = rig.watch.status();
      return [...feeds, ...gates].map(({ nextAtMs }) => Math.round((nextAtMs - rig.clock.now()) / minuteMs));
    };
    for (const minutes of soonest()) expect(minutes).toBeGreaterThan(50);
    const short = { controlPlaneMs: minuteMs, nodesMs: 3 * minuteMs, gatesMs: 2 * minuteMs };
    rig.watch.reload({ ...rig.config, watch: { ...rig.config.watch, ...short } });
    expect(soonest()).toEqual([1, 3, 2]);
    const { reads } = rig.gate;
    await rig.clock.advance(4 * minuteMs);
    expect(rig.gate.reads).toBeGreaterThan(reads);
  });

  test.each<[string, (gate: GateConfig) => readonly GateConfig[]]>([
    ['observe', gate => [{ ...gate, policy: 'observe' }]],
    ['a pin more', gate => [{ ...gate, pinned: fresh as never }]],
    ['no such gate', () => []],
  ])('with %s, a run that waits for a slow cloud writes nothing more by the config before', async (_, next) => {
    const rig = new Rig({ gates: ['a', 'b'] });
    const gate = rig.gates.get('a')!;
    const answered = Promise.withResolvers<void>();
    gate.onRead = () => answered.promise;
    rig.start();
    await rig.clock.advance(5_000);
    const [a, b] = rig.config.gates;
    rig.watch.reload({ ...rig.config, gates: [...next(a!), b!] });
    gate.onRead = () => new Promise(() => {});
    answered.resolve();
    await rig.clock.advance(2 * minuteMs);
    expect(gate.writes).toEqual([]);
    const [begun] = rig.of('run-started').filter(({ gate }) => gate === 'a');
    expect(rig.of('run-ended').find(({ runId }) => runId === begun?.runId)).toMatchObject({
      consecutiveFailures: 0,
      summary: { status: 'refused', message: expect.stringContaining('config of gate a changed') },
    });
    expect(rig.gates.get('b')!.writes).toHaveLength(1);
  });

  test('a config that is wrong is told once, and the old one stays', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(minuteMs);
    for (let times = 0; times < 3; times++) rig.watch.refuseConfig('gates[0]: polcy');
    expect(rig.of('config-refused')).toHaveLength(1);
    expect(rig.watch.status().config.fault).toContain('polcy');
    rig.watch.reload(rig.config);
    expect(rig.watch.status().config.fault).toBeUndefined();
  });
});

describe("the config's file", () => {
  test('is taken once it has settled, and not while an editor writes it', async () => {
    const clock = new SimClock(0);
    let text: string | undefined = 'a';
    let changes = 0;
    const stop = new AbortController();
    void watchConfigFile({ clock, everyMs: 1_000, read: () => text, onChange: () => changes++ }, stop.signal);
    const looks = async (...texts: readonly (string | undefined)[]) => {
      for (const each of texts) {
        text = each;
        await clock.advance(1_000);
      }
    };
    await looks('a', undefined, 'half', 'ab', 'abc');
    expect(changes).toBe(0);
    await looks('abc', 'abc', 'abc');
    expect(changes).toBe(1);
    await looks(undefined, undefined, 'abc', 'abc');
    expect(changes).toBe(1);
    stop.abort();
    await clock.advance(1_000);
    expect(clock.sleepers).toBe(0);
  });
});

/** Neither the journal nor the spool can be written, as on one full disk. */
function fillDisk(rig: Rig): { journal: boolean; spool: boolean } {
  const full = { journal: true, spool: true };
  const { store } = rig;
  const check = (isFull: boolean) => {
    if (isFull) throw new Error('database or disk is full');
  };
  rig.store = {
    ...store,
    open: async () => {
      check(full.journal);
      return await store.open();
    },
    spool: write => {
      check(full.spool);
      store.spool(write);
    },
  };
  return full;
}

describe('the journal', () => {
  test('cannot be opened: it adds all the same, and journals that once it can', async () => {
    const rig = new Rig();
    const { open } = rig.store;
    rig.store = { ...rig.store, open: () => Promise.reject(new Error('database or disk is full')) };
    const store = rig.store as { open: typeof open };
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.of('journal-lost')).toHaveLength(1);
    expect(rig.watch.status().journal).toMatchObject({ available: false });
    store.open = open;
    await rig.clock.advance(2 * minuteMs);
    expect(rig.of('journal-back')).toMatchObject([{ drained: 1 }]);
    const owned = await rig.watch.journal!.owned(rig.gate.id);
    expect(owned).toHaveLength(rig.gate.entries.length);
  });

  test('one full disk holds it and the spool: what was added is kept in memory, and journalled once there is space', async () => {
    const rig = new Rig();
    const full = fillDisk(rig);
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.watch.status().journal.because).toContain('1 addition is kept in memory');
    full.journal = false;
    await rig.clock.advance(2 * minuteMs);
    expect(rig.of('journal-back')).toMatchObject([{ drained: 1 }]);
    expect(await rig.watch.journal!.owned(rig.gate.id)).toHaveLength(rig.gate.entries.length);
    expect(await rig.watch.journal!.writes({ limit: 9 })).toHaveLength(1);
  });

  test('a spool can be written again before Postern stops: it takes what was kept in memory', async () => {
    const rig = new Rig();
    const full = fillDisk(rig);
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    full.spool = false;
    await rig.stop();
    full.journal = false;
    rig.start();
    await rig.clock.advance(2 * minuteMs);
    expect(rig.of('journal-back')).toMatchObject([{ drained: 1 }]);
    expect(await rig.watch.journal!.owned(rig.gate.id)).toHaveLength(rig.gate.entries.length);
  });

  test("Postern stops while the disk is full: it says what will look like someone else's", async () => {
    const rig = new Rig();
    fillDisk(rig);
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    await rig.stop();
    expect(rig.of('journal-lost').at(-1)?.because).toContain("look like someone else's (see `adopt`)");
  });

  test('fails in the middle: given up, opened anew, and nothing is lost', async () => {
    const rig = new Rig();
    let isFull = false;
    const { open } = rig.store;
    rig.store = {
      ...rig.store,
      open: async () => {
        if (isFull) throw new Error('database or disk is full');
        const journal = await open.call(rig.store);
        return new Proxy(journal, {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (typeof value !== 'function') return value;
            return (...args: unknown[]) => {
              if (isFull && name !== 'close') return Promise.reject(new Error('database or disk is full'));
              return value.apply(target, args);
            };
          },
        });
      },
    };
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    isFull = true;
    rig.atlas.addControlPlane('aws', 'us-east-1', fresh);
    await rig.clock.advance(3 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    isFull = false;
    rig.atlas.addControlPlane('aws', 'us-east-1', others);
    await rig.clock.advance(3 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    const owned = (await rig.watch.journal!.owned(rig.gate.id)).map(({ cidr }) => cidr as string);
    expect(owned).toEqual(expect.arrayContaining([...fresh, ...others]));
    expect(rig.of('internal-fault')).toEqual([]);
  });

  test('can be opened and not written, as on a full disk: tried ever more rarely, and told as rarely', async () => {
    const rig = new Rig({ watch: { controlPlaneMs: 1_000, nodesMs: 1_000, gatesMs: 1_000 } });
    const { open } = rig.store;
    rig.store = {
      ...rig.store,
      open: async () =>
        new Proxy(await open.call(rig.store), {
          get(target, name) {
            const value = Reflect.get(target, name);
            if (name !== 'recordObservation') return typeof value === 'function' ? value.bind(target) : value;
            return () => Promise.reject(new Error('database or disk is full'));
          },
        }),
    };
    rig.start();
    await rig.clock.advance(5 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.of('journal-lost').length).toBeGreaterThan(3);
    expect(rig.of('journal-lost').length).toBeLessThan(20);
  });

  test('is deleted: what it held is written back', async () => {
    const rig = new Rig().start();
    await rig.clock.advance(5 * minuteMs);
    rmSync(rig.journalPath);
    await rig.clock.advance(3 * minuteMs);
    expect(rig.of('journal-moved')).toMatchObject([{ rescued: true }]);
    expect(existsSync(rig.journalPath)).toBe(true);
    expect(statSync(rig.journalPath).mode & 0o077).toBe(0);
    const owned = await rig.watch.journal!.owned(rig.gate.id);
    expect(owned).toHaveLength(rig.gate.entries.length);
    expect((await rig.watch.journal!.writes({ limit: 9 })).map(({ outcome }) => outcome)).toEqual([
      'applied',
    ]);
  });
});

test('after each healthy cycle the ping is sent, and its failure is told without its URL', async () => {
  const rig = new Rig();
  rig.pingUrl = 'http://ping.example/secret-path';
  let status = 200;
  rig.onRequest = ({ url }) =>
    url === rig.pingUrl ? Promise.resolve({ status, headers: {}, body: new Uint8Array() }) : undefined;
  rig.start();
  await rig.clock.advance(10 * minuteMs);
  const pings = rig.requestsTo('secret-path').length;
  expect(pings).toBeGreaterThanOrEqual(4);
  status = 500;
  await rig.clock.advance(5 * minuteMs);
  expect(rig.of('ping-failed')[0]?.because).toBe('the answer was 500');
  // A cycle that is not healthy pings nobody.
  rig.onRequest = (_, path) =>
    path.includes('controlPlane') ? Promise.reject(new TypeError('no')) : undefined;
  await rig.clock.advance(3 * minuteMs);
  const before = rig.requestsTo('secret-path').length;
  await rig.clock.advance(20 * minuteMs);
  expect(rig.requestsTo('secret-path')).toHaveLength(before);
});
