/** What took access away and may turn out badly later: it is put back, whatever comes in between. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { GateUnverifiedError } from '../../src/gates/gate.ts';
import type { HeldLock, Journal } from '../../src/journal/journal.ts';
import { appendToSpool, drainSpool } from '../../src/journal/spool.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { cidr, cidrs, limitsOf, projectId } from '../plan/fixtures.ts';
import { ripenAllBut } from './ripe.ts';
import { World } from './world.ts';

const minuteMs = 60_000;
const office = cidr('198.17.0.0/24');
const other = cidr('198.18.7.0/24');
const [a, b, c, d] = cidrs('3.92.113.229', '3.208.110.31', '44.206.200.18', '44.206.200.99') as [
  Cidr,
  Cidr,
  Cidr,
  Cidr,
];

/** `a` is wanted, and `b` is due to go. */
async function withRipe(settleMs = 0): Promise<World> {
  const world = new World([a, b], [office], {}, settleMs);
  await ripenAllBut(world, [a]);
  return world;
}

/** So many runs, a minute apart, while Atlas calls the key invalid. */
async function runsWhileInvalid(world: World, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    world.nowMs += minuteMs;
    world.verdicts = ['invalid', 'invalid', 'invalid'];
    await applyGate(await world.run());
  }
}

/** From now on writes get no answer, until the function that is given back is called; they tell what was sent. */
function withoutAnswers(world: World): { sent: readonly Cidr[]; end: () => void } {
  const write = world.gate.write;
  const end = () => {
    world.gate.write = write;
  };
  const lost = { sent: [] as readonly Cidr[], end };
  world.gate.write = async next => {
    lost.sent = next;
    throw new GateUnverifiedError('vault', 'No answer.', {});
  };
  return lost;
}

const writesOf = async (world: World) =>
  (await (await world.journal()).writes({ limit: 9 })).map(({ kind, outcome }) => [kind, outcome]);

test('it is found behind hundreds of writes', async () => {
  const world = await withRipe();
  await applyGate(await world.run());
  expect(world.gate.entries).not.toContain(b);
  const journal = await world.journal();
  for (let n = 0; n < 260; n++) {
    const id = await journal.beginWrite({
      gateId: world.gate.id,
      gateName: 'vault',
      kind: 'add',
      before: [],
      target: [a],
      planChecksum: String(n),
      by: 'test',
      reason: 'Atlas wants it',
      atMs: world.nowMs,
    });
    await journal.finishWrite(id, {
      outcome: n % 5 ? 'applied' : 'not-applied',
      after: [a],
      atMs: world.nowMs,
    });
  }
  await runsWhileInvalid(world, 1);
  expect(world.gate.entries).toContain(b);
});

test('somebody edits the list while it is being put back', async () => {
  const world = await withRipe();
  world.gate.meddle = entries => [...entries, other];
  world.gate.faults.push(undefined, 'conflict');
  world.verdicts = ['valid', 'invalid'];
  expect((await applyGate(await world.run())).status).toBe('restored');
  expect(world.gate.entries).toEqual(expect.arrayContaining([b, other]));
});

test('it takes effect only after somebody edited the list, and Atlas was silent', async () => {
  const world = await withRipe(15 * minuteMs);
  const lost = withoutAnswers(world);
  await applyGate(await world.run());
  lost.end();
  world.gate.entries = [...world.gate.entries, other];
  world.nowMs += minuteMs;
  world.verdicts = ['unknown', 'unknown'];
  const { plan } = await applyGate(await world.run());
  expect(plan?.guards.map(({ guard }) => guard)).toContain('unsettled');

  world.gate.entries = world.gate.entries.filter(each => each !== b);
  await runsWhileInvalid(world, 2);
  expect(world.gate.entries).toContain(b);
});

test('it takes effect after a look just behind the write did not show it', async () => {
  const world = await withRipe(15 * minuteMs);
  world.gate.faults.push('cut-before');
  await applyGate(await world.run());
  expect((await writesOf(world))[0]).toEqual(['remove', null]);
  world.gate.entries = world.gate.entries.filter(each => each !== b);
  await runsWhileInvalid(world, 2);
  expect(world.gate.entries).toContain(b);
});

