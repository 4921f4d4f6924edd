/** Microsoft Entra and Resource Manager, met by Microsoft's own SDK over TLS. */
import tls from 'node:tls';
import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { ClientSecretCredential } from '@azure/identity';
import { afterEach, expect, test } from 'vitest';
import { trustLab } from '../../src/lab/index.ts';
import { type OpenLab, openLab } from './client.ts';

const trusted = tls.getCACertificates('default');
afterEach(() => tls.setDefaultCACertificates(trusted));

const scope = 'https://management.azure.com/.default';

function sdk({ lab, vaultId }: OpenLab, secret = lab.credentials.azure.clientSecret) {
  trustLab(lab);
  const { tenantId, clientId } = lab.credentials.azure;
  const credential = new ClientSecretCredential(tenantId, clientId, secret, {
    authorityHost: lab.urls.azureAuthority,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
  const client = new KeyVaultManagementClient(credential, vaultId.split('/')[2]!, {
    endpoint: lab.urls.azureResourceManager,
    retryOptions: { maxRetries: 0 },
  });
  return { credential, client };
}

test('the SDK gets a token, reads the vault, and changes its rules', async () => {
  const open = await openLab();
  const { credential, client } = sdk(open);
  expect((await credential.getToken(scope)).token).toMatch(/^lab\./);
  const before = await client.vaults.get('payments', 'payments-cmk');
  expect(before.properties.networkAcls?.ipRules).toEqual([
    { value: '198.17.0.0/24' },
    { value: '52.7.232.43/32' },
  ]);
  const ipRules = [...before.properties.networkAcls!.ipRules!, { value: '44.1.1.1' }];
  await client.vaults.update('payments', 'payments-cmk', {
    properties: { networkAcls: { ...before.properties.networkAcls, ipRules } },
  });
  const after = await client.vaults.get('payments', 'payments-cmk');
  expect(after.properties.networkAcls?.ipRules?.at(-1)).toEqual({ value: '44.1.1.1/32' });
  expect(after.properties.networkAcls?.virtualNetworkRules).toHaveLength(1);
  expect(after.systemData?.lastModifiedBy).toBe(open.lab.credentials.azure.clientId);
});

test('the SDK tells a wrong secret by its AADSTS number', async () => {
  const { credential } = sdk(await openLab(), 'wrong');
  await expect(credential.getToken(scope)).rejects.toThrow(/7000215: Invalid client secret provided/);
});

test('the SDK tells a vault that is not there by its code', async () => {
  const { client } = sdk(await openLab());
  await expect(client.vaults.get('payments', 'gone')).rejects.toMatchObject({
    statusCode: 404,
    code: 'ResourceNotFound',
  });
});

test('without trust in the certificate there is no connection', async () => {
  const { lab } = await openLab();
  await expect(fetch(lab.urls.azureAuthority)).rejects.toThrow();
});

test.each([
  ['another client', { client_id: 'x' }, 401, 7000215],
  ['no scope', { scope: '' }, 400, 900144],
  ['another grant', { grant_type: 'password' }, 400, 70003],
])('no token for %s', async (_, fields, status, code) => {
  const { entraToken } = await openLab();
  const answer = await entraToken(fields);
  expect(answer.status).toBe(status);
  expect(answer.json.error_codes).toEqual([code]);
  expect(answer.json.error_description).toMatch(/^AADSTS\d+: /);
});
