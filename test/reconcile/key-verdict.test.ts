import { expect, test } from 'vitest';
import type { EncryptionAtRest } from '../../src/atlas/encryption-at-rest.ts';
import type { Gate } from '../../src/gates/gate.ts';
import { keyVerdictOf } from '../../src/reconcile/key-verdict.ts';
import { projectId } from '../plan/fixtures.ts';

const vault =
  '/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourcegroups/payments/providers/microsoft.keyvault/vaults/payments-cmk';
const arn = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const version = 'projects/p/locations/global/keyrings/r/cryptokeys/k/cryptokeyversions/1';

const azureKeyVault = {
  enabled: true,
  valid: true,
  subscriptionID: 'EA42F556-5106-4743-99b0-c129bfa71a47',
  resourceGroupName: 'payments',
  keyVaultName: 'Payments-CMK',
};
const awsKms = { enabled: true, valid: true, customerMasterKeyID: '1234abcd-12ab-34cd-56ef-1234567890ab' };
const googleCloudKms = { enabled: true, valid: true, keyVersionResourceID: version };

test.each<[string, Pick<Gate, 'kind' | 'key'>, object, string]>([
  ['a vault', { kind: 'azure-key-vault', key: vault }, { azureKeyVault }, 'valid'],
  [
    'a vault that is not valid',
    { kind: 'azure-key-vault', key: vault },
    { azureKeyVault: { ...azureKeyVault, valid: false } },
    'invalid',
  ],
  [
    'a vault of which Atlas says nothing',
    { kind: 'azure-key-vault', key: vault },
    { azureKeyVault: { ...azureKeyVault, valid: null } },
    'unknown',
  ],
  [
    'a vault that is not used',
    { kind: 'azure-key-vault', key: vault },
    { azureKeyVault: { ...azureKeyVault, enabled: false } },
    'unknown',
  ],
  [
    'another vault',
    { kind: 'azure-key-vault', key: vault },
    { azureKeyVault: { ...azureKeyVault, keyVaultName: 'other' } },
    'unknown',
  ],
  [
    'a vault of another subscription',
    { kind: 'azure-key-vault', key: vault },
    { azureKeyVault: { ...azureKeyVault, subscriptionID: 'x' } },
    'unknown',
  ],
  ['no vault at all', { kind: 'azure-key-vault', key: vault }, { awsKms }, 'unknown'],
  ['a key by its id', { kind: 'aws-key-policy', key: arn }, { awsKms }, 'valid'],
  [
    'a key by its ARN',
    { kind: 'aws-key-policy', key: arn },
    { awsKms: { ...awsKms, customerMasterKeyID: arn } },
    'valid',
  ],
  [
    'another key',
    { kind: 'aws-key-policy', key: arn },
    { awsKms: { ...awsKms, customerMasterKeyID: 'ab' } },
    'unknown',
  ],
  [
    'an alias',
    { kind: 'aws-key-policy', key: arn },
    { awsKms: { ...awsKms, customerMasterKeyID: 'alias/x' } },
    'unknown',
  ],
  ['a role, which may use any key', { kind: 'aws-role-policy', key: undefined }, { awsKms }, 'valid'],
  [
    'a level, which stands before any key',
    { kind: 'gcp-access-level', key: undefined },
    { googleCloudKms },
    'valid',
  ],
  ['a level, and no Google key', { kind: 'gcp-access-level', key: undefined }, { azureKeyVault }, 'unknown'],
])('%s', (_, gate, answer, verdict) => {
  expect(keyVerdictOf(projectId, answer as EncryptionAtRest, gate)).toMatchObject({ projectId, verdict });
});
