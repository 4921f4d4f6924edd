import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { type Undo, undoWrite } from '../../src/reconcile/undo.ts';
import { cidr, cidrs } from '../plan/fixtures.ts';
import { World } from './world.ts';

const office = cidr('198.17.0.0/24');
const fresh = cidr('44.206.200.19/32');
const [a, b, pinned] = cidrs('3.92.113.229', '3.208.110.31', '44.206.200.18') as [Cidr, Cidr, Cidr];

async function withRemoval(): Promise<World> {
  const world = new World([a, b], [office]);
  await applyGate(await world.run());
  world.listed = [a];
  world.passDays(1);
  await applyGate(await world.run());
  world.passDays(8);
  await applyGate(await world.run());
  expect(world.gate.entries).toEqual([office, a]);
  return world;
}

describe('undo of a removal', () => {
  test('puts back what it took out, beside what others wrote since, and starts its grace anew', async () => {
    const world = await withRemoval();
    const others = cidr('198.19.0.0/32');
    world.gate.entries = [...world.gate.entries, others];
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({
      status: 'changed',
      writes: [{ kind: 'restore', adds: [b], removes: [] }],
    });
    expect(world.gate.entries).toEqual([office, a, others, b]);

    world.passDays(1);
    expect((await applyGate(await world.run())).status).toBe('unchanged');
    world.passDays(8);
    await applyGate(await world.run());
    expect(world.gate.entries).not.toContain(b);
  });

  test('lets in what Atlas has come to want meanwhile: after any write Atlas is let in', async () => {
    const world = await withRemoval();
    world.listed = [a, fresh];
    const asked: Undo[] = [];
    const confirm = async (undo: Undo) => asked.push(undo) > 0;
    const result = await undoWrite(await world.run(), { confirm });
    expect(asked).toMatchObject([{ letsIn: [fresh], putsBack: [b], takesBack: [], stays: [] }]);
    expect(result).toMatchObject({
      status: 'changed',
      message: expect.stringContaining('1 put back, 1 let in because Atlas wants them'),
      writes: [
        { kind: 'add', adds: [fresh] },
        { kind: 'restore', adds: [b] },
      ],
    });
    expect(world.gate.entries).toEqual([office, a, fresh, b]);
  });

  test.each([
    'refused',
    'cut-before',
  ] as const)('puts back together with what could not be let in (%s), and says so', async fault => {
    const world = await withRemoval();
    world.listed = [a, fresh];
    world.gate.faults.push(fault);
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({ status: 'failed', writes: [{ kind: 'restore', adds: [b, fresh] }] });
    expect(world.gate.entries).toEqual([office, a, b, fresh]);
  });

  test('and alone where that is refused too', async () => {
    const world = await withRemoval();
    world.listed = [a, fresh];
    world.gate.faults.push('refused', 'refused');
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({ status: 'failed', writes: [{ kind: 'restore', adds: [b] }] });
    expect(world.gate.entries).toEqual([office, a, b]);
  });

  test('done twice says that there is nothing to do', async () => {
    const world = await withRemoval();
    const [removal] = await (await world.journal()).writes({ limit: 1 });
    await undoWrite(await world.run(), { writeId: removal!.id });
    const again = await undoWrite(await world.run(), { writeId: removal!.id });
    expect(again).toMatchObject({ status: 'refused', message: expect.stringContaining('undone already') });
  });
});

describe('undo of an addition', () => {
  test('never takes out what Atlas wants', async () => {
    const world = new World([a, b], [office]);
    await applyGate(await world.run());
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({
      status: 'refused',
      message: expect.stringContaining('could lock Atlas out'),
    });
    expect(world.gate.entries).toEqual([office, a, b]);
  });

  test('never takes out what Atlas wanted and dropped: that takes its grace', async () => {
    const world = new World([a, b], [office]);
    await applyGate(await world.run());
    world.listed = [a];
    world.passDays(1);
    expect((await undoWrite(await world.run())).status).toBe('refused');
    expect(world.gate.entries).toContain(b);
  });

  const withPin = async () => {
    const world = new World([a], [office, a], { pinned: [pinned] });
    await applyGate(await world.run());
    expect(world.gate.entries).toContain(pinned);
    return world;
  };

  test('takes back a wrong pin at once, once it is out of the config', async () => {
    const world = await withPin();
    expect((await undoWrite(await world.run())).status).toBe('refused');
    world.settings = { ...world.settings, pinned: [] };
    world.passDays(0.01);
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({ status: 'changed', writes: [{ kind: 'undo', removes: [pinned] }] });
    expect(world.gate.entries).toEqual([office, a]);
  });

  test('puts the pin back when Atlas does not confirm that the key still works', async () => {
    const world = await withPin();
    world.settings = { ...world.settings, pinned: [] };
    world.verdicts = ['valid', 'invalid'];
    expect((await undoWrite(await world.run())).status).toBe('restored');
    expect(world.gate.entries).toContain(pinned);
  });

  test('takes nothing back on an incomplete reading', async () => {
    const world = await withPin();
    world.settings = { ...world.settings, pinned: [] };
    world.feedComplete = false;
    expect((await undoWrite(await world.run())).status).toBe('refused');
    expect(world.gate.entries).toContain(pinned);
  });
});

describe('undo is refused', () => {
  test.each(['observe', 'add-only'] as const)('where the policy is %s', async policy => {
    const world = new World([a], [office, a], { pinned: [pinned] });
    await applyGate(await world.run());
    world.settings = { ...world.settings, pinned: [], policy };
    world.passDays(0.01);
    const result = await undoWrite(await world.run());
    expect(result).toMatchObject({ status: 'refused', message: expect.stringContaining(policy) });
    expect(world.gate.entries).toContain(pinned);
  });

  test('when nothing was written yet, or there is no such write', async () => {
    const world = new World([a], [office]);
    expect((await undoWrite(await world.run())).message).toContain('written nothing');
    expect((await undoWrite(await world.run(), { writeId: 7 })).message).toContain('no write 7');
  });

  test('by a no', async () => {
    const world = await withRemoval();
    expect((await undoWrite(await world.run(), { confirm: async () => false })).status).toBe('refused');
    expect(world.gate.entries).not.toContain(b);
  });
});
