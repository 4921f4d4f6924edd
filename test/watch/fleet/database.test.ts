/** Workers in this process, over a real PostgreSQL that does what databases do. */
import { expect, type TestContext, test } from 'vitest';
import { Secret } from '../../../src/secret.ts';
import { createFleet, type FleetOptions } from '../../../src/watch/fleet/index.ts';
import { openBlackHole } from '../../postgres/black-hole.ts';
import { usePostgres } from '../../postgres/server.ts';
import { until } from './harness.ts';

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
    database: new Secret(url, 'test'),
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
