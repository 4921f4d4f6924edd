/** What doctor and init read of a project, from the lab over real HTTP, and from answers that are odd. */
import { expect, onTestFinished, test } from 'vitest';
import {
  type AtlasClient,
  createAtlasClient,
  identityForKey,
  readCloudProviderAccess,
  readClusters,
  readNetworkDeniedAlert,
  readSecretExpiry,
} from '../../src/atlas/index.ts';
import { labOrganizationId } from '../../src/lab/default-world.ts';
import { ManualClock, startLab } from '../../src/lab/index.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';

const roleArn = 'arn:aws:iam::111122223333:role/atlas';
const awsKey = {
  cloud: 'aws',
  keyArn: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  roleArn,
  roleId: '6a793f60c0eb9e7a17714d00',
} as const;

async function open() {
  const clock = new ManualClock(Date.parse('2026-11-24T12:00:00Z'));
  const lab = await startLab({ clock });
  onTestFinished(() => lab.close());
  const project = lab.atlas.addProject('payments', labOrganizationId, awsKey);
  const { clientId, clientSecret } = lab.credentials.atlas.serviceAccount;
  const client = createAtlasClient({
    transport: createTransport({ clock, random: () => 0.5, mode: 'read-only' }),
    clock,
    baseUrl: lab.urls.atlas,
    credentials: { kind: 'service-account', clientId, clientSecret: new Secret(clientSecret, 'test') },
    nonce: () => 'nonce',
  });
  return { lab, project, client };
}

test.each(['on', 'off', 'missing'] as const)('the alert is %s', async state => {
  const { client, project } = await open();
  project.networkDeniedAlert = state;
  expect(await readNetworkDeniedAlert(client, project.id)).toBe(state);
});

test('a second, disabled alert does not hide the enabled one', async () => {
  const event = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';
  const client = answering([
    { eventTypeName: event, enabled: false },
    { eventTypeName: event, enabled: true },
  ]);
  expect(await readNetworkDeniedAlert(client, 'a')).toBe('on');
});

test('clusters tell their key provider and their clouds', async () => {
  const { lab, client, project } = await open();
  const cluster = lab.atlas.createCluster(project.id, 'orders');
  cluster.keyProvider = 'NONE';
  cluster.clouds = ['AWS', 'GCP'];
  expect(await readClusters(client, project.id)).toEqual([
    { name: 'orders', state: 'CREATING', keyProvider: 'NONE', clouds: ['AWS', 'GCP'] },
  ]);
});

test('a cluster without its name is no answer', async () => {
  await expect(readClusters(answering([{ id: 'x' }]), 'a')).rejects.toThrow('0.name');
});

test('the role that Atlas assumes is found', async () => {
  const { client, project } = await open();
  const { awsRoles } = await readCloudProviderAccess(client, project.id);
  expect(identityForKey(awsRoles, awsKey.roleId)).toBe(roleArn);
  expect(identityForKey(awsRoles, undefined)).toBe(roleArn);
});

test('one of several roles is taken only when it is named', () => {
  const role = (roleId: string) => ({ roleId, identity: `arn:${roleId}`, forEncryptionAtRest: true });
  expect(identityForKey([role('a'), role('b')], 'b')).toBe('arn:b');
  expect(identityForKey([role('a'), role('b')], undefined)).toBeUndefined();
});

test.each([
  [{ gcpServiceAccounts: [{ gcpServiceAccountForAtlas: 'a@b' }] }],
  [{ gcpServiceAccounts: [{ service_account_for_atlas: 'a@b' }], awsIamRoles: null }],
])('both spellings of the service account are read: %j', async answer => {
  const { gcpServiceAccounts, awsRoles } = await readCloudProviderAccess(answering(answer), 'a');
  expect(gcpServiceAccounts).toMatchObject([{ identity: 'a@b' }]);
  expect(awsRoles).toEqual([]);
});

test('the end of a secret is told, where Atlas tells it', async () => {
  const { lab, client, project } = await open();
  expect(await readSecretExpiry(client, project.id, 'mdb_sa_id_lab')).toBeUndefined();
  lab.atlas.secretExpiresAtMs = Date.parse('2026-12-01T00:00:00Z');
  expect(await readSecretExpiry(client, project.id, 'mdb_sa_id_lab')).toBe(lab.atlas.secretExpiresAtMs);
});

/** A client whose every answer is this one. */
function answering(answer: unknown): AtlasClient {
  return {
    get: async () => answer,
    getAll: async () => answer as readonly unknown[],
    urlOf: path => `https://atlas.invalid${path}`,
  };
}
