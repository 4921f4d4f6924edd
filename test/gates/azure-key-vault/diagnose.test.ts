/** What `doctor` finds out of an identity's rights without trying them. */
import { expect, test } from 'vitest';
import { type Permission, rightsFindings } from '../../../src/gates/azure-key-vault/rights.ts';
import { openAzureSubject } from './subject.ts';

const role = (more: Partial<Permission>): Permission => ({
  actions: [],
  notActions: [],
  dataActions: [],
  notDataActions: [],
  ...more,
});
const exact = role({ actions: ['Microsoft.KeyVault/vaults/read', 'Microsoft.KeyVault/vaults/write'] });

test.each<[string, readonly Permission[], readonly string[]]>([
  ['just what is needed', [exact], []],
  ['in another case', [role({ actions: exact.actions.map(name => name.toUpperCase()) })], []],
  ['by two roles', [role({ actions: [exact.actions[0]!] }), role({ actions: [exact.actions[1]!] })], []],
  ['by a wildcard', [role({ actions: ['Microsoft.KeyVault/vaults/*'] })], ['too-many-rights']],
  [
    'by a wildcard inside',
    [role({ actions: ['Microsoft.KeyVault/*/read', 'microsoft.keyvault/vaults/write'] })],
    [],
  ],
  ['to read only', [role({ actions: ['*/read'] })], ['right-lacking']],
  ['none', [], ['right-lacking', 'right-lacking']],
  [
    'of another service',
    [role({ actions: ['MicrosoftXKeyVault/vaults/read'] })],
    ['right-lacking', 'right-lacking'],
  ],
  [
    'that only begin alike',
    [role({ actions: ['Microsoft.KeyVault/vaults'] })],
    ['right-lacking', 'right-lacking'],
  ],
  ['of an owner', [role({ actions: ['*'] })], ['too-many-rights']],
  [
    'of a contributor',
    [
      role({
        actions: ['*'],
        notActions: ['Microsoft.Authorization/*/write', 'Microsoft.Authorization/*/Delete'],
      }),
    ],
    ['too-many-rights'],
  ],
  [
    'withheld by the role that gives them',
    [
      role({
        actions: ['*'],
        notActions: ['Microsoft.KeyVault/vaults/write', '*/delete', 'Microsoft.Authorization/*'],
      }),
    ],
    ['right-lacking'],
  ],
  [
    'withheld by one role and given by another',
    [role({ actions: ['*/read'], notActions: ['Microsoft.KeyVault/*'] }), exact],
    [],
  ],
  [
    'to use the keys too',
    [exact, role({ dataActions: ['Microsoft.KeyVault/vaults/keys/*'] })],
    ['too-many-rights'],
  ],
])('rights %s', (_, permissions, ids) => {
  expect(rightsFindings(permissions).map(({ id }) => id)).toEqual(ids);
});

test('an owner is told what it could do', () => {
  const [finding] = rightsFindings([role({ actions: ['*'], dataActions: ['*'] })]);
  expect(finding!.message).toMatch(
    /may also give itself and others any right, delete the vault, use the keys in the vault and delete the keys/,
  );
});

test.each<[string, (azure: any) => void, readonly string[]]>([
  ['the least rights', () => {}, []],
  ['no right to write', azure => (azure.rights = { read: true, write: false }), ['error right-lacking']],
  ['an owner', azure => (azure.roles = [{ actions: ['*'] }]), ['warning too-many-rights']],
  [
    'a lock that forbids writing',
    azure => (azure.locks = [{ name: 'frozen', level: 'ReadOnly' }]),
    ['error read-only-lock'],
  ],
  [
    'a lock that forbids deleting',
    azure => (azure.locks = [{ name: 'precious', level: 'CanNotDelete' }]),
    [],
  ],
  ['no lock', azure => (azure.locks = []), []],
])('over HTTP: %s', async (_, arrange, findings) => {
  const subject = await openAzureSubject();
  arrange(subject.open.lab.azure);
  const found = await (await subject.openGate('read-only')).diagnose();
  expect(found.map(({ severity, id }) => `${severity} ${id}`)).toEqual(findings);
  expect(subject.requests.filter(subject.isWrite)).toEqual([]);
});

test.each<
  [string, Parameters<Awaited<ReturnType<typeof openAzureSubject>>['faults']['add']>[0]['act'], RegExp]
>([
  [
    'it may not ask',
    { kind: 'answer', status: 403, body: '{"error":{"code":"AuthorizationFailed","message":"no right"}}' },
    /Azure answered 403 AuthorizationFailed\. no right/,
  ],
  ['an empty answer', { kind: 'answer', status: 200, body: '' }, /not a list as Azure documents it/],
  ['another shape', { kind: 'answer', status: 200, body: '{"value":"all"}' }, /not a list.*value/],
  [
    'the first of several pages',
    { kind: 'answer', status: 200, body: '{"value":[],"nextLink":"https://management.azure.com/next"}' },
    /more pages/,
  ],
  ['no answer', { kind: 'cut-before' }, /no answer/],
])('that it cannot be found out is a finding: %s', async (_, act, message) => {
  const subject = await openAzureSubject();
  subject.faults.add({ on: 'azure', path: '/permissions', act });
  const found = await (await subject.openGate('read-only')).diagnose();
  expect(found).toMatchObject([{ id: 'rights-unknown', severity: 'info' }]);
  expect(found[0]!.message).toMatch(message);
});

test('a token that is not to be had is a finding too', async () => {
  const subject = await openAzureSubject();
  subject.faults.add({
    on: 'entra',
    act: { kind: 'answer', status: 401, body: '{"error":"invalid_client"}' },
  });
  const found = await (await subject.openGate('read-only')).diagnose();
  expect(found).toMatchObject([{ id: 'rights-unknown' }]);
});
