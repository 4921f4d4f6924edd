/** Answers of the real Atlas, as they were recorded, through the real client over real HTTP. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseChallenges } from '../../src/atlas/auth/digest.ts';
import {
  apiVersions,
  createAtlasClient,
  listControlPlane,
  listProjects,
  toControlPlaneObservation,
  toNodesObservation,
} from '../../src/atlas/index.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { serve, testClock } from '../transport/server.ts';

const vendor = fileURLToPath(new URL('../../../shared/vendor/', import.meta.url));
const isThere = existsSync(`${vendor}wire-samples`);
if (!isThere) console.warn('Recorded answers of Atlas are not at ../shared/vendor: their tests are skipped.');

/** Status, headers and body of a recording. */
function recorded(name: string) {
  const text = readFileSync(`${vendor}wire-samples/${name}.http`, 'utf8');
  const end = text.search(/\r?\n\r?\n/);
  const [statusLine = '', ...lines] = text.slice(0, end).split(/\r?\n/);
  const headers = Object.fromEntries(
    lines.map(line => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  // Masking changed some lengths after the recording; the connection is that of then.
  for (const name of ['content-length', 'connection', 'date']) delete headers[name];
  return { status: Number(statusLine.split(' ')[1]), headers, body: text.slice(end).trim() };
}

async function replay(name: string) {
  const { url, seen } = await serve(() => recorded(name));
  const clock = testClock();
  const client = createAtlasClient({
    clock,
    baseUrl: url,
    nonce: () => 'c',
    credentials: { kind: 'api-key', publicKey: 'public', privateKey: new Secret('private-key-2', 'test') },
    transport: createTransport({ clock, random: () => 0, mode: 'read-only', maxRetries: 0 }),
  });
  return { client, seen };
}

describe.skipIf(!isThere)('recorded answers of Atlas', () => {
  test('projects', async () => {
    const { client } = await replay('200-groups');
    const projects = await listProjects(client);
    expect(projects.length).toBeGreaterThan(10);
    expect(projects[0]).toEqual({
      id: 'b0123456789abcdef012345b',
      name: 'Atlas CLI E2E',
      orgId: 'a0123456789abcdef012345a',
      clusterCount: 5,
    });
  });

  test('clusters, as the second opinion on nodes', async () => {
    const { client } = await replay('200-clusters-list-20240805');
    const clusters = await client.getAll(
      '/api/atlas/v2/groups/6a793f4d2c88faeba59b98f1/clusters',
      apiVersions.clusters,
    );
    const options = { id: 'o', atMs: 0, projectId: '6a793f4d2c88faeba59b98f1', previous: undefined };
    const lists = { inbound: ['52.1.1.1'], outbound: ['52.1.1.1'] };
    const body = { services: { clusters: [{ clusterName: 'cluster-759', ...lists }] } };
    expect(toNodesObservation(body, clusters, options)).toMatchObject({ complete: true });
    expect(toNodesObservation({ services: { clusters: [] } }, clusters, options).faults).toMatchObject([
      { kind: 'missing-section', message: expect.stringContaining('cluster-759 is UPDATING') },
    ]);
  });

  test('the challenge for an API key is answered, once', async () => {
    expect(parseChallenges(recorded('401-digest-challenge').headers['www-authenticate']!)).toEqual({
      stale: false,
      challenge: { realm: 'MMS Public API', nonce: 'SlgYP7Tv3FS/BuCj/x4WQRIV1bNKdpJg', algorithm: 'MD5' },
    });
    const { client, seen } = await replay('401-digest-challenge');
    await expect(listProjects(client)).rejects.toMatchObject({ status: 401, code: 'UNEXPECTED_ERROR' });
    expect(seen).toHaveLength(2);
    expect(seen[1]!.headers.authorization).toMatch(/^Digest username="public", realm="MMS Public API"/);
  });

  test.each([
    ['404-group-not-found', 'GROUP_NOT_FOUND'],
    ['404-cluster-not-found', 'CLUSTER_NOT_FOUND'],
  ])('%s', async (name, code) => {
    const { client } = await replay(name);
    await expect(listProjects(client)).rejects.toMatchObject({
      status: 404,
      code,
      message: expect.stringMatching(/exists/),
    });
  });
});

describe.skipIf(!isThere)('address lists of Atlas', () => {
  const sample = (name: string) =>
    JSON.parse(readFileSync(`${vendor}control-plane-samples/${name}.json`, 'utf8'));

  test('the control plane of 2026, in the shape of the API: every address is believed', () => {
    const body = sample('assembled-api-shape-2026');
    const observation = toControlPlaneObservation(body, {
      id: 'o',
      atMs: 0,
      previous: undefined,
      includeGateways: false,
    });
    expect(observation.faults).toEqual([]);
    expect(new Set(observation.addresses.map(({ cidr }) => cidr)).size).toBe(374);
    expect(listControlPlane(body).length).toBeGreaterThan(374);
  });

  test('the documented nodes of a project', () => {
    const body = sample('docs-example-group-ipAddresses');
    const options = { id: 'o', atMs: 0, projectId: body.groupId, previous: undefined };
    expect(toNodesObservation(body, [{ name: 'Cluster0', stateName: 'IDLE' }], options)).toMatchObject({
      complete: true,
      sections: { Cluster0: 3 },
    });
  });
});
