/** Resource Manager's vaults, as a caller sees them over HTTPS. */
import { expect, test } from 'vitest';
import { foreignRules } from '../../src/lab/default-world.ts';
import { openLab, values } from './client.ts';

const acls = (...ipRules: readonly string[]) => ({
  bypass: 'AzureServices',
  defaultAction: 'Deny',
  ipRules: ipRules.map(value => ({ value })),
});

test.each([
  ['a bare address gets its prefix', '52.0.0.1', '52.0.0.1/32'],
  ['a /32 stays', '52.0.0.1/32', '52.0.0.1/32'],
  ['a range stays', '52.0.0.0/24', '52.0.0.0/24'],
  ['an address that ends in 0', '40.112.209.0', '40.112.209.0/32'],
  ['a range that holds a private one, as in a recorded vault', '128.0.0.0/1', '128.0.0.0/1'],
  ['another of that vault', '0.0.0.0/2', '0.0.0.0/2'],
])('stored: %s', async (_, sent, stored) => {
  const { patchAcls, getVault } = await openLab();
  expect((await patchAcls(acls(sent))).status).toBe(200);
  expect(values(await getVault())).toEqual([stored]);
});

test.each([
  ['10.0.0.0/8', '10.0.0.0/8 belongs to forbidden range 10.0.0.0–10.255.255.255 (private IP addresses)'],
  ['10.1.2.3', '10.1.2.3 belongs to forbidden range 10.0.0.0–10.255.255.255 (private IP addresses)'],
  [
    '172.31.0.0/16',
    '172.31.0.0/16 belongs to forbidden range 172.16.0.0–172.31.255.255 (private IP addresses)',
  ],
  [
    '192.168.1.0/24',
    '192.168.1.0/24 belongs to forbidden range 192.168.0.0-192.168.255.255 (private IP addresses)',
  ],
  ['2001:db8::/32', '2001:db8::/32 is not a valid IPv4 address or CIDR range.'],
  ['52.0.0.256', '52.0.0.256 is not a valid IPv4 address or CIDR range.'],
  ['52.0.0.1/33', '52.0.0.1/33 is not a valid IPv4 address or CIDR range.'],
  ['', ' is not a valid IPv4 address or CIDR range.'],
])('refused, and nothing is written: %s', async (sent, sentence) => {
  const { patchAcls, getVault } = await openLab();
  const before = (await getVault()).text;
  const { status, json } = await patchAcls(acls('52.0.0.1', sent));
  expect({ status, json }).toEqual({
    status: 400,
    json: {
      error: {
        code: 'BadRequest',
        message: `Invalid value found at properties.networkAcls.ipRules[1].value: ${sentence}`,
      },
    },
  });
  expect((await getVault()).text).toBe(before);
});

test('a thousand rules fit, one more does not', async () => {
  const { patchAcls, getVault } = await openLab();
  const rules = Array.from({ length: 1_001 }, (_, i) => `52.${i >> 8}.${i & 255}.1/32`);
  expect((await patchAcls(acls(...rules.slice(0, 1_000)))).status).toBe(200);
  expect((await patchAcls(acls(...rules))).json.error.code).toBe('BadRequest');
  expect(values(await getVault())).toHaveLength(1_000);
});

test.each([
  ['refuse', 400, undefined],
  ['mask', 200, '52.0.0.0/24'],
  ['keep', 200, '52.0.0.9/24'],
] as const)('host bits, where Azure would %s them', async (hostBits, status, stored) => {
  const { patchAcls, getVault } = await openLab({ hostBits });
  expect((await patchAcls(acls('52.0.0.9/24'))).status).toBe(status);
  if (stored !== undefined) expect(values(await getVault())).toEqual([stored]);
});

test.each([
  ['keep', 200, ['52.0.0.1/32', '52.0.0.1/32']],
  ['dedupe', 200, ['52.0.0.1/32']],
  ['refuse', 400, foreignRules],
] as const)('one address twice, where Azure would %s it', async (duplicates, status, stored) => {
  const { patchAcls, getVault } = await openLab({ duplicates });
  expect((await patchAcls(acls('52.0.0.1', '52.0.0.1/32'))).status).toBe(status);
  expect(values(await getVault())).toEqual(stored);
});

test.each([
  ['preserved', ['99.0.0.1/32', '52.0.0.1/32']],
  ['sorted', ['52.0.0.1/32', '99.0.0.1/32']],
] as const)('the order of the rules, %s', async (ruleOrder, stored) => {
  const { patchAcls, getVault } = await openLab({ ruleOrder });
  await patchAcls(acls('99.0.0.1', '52.0.0.1'));
  expect(values(await getVault())).toEqual(stored);
});

