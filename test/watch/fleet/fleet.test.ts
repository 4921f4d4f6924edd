/** Workers that share gates, and are killed, stopped, and left without their database. */
import { expect, test } from 'vitest';
import { usePostgres } from '../../postgres/server.ts';
import { type FleetSite, openFleetSite, until } from './harness.ts';

const server = usePostgres();
/** More with POSTERN_KILLS; the default keeps the suite short. */
const kills = Number(process.env.POSTERN_FLEET_KILLS ?? 4);
/** The lease of a gate, or the heartbeat of its job and the look for silent workers, and a slow machine. */
const takeOverMs = 30_000;

let address = 0;
/** Atlas begins to use a new address; every gate has to let it in. */
function change({ lab }: FleetSite): string {
  const cidr = `13.48.${++address >> 8}.${address & 255}/32`;
  lab.atlas.addControlPlane('aws', 'eu-north-1', [cidr]);
  return cidr;
}

const isEverywhere = (site: FleetSite, cidr: string) =>
  site.gates.every((_, n) => site.rules(n).includes(cidr) || site.rules(n).includes(cidr.replace('/32', '')));

/** Of one gate no write begins before the one before it is closed, whoever closed it. */
function expectOneAtATime(writes: Awaited<ReturnType<FleetSite['writes']>>): void {
  for (const gateId of new Set(writes.map(write => write.gateId))) {
    const own = writes.filter(write => write.gateId === gateId);
    for (const [index, write] of own.slice(1).entries()) {
      const before = own[index]!;
      expect(before.finishedAtMs, `${gateId}, write ${before.id}`).not.toBeNull();
      expect(write.atMs).toBeGreaterThanOrEqual(before.finishedAtMs!);
    }
  }
}

test('two workers share the gates, and every gate is served', async () => {
  const site = await openFleetSite(await server.createDatabase(), 4, 500);
  const workers = [site.start(), site.start()];
  await until(() => site.lockedOut().length === 0, takeOverMs, 'every gate lets Atlas in');
  const first = change(site);
  await until(() => isEverywhere(site, first), 15_000, 'the new address is let in');
  await until(
    () => workers.every(({ said }) => said.filter(({ kind }) => kind === 'ends').length >= 4),
    15_000,
    'both work',
  );
  for (const worker of workers) await worker.kill('SIGTERM');
  for (const worker of workers) {
    expect(worker.process.exitCode).toBe(0);
    expect(worker.said.at(-1)?.kind).toBe('stopped');
    const count = (wanted: string) => worker.said.filter(({ kind }) => kind === wanted).length;
    expect(count('begins')).toBe(count('ends'));
  }
  // Never two at once on one gate: no run met another's lock.
  expect(site.said.filter(({ status }) => status === 'refused' || status === 'failed')).toEqual([]);
  expectOneAtATime(await site.writes());
}, 90_000);

test(
  `${kills} times one of three workers is killed at some moment: the others carry on, one at a time`,
  async () => {
    const site = await openFleetSite(await server.createDatabase(), 3, 300);
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
  60_000 + kills * 30_000,
);

test('a worker that is stopped in the middle of a write, and goes on after its lease, writes nothing', async () => {
  const site = await openFleetSite(await server.createDatabase(), 1, 500);
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
  await until(async () => (await site.writes()).length > writesBefore, 20_000, 'its write is journalled');
  stopped.process.kill('SIGSTOP');
  const patches = () => site.lab.requests.filter(({ method }) => method === 'PATCH').length;
  const patchesBefore = patches();
  removeLatency();

  const next = site.start();
  await until(() => isEverywhere(site, first), takeOverMs, 'the next worker lets the first address in');
  const second = change(site);
  await until(() => isEverywhere(site, second), 15_000, 'and the second');
  const patchesOfNext = patches() - patchesBefore;
  await next.kill('SIGTERM');
  const rules = site.rules(0);
  const saidBefore = stopped.said.length;
  stopped.process.kill('SIGCONT');
  await until(() => stopped.said.length > saidBefore, 20_000, 'the stopped worker ends its run');
  expect(stopped.said[saidBefore]).toMatchObject({ kind: 'ends', writes: 0 });
  expect(['refused', 'failed']).toContain(stopped.said[saidBefore]!.status);
  expect(patches() - patchesBefore).toBe(patchesOfNext);
  expect(site.rules(0)).toEqual(rules);
  expectOneAtATime(await site.writes());
}, 120_000);

test('without their database workers go on letting addresses in, each by itself, and share again afterwards', async () => {
  const site = await openFleetSite(await server.createDatabase(), 2, 500);
  for (let n = 0; n < 2; n++) site.start({ ALONE_AFTER_MS: '1500' });
  await until(() => site.lockedOut().length === 0, takeOverMs, 'every gate lets Atlas in');
  await server.kill();
  const cidr = change(site);
  await until(() => isEverywhere(site, cidr), 45_000, 'the new address is let in without the database');
  expect(site.said.some(({ kind }) => kind === 'alone')).toBe(true);
  await server.start();
  const sharedBefore = site.said.filter(({ kind }) => kind === 'shares').length;
  await until(
    () => site.said.filter(({ kind }) => kind === 'shares').length >= sharedBefore + 2,
    30_000,
    'both share again',
  );
  const after = change(site);
  await until(() => isEverywhere(site, after), takeOverMs, 'and let in what is new');
  // What was added without the journal was spooled, and is journalled by now.
  await until(
    async () => (await site.writes()).some(({ target }) => target.includes(cidr as never)),
    20_000,
    'the additions made meanwhile are in the journal',
  );
}, 150_000);

test('the control plane is read once for all while a reading is young', async () => {
  const site = await openFleetSite(await server.createDatabase(), 4, 1_000);
  const reads = () => site.lab.requests.filter(({ path }) => path.includes('controlPlaneIPAddresses')).length;
  for (let n = 0; n < 2; n++) site.start({ SHARED_MS: '60000' });
  await until(() => site.said.filter(({ kind }) => kind === 'ends').length >= 16, takeOverMs, 'sixteen runs');
  expect(site.lockedOut()).toEqual([]);
  // Those that began before the first reading was done read for themselves.
  expect(reads()).toBeLessThanOrEqual(4);
}, 90_000);
