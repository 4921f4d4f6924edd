import { describe, expect, test } from 'vitest';
import {
  type AtlasCredentials,
  createAtlasClient,
  listProjects,
  observeControlPlane,
  observeNodes,
  readEncryptionAtRest,
  readKmsAlerts,
} from '../../src/atlas/index.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { deadUrl, type Handler, serve, serveBytes, type TestAnswer, testClock } from '../transport/server.ts';
import { cidrsOf, cluster, controlPlane, kindsOf, listed, nodes, projectId } from './fixtures.ts';

const json = (body: unknown, status = 200): TestAnswer => ({
  status,
  headers: { 'content-type': 'application/vnd.atlas.2023-01-01+json;charset=utf-8' },
  body: JSON.stringify(body),
});
const account: AtlasCredentials = {
  kind: 'service-account',
  clientId: 'mdb_sa_id_2',
  clientSecret: new Secret('mdb_sa_sk_second', 'test'),
};

function clientAt(baseUrl: string, credentials: AtlasCredentials = account) {
  const clock = testClock();
  const transport = createTransport({ clock, random: () => 0, mode: 'read-only', maxRetries: 0 });
  const client = createAtlasClient({ transport, clock, baseUrl, credentials, nonce: () => 'c' });
  return { client, now: clock.now };
}

/** A server that gives tokens by itself. */
async function atlas(handler: Handler) {
  const { url, seen } = await serve((request, response, count) =>
    request.url === '/api/oauth/token'
      ? json({ access_token: 'token-of-test', expires_in: 3_600 })
      : handler(request, response, count),
  );
  return { ...clientAt(url), url, seen: () => seen.filter(({ method }) => method === 'GET') };
}

describe('a request', () => {
  test('names the version of its endpoint, and carries the token', async () => {
    const { client, now, seen } = await atlas(({ url }) =>
      json(url.includes('/clusters') ? { results: [listed('A')] } : nodes(cluster('A'))),
    );
    const observation = await observeNodes(client, { id: 'o', projectId, previous: undefined, now });
    expect(observation).toMatchObject({ complete: true, sections: { A: 2 }, atMs: now() });
    expect(
      seen()
        .map(({ url, headers }) => [url.split('?')[0], headers.accept, headers.authorization])
        .sort(),
    ).toEqual([
      [
        `/api/atlas/v2/groups/${projectId}/clusters`,
        'application/vnd.atlas.2024-08-05+json',
        'Bearer token-of-test',
      ],
      [
        `/api/atlas/v2/groups/${projectId}/ipAddresses`,
        'application/vnd.atlas.2023-01-01+json',
        'Bearer token-of-test',
      ],
    ]);
  });

  test('for the control plane carries no credentials, even where there are some', async () => {
    const { url, seen } = await serve(() => json(controlPlane()));
    const { client, now } = clientAt(`${url}/`);
    const observation = await observeControlPlane(client, {
      id: 'o',
      previous: undefined,
      includeGateways: false,
      now,
    });
    expect(observation.complete).toBe(true);
    expect(seen).toMatchObject([
      {
        url: '/api/atlas/v2/unauth/controlPlaneIPAddresses',
        headers: { accept: 'application/vnd.atlas.2023-11-15+json' },
      },
    ]);
    expect(seen[0]!.headers.authorization).toBeUndefined();
  });

  test('that needs credentials is not sent without', async () => {
    const { url, seen } = await serve(() => json({}));
    const { client, now } = clientAt(url, { kind: 'none' });
    const observation = await observeNodes(client, { id: 'o', projectId, previous: undefined, now });
    expect(kindsOf(observation)).toEqual(['refused', 'refused']);
    expect(seen).toEqual([]);
  });

  test('cannot be led to another path by an id', async () => {
    const { client, seen } = await atlas(() => json({}));
    await readEncryptionAtRest(client, '../../orgs/1?x=').catch(() => {});
    expect(seen()[0]?.url).toBe('/api/atlas/v2/groups/..%2F..%2Forgs%2F1%3Fx%3D/encryptionAtRest');
  });
});