test('the next removal waits for the probation of one that ended in part', async () => {
  const world = await withRipe();
  world.gate.faults.push('unreadable-after');
  await applyGate(await world.run());
  expect(world.gate.entries).not.toContain(b);
  const journal = await world.journal();
  const rows = await journal.ledger(world.gate.id);
  await journal.adopt(world.gate.id, [d], world.nowMs);
  await journal.saveLedger(world.gate.id, [...rows, { ...rows.find(row => row.cidr === b)!, cidr: d }]);
  world.gate.entries = [...world.gate.entries, other, d];
  world.nowMs += minuteMs;
  await applyGate(await world.run());
  expect((await writesOf(world))[0]).toEqual(['remove', 'partly']);
  expect(world.gate.entries).toContain(d);
});

test('it fits beside a broader block that lets in by now what was merged for it', async () => {
  const far = cidrs(...Array.from({ length: 14 }, (_, n) => `3.64.${4 * n}.1`));
  const [m0, m1, m2, m3] = cidrs('3.65.0.0', '3.65.0.1', '3.65.0.2', '3.65.0.3') as [Cidr, Cidr, Cidr, Cidr];
  const world = new World([a, b, ...far, m0, m1], [office]);
  await applyGate(await world.run());
  world.gate.limits = limitsOf(19);
  world.listed = [a, ...far, m0, m1];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(8);
  // Takes out b, and merges m0 and m1; then all four are one entry.
  await applyGate(await world.run());
  expect(world.gate.entries).not.toContain(b);
  world.nowMs += minuteMs;
  world.listed = [a, ...far, m0, m1, m2, m3, cidr('52.0.0.1')];
  await applyGate(await world.run());
  expect(world.gate.entries).toContain('3.65.0.0/30');
  await runsWhileInvalid(world, 1);
  expect(world.gate.entries).toContain(b);
});

test('what is put back while the journal fails is in grace again', async () => {
  const world = await withRipe();
  let isBroken = false;
  let held: HeldLock | undefined;
  const write = world.gate.write.bind(world.gate);
  world.gate.write = (...args) => {
    world.nowMs += 1_000;
    return write(...args);
  };
  const fail = () => Promise.reject(new Error('disk full'));
  world.breakJournal = journal =>
    new Proxy(journal, {
      get: (target, name: keyof Journal) => {
        const method = target[name];
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          if (isBroken) return fail();
          const answer = await (method as (...given: unknown[]) => unknown).apply(target, args);
          if (name === 'lock') held = answer as HeldLock;
          if (name === 'beginWrite') isBroken = true;
          return answer;
        };
      },
    });
  world.verdicts = ['valid', 'invalid'];
  expect((await applyGate(await world.run())).status).toBe('restored');
  isBroken = false;
  await held!.release();
  world.breakJournal = journal => journal;
  const spool = join(mkdtempSync(join(tmpdir(), 'postern-')), 'spool.jsonl');
  for (const each of world.spooled) appendToSpool([spool], each);
  expect(await drainSpool([spool], await world.journal())).toBe(1);
  for (let n = 0; n < 3; n++) {
    world.nowMs += 20 * minuteMs;
    await applyGate(await world.run());
  }
  expect(world.gate.entries).toContain(b);
});

test('alerts that cannot be read confirm nothing that was not put back', async () => {
  const world = await withRipe();
  const opened = { id: '1', type: 'X', openedAtMs: world.nowMs, acknowledgedUntilMs: undefined };
  world.alerts.push({ projectId, known: true, open: [] }, { projectId, known: true, open: [opened] });
  world.gate.faults.push(undefined, 'refused');
  expect((await applyGate(await world.run())).status).toBe('failed');
  world.nowMs += minuteMs;
  const unread = { projectId, known: false, because: '503', isRefused: false } as const;
  world.alerts.push(unread, unread, unread);
  await applyGate(await world.run());
  expect(await writesOf(world)).toContainEqual(['remove', null]);
  world.nowMs += minuteMs;
  world.alerts.push({ projectId, known: true, open: [opened] });
  await applyGate(await world.run());
  expect(world.gate.entries).toContain(b);
});

