/** The Atlas Admin API of the lab, as a caller sees it over HTTP. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { accept, type OpenLab, openLab } from './client.ts';

const base = '/api/atlas/v2';
const controlPlane = `${base}/unauth/controlPlaneIPAddresses`;
const plain = { headers: { accept: accept('2023-11-15') } };

test('the control plane needs no credentials, and names its version', async () => {
  const { plainAtlas } = await openLab();
  const { status, headers, json } = await plainAtlas(controlPlane, plain);
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    'content-type': 'application/vnd.atlas.2023-11-15+json;charset=utf-8',
    'ratelimit-limit': '400',
    'ratelimit-remaining': '399',
  });
  expect(Object.keys(json)).toEqual(['inbound', 'outbound']);
  expect(Object.keys(json.outbound).toSorted()).toEqual(['aws', 'azure', 'gcp']);
});

test('gateways are there once Atlas has them', async () => {
  const { plainAtlas, lab } = await openLab();
  lab.atlas.gateways = [
    { name: 'x', ips: { inbound: {}, outbound: { aws: { 'us-east-1': ['44.3.3.3/32'] } } } },
  ];
  expect((await plainAtlas(controlPlane, plain)).json.gateways).toEqual(lab.atlas.gateways);
});

test('control-plane addresses come and go', async () => {
  const { plainAtlas, lab } = await openLab();
  const gcp = async () => (await plainAtlas(controlPlane, plain)).json.outbound.gcp;
  lab.atlas.addControlPlane('gcp', 'new-1', ['44.3.3.3/32']);
  expect(await gcp()).toHaveProperty('new-1', ['44.3.3.3/32']);
  lab.atlas.removeControlPlane(['44.3.3.3/32']);
  expect(await gcp()).toHaveProperty('new-1', []);
});

test.each([
  ['no version', undefined, 406],
  ['plain JSON', 'application/json', 406],
  ['a version before the first', accept('2022-01-01'), 406],
  ['a version that is newer', accept('2025-03-12'), 200],
])('Accept with %s', async (_, header, expected) => {
  const { plainAtlas } = await openLab();
  const headers: Record<string, string> = header === undefined ? {} : { accept: header };
  expect((await plainAtlas(controlPlane, { headers })).status).toBe(expected);
});

test('a version in between is served by the one before it', async () => {
  const { atlas, project } = await openLab();
  const { headers } = await atlas(`${base}/groups/${project.id}/clusters`, '2024-08-04');
  expect(headers['content-type']).toContain('vnd.atlas.2023-02-01+json');
});

test('what needs credentials is refused without, with a digest challenge', async () => {
  const { plainAtlas, project } = await openLab();
  const { status, headers, json } = await plainAtlas(`${base}/groups/${project.id}/ipAddresses`, {
    headers: { accept: accept('2023-01-01') },
  });
  expect(status).toBe(401);
  expect(headers['www-authenticate']).toMatch(
    /^Digest realm="MMS Public API", domain="", nonce="[^"]+", algorithm=MD5, qop="auth", stale=false$/,
  );
  expect(json).toEqual({
    error: 401,
    reason: 'Unauthorized',
    detail: 'You are not authorized for this resource.',
    errorCode: 'UNEXPECTED_ERROR',
  });
});

test.each([
  ['a wrong secret', 'mdb_sa_id_lab:wrong', undefined, 401],
  ['a wrong grant', undefined, 'grant_type=password', 401],
  ['no form', undefined, '', 401],
  ['all right', undefined, undefined, 200],
])('a token is asked for with %s', async (_, basic, body, expected) => {
  const { tokenOf, lab } = await openLab();
  const { clientId, clientSecret } = lab.credentials.atlas.serviceAccount;
  const { status, json } = await tokenOf(basic ?? `${clientId}:${clientSecret}`, body);
  expect(status).toBe(expected);
  if (status === 200) expect(json).toMatchObject({ expires_in: 3_600, token_type: 'Bearer' });
});

test('a token lasts for an hour', async () => {
  const { atlas, clock } = await openLab();
  clock.advance(3_599_999);
  expect((await atlas(`${base}/groups`)).status).toBe(200);
  clock.advance(1);
  expect((await atlas(`${base}/groups`)).status).toBe(401);
});

test('a token that was revoked is refused', async () => {
  const { atlas, lab } = await openLab();
  lab.atlasAuth.revokeTokens();
  expect((await atlas(`${base}/groups`)).status).toBe(401);
});

test.each([
  ['404', '/groups/111111111111111111111111/ipAddresses', 404, 'GROUP_NOT_FOUND'],
  ['404', '/orgs/111111111111111111111111/groups', 404, 'RESOURCE_NOT_FOUND'],
  ['404', '/nonsense', 404, 'RESOURCE_NOT_FOUND'],
])('%s for %s', async (_, path, status, code) => {
  const { atlas } = await openLab();
  const answer = await atlas(base + path);
  expect(answer.status).toBe(status);
  expect(answer.headers['x-error-code']).toBe(code);
  expect(answer.json).toMatchObject({ error: status, errorCode: code, reason: 'Not Found' });
});

test('the error of a project that is not there, as recorded', async () => {
  const { atlas } = await openLab();
  const { json } = await atlas(`${base}/groups/111111111111111111111111/ipAddresses`);
  expect(json).toEqual({
    detail: 'No group with ID 111111111111111111111111 exists.',
    error: 404,
    errorCode: 'GROUP_NOT_FOUND',
    parameters: ['111111111111111111111111'],
    reason: 'Not Found',
  });
});

test('nothing can be written', async () => {
  const { plainAtlas } = await openLab();
  expect((await plainAtlas(controlPlane, { ...plain, method: 'DELETE' })).status).toBe(405);
});

test('node addresses are bare; future ones and outbound-only ones are apart', async () => {
  const { atlas, lab, project } = await openLab();
  const [orders] = project.clusters;
  lab.atlas.announceMove(orders!);
  orders!.outboundOnly.push('44.9.9.9');
  lab.atlas.createCluster(project.id, 'new');
  const { json } = await atlas(`${base}/groups/${project.id}/ipAddresses`);
  expect(json.groupId).toBe(project.id);
  expect(json.services.clusters.map(({ clusterName }: any) => clusterName)).toEqual([
    'orders',
    'ledger',
    'new',
  ]);
  const [first, second, third] = json.services.clusters;
  expect(first.inbound).toHaveLength(3);
  expect(first.outbound).toEqual([...first.inbound, '44.9.9.9']);
  expect(first.futureOutbound).toHaveLength(3);
  expect(new Set([...first.inbound, ...first.futureInbound, ...second.inbound]).size).toBe(15);
  for (const address of second.outbound) expect(address).toMatch(/^44\.64\.\d+\.\d+$/);
  expect(third).toEqual({
    clusterName: 'new',
    inbound: [],
    outbound: [],
    futureInbound: [],
    futureOutbound: [],
  });
});

test('encryption at rest names the vault', async () => {
  const { atlas, project, lab } = await openLab();
  const { json } = await atlas(`${base}/groups/${project.id}/encryptionAtRest`);
  expect(json.azureKeyVault).toMatchObject({
    enabled: true,
    valid: false,
    subscriptionID: 'ea42f556-5106-4743-99b0-c129bfa71a47',
    resourceGroupName: 'payments',
    keyVaultName: 'payments-cmk',
    tenantID: lab.credentials.azure.tenantId,
    requirePrivateNetworking: false,
  });
  const other = lab.atlas.addProject('no key', project.organizationId);
  expect((await atlas(`${base}/groups/${other.id}/encryptionAtRest`)).json.azureKeyVault).toEqual({
    enabled: false,
    valid: false,
  });
});

test('a KMS that refuses a node is an alert: tracked, open, closed', async () => {
  const { atlas, project, lab, clock } = await openLab();
  lab.atlas.alerts.behaviour.noticeMs = 60_000;
  lab.atlas.alerts.behaviour.trackingMs = 60_000;
  const statuses = async (query = '') =>
    (await atlas(`${base}/groups/${project.id}/alerts${query}`)).json.results.map(
      ({ eventTypeName, status }: any) => `${eventTypeName} ${status}`,
    );
  const denied = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';
  expect(await statuses()).toEqual([]);
  clock.advance(60_000);
  expect(await statuses()).toEqual([`${denied} TRACKING`]);
  expect(await statuses('?status=OPEN')).toEqual([]);
  clock.advance(60_000);
  expect(await statuses('?status=OPEN')).toEqual([`${denied} OPEN`]);
  project.networkDeniedAlert = 'missing';
  expect(await statuses()).toEqual([`${denied} CLOSED`]);
});

test('`valid` may speak of the control plane alone', async () => {
  const { project, lab, vaultId, clock } = await openLab();
  const regions = Object.values(lab.atlas.controlPlane.outbound).flatMap(each => Object.values(each));
  lab.azure.edit(vaultId, 'bob', ({ properties: { networkAcls } }) => {
    networkAcls!.ipRules = regions.flat().map(value => ({ value }));
  });
  clock.advance(3_600_000);
  expect(lab.atlas.isKeyValid(project.id)).toBe(false);
  lab.atlas.validSees = 'control-plane';
  expect(lab.atlas.isKeyValid(project.id)).toBe(true);
});

test('clusters tell their state, and hold fields that no description has', async () => {
  const { atlas, project, lab } = await openLab();
  lab.atlas.beginDeleting(project.clusters[1]!);
  lab.atlas.createCluster(project.id, 'new');
  const { json } = await atlas(`${base}/groups/${project.id}/clusters`);
  expect(json.results.map(({ name, stateName }: any) => [name, stateName])).toEqual([
    ['orders', 'IDLE'],
    ['ledger', 'DELETING'],
    ['new', 'CREATING'],
  ]);
  expect(json.results[0]).toMatchObject({
    encryptionAtRestProvider: 'AZURE',
    effectiveDatabaseEdition: 'CORE',
  });
});

test.each([
  ['', 100, 2],
  ['&itemsPerPage=500', 251, 1],
  ['&itemsPerPage=9999', 251, 1],
  ['&itemsPerPage=0', 100, 2],
])('projects come in pages: %s', async (query, first, pages) => {
  const { atlas, project, lab } = await openLab();
  for (let i = 1; i < 251; i++) lab.atlas.addProject(`p${i}`, project.organizationId);
  const page = async (number: number) =>
    (await atlas(`${base}/orgs/${project.organizationId}/groups?pageNum=${number}${query}`)).json;
  const { results, totalCount, links } = await page(1);
  expect({ first: results.length, totalCount }).toEqual({ first, totalCount: 251 });
  const next = links.find(({ rel }: any) => rel === 'next');
  expect(next !== undefined).toBe(pages > 1);
  // The link's host is Atlas's own, and nobody is there.
  if (next) expect(next.href).toMatch(/^http:\/\/localhost:8080\/.*pageNum=2/);
  const beyond = await page(4);
  expect({ results: beyond.results, rels: beyond.links.map(({ rel }: any) => rel) }).toEqual({
    results: [],
    rels: ['self'],
  });
});

test('without the count, it is 0', async () => {
  const { atlas } = await openLab();
  expect((await atlas(`${base}/groups?includeCount=false`)).json.totalCount).toBe(0);
});

test('the 401st request in a row is refused until a token is back', async () => {
  const { plainAtlas, clock } = await openLab();
  for (let i = 0; i < 400; i++) await plainAtlas(controlPlane, plain);
  const { status, headers, json } = await plainAtlas(controlPlane, plain);
  expect(status).toBe(429);
  // 100 a minute: the next is there after 0.6 s, told in whole seconds.
  expect(headers).toMatchObject({ 'retry-after': '1', 'ratelimit-remaining': '0', 'ratelimit-limit': '400' });
  expect(json).toMatchObject({
    errorCode: 'RATE_LIMITED_TOKEN_BUCKET',
    parameters: [controlPlane, '1', '400', '100', '60'],
  });
  clock.advance(599);
  expect((await plainAtlas(controlPlane, plain)).status).toBe(429);
  clock.advance(1);
  expect((await plainAtlas(controlPlane, plain)).status).toBe(200);
  expect((await plainAtlas(controlPlane, plain)).status).toBe(429);
});

const hashNames = { MD5: 'md5', 'SHA-256': 'sha256' } as const;
type Algorithm = keyof typeof hashNames;

/** A digest made from the first challenge, by the RFC's own formula. */
async function digest(
  { plainAtlas, lab }: OpenLab,
  {
    algorithm = 'MD5' as Algorithm,
    nc = '00000001',
    key = lab.credentials.atlas.apiKey.privateKey,
    uri = `${base}/groups`,
    qop = 'auth',
    nonce = undefined as string | undefined,
  } = {},
) {
  const challenged = await plainAtlas(`${base}/groups`, { headers: { accept: accept('2023-01-01') } });
  const theirs = nonce ?? /nonce="([^"]+)"/.exec(challenged.headers['www-authenticate']!)![1]!;
  const hash = (text: string) => createHash(hashNames[algorithm]).update(text).digest('hex');
  const { publicKey } = lab.credentials.atlas.apiKey;
  const secret = hash(`${publicKey}:MMS Public API:${key}`);
  const response = hash(`${secret}:${theirs}:${nc}:abc:auth:${hash(`GET:${uri}`)}`);
  const authorization = `Digest username="${publicKey}", realm="MMS Public API", nonce="${theirs}", uri="${uri}", algorithm=${algorithm}, cnonce="abc", nc=${nc}, qop=${qop}, response="${response}"`;
  return {
    nonce: theirs,
    send: () => plainAtlas(`${base}/groups`, { headers: { accept: accept('2023-01-01'), authorization } }),
  };
}

