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