test.each([
  ['no networkAcls', { tags: { a: 'b' } }],
  ['networkAcls that are null', { properties: { networkAcls: null } }],
  ['networkAcls without ipRules', { properties: { networkAcls: { bypass: 'AzureServices' } } }],
])('a PATCH with %s keeps the rules', async (_, body) => {
  const { arm, vaultId, getVault } = await openLab();
  expect((await arm('PATCH', vaultId, body)).status).toBe(200);
  expect(values(await getVault())).toEqual(foreignRules);
});

test('an empty list that is sent is written', async () => {
  const { patchAcls, getVault } = await openLab();
  await patchAcls(acls());
  expect(values(await getVault())).toEqual([]);
});

test.each([
  ['keep', 1],
  ['clear', 0],
] as const)('virtual network rules that are not sent: %s', async (omittedVirtualNetworkRules, count) => {
  const { patchAcls, getVault } = await openLab({ omittedVirtualNetworkRules });
  await patchAcls(acls('52.0.0.1'));
  expect((await getVault()).json.properties.networkAcls.virtualNetworkRules).toHaveLength(count);
});

test('subnet ids come back in lower case', async () => {
  const { patchAcls, getVault } = await openLab();
  const id = '/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/V/subnets/N';
  await patchAcls({ ...acls(), virtualNetworkRules: [{ id, ignoreMissingVnetServiceEndpoint: true }] });
  expect((await getVault()).json.properties.networkAcls.virtualNetworkRules).toEqual([
    { id: id.toLowerCase(), ignoreMissingVnetServiceEndpoint: true },
  ]);
});

test.each([
  ['a body that is no JSON', '{"properties":', 400, 'InvalidRequestContent'],
  ['a body that is a list', [], 400, 'BadRequest'],
  ['rules that are no list', { properties: { networkAcls: { ipRules: {} } } }, 400, 'BadRequest'],
  ['a rule that is null', { properties: { networkAcls: { ipRules: [null] } } }, 400, 'BadRequest'],
  [
    'an unknown default action',
    { properties: { networkAcls: { defaultAction: 'deny!' } } },
    400,
    'BadRequest',
  ],
  [
    'ipRules and IpRules',
    { properties: { networkAcls: { ipRules: [], IpRules: [] } } },
    409,
    'AmbiguousPolicyEvaluationPaths',
  ],
])('refused: %s', async (_, body, status, code) => {
  const { arm, vaultId, getVault } = await openLab();
  const answer = await arm('PATCH', vaultId, body);
  expect({ status: answer.status, code: answer.json.error.code }).toEqual({ status, code });
  expect(values(await getVault())).toEqual(foreignRules);
});

test('each write is told in systemData, by whom and when, and has no ETag', async () => {
  const { patchAcls, getVault, lab, vaultId, clock } = await openLab();
  const { headers } = await patchAcls(acls('52.0.0.1'));
  expect(headers).not.toHaveProperty('etag');
  expect(headers['x-ms-ratelimit-remaining-subscription-writes']).toBe('199');
  const first = (await getVault()).json.systemData;
  expect(first.lastModifiedBy).toBe(lab.credentials.azure.clientId);
  await patchAcls(acls('52.0.0.1'));
  const second = (await getVault()).json.systemData;
  expect(Date.parse(second.lastModifiedAt)).toBeGreaterThan(Date.parse(first.lastModifiedAt));
  clock.advance(60_000);
  lab.azure.edit(vaultId, 'terraform@example.com', () => {});
  expect((await getVault()).json.systemData).toMatchObject({
    lastModifiedBy: 'terraform@example.com',
    lastModifiedAt: '2026-11-24T12:01:00.000Z',
    createdAt: '2026-11-24T12:00:00.000Z',
  });
});

test('ids are not case-sensitive; the one it was made with comes back', async () => {
  const { arm, vaultId } = await openLab();
  expect((await arm('GET', vaultId.toUpperCase())).json.id).toBe(vaultId);
});

test('a vault that is not there', async () => {
  const { arm, vaultId } = await openLab();
  const { status, headers, json } = await arm('GET', `${vaultId}x`);
  expect(status).toBe(404);
  expect(headers['x-ms-failure-cause']).toBe('gateway');
  expect(json.error).toEqual({
    code: 'ResourceNotFound',
    message:
      "The Resource 'Microsoft.KeyVault/vaults/payments-cmkx' under resource group 'payments' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
  });
});

test.each([
  ['no token', {}, '?api-version=2026-02-01', 401, 'AuthenticationFailed'],
  [
    'a token of somebody',
    { authorization: 'Bearer x' },
    '?api-version=2026-02-01',
    401,
    'InvalidAuthenticationToken',
  ],
  ['no api-version', 'token', '', 400, 'MissingApiVersionParameter'],
  ['an empty api-version', 'token', '?api-version=', 400, 'MissingApiVersionParameter'],
  ['an api-version that does not exist', 'token', '?api-version=2026-01-01', 400, 'InvalidResourceType'],
])('refused: %s', async (_, headers, query, status, code) => {
  const { plainAzure, vaultId, armToken } = await openLab();
  const answer = await plainAzure(vaultId + query, {
    headers: headers === 'token' ? { authorization: `Bearer ${armToken}` } : (headers as any),
  });
  expect({ status: answer.status, code: answer.json.error.code }).toEqual({ status, code });
});

