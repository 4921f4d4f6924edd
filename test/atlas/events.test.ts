/** Events over real HTTP, against the lab. */
import { expect, test } from 'vitest';
import { createAtlasClient, type RateLimitLeft, readEvents } from '../../src/atlas/index.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { openLab } from '../lab/client.ts';

async function setUp() {
  const { lab, project, clock } = await openLab();
  const left: RateLimitLeft[] = [];
  const { clientId, clientSecret } = lab.credentials.atlas.serviceAccount;
  const client = createAtlasClient({
    transport: createTransport({ clock, random: () => 0, mode: 'read-only', maxRetries: 0 }),
    clock,
    baseUrl: lab.urls.atlas,
    credentials: { kind: 'service-account', clientId, clientSecret: new Secret(clientSecret, 'env:LAB') },
    nonce: () => 'nonce',
    onRateLimit: each => left.push(each),
  });
  const read = (sinceMs = 0) => readEvents(client, project.id, { sinceMs });
  return { lab, project, clock, left, read };
}

test('moves and creations are events, newest first, since a time', async () => {
  const { lab, project, clock, read } = await setUp();
  clock.advance(60_000);
  const sinceMs = clock.now();
  lab.atlas.announceMove(project.clusters[0]!);
  clock.advance(1_000);
  lab.atlas.finishMove(project.clusters[0]!);
  expect(await read(sinceMs)).toMatchObject([
    { type: 'CLUSTER_IP_MIGRATED_FINAL_ROUND', clusterName: 'orders', isTrouble: false },
    { type: 'CLUSTER_IP_MIGRATED_FIRST_ROUND', atMs: sinceMs },
  ]);
  expect((await read()).map(({ type }) => type)).toContain('CLUSTER_CREATED');
  expect(await read(clock.now() + 1_000)).toEqual([]);
});

test('a key that Atlas finds it cannot use is trouble', async () => {
  const { lab, project, clock, read } = await setUp();
  const sinceMs = clock.now();
  lab.atlas.validateKey(project.id);
  lab.atlas.validateKey(project.id);
  expect((await read(sinceMs)).filter(({ isTrouble }) => isTrouble)).toMatchObject([
    { type: 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED' },
  ]);
});

test('an Atlas that does not know one of the types is asked for all, and what is not watched is left out', async () => {
  const { lab, project, read } = await setUp();
  lab.atlas.events.emit(project.id, 'MONGODB_USER_DELETED');
  lab.faults.add({
    on: 'atlas',
    path: '/events',
    times: 1,
    act: { kind: 'answer', status: 400, body: '{"error":400,"errorCode":"INVALID_ENUM_VALUE"}' },
  });
  const types = (await read()).map(({ type }) => type);
  expect(types).toContain('CLUSTER_READY');
  expect(types).not.toContain('MONGODB_USER_DELETED');
});

test.each<[string, (body: any) => unknown]>([
  ['no list', () => ({ results: 7 })],
  ['no object', () => null],
])('an answer that is none, %s, is an error', async (_, edit) => {
  const { lab, read } = await setUp();
  lab.faults.add({ on: 'atlas', path: '/events', act: { kind: 'edit', edit } });
  await expect(read()).rejects.toThrow(/results/);
});

test('what is no event is left out, and the others are had', async () => {
  const { lab, read } = await setUp();
  const edit = ({ results }: any) => ({
    results: [null, 7, {}, { ...results[0], created: 'soon' }, results[0]],
  });
  lab.faults.add({ on: 'atlas', path: '/events', act: { kind: 'edit', edit } });
  expect(await read()).toHaveLength(1);
});

test('its rate limit is tight, and what is left is told', async () => {
  const { left, read } = await setUp();
  await read();
  expect(left).toMatchObject([{ limit: 300, remaining: 299 }]);
  await Promise.all(Array.from({ length: 299 }, () => read()));
  await expect(read()).rejects.toThrow(/429/);
  expect(left.at(-1)?.remaining).toBe(0);
});
