/** Removal as a process over time: approval, freeze windows, probation. */
import { describe, expect, test } from 'vitest';
import { GateUnverifiedError } from '../../src/gates/gate.ts';
import type { RemovalPolicy } from '../../src/plan/removal-policy.ts';
import { forbidden, hourMs, minuteMs, Rig, startMs } from './rig.ts';

const dropped = ['3.120.1.9/32'];
const another = ['35.222.9.3/32'];

/** A rig whose only gate has lost an address an hour ago, with a grace of an hour. */
async function withRipe(removal: Partial<RemovalPolicy> = {}) {
  const rig = new Rig({ removal: { graceMs: hourMs, maxShare: 1, shrinkShare: 1, ...removal } });
  rig.start();
  await rig.clock.advance(5 * minuteMs);
  rig.atlas.removeControlPlane(dropped);
  await rig.clock.advance(hourMs - minuteMs);
  expect(rig.gate.entries).toContain(dropped[0]);
  return rig;
}
const guardsOf = (rig: Rig) => rig.watch.status().gates[0]!.guards.map(({ guard }) => guard);

describe('approval', () => {
  test('a removal waits for it, goes once it is given, and who and why is kept', async () => {
    const rig = await withRipe({ approval: 'required' });
    await rig.clock.advance(hourMs);
    expect(rig.gate.entries).toContain(dropped[0]);
    expect(guardsOf(rig)).toContain('not-approved');
    expect(rig.watch.status().gates[0]?.closing).toEqual(dropped);
    await rig.watch.approve('vault', { by: 'alice', reason: 'CHG-7' });
    await rig.clock.advance(5_000);
    expect(rig.gate.entries).not.toContain(dropped[0]);
    expect(await rig.watch.journal!.approvals({ limit: 5 })).toMatchObject([
      { by: 'alice', reason: 'CHG-7', cidrs: dropped, expiresAtMs: expect.any(Number) },
    ]);
    await expect(rig.watch.approve('vault', { by: 'a', reason: 'b' })).rejects.toThrow(/nothing to approve/);
    await expect(rig.watch.approve('nope', { by: 'a', reason: 'b' })).rejects.toThrow(/no gate nope/);
  });

  test('is for exactly these addresses, and expires', async () => {
    const rig = await withRipe({ approval: 'required', freeze: [frozenUntil(startMs + 2 * hourMs)] });
    await rig.clock.advance(10 * minuteMs);
    await rig.watch.approve('vault', { by: 'alice', reason: 'CHG-7', expiresInMs: 10 * minuteMs });
    await rig.clock.advance(hourMs);
    expect(guardsOf(rig)).toEqual(['not-approved']);
    await rig.watch.approve('vault', { by: 'alice', reason: 'CHG-8' });
    rig.atlas.removeControlPlane(another);
    // Gone already when the other one is ripe, since the approval was for what was ripe then.
    await rig.clock.advance(1.2 * hourMs);
    expect(rig.gate.entries).not.toContain(dropped[0]);
    expect(rig.gate.entries).toContain(another[0]);
  });
});

/** Every day of the dates that hold the time from the start until then, as UTC. */
function frozenUntil(untilMs: number): RemovalPolicy['freeze'][number] {
  const local = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  return { kind: 'dated', from: local(startMs), to: local(untilMs), timeZone: 'UTC', note: undefined };
}

test('in a freeze window nothing is removed and everything is added; after it what is due goes', async () => {
  const rig = await withRipe({ freeze: [frozenUntil(startMs + 5 * hourMs)] });
  rig.atlas.addControlPlane('aws', 'us-east-1', ['44.206.200.18/32']);
  await rig.clock.advance(3 * hourMs);
  expect(rig.gate.entries).toContain(dropped[0]);
  expect(rig.lockedOut()).toEqual([]);
  expect(guardsOf(rig)).toEqual(['frozen']);
  await rig.clock.advance(hourMs + 5 * minuteMs);
  expect(rig.gate.entries).not.toContain(dropped[0]);
});