test('vaults are listed by resource group and by subscription', async () => {
  const { arm, vaultId, lab } = await openLab();
  const [, , subscription] = vaultId.split('/');
  const other = vaultId.replace('/payments/', '/sales/');
  lab.azure.addVault(other, lab.azure.get(vaultId).properties.networkAcls!, 't');
  const ids = async (scope: string) =>
    (await arm('GET', `${scope}/providers/Microsoft.KeyVault/vaults`)).json.value.map(({ id }: any) => id);
  expect(await ids(`/subscriptions/${subscription}`)).toEqual([vaultId, other]);
  expect(await ids(`/subscriptions/${subscription}/resourcegroups/SALES`)).toEqual([other]);
  expect(await ids(`/subscriptions/${subscription}/resourceGroups/sale`)).toEqual([]);
});

test.each(['read', 'write'] as const)('without the right to %s', async right => {
  const { lab, getVault, patchAcls } = await openLab();
  lab.azure.rights[right] = false;
  const answer = right === 'read' ? await getVault() : await patchAcls(acls());
  expect(answer.status).toBe(403);
  expect(answer.json.error.code).toBe('AuthorizationFailed');
  expect(answer.json.error.message).toContain(`'Microsoft.KeyVault/vaults/${right}'`);
});

test.each([
  ['ScopeLocked', 409],
  ['RequestDisallowedByPolicy', 403],
] as const)('%s refuses writes and no reads', async (code, status) => {
  const { lab, getVault, patchAcls } = await openLab();
  lab.azure.refusesWrites = code;
  const answer = await patchAcls(acls());
  expect({ status: answer.status, code: answer.json.error.code }).toEqual({ status, code });
  expect(values(await getVault())).toEqual(foreignRules);
});

test('of two writes at once, the second is refused and writes nothing', async () => {
  const { patchAcls, getVault } = await openLab({ writeMs: 100 });
  const answers = await Promise.all([patchAcls(acls('52.0.0.1')), patchAcls(acls('52.0.0.2'))]);
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
  expect(answers.find(({ status }) => status === 409)!.json.error.code).toBe('ConflictError');
  const won = answers[0]!.status === 200 ? '52.0.0.1/32' : '52.0.0.2/32';
  expect(values(await getVault())).toEqual([won]);
  expect((await patchAcls(acls('52.0.0.3'))).status).toBe(200);
});

test('stale reads show the version before, and then the newest', async () => {
  const { lab, patchAcls, getVault } = await openLab();
  await patchAcls(acls('52.0.0.1'));
  lab.azure.staleReads = 1;
  expect(values(await getVault())).toEqual(foreignRules);
  expect(values(await getVault())).toEqual(['52.0.0.1/32']);
});

test('PUT replaces the vault, keeps the rules that it does not send, and what Azure owns', async () => {
  const { arm, vaultId, getVault } = await openLab();
  const { properties, location } = (await getVault()).json;
  const { tenantId, sku } = properties;
  const { status, json } = await arm('PUT', vaultId, {
    location,
    properties: { tenantId, sku, accessPolicies: [], vaultUri: 'https://elsewhere.example/' },
  });
  expect(status).toBe(200);
  expect(json.properties.networkAcls).toEqual(properties.networkAcls);
  expect(json.properties.vaultUri).toBe('https://payments-cmk.vault.azure.net/');
  expect(json.properties.provisioningState).toBe('Succeeded');
});

test('PUT makes a vault that was not there', async () => {
  const { arm, vaultId, lab } = await openLab();
  const id = vaultId.replace('payments-cmk', 'sales-cmk');
  const properties = { tenantId: 't', sku: { family: 'A', name: 'standard' }, networkAcls: acls('52.0.0.1') };
  expect((await arm('PUT', id, { location: 'eastus2', properties })).status).toBe(200);
  expect((await arm('GET', id)).json).toMatchObject({
    name: 'sales-cmk',
    systemData: { createdBy: lab.credentials.azure.clientId },
    properties: { sku: { name: 'standard' }, vaultUri: 'https://sales-cmk.vault.azure.net/' },
  });
});

test.each([
  ['no location', { properties: {} }, 'LocationRequired'],
  ['no tenant', { location: 'eastus2', properties: { sku: {} } }, 'BadRequest'],
  [
    'another location',
    { location: 'westus', properties: { tenantId: 't', sku: {} } },
    'InvalidResourceLocation',
  ],
])('PUT is refused: %s', async (_, body, code) => {
  const { arm, vaultId } = await openLab();
  expect((await arm('PUT', vaultId, body)).json.error.code).toBe(code);
});