test.each([
  ['MD5', ['MD5'], 200],
  ['SHA-256', ['SHA-256'], 200],
  ['SHA-256', ['MD5', 'SHA-256'], 200],
  ['SHA-256', ['MD5'], 401],
  ['MD5', ['SHA-256'], 401],
] as const)('a digest by %s where %j is offered', async (algorithm, offered, status) => {
  const open = await openLab();
  open.lab.atlasAuth.algorithms = offered;
  expect((await (await digest(open, { algorithm })).send()).status).toBe(status);
});

test.each([
  ['another key', { key: 'wrong' }],
  ['another path', { uri: `${base}/orgs` }],
  ['a count that is no count', { nc: '1' }],
  ['no protection that was offered', { qop: 'auth-int' }],
])('a digest with %s is refused', async (_, change) => {
  const open = await openLab();
  const { status, headers } = await (await digest(open, change)).send();
  expect(status).toBe(401);
  expect(headers['www-authenticate']).toContain('stale=false');
});

test('a digest is taken once; the nonce goes on with the next count, and grows stale', async () => {
  const open = await openLab();
  const { send, nonce } = await digest(open);
  expect((await send()).status).toBe(200);
  expect((await send()).status).toBe(401);
  expect((await (await digest(open, { nonce, nc: '00000002' })).send()).status).toBe(200);
  open.clock.advance(5 * 60_000);
  const stale = await (await digest(open, { nonce, nc: '00000003' })).send();
  expect(stale.status).toBe(401);
  expect(stale.headers['www-authenticate']).toContain('stale=true');
});