describe('a removal that is not confirmed', () => {
  test.each<[string, (rig: Rig) => unknown]>([
    [
      'after some minutes, and cannot be put back',
      async rig => {
        await rig.clock.advance(10 * minuteMs);
        expect(rig.gate.entries).not.toContain(dropped[0]);
        rig.gate.onWrite = () => {
          throw forbidden();
        };
      },
    ],
    [
      'and cannot be put back',
      ({ gate }) => {
        gate.onWrite = () => {
          if (!gate.entries.includes(dropped[0] as never)) throw forbidden();
        };
      },
    ],
    [
      'since nobody knows what became of it',
      ({ gate }) => {
        gate.onWrite = () => {
          gate.entries = gate.entries.filter(entry => entry !== dropped[0]);
          gate.onRead = gate.onWrite = () => {
            throw forbidden();
          };
          throw new GateUnverifiedError('vault', 'The answer was cut off.');
        };
      },
    ],
  ])('%s, is tried again within five minutes each time, however lasting the fault looks', async (_, fail) => {
    const rig = await withRipe();
    await fail(rig);
    // Atlas calls from it still.
    rig.atlas.unlisted.add(dropped[0]!);
    await rig.clock.advance(1.5 * hourMs);
    expect(rig.lockedOut()).toHaveLength(1);
    const { reads } = rig.gate;
    await rig.clock.advance(hourMs);
    expect(rig.gate.reads - reads).toBeGreaterThanOrEqual(11);
    rig.gate.onRead = rig.gate.onWrite = () => {};
    await rig.clock.advance(5 * minuteMs);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.watch.status().gates[0]).toMatchObject({ consecutiveFailures: 0 });
  });
});

