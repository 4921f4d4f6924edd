import { expect, test } from 'vitest';
import { counters, gauges, histograms, otherGauges } from '../../src/server/metrics.ts';
import { nowMs } from '../notify/fixtures.ts';
import { feedStatus, gateStatus, missing, watchStatus } from '../notify/status.ts';
import { stateInForce } from '../plan/fixtures.ts';
import { minuteMs, Rig } from '../watch/rig.ts';
import { open } from './fixtures.ts';

const restored = {
  kind: 'removal-restored',
  gate: 'production',
  runId: 'r1',
  message: '',
  addresses: missing,
  sequence: 1,
  atMs: nowMs,
  severity: 'error',
} as const;

test('what the daemon is in, at the moment of the scrape', async () => {
  const { app, world } = await open();
  world.status = watchStatus({
    feeds: [feedStatus({ lastCompleteAtMs: nowMs - 90_000 })],
    gates: [
      gateStatus({ coverage: 'locked-out', missing }),
      gateStatus({ name: 'new', coverage: undefined }),
    ],
  });
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toContain('postern_gate_missing_addresses{gate="production"} 2');
  expect(body).not.toContain('postern_gate_missing_addresses{gate="new"}');
  expect(body).toContain('postern_gate_coverage{gate="production",coverage="locked-out"} 1');
  expect(body).toContain('postern_feed_complete_age_seconds{feed="control-plane"} 90');
  expect(body).toContain('postern_gate_usage_ratio{gate="production"} 0.374');
  expect(body).toContain('postern_open_alerts{severity="error"} 1');
  world.status = watchStatus({ gates: [] });
  expect((await app.inject({ url: '/metrics' })).body).not.toMatch(/^postern_gate_.*production/m);
});

test('a vault whose public access was disabled: every address stands in the list, and nobody is let in', async () => {
  const rig = new Rig({ gates: ['a'], policy: 'sync' });
  rig.start();
  await rig.clock.advance(5 * minuteMs);
  rig.gate.read = async () => ({ ...stateInForce(rig.gate.entries, true), lets: 'nobody' });
  await rig.clock.advance(5 * minuteMs);
  const { app, world } = await open();
  world.status = rig.watch.status();
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toContain('postern_gate_missing_addresses{gate="a"} 0');
  expect(body).toContain('postern_gate_coverage{gate="a",coverage="locked-out"} 1');
});

test('a gate that lets in everyone lacks no address, whatever its list does', async () => {
  const { app, world } = await open();
  world.status = watchStatus({ gates: [gateStatus({ lets: 'everyone', missing })] });
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toContain('postern_gate_missing_addresses{gate="production"} 0');
});

test('a daemon that has just started is not one that was never well: it has the hour that any other has', async () => {
  const { app, world } = await open();
  const lastHealthy = async () => {
    const { body } = await app.inject({ url: '/metrics' });
    return Number(/^postern_last_healthy_cycle_timestamp_seconds (.*)$/m.exec(body)?.[1]);
  };
  const startedAtMs = nowMs - 60_000;
  world.status = watchStatus({ startedAtMs, lastHealthyCycleAtMs: undefined });
  expect(await lastHealthy()).toBe(startedAtMs / 1000);
  world.status = watchStatus({ startedAtMs, lastHealthyCycleAtMs: nowMs });
  expect(await lastHealthy()).toBe(nowMs / 1000);
});

test('runs, writes and guards are counted as they happen', async () => {
  const { app, metrics } = await open();
  // Before the first scrape, which must not take it back to 0.
  metrics.count({
    kind: 'run-ended',
    sequence: 1,
    atMs: nowMs,
    severity: 'info',
    runId: 'r1',
    gate: 'production',
    summary: {
      runId: 'r1',
      gate: 'production',
      gateId: 'x',
      status: 'changed',
      message: '',
      writes: [{ kind: 'add', adds: missing, removes: [] }],
      coverage: 'let-in',
      missing: [],
      startedAtMs: nowMs - 2_000,
      endedAtMs: nowMs,
    },
    plan: { guards: [{ guard: 'settling' }] } as never,
    consecutiveFailures: 0,
    nextAtMs: nowMs,
  });
  metrics.countDelivery({ channel: 'oncall', notice: {} as never, outcome: 'failed' });
  const { body } = await app.inject({ url: '/metrics' });
  expect(body).toContain('postern_runs_total{gate="production",status="changed"} 1');
  expect(body).toContain('postern_writes_total{gate="production",kind="add"} 1');
  expect(body).toContain('postern_written_addresses_total{gate="production",direction="in"} 2');
  expect(body).toContain('postern_guard_trips_total{gate="production",guard="settling"} 1');
  expect(body).toContain('postern_run_duration_seconds_bucket{le="2.5",gate="production"} 1');
  expect(body).toContain('postern_notifications_total{channel="oncall",outcome="failed"} 1');
});

test('the first of a kind counts: its series is there at 0 before', async () => {
  const { app, world, metrics } = await open();
  const at = async () => (await app.inject({ url: '/metrics' })).body;
  const before = await at();
  expect(before).toContain('postern_removals_restored_total{gate="production"} 0');
  expect(before).toContain('postern_runs_total{gate="production",status="failed"} 0');
  expect(before).toContain('postern_written_addresses_total{gate="production",direction="out"} 0');
  expect(before).toContain('postern_notifications_total{channel="oncall",outcome="given-up"} 0');
  expect(before).toContain('postern_run_duration_seconds_count{gate="production"} 0');
  metrics.count(restored);
  expect(await at()).toContain('postern_removals_restored_total{gate="production"} 1');
  // Another config: a new gate begins, and one that left and came back does not begin anew.
  world.status = watchStatus({ gates: [gateStatus({ name: 'new' })] });
  expect(await at()).toContain('postern_removals_restored_total{gate="new"} 0');
  world.status = watchStatus();
  expect(await at()).toContain('postern_removals_restored_total{gate="production"} 1');
});

test('a removal that was put back before the first scrape is seen by its age', async () => {
  const { app, world, metrics } = await open();
  expect((await app.inject({ url: '/metrics' })).body).not.toMatch(/^postern_removal_restored_age/m);
  metrics.count(restored);
  world.status = watchStatus({ nowMs: nowMs + 20_000 });
  const age = 'postern_removal_restored_age_seconds{gate="production"}';
  expect((await app.inject({ url: '/metrics' })).body).toContain(`${age} 20`);
  world.status = watchStatus({ nowMs: nowMs + 900_000 });
  expect((await app.inject({ url: '/metrics' })).body).toContain(`${age} 900`);
});

test('names are as Prometheus wants them, and none stands twice', () => {
  const all = [gauges, counters, histograms, otherGauges].flatMap(each => Object.values(each));
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^postern_[a-z_]+$/);
  for (const { name } of Object.values(counters)) expect(name).toMatch(/_total$/);
});
