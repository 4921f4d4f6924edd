/** Doctor in this process, against the lab over real HTTP: each thing that can be wrong, and nothing else said. */
import { expect, test } from 'vitest';
import { run as doctor } from '../../src/cli/commands/doctor.ts';
import type { FaultAct } from '../../src/lab/faults.ts';
import { refusals } from '../../src/lab/index.ts';
import { openWorkbench, type Workbench } from '../e2e/workbench.ts';

const dayMs = 24 * 60 * 60 * 1000;

async function examine(bench: Workbench) {
  const { code, text } = await bench.run(doctor, {});
  return { code, text, ids: [...text.matchAll(/^ {4}\[([a-z-]+)\]$/gm)].map(([, id]) => id!) };
}

/** A world in which nothing is wrong. */
async function openHealthy(): Promise<Workbench> {
  const bench = await openWorkbench();
  const { apply } = await import('../../src/cli/commands/apply.ts').then(({ run }) => ({ apply: run }));
  expect((await bench.run(apply, { yes: true })).code).toBe(0);
  return bench;
}

test('nothing is wrong', async () => {
  const bench = await openHealthy();
  const { code, ids } = await examine(bench);
  expect({ code, ids }).toEqual({ code: 0, ids: ['capacity'] });
  expect(
    bench.stage.lab.requests.some(({ method, path }) => method === 'PATCH' && path.includes('doctor')),
  ).toBe(false);
});

test('it sends nothing that could write, and tells of a gate that was never filled', async () => {
  const bench = await openWorkbench();
  const { code, ids } = await examine(bench);
  expect(code).toBe(2);
  expect(ids).toEqual(expect.arrayContaining(['journal-new', 'key-not-valid', 'locked-out', 'capacity']));
  const writes = bench.stage.lab.requests.filter(
    ({ method, path }) => method !== 'GET' && !/\/(oauth2?\/|token)/.test(path),
  );
  expect(writes).toEqual([]);
});

const wrong: readonly (readonly [string, string, 0 | 2 | 3, (bench: Workbench) => void])[] = [
  ['the alert is missing', 'alert-missing', 0, ({ stage }) => (stage.project.networkDeniedAlert = 'missing')],
  ['the alert is off', 'alert-off', 0, ({ stage }) => (stage.project.networkDeniedAlert = 'off')],
  [
    'private networking is on',
    'private-networking',
    0,
    ({ stage }) => (stage.project.requirePrivateNetworking = true),
  ],
  [
    'private networking is on, and a cluster runs in two clouds',
    'private-networking-multi-cloud',
    0,
    ({ stage }) => {
      stage.project.requirePrivateNetworking = true;
      stage.project.clusters[0]!.clouds = ['AWS', 'GCP'];
    },
  ],
  [
    'search nodes use the key',
    'search-nodes',
    0,
    ({ stage }) => (stage.project.enabledForSearchNodes = true),
  ],
  [
    'a cluster uses no key',
    'cluster-without-key',
    0,
    ({ stage }) => (stage.project.clusters[0]!.keyProvider = 'NONE'),
  ],
  [
    "a cluster uses another cloud's key",
    'cluster-other-kms',
    2,
    ({ stage }) => (stage.project.clusters[0]!.keyProvider = 'AWS'),
  ],
  ['the key is switched off', 'key-not-valid', 2, ({ stage }) => (stage.project.keyDisabled = true)],
  [
    'another project has a key that no gate serves',
    'project-not-served',
    0,
    ({ stage: { lab, project, vaultId } }) => {
      lab.atlas.addProject('orphan', project.organizationId, { cloud: 'azure', vaultId });
    },
  ],
  [
    'the API version ends',
    'api-sunset',
    0,
    ({ stage, clock }) => (stage.lab.atlas.sunset = clock.now() + 100 * dayMs),
  ],
  [
    'the secret ends in 20 days',
    'atlas-secret-ends',
    0,
    ({ stage, clock }) => (stage.lab.atlas.secretExpiresAtMs = clock.now() + 20 * dayMs),
  ],
  [
    'the secret ends in 2 days',
    'atlas-secret-ends',
    2,
    ({ stage, clock }) => (stage.lab.atlas.secretExpiresAtMs = clock.now() + 2 * dayMs),
  ],
  [
    'the vault lets in everybody',
    'default-action-allow',
    2,
    ({ stage: { lab, vaultId } }) =>
      lab.azure.edit(vaultId, 'bob', ({ properties: { networkAcls } }) => {
        networkAcls!.defaultAction = 'Allow';
      }),
  ],
  [
    'Atlas does not have our address on its list',
    'atlas-access-list',
    2,
    faulty('/groups', refusals.notOnAccessList('44.1.1.1')),
  ],
  ['Atlas forbids it', 'atlas-forbidden', 2, faulty('/groups', refusals.forbidden())],
  ['the version of the API is gone', 'api-version-gone', 2, faulty('/groups', refusals.versionGone())],
  ['alerts cannot be read', 'alert-unknown', 3, faulty('/alertConfigs', refusals.forbidden())],
  ['a node is refused', 'kms-alert-open', 2, nodeRefused],
  ['open alerts may not be read', 'kms-alerts-not-readable', 0, faulty('/alerts', refusals.forbidden())],
  [
    'open alerts cannot be read now',
    'kms-alerts-unknown',
    3,
    faulty('/alerts', {
      kind: 'answer',
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }),
  ],
  ['clusters cannot be read', 'clusters-unknown', 3, faulty('/clusters', refusals.forbidden())],
  ['the journal is a day old', 'journal-stale', 0, ({ clock }) => clock.advance(2 * dayMs)],
];

