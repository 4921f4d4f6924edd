/** The open alerts on a project's KMS, from the lab over real HTTP, and from answers that are odd. */
import { expect, test } from 'vitest';
import { type AtlasClient, createAtlasClient, readKmsAlerts } from '../../src/atlas/index.ts';
import { refusals } from '../../src/lab/index.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { openLab } from '../lab/client.ts';

const denied = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';

/** The vault lets in nobody yet, so Atlas has something to say. */
async function open() {
  const opened = await openLab();
  const { lab, clock } = opened;
  const { clientId, clientSecret } = lab.credentials.atlas.serviceAccount;
  const client = createAtlasClient({
    transport: createTransport({ clock, random: () => 0.5, mode: 'read-only' }),
    clock,
    baseUrl: lab.urls.atlas,
    credentials: { kind: 'service-account', clientId, clientSecret: new Secret(clientSecret, 'test') },
    nonce: () => 'nonce',
  });
  return { ...opened, client };
}

test.each([
  ['open', 0],
  ['tracked', 3_600_000],
])('one that is %s is read, with its time', async (_, trackingMs) => {
  const { client, project, lab, clock } = await open();
  lab.atlas.alerts.behaviour.trackingMs = trackingMs;
  const openedAtMs = clock.now();
  expect(await readKmsAlerts(client, project.id)).toEqual([
    { id: expect.any(String), type: denied, openedAtMs, acknowledgedUntilMs: undefined },
  ]);
});

test('one that is closed is not', async () => {
  const { client, project, lab } = await open();
  lab.atlas.validateKey(project.id);
  project.networkDeniedAlert = 'off';
  expect(await readKmsAlerts(client, project.id)).toEqual([]);
});

test('ours is found behind a thousand others, also where a link forgets what was asked for', async () => {
  const { client, project, lab } = await open();
  lab.atlas.validateKey(project.id);
  for (let i = 0; i < 1_100; i++) lab.atlas.alerts.look(project.id, `OTHER_${i}`, true);
  for (let i = 0; i < 1_100; i++) lab.atlas.alerts.look(project.id, `CLOSED_${i}`, true);
  for (let i = 0; i < 1_100; i++) lab.atlas.alerts.look(project.id, `CLOSED_${i}`, false);
  expect(await readKmsAlerts(client, project.id)).toMatchObject([{ type: denied }]);
  // Three pages of those that are open, and one of those that are tracked: none of the closed ones.
  expect(lab.requests.filter(({ path }) => /\/alerts(\?|$)/.test(path))).toHaveLength(4);
});

test('without the right to read them it says so', async () => {
  const { client, project, lab } = await open();
  lab.faults.add({ on: 'atlas', path: '/alerts', act: refusals.forbidden() });
  await expect(readKmsAlerts(client, project.id)).rejects.toMatchObject({ status: 403 });
});

const one = { id: '1', eventTypeName: denied, status: 'OPEN', created: '2026-11-24T12:00:00Z' };

test('the two questions may both have the alert that changes its status between them', async () => {
  expect(await readKmsAlerts(answering([one]), 'a')).toHaveLength(1);
});

test('who has acknowledged it until when is told', async () => {
  const acknowledgedUntil = '2126-11-24T12:00:00Z';
  expect(await readKmsAlerts(answering([{ ...one, acknowledgedUntil }]), 'a')).toMatchObject([
    { acknowledgedUntilMs: Date.parse(acknowledgedUntil) },
  ]);
});

test('one whose time cannot be read counts as new', async () => {
  expect(await readKmsAlerts(answering([{ ...one, created: 'soon' }]), 'a')).toMatchObject([
    { openedAtMs: Number.POSITIVE_INFINITY },
  ]);
});

test.each([
  [{ ...one, status: undefined }],
  [{ ...one, id: 7 }],
  [{ ...one, created: null }],
])('one that cannot be read is no absence of it: %j', async alert => {
  await expect(readKmsAlerts(answering([alert]), 'a')).rejects.toThrow(/^GET .*alerts: 0\./);
});

test('others are not looked into', async () => {
  expect(await readKmsAlerts(answering([{ eventTypeName: 'NEW_THING', status: 7 }, one]), 'a')).toHaveLength(
    1,
  );
});

test.each([
  [null],
  ['text'],
  [{ ...one, eventTypeName: undefined }],
  [{ ...one, eventTypeName: 7 }],
])('one that does not say what it is could be any: %j', async alert => {
  await expect(readKmsAlerts(answering([one, alert]), 'a')).rejects.toThrow(/^GET .*alerts: 1/);
});

/** A client whose every answer is this one. */
function answering(answer: readonly unknown[]): AtlasClient {
  return {
    get: async () => answer,
    getAll: async () => answer,
    urlOf: path => `https://atlas.invalid${path}`,
  };
}