describe('paging', () => {
  const page = (results: unknown[], next?: unknown) =>
    json({
      results,
      totalCount: 0,
      links: [{ rel: 'self', href: 'x' }, ...(next === undefined ? [] : [{ rel: 'next', href: next }])],
    });
  const project = (n: number) => ({
    id: String(n),
    name: `p${n}`,
    orgId: 'o',
    clusterCount: 0,
    more: 'ignored',
  });
  const path = '/api/atlas/v2/groups';

  test.each([
    ['of ours', ''],
    ['of another host', 'http://localhost:8080'],
    ['of a stranger', 'https://evil.example'],
  ])('follows the link to the next page on our own host, whatever its own: %s', async (_, origin) => {
    const { client, seen } = await atlas(({ url }) =>
      url.includes('pageNum=1')
        ? page([project(1)], `${origin}${path}?itemsPerPage=500&pageNum=2`)
        : page([project(2)]),
    );
    expect((await listProjects(client)).map(({ id }) => id)).toEqual(['1', '2']);
    expect(seen()).toHaveLength(2);
  });

  test.each([
    ['no link', page([project(1)])],
    ['no links at all', json({ results: [project(1)] })],
    ['links that are null', json({ results: [project(1)], links: null })],
  ])('ends with %s, whatever the count says', async (_, answer) => {
    const { client } = await atlas(() => answer);
    expect(await listProjects(client, 'o')).toHaveLength(1);
  });

  test.each([
    ['to another path', `http://localhost:8080/api/atlas/v2/orgs?pageNum=2`],
    ['to no page', `http://localhost:8080${path}`],
    ['to no URL', 'http://[bad'],
    ['to null', null],
    ['to a number', 2],
    ['to an object', { pageNum: 2 }],
    ['to itself', `${path}?itemsPerPage=500&pageNum=1`],
  ])('a link %s is never taken for the end', async (_, next) => {
    const { client } = await atlas(() => page([project(1)], next));
    await expect(listProjects(client)).rejects.toMatchObject({ name: 'AtlasAnswerError', kind: 'malformed' });
  });

  test('without end is stopped', async () => {
    const { client, seen } = await atlas((_, _response, count) => page([], `${path}?pageNum=${count + 1}`));
    await expect(listProjects(client)).rejects.toMatchObject({ kind: 'malformed' });
    expect(seen().length).toBeLessThanOrEqual(200);
  });

  test.each([
    ['null', null],
    ['a list', []],
    ['no results', { links: [] }],
    ['results an object', { results: {} }],
    ['links an object', { results: [], links: {} }],
    ['a project without an id', { results: [{ name: 'p' }] }],
    ['a million results', { results: Array.from({ length: 1_000_000 }, () => 0) }],
  ])('%s is malformed', async (_, body) => {
    const { client } = await atlas(() => json(body));
    await expect(listProjects(client)).rejects.toMatchObject({ name: 'AtlasAnswerError', kind: 'malformed' });
  });
});

describe('an answer that is none makes the reading incomplete, and never throws', () => {
  const html = { 'content-type': 'text/html' };
  test.each([
    ['a maintenance page', { headers: html, body: '<html>soon</html>' }, 'not-json'],
    ['JSON that calls itself a page', { headers: html, body: JSON.stringify(controlPlane()) }, 'not-json'],
    ['JSON of no media type', { body: JSON.stringify(controlPlane()) }, 'not-json'],
    ['half of the JSON', { ...json(0), body: JSON.stringify(controlPlane()).slice(0, 50) }, 'not-json'],
    ['an empty body', { ...json(0), body: '' }, 'not-json'],
    ['nothing', { ...json(0), status: 204, body: '' }, 'refused'],
    [
      'a redirect to a login page',
      { status: 302, headers: { location: 'https://login.example/' } },
      'refused',
    ],
    ['a 503 that is no JSON', { status: 503, headers: html, body: '<h1>upstream</h1>' }, 'refused'],
    ['a 429', json({ errorCode: 'RATE_LIMITED_TOKEN_BUCKET' }, 429), 'refused'],
    ['a 404', json({ errorCode: 'GROUP_NOT_FOUND', detail: 'none' }, 404), 'refused'],
    [
      'an error body of odd types',
      json({ errorCode: {}, detail: [], reason: 1, parameters: {} }, 500),
      'refused',
    ],
  ] as const)('%s', async (_, answer, kind) => {
    const { client, now } = await atlas(() => answer);
    const plane = await observeControlPlane(client, {
      id: 'o',
      previous: undefined,
      includeGateways: true,
      now,
    });
    expect(plane).toMatchObject({ complete: false, addresses: [] });
    expect(kindsOf(plane)).toEqual([kind]);
    const ofNodes = await observeNodes(client, { id: 'o', projectId, previous: undefined, now });
    expect(kindsOf(ofNodes)).toEqual([kind, kind]);
    await expect(readEncryptionAtRest(client, projectId)).rejects.toMatchObject({
      url: expect.stringContaining('encryptionAtRest'),
    });
  });

  test.each([
    ['nobody listens', deadUrl],
    [
      'the body is cut',
      async () =>
        (await serveBytes('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{'))
          .url,
    ],
    ['the connection is reset', async () => (await serveBytes('', 'reset')).url],
  ])('%s', async (_, open) => {
    const { client, now } = clientAt(await open());
    const plane = await observeControlPlane(client, {
      id: 'o',
      previous: undefined,
      includeGateways: true,
      now,
    });
    expect(kindsOf(plane)).toEqual(['unreachable']);
    expect(kindsOf(await observeNodes(client, { id: 'o', projectId, previous: undefined, now }))).toEqual([
      'unreachable',
      'unreachable',
    ]);
  });

  test('only the list of clusters failing: incomplete, and the addresses are wanted all the same', async () => {
    const { client, now } = await atlas(({ url }) =>
      url.includes('/clusters') ? json({}, 500) : json(nodes(cluster('A'))),
    );
    const observation = await observeNodes(client, { id: 'o', projectId, previous: undefined, now });
    expect(kindsOf(observation)).toEqual(['refused']);
    expect(cidrsOf(observation)).toContain('3.92.113.229/32');
  });
});