/** Its address is listed no more, and `valid` does not tell of it. */
function nodeRefused({ stage }: Workbench): void {
  stage.lab.atlas.validSees = 'control-plane';
  stage.project.clusters[0]!.unlisted = ['44.64.9.9'];
}

function faulty(path: string, act: FaultAct) {
  return ({ stage }: Workbench) => {
    stage.lab.faults.add({ on: 'atlas', path, act });
  };
}

test.each(wrong)('%s: %s', async (_, id, code, spoil) => {
  const bench = await openHealthy();
  spoil(bench);
  const examined = await examine(bench);
  expect(examined.ids).toContain(id);
  expect(examined.code).toBe(code);
});

test('check tells of an open alert as well, though every listed address is let in', async () => {
  const bench = await openHealthy();
  nodeRefused(bench);
  const { run: check } = await import('../../src/cli/commands/check.ts');
  const { code, text } = await bench.run(check, {});
  expect(code).toBe(0);
  expect(text).toMatch(/error: Atlas has had the alert ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED open/);
});

test('what Atlas does not tell to such rights is not held against anybody', async () => {
  const bench = await openHealthy();
  bench.stage.lab.faults.add({ on: 'atlas', path: '/serviceAccounts/', act: refusals.forbidden() });
  expect(await examine(bench)).toMatchObject({ code: 0, ids: ['capacity'] });
});

test('a vault that cannot be read stops no other check', async () => {
  const bench = await openHealthy();
  bench.stage.project.networkDeniedAlert = 'missing';
  bench.stage.lab.faults.add({
    on: 'azure',
    path: '/vaults/',
    act: {
      kind: 'answer',
      status: 403,
      body: JSON.stringify({ error: { code: 'AuthorizationFailed', message: 'no' } }),
    },
  });
  const { code, ids } = await examine(bench);
  expect(code).toBe(2);
  expect(ids).toEqual(expect.arrayContaining(['alert-missing', 'gate-unreadable']));
});

test('a clock that is wrong is told from the one that Atlas shows', async () => {
  const bench = await openHealthy();
  const remove = bench.stage.lab.faults.add({
    on: 'atlas',
    path: '/groups',
    act: {
      kind: 'answer',
      status: 200,
      headers: {
        'content-type': 'application/json',
        date: new Date(bench.clock.now() - 600_000).toUTCString(),
      },
      body: JSON.stringify({ results: [], links: [], totalCount: 0 }),
    },
  });
  const { code, text, ids } = await examine(bench);
  remove();
  expect(code).toBe(2);
  expect(ids).toContain('clock-skew');
  expect(text).toMatch(/clock is (9m|10m).* ahead of Atlas's/);
});
