/** Workers that share gates, and are killed and stopped. */
import { expect, test } from 'vitest';
import { usePostgres } from '../../postgres/server.ts';
import {
  change,
  countOf,
  expectOneAtATime,
  isEverywhere,
  openFleetSite,
  openReceiver,
  quick,
  takeOverMs,
  until,
} from './harness.ts';

const server = usePostgres();
/** More with POSTERN_FLEET_KILLS; each takes as long as a worker may be silent, so the default is small. */
const kills = Number(process.env.POSTERN_FLEET_KILLS ?? 1);
test('two workers share the gates, and every gate is served; what both see is told once', async context => {
  const people = await openReceiver(context);
  const notify = [{ name: 'oncall', kind: 'webhook', url: 'env:ONCALL_URL', from: 'error' }];
  const site = await openFleetSite(context, await server.createDatabase(), 4, quick, {
    more: { notify },
    env: { ONCALL_URL: people.url },
  });
  const workers = [site.start(), site.start()];
  await until(() => site.lockedOut().length === 0, takeOverMs, 'every gate lets Atlas in');
  const first = change(site);
  await until(() => isEverywhere(site, first), takeOverMs, 'the new address is let in');
  await until(() => workers.every(worker => countOf(worker, 'run-ended') >= 4), takeOverMs, 'both work');
  // Something that both come to see, and that hinders neither.
  site.lab.atlas.validSees = 'control-plane';
  for (const id of site.projects) site.lab.atlas.project(id).clusters[0]!.unlisted = ['44.64.9.9'];
  const keys = site.gates.map(gate => `opened finding/${gate}/kms-alert-open`);
  await until(() => keys.every(key => people.told().includes(key)), takeOverMs, 'all are told');
  const rounds = workers.map(worker => countOf(worker, 'run-ended'));
  const both = () => workers.every((worker, n) => countOf(worker, 'run-ended') >= rounds[n]! + 4);
  await until(both, takeOverMs, 'both look on');
  expect([...people.told()].sort()).toEqual([...new Set(people.told())].sort());
  expect(people.told()).not.toContain('opened journal-unavailable');
  for (const worker of workers) await worker.kill('SIGTERM');
  for (const worker of workers) {
    expect(worker.process.exitCode).toBe(0);
    expect(worker.said.at(-1)?.event).toBe('stopped');
    expect(countOf(worker, 'run-started')).toBe(countOf(worker, 'run-ended'));
  }
  // Never two at once on one gate: no run met another's lock.
  expect(site.said.filter(({ status }) => status === 'refused' || status === 'failed')).toEqual([]);
  expectOneAtATime(await site.writes());
}, 300_000);

test(
  `of three workers one is killed, ${kills} times, at some moment: the others carry on, one at a time`,
  async context => {
    const site = await openFleetSite(context, await server.createDatabase(), 3);
    // Every answer takes a moment, so that a worker can end at each of them.
    for (const on of ['atlas', 'azure'] as const)
      site.lab.faults.add({ on, act: { kind: 'latency', ms: 20 } });
    const workers = [site.start(), site.start(), site.start()];
    await until(() => site.lockedOut().length === 0, takeOverMs, 'every gate lets Atlas in');
    for (let round = 0; round < kills; round++) {
      const cidr = change(site);
      await new Promise(resolve => setTimeout(resolve, (round * 137) % 900));
      await workers.shift()!.kill();
      // The next one starts only when what this one left is taken over, so that it is not the new one that heals.
      await until(() => isEverywhere(site, cidr), takeOverMs, `round ${round}: the others let ${cidr} in`);
      workers.push(site.start());
    }
    for (const worker of workers) await worker.kill('SIGTERM');
    const writes = await site.writes();
    expectOneAtATime(writes);
    expect(writes.filter(({ outcome }) => outcome === null)).toEqual([]);
    expect(site.lockedOut()).toEqual([]);
    expect(site.rules(0)).toContain('198.17.0.0/24');
  },
  300_000 + kills * takeOverMs,
);

test('a worker that is stopped in the middle of a write, and goes on after its lease, writes nothing', async context => {
  const site = await openFleetSite(context, await server.createDatabase(), 1);
  const stopped = site.start();
  await until(() => site.lockedOut().length === 0, takeOverMs, 'the gate lets Atlas in');
  // Its next write: the last look before it takes a while, which is when it is stopped.
  const writesBefore = (await site.writes()).length;
  const removeLatency = site.lab.faults.add({
    on: 'azure',
    method: 'GET',
    act: { kind: 'latency', ms: 1_500 },
  });
  const first = change(site);
  await until(async () => (await site.writes()).length > writesBefore, takeOverMs, 'its write is journalled');
  stopped.process.kill('SIGSTOP');
  const patches = () => site.lab.requests.filter(({ method }) => method === 'PATCH').length;
  const patchesBefore = patches();
  removeLatency();

  const next = site.start();
  await until(() => isEverywhere(site, first), takeOverMs, 'the next worker lets the first address in');
  const second = change(site);
  await until(() => isEverywhere(site, second), takeOverMs, 'and the second');
  const patchesOfNext = patches() - patchesBefore;
  await next.kill('SIGTERM');
  const rules = site.rules(0);
  const ended = () => stopped.said.filter(({ event }) => event === 'run-ended');
  const endedBefore = ended().length;
  stopped.process.kill('SIGCONT');
  await until(() => ended().length > endedBefore, takeOverMs, 'the stopped worker ends its run');
  expect(ended()[endedBefore]).toMatchObject({ writes: [] });
  expect(['refused', 'failed']).toContain(ended()[endedBefore]!.status);
  expect(patches() - patchesBefore).toBe(patchesOfNext);
  expect(site.rules(0)).toEqual(rules);
  expectOneAtATime(await site.writes());
}, 400_000);