describe('encryption at rest', () => {
  test('is read without the secrets that the endpoint may carry', async () => {
    const { client } = await atlas(() =>
      json({
        awsKms: { enabled: false, secretAccessKey: 'x', accessKeyID: 'y' },
        azureKeyVault: {
          enabled: true,
          valid: true,
          keyVaultName: 'v',
          secret: 'hidden',
          requirePrivateNetworking: false,
        },
        googleCloudKms: { enabled: false, serviceAccountKey: 'z' },
        enabledForSearchNodes: false,
        somethingNew: 1,
      }),
    );
    expect(await readEncryptionAtRest(client, projectId)).toEqual({
      awsKms: { enabled: false },
      azureKeyVault: { enabled: true, valid: true, keyVaultName: 'v', requirePrivateNetworking: false },
      googleCloudKms: { enabled: false },
      enabledForSearchNodes: false,
    });
  });

  test.each([
    null,
    [],
    'x',
    { azureKeyVault: { valid: 'true' } },
    { azureKeyVault: [] },
    { awsKms: 1 },
  ])('of the wrong shape is never taken for an answer: %j', async body => {
    const { client } = await atlas(() => json(body));
    await expect(readEncryptionAtRest(client, projectId)).rejects.toMatchObject({ kind: 'malformed' });
  });
});

describe('an answer of another time', () => {
  const at = (offMs: number, body: unknown) => {
    const answer = json(body);
    const date = new Date(testClock().now() + offMs).toUTCString();
    return { ...answer, headers: { ...answer.headers, date } };
  };
  const minuteMs = 60_000;

  test.each([
    ['six minutes old', -6 * minuteMs, false],
    ['a day ahead', 24 * 60 * minuteMs, false],
    ['four minutes old', -4 * minuteMs, true],
    ['four minutes ahead', 4 * minuteMs, true],
  ])('%s: the control plane is read, and complete only if it is of now', async (_, offMs, isComplete) => {
    const { url } = await serve(() => at(offMs, controlPlane()));
    const { client, now } = clientAt(url);
    const options = { id: 'o', previous: undefined, includeGateways: false, now };
    const observation = await observeControlPlane(client, options);
    expect(observation.complete).toBe(isComplete);
    expect(kindsOf(observation)).toEqual(isComplete ? [] : ['other-time']);
    expect(observation.addresses).toHaveLength(5);
    if (!isComplete) expect(observation.faults[0]!.message).toMatch(/the answer is of \d{4}-.*clock shows/);
  });

  test.each(['ipAddresses', 'clusters'])('nodes, of which %s is old', async old => {
    const { client, now } = await atlas(({ url }) =>
      at(
        url.includes(old) ? -3 * 60 * minuteMs : 0,
        url.includes('/clusters') ? { results: [listed('A')] } : nodes(cluster('A')),
      ),
    );
    const observation = await observeNodes(client, { id: 'o', projectId, previous: undefined, now });
    expect(kindsOf(observation)).toEqual(['other-time']);
    expect(observation.addresses.length).toBeGreaterThan(0);
  });

  test('says nothing of whether a key works, or an alert is open', async () => {
    const { client } = await atlas(({ url }) =>
      at(
        -6 * minuteMs,
        url.includes('/alerts') ? { results: [] } : { awsKms: { enabled: true, valid: true } },
      ),
    );
    await expect(readEncryptionAtRest(client, projectId)).rejects.toThrow(/the answer is of/);
    await expect(readKmsAlerts(client, projectId)).rejects.toThrow(/the answer is of/);
  });

  test('without a time, or with one that is none, is believed', async () => {
    const { url } = await serve((_, __, count) => {
      const { headers, ...answer } = json(controlPlane());
      return { ...answer, headers: { ...headers, ...(count > 1 && { date: 'yesterday' }) } };
    });
    const { client, now } = clientAt(url);
    const options = { id: 'o', previous: undefined, includeGateways: false, now };
    for (const _ of [1, 2]) expect((await observeControlPlane(client, options)).complete).toBe(true);
  });
});
