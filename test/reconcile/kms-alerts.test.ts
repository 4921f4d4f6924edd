/** A removal stands when Atlas calls the key valid and opens no alert, for as long as it is on probation. */
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import { type AtlasClient, AtlasError } from '../../src/atlas/index.ts';
import type { KmsAlerts } from '../../src/plan/input.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { newAlert, readAlerts } from '../../src/reconcile/kms-alerts.ts';
import { undoWrite } from '../../src/reconcile/undo.ts';
import { cidr, cidrs, nowMs, projectId } from '../plan/fixtures.ts';
import { ripenAllBut } from './ripe.ts';
import { World } from './world.ts';

const office = cidr('198.17.0.0/24');
const [a, b] = cidrs('3.92.113.229', '3.208.110.31') as [Cidr, Cidr];
const minuteMs = 60_000;
const type = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';

const none: KmsAlerts = { projectId, known: true, open: [] };
const opened = (openedAtMs: number, acknowledgedUntilMs?: number): KmsAlerts => ({
  projectId,
  known: true,
  open: [{ id: '1', type, openedAtMs, acknowledgedUntilMs }],
});
const untold = (isRefused: boolean): KmsAlerts => ({
  projectId,
  known: false,
  because: 'it does not say',
  isRefused,
});

/** A world in which Atlas has dropped `b` long enough ago for it to go. */
async function withRipe(): Promise<World> {
  const world = new World([a, b], [office]);
  await ripenAllBut(world, [a]);
  return world;
}

async function withRemoved(): Promise<World> {
  const world = await withRipe();
  expect((await applyGate(await world.run())).status).toBe('changed');
  expect(world.gate.entries).not.toContain(b);
  return world;
}

test('an alert that is opened by a removal puts it back at once', async () => {
  const world = await withRipe();
  world.alerts.push(none, opened(world.nowMs));
  expect(await applyGate(await world.run())).toMatchObject({
    status: 'restored',
    message: expect.stringContaining(`Atlas has opened the alert ${type}`),
  });
  expect(world.gate.entries).toContain(b);
});

test('one that was open before holds the removal, because it would hide a new one', async () => {
  const world = await withRipe();
  world.alerts.push(opened(world.nowMs - 60 * minuteMs));
  const result = await applyGate(await world.run());
  expect(result.plan?.guards).toMatchObject([{ guard: 'kms-alert-open' }]);
  expect(world.gate.entries).toContain(b);
});

test('one that was open before and is acknowledged is not new: the removal stands', async () => {
  const world = await withRipe();
  const known = opened(world.nowMs - 60 * minuteMs, world.nowMs + 60 * minuteMs);
  world.alerts.push(known, known, known);
  expect((await applyGate(await world.run())).status).toBe('changed');
  world.nowMs += 10 * minuteMs;
  expect((await applyGate(await world.run())).status).toBe('unchanged');
  expect(world.gate.entries).not.toContain(b);
});

test('alerts that may not be read leave the removal to `valid`, and the plan says so', async () => {
  const world = await withRipe();
  world.alerts.push(untold(true), untold(true));
  const result = await applyGate(await world.run());
  expect(result.status).toBe('changed');
  expect(result.plan?.findings).toMatchObject([{ id: 'kms-alerts-not-readable' }]);
  expect(world.gate.entries).not.toContain(b);
});

test('alerts that do not come just now are waited for', async () => {
  const world = await withRipe();
  world.alerts.push(untold(false));
  expect((await applyGate(await world.run())).plan?.guards).toMatchObject([{ guard: 'kms-alerts-not-read' }]);
  expect(world.gate.entries).toContain(b);
  expect((await applyGate(await world.run())).status).toBe('changed');
});

test('alerts that do not come just after a removal are asked for again by the next run', async () => {
  const world = await withRipe();
  world.alerts.push(none, untold(false), opened(world.nowMs + minuteMs));
  expect((await applyGate(await world.run())).status).toBe('changed');
  world.nowMs += 2 * minuteMs;
  expect((await applyGate(await world.run())).status).toBe('restored');
  expect(world.gate.entries).toContain(b);
});

describe('on probation', () => {
  test('an alert that is opened within it puts the removal back', async () => {
    const world = await withRemoved();
    world.nowMs += 20 * minuteMs;
    world.alerts.push(opened(world.nowMs - minuteMs));
    expect(await applyGate(await world.run())).toMatchObject({
      status: 'restored',
      message: expect.stringContaining(type),
    });
    expect(world.gate.entries).toContain(b);
    // It stays open until Atlas looks again: nothing more is written for it.
    world.alerts.push(opened(world.nowMs - minuteMs));
    expect((await applyGate(await world.run())).writes).toEqual([]);
  });

  test('an alert after it puts nothing back', async () => {
    const world = await withRemoved();
    world.nowMs += 31 * minuteMs;
    world.alerts.push(opened(world.nowMs - minuteMs));
    expect((await applyGate(await world.run())).status).toBe('unchanged');
  });
});

test('after a crash, an alert that was opened since the removal puts it back', async () => {
  const world = await withRipe();
  world.gate.faults.push('dies-after');
  await applyGate(await world.run());
  expect(world.gate.entries).not.toContain(b);
  world.nowMs += 5 * minuteMs;
  world.alerts.push(opened(world.nowMs - minuteMs));
  await applyGate(await world.run());
  expect(world.gate.entries).toContain(b);
});

test('undo takes nothing back while an alert is open', async () => {
  const pinned = cidr('44.206.200.18');
  const world = new World([a], [office], { pinned: [pinned] });
  await applyGate(await world.run());
  world.settings = { ...world.settings, pinned: [] };
  await applyGate(await world.run());
  world.alerts.push(opened(world.nowMs - 60 * minuteMs));
  expect(await undoWrite(await world.run())).toMatchObject({
    status: 'refused',
    message: expect.stringContaining(`the alert ${type} open`),
  });
  expect(world.gate.entries).toContain(pinned);
});

test.each([
  [403, true],
  [404, true],
  [429, false],
  [503, false],
])('an answer of %i is the lack of a right: %s', async (status, isRefused) => {
  const client: AtlasClient = {
    get: async () => undefined,
    getAll: async () => {
      throw new AtlasError('https://atlas.invalid/alerts', status, '', 'no');
    },
    urlOf: path => path,
  };
  expect(await readAlerts(client, projectId)).toMatchObject({ known: false, isRefused });
});

test.each([
  ['a second before, by a clock that is behind', -1_000, true],
  ['at that moment', 0, true],
  ['long before', -2 * minuteMs, false],
])('an alert of %s', (_, offsetMs, isNew) => {
  expect(newAlert([none, opened(nowMs + offsetMs)], { sinceMs: nowMs }) !== undefined).toBe(isNew);
});

test.each([
  ['nobody has acknowledged', undefined, true],
  ['was acknowledged, and is no more', nowMs - 1, true],
  ['is acknowledged', nowMs + 1, false],
])('after a removal, one of long ago by its clock that %s', (_, acknowledgedUntilMs, isNew) => {
  const alert = opened(nowMs - 20 * minuteMs, acknowledgedUntilMs);
  expect(newAlert([alert], { sinceMs: nowMs, nowMs }) !== undefined).toBe(isNew);
});
