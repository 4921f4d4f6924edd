import { expect, test } from 'vitest';
import { usePostgres } from '../../postgres/server.ts';
import { change, isEverywhere, openFleetSite, takeOverMs, until, type Worker } from './harness.ts';

const server = usePostgres();

test('without their database workers go on letting addresses in, each by itself, and share again afterwards', async context => {
  const site = await openFleetSite(context, await server.createDatabase(), 2);
  const workers = [site.start(), site.start()];
  await until(() => site.lockedOut().length === 0, takeOverMs, 'every gate lets Atlas in');
  await server.kill();
  const cidr = change(site);
  await until(() => isEverywhere(site, cidr), takeOverMs, 'the new address is let in without the database');
  expect(site.said.some(({ event }) => event === 'fleet-alone')).toBe(true);
  await server.start();
  // They may share again before the server says that it has started.
  await until(() => workers.every(shares), takeOverMs, 'both share again');
  const after = change(site);
  await until(() => isEverywhere(site, after), takeOverMs, 'and let in what is new');
  // What was added without the journal was spooled, and is journalled by now.
  await until(
    async () => (await site.writes()).some(({ target }) => target.includes(cidr as never)),
    takeOverMs,
    'the additions made meanwhile are in the journal',
  );
}, 400_000);

/** Whether the last that a worker said of the fleet is that it shares. */
function shares({ said }: Worker): boolean {
  const last = said.findLast(({ event }) => event === 'fleet-shares' || event === 'fleet-alone');
  return last?.event === 'fleet-shares';
}
