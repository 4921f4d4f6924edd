/** Workers in this process, over a real PostgreSQL that does what databases do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import type { Cidr } from '../../../src/address/cidr.ts';
import { openPostgresJournal } from '../../../src/journal/postgres/open.ts';
import { Secret } from '../../../src/secret.ts';
import { createFleet, type FleetOptions } from '../../../src/watch/fleet/index.ts';
import { openBlackHole } from '../../postgres/black-hole.ts';
import { usePostgres } from '../../postgres/server.ts';
import { change, isEverywhere, openFleetSite, takeOverMs, until } from './harness.ts';

const server = usePostgres();
const patienceMs = 30_000;

/** A worker that is quick to notice; it says what it was told, and which gates it looked at. */
function startWorker(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  url: string,
  options: Partial<FleetOptions> = {},
) {
  const said: string[] = [];
  const worked: string[] = [];
  const fleet = createFleet({
    database: () => new Secret(url, 'test'),
    gates: () => ['a', 'b'],
    work: async gate => {
      worked.push(gate);
      return { nextInMs: 1_000 };
    },
    onEvent: ({ kind }) => said.push(kind),
    timing: { tickMs: 200, aloneAfterMs: 1_500, stopWithinMs: 500 },
    ...options,
  });
  fleet.start();
  onTestFinished(() => fleet.stop());
  return { fleet, said, worked };
}

test('a database that hangs is away like one that refuses: the worker looks at every gate, shares again, and ends', async context => {
  const hole = await openBlackHole(context, await server.createDatabase());
  const { fleet, said, worked } = startWorker(context, hole.url);
  const looksAtEach = () => worked.includes('a') && worked.includes('b');
  await until(looksAtEach, patienceMs, 'every gate is looked at');
  hole.cut();
  await until(() => said.includes('alone'), patienceMs, 'it is alone');
  worked.length = 0;
  await until(looksAtEach, patienceMs, 'it looks at every gate by itself');
  hole.mend();
  await until(() => fleet.isSharing, patienceMs, 'it shares again');
  hole.cut();
  const stoppedAtMs = Date.now();
  await fleet.stop();
  expect(Date.now() - stoppedAtMs).toBeLessThan(5_000);
}, 150_000);

test('the jobs of a gate that left every config end', async context => {
  const url = await server.createDatabase();
  let gates = ['a', 'gone'];
  const workers = [
    startWorker(context, url, { gates: () => gates }),
    startWorker(context, url, { gates: () => gates }),
  ];
  const worked = () => workers.flatMap(each => each.worked);
  await until(() => worked().includes('gone'), patienceMs, 'it is looked at');
  gates = ['a'];
  const jobs = () =>
    server.query(
      url,
      `select from postern_jobs.job where singleton_key = 'gone' and state in ('created', 'retry', 'active')`,
    );
  await until(async () => (await jobs()).length === 0, patienceMs, 'it has no job any more');
}, 90_000);

test('a gate that only one worker knows yet is looked at soon, whoever takes its job', async context => {
  const url = await server.createDatabase();
  const older = startWorker(context, url, { gates: () => ['a'] });
  await until(() => older.worked.includes('a'), patienceMs, 'the older worker is there');
  const newer = startWorker(context, url, { gates: () => ['a', 'new'] });
  const looks = () => newer.worked.filter(gate => gate === 'new').length;
  await until(() => looks() >= 5, patienceMs, 'it is looked at again and again');
  expect(older.worked).not.toContain('new');
}, 90_000);

test('a worker takes more gates at once as soon as its config has more places', async context => {
  let places = 1;
  let atOnce = 0;
  startWorker(context, await server.createDatabase(), {
    concurrency: () => places,
    work: async () => {
      atOnce++;
      await until(() => atOnce === 2, patienceMs, 'both are looked at');
      return { nextInMs: 3_600_000 };
    },
  });
  await until(() => atOnce === 1, patienceMs, 'one is looked at');
  places = 2;
  await until(() => atOnce === 2, patienceMs, 'both are looked at');
}, 90_000);

test('a rotated password of the database is picked up: it journals and shares again, without a restart', async context => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-rotated-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'database');
  const owner = await server.createDatabase();
  const rotate = async (password: string, statement: string) => {
    await server.query(owner, `${statement} role rotated login superuser password '${password}'`);
    const url = new URL(owner);
    [url.username, url.password] = ['rotated', password];
    writeFileSync(file, url.href, { mode: 0o600 });
    await server.query(
      owner,
      `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'rotated'`,
    );
  };
  await rotate('the-first-password', 'create');
  const site = await openFleetSite(context, '', 1, undefined, { more: { database: `file:${file}` } });
  site.start();
  await until(() => site.lockedOut().length === 0, takeOverMs, 'the gate lets Atlas in');
  await rotate('the-second-password', 'alter');
  const cidr = change(site);
  await until(() => isEverywhere(site, cidr), takeOverMs, 'the new address is let in');
  const journal = await openPostgresJournal({ url: new Secret(owner, 'test') });
  context.onTestFinished(() => journal.close());
  const isJournalled = async () =>
    (await journal.writes({ limit: 9 })).some(({ target }) => target.includes(cidr as Cidr));
  await until(isJournalled, takeOverMs, 'and journalled');
  const takesJobs = async () => {
    const connections = `select from pg_stat_activity where usename = 'rotated' and application_name = 'postern-jobs'`;
    return (await server.query(owner, connections)).length > 0;
  };
  await until(takesJobs, takeOverMs, 'it takes jobs again');
}, 400_000);