describe('probation', () => {
  async function removed(removal: Partial<RemovalPolicy> = {}) {
    const rig = await withRipe(removal);
    await rig.clock.advance(4 * minuteMs);
    expect(rig.gate.entries).not.toContain(dropped[0]);
    return rig;
  }

  test.each([
    'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
    'ENCRYPTION_AT_REST_CONFIG_NO_LONGER_VALID',
    'AZURE_ENCRYPTION_KEY_INVALID',
  ])('%s within it puts the removal back, and pages', async type => {
    const rig = await removed();
    await rig.clock.advance(10 * minuteMs);
    rig.atlas.events.emit(rig.project.id, type);
    await rig.clock.advance(2 * minuteMs);
    expect(rig.gate.entries).toContain(dropped[0]);
    expect(rig.of('removal-restored')).toMatchObject([{ severity: 'error', addresses: dropped }]);
    expect(rig.of('removal-restored')[0]?.message).toContain(type);
    // It is in grace again: not taken out at the next look.
    await rig.clock.advance(30 * minuteMs);
    expect(rig.gate.entries).toContain(dropped[0]);
  });

  test('an event from before the removal, or of another kind, puts nothing back', async () => {
    const rig = await withRipe();
    rig.atlas.events.emit(rig.project.id, 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED');
    await rig.clock.advance(4 * minuteMs);
    rig.atlas.events.emit(rig.project.id, 'CLUSTER_UPDATE_COMPLETED');
    await rig.clock.advance(20 * minuteMs);
    expect(rig.gate.entries).not.toContain(dropped[0]);
    expect(rig.of('removal-restored')).toEqual([]);
  });

  describe('a node that is refused while `valid` stays true', () => {
    test.each([
      ['is tracked first', 5, 20],
      ['is open at once', 10, 0],
    ])('Atlas opens an alert late, which %s: the removal is put back, and pages', async (_, notice, tracking) => {
      const rig = await withNodeGone();
      const { behaviour } = rig.atlas.alerts;
      Object.assign(behaviour, { noticeMs: notice * minuteMs, trackingMs: tracking * minuteMs });
      await rig.clock.advance(7 * minuteMs);
      expect(rig.lockedOut()).not.toEqual([]);
      await rig.clock.advance(notice * minuteMs);
      expect(rig.of('removal-restored')).toMatchObject([
        { severity: 'error', message: expect.stringContaining('the alert ENCRYPTION_AT_REST_KMS') },
      ]);
      expect(rig.lockedOut()).toEqual([]);
    });

    test('where the project has no such alert, `valid` is all that there is', async () => {
      const rig = await withNodeGone();
      rig.project.networkDeniedAlert = 'missing';
      await rig.clock.advance(hourMs);
      expect(rig.of('removal-restored')).toEqual([]);
      expect(rig.lockedOut()).not.toEqual([]);
    });

    /** Atlas lists a node no more that calls its KMS still, and its grace is nearly over. */
    async function withNodeGone() {
      const rig = new Rig({ removal: { graceMs: hourMs, maxShare: 1, shrinkShare: 1 } });
      rig.atlas.validSees = 'control-plane';
      rig.start();
      await rig.clock.advance(5 * minuteMs);
      const [cluster] = rig.project.clusters;
      cluster!.unlisted = [cluster!.nodes.pop()!];
      await rig.clock.advance(hourMs - minuteMs);
      expect(rig.lockedOut()).toEqual([]);
      return rig;
    }
  });

  test('Atlas calls from it still: the key is invalid, and it is put back within a minute', async () => {
    const rig = await removed();
    await rig.clock.advance(5 * minuteMs);
    rig.atlas.unlisted.add(dropped[0]!);
    await rig.clock.advance(70_000);
    expect(rig.lockedOut()).toEqual([]);
    expect(rig.of('removal-restored')).toHaveLength(1);
  });

  test('two removals of one day are both put back when the key becomes invalid', async () => {
    const rig = await removed({ graceMs: hourMs });
    rig.atlas.removeControlPlane(another);
    await rig.clock.advance(2 * hourMs);
    expect(rig.gate.entries).not.toContain(another[0]);
    rig.atlas.unlisted.add(dropped[0]!);
    await rig.clock.advance(3 * minuteMs);
    expect(rig.gate.entries).toEqual(expect.arrayContaining([...dropped, ...another]));
  });

  test('the next removal waits for its end', async () => {
    const rig = await removed({ soakMs: 2 * hourMs });
    rig.atlas.removeControlPlane(another);
    await rig.clock.advance(1.5 * hourMs);
    expect(guardsOf(rig)).toEqual(['soaking']);
    expect(rig.gate.entries).toContain(another[0]);
    await rig.clock.advance(40 * minuteMs);
    expect(rig.gate.entries).not.toContain(another[0]);
  });

  test('it ends by itself, without a word', async () => {
    const rig = await removed();
    await rig.clock.advance(hourMs);
    expect(rig.of('internal-fault')).toEqual([]);
    expect(rig.of('removal-restored')).toEqual([]);
    expect(rig.watch.status().gates[0]).toMatchObject({ soakUntilMs: undefined, coverage: 'let-in' });
  });
});

describe('a list that the first write puts in force', () => {
  async function watched(unlisted: readonly string[] = []) {
    const rig = new Rig();
    rig.gate.inForce = false;
    for (const address of unlisted) rig.atlas.unlisted.add(address);
    rig.start();
    await rig.clock.advance(minuteMs);
    return rig;
  }
  const unlisted = '13.48.7.7/32';

  test('is on probation like a removal', async () => {
    const rig = await watched();
    expect(rig.gate.inForce).toBe(true);
    expect(rig.watch.status().gates[0]).toMatchObject({
      coverage: 'let-in',
      soakUntilMs: expect.any(Number),
    });
    await rig.clock.advance(10 * minuteMs);
    rig.atlas.unlisted.add(unlisted);
    await rig.clock.advance(70_000);
    expect(rig.gate.inForce).toBe(false);
    expect(rig.lockedOut()).toEqual([]);
  });

  test('that shuts Atlas out is taken back at once, pages, and is not tried again', async () => {
    const rig = await watched([unlisted]);
    expect(rig.gate.writes).toHaveLength(2);
    expect(rig.gate.inForce).toBe(false);
    expect(rig.of('first-write-withdrawn')).toMatchObject([
      { severity: 'error', message: expect.stringContaining('not valid') },
    ]);
    expect(rig.of('removal-restored')).toEqual([]);
    await rig.clock.advance(40 * hourMs);
    expect(rig.gate.writes).toHaveLength(2);
    expect(guardsOf(rig)).toContain('first-write-withdrawn');
    expect(rig.lockedOut()).toEqual([]);
  });
});