test('a first write that takes effect late is taken back', async () => {
  const world = new World([a], [], {}, 10 * minuteMs);
  world.gate.inForce = false;
  const lost = withoutAnswers(world);
  await applyGate(await world.run());
  lost.end();
  world.nowMs += minuteMs;
  world.verdicts = ['unknown', 'unknown'];
  const { plan } = await applyGate(await world.run());
  expect(plan?.guards.map(({ guard }) => guard)).toContain('first-write-under-way');
  world.gate.entries = lost.sent;
  world.gate.inForce = true;
  await runsWhileInvalid(world, 2);
  expect(world.gate.inForce).toBe(false);
});

test('a list that is put in force after a clock that was ahead is on probation', async () => {
  const world = new World([a], []);
  world.gate.inForce = false;
  world.passDays(30);
  world.verdicts = ['valid', 'invalid'];
  expect((await applyGate(await world.run())).status).toBe('restored');
  world.passDays(-30);
  world.settings = { ...world.settings, acceptFirstWrite: true };
  await applyGate(await world.run());
  expect(world.gate.inForce).toBe(true);
  world.settings = { ...world.settings, acceptFirstWrite: false };
  await runsWhileInvalid(world, 1);
  expect(world.gate.inForce).toBe(false);
});

test('what somebody lets in by hand and Postern takes over begins a grace of its own', async () => {
  const world = new World([a, b], [office], { adopt: true });
  await applyGate(await world.run());
  world.listed = [a];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(8);
  await applyGate(await world.run());
  expect(world.gate.entries).not.toContain(b);
  // A node that Atlas does not list calls from there still.
  world.gate.entries = [...world.gate.entries, b];
  for (const days of [1, 5]) {
    world.passDays(days);
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(b);
  }
  for (const days of [1, 2]) {
    world.passDays(days);
    await applyGate(await world.run());
  }
  expect(world.gate.entries).not.toContain(b);
});

test('a yes is used up by the removal that it was for', async () => {
  const world = await withRipe();
  world.settings = {
    ...world.settings,
    removal: { ...world.settings.removal, maxShare: 1, graceMs: 60 * minuteMs, approval: 'required' },
  };
  const { closing, checksum } = (await applyGate(await world.run())).plan!;
  await (await world.journal()).approve({
    gateId: world.gate.id,
    gateName: 'vault',
    cidrs: closing,
    planChecksum: checksum,
    by: 'alice',
    reason: 'ok',
    atMs: world.nowMs,
    expiresAtMs: world.nowMs + 3 * 24 * 60 * minuteMs,
  });
  world.verdicts = ['valid', 'invalid'];
  expect((await applyGate(await world.run())).status).toBe('restored');
  for (let n = 0; n < 3; n++) {
    world.nowMs += 61 * minuteMs;
    await applyGate(await world.run());
  }
  expect(world.gate.entries).toContain(b);
});

test('while somebody is asked, another run lets in what is new', async () => {
  const world = new World([a], [office]);
  await applyGate(await world.run());
  world.listed = [a, c];
  const confirm = async () => (await applyGate(await world.run())).status === 'changed';
  expect((await applyGate(await world.run(), { confirm })).status).toBe('unchanged');
  expect(world.gate.entries).toContain(c);
});

test('removals go on where ours would be merged into an entry of somebody else', async () => {
  const far = cidrs(...Array.from({ length: 15 }, (_, n) => `3.64.${4 * n}.1`));
  const world = new World([a, b, ...far], [office, cidr('3.65.0.0/31')], {}, 10 * minuteMs);
  await applyGate(await world.run());
  world.gate.limits = limitsOf(20, 10 * minuteMs);
  world.listed = [a, ...far, ...cidrs('3.65.0.0', '3.65.0.1')];
  for (let n = 0; n < 12; n++) {
    world.passDays(1);
    await applyGate(await world.run());
  }
  expect(world.gate.entries).not.toContain(b);
});
