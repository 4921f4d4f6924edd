/** The lab's Atlas answers as MongoDB's own description of the API says. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { refusals } from '../../src/lab/index.ts';
import { openLab } from '../lab/client.ts';
import { faultsOf, resolve, type Schema } from './json-schema.ts';
import { describeContract, vendorPath } from './vendor.ts';

const file = 'atlas-openapi-subset.json';
const base = '/api/atlas/v2';
const endpoints = [
  ['/unauth/controlPlaneIPAddresses', '2023-11-15'],
  ['/groups/{groupId}/ipAddresses', '2023-01-01'],
  ['/groups/{groupId}/encryptionAtRest', '2023-01-01'],
  ['/groups/{groupId}/clusters', '2024-08-05'],
  ['/groups', '2023-01-01'],
  ['/orgs/{orgId}/groups', '2023-01-01'],
  ['/groups/{groupId}/alertConfigs', '2023-01-01'],
  ['/groups/{groupId}/alerts', '2023-01-01'],
] as const;

describeContract("Atlas's OpenAPI", file, () => {
  const document: Schema = describedBy();

  /** The schema of an answer, by what the answer says of itself. */
  function schemaOf(path: string, status: number, contentType: string): Schema {
    const described = document.paths[base + path].get.responses[status];
    const response = described.$ref ? resolve(document, described.$ref) : described;
    const type = contentType.split(';')[0]!;
    const content =
      response.content[type] ?? (status === 200 ? undefined : response.content['application/json']);
    if (!content) throw new Error(`${path} is not described with ${status} ${type}`);
    return content.schema;
  }

  async function ask(path: string, date: string) {
    const open = await openLab();
    const { lab, project, atlas } = open;
    // Every state a list can be in: moving nodes, a cluster without any, gateways.
    lab.atlas.announceMove(project.clusters[0]!);
    lab.atlas.createCluster(project.id, 'new');
    lab.atlas.addProject('no-key', project.organizationId);
    // The vault lets in nobody yet, so an alert is open, and someone has acknowledged it.
    lab.atlas.validateKey(project.id);
    const [alert] = lab.atlas.alerts.open(project.id);
    alert!.acknowledgedUntilMs = alert!.createdMs + 60_000;
    lab.atlas.gateways = [
      { name: 'x', ips: { inbound: {}, outbound: { aws: { 'us-east-1': ['44.3.3.3/32'] } } } },
    ];
    const url = base + path.replace('{groupId}', project.id).replace('{orgId}', project.organizationId);
    return { ...open, url, get: () => atlas(url, date) };
  }

  test.each(endpoints)('%s is answered as described', async (path, date) => {
    const { status, headers, json } = await (await ask(path, date)).get();
    expect(faultsOf(document, schemaOf(path, status, headers['content-type']!), json)).toEqual([]);
  });

  test.each(endpoints)('%s: the check sees a member of a wrong type', async (path, date) => {
    const { status, headers, json } = await (await ask(path, date)).get();
    const schema = schemaOf(path, status, headers['content-type']!);
    for (const [name, value] of Object.entries(json)) {
      const wrong = { ...json, [name]: typeof value === 'string' ? 7 : 'wrong' };
      expect(faultsOf(document, schema, wrong).join(), name).toContain(`$.${name}`);
    }
  });

  test.each(endpoints)('%s: its refusals are as described', async (path, date) => {
    const { lab, get, plainAtlas, url } = await ask(path, date);
    const check = ({ status, json }: Awaited<ReturnType<typeof get>>, expected: number) => {
      expect(status).toBe(expected);
      const faults = faultsOf(document, schemaOf(path, status, 'application/json'), json);
      // The description has objects for `parameters`; every recorded answer has texts.
      expect(faults.filter(fault => !/^\$\.parameters\[\d+\] is no object$/.test(fault))).toEqual([]);
    };
    if (path.startsWith('/unauth/')) check(await failing(refusals.atlasUnexpected()), 500);
    else {
      check(await plainAtlas(url), 401);
      check(await failing(refusals.forbidden()), 403);
      check(await failing(refusals.notOnAccessList('44.1.1.1')), 403);
      check(await failing(refusals.atlasUnexpected()), 500);
    }
    async function failing(act: ReturnType<typeof refusals.forbidden>) {
      lab.faults.add({ on: 'atlas', path: url, times: 1, act });
      return get();
    }
  });

  test.each<readonly [string, string, string, (body: any) => void]>([
    [
      'an address that is a number',
      endpoints[0][0],
      '$.outbound.aws',
      body => putFirst(body.outbound.aws, 7),
    ],
    [
      'a cluster in an unknown state',
      endpoints[3][0],
      '$.results[0].stateName',
      body => Object.assign(body.results[0], { stateName: 'ASLEEP' }),
    ],
    [
      'a project without its organization',
      endpoints[4][0],
      '$.results[0].orgId is missing',
      body => delete body.results[0].orgId,
    ],
    [
      'an alert on an event that does not exist',
      endpoints[6][0],
      '$.results[0]',
      body => Object.assign(body.results[0], { eventTypeName: 'NOTHING_HAPPENED' }),
    ],
    [
      'an alert that was opened at no time',
      endpoints[7][0],
      '$.results[0]',
      body => Object.assign(body.results[0], { created: 7 }),
    ],
    [
      'an alert in an unknown status',
      endpoints[7][0],
      '$.results[0]',
      body => Object.assign(body.results[0], { status: 'SLEEPING' }),
    ],
    ['a page without results', endpoints[5][0], '$.results is missing', body => delete body.results],
    [
      'valid as a text',
      endpoints[2][0],
      '$.azureKeyVault.valid',
      body => Object.assign(body.azureKeyVault, { valid: 'true' }),
    ],
    [
      'outbound of a cluster as a text',
      endpoints[1][0],
      '$.services.clusters[0].outbound',
      body => Object.assign(body.services.clusters[0], { outbound: '44.64.0.12' }),
    ],
  ])('the check sees %s', async (_, path, fault, spoil) => {
    const date = endpoints.find(([known]) => known === path)![1];
    const { status, headers, json } = await (await ask(path, date)).get();
    spoil(json);
    const faults = faultsOf(document, schemaOf(path, status, headers['content-type']!), json);
    expect(faults.join()).toContain(fault);
  });
});

function putFirst(regions: Record<string, unknown[]>, value: unknown): void {
  Object.values(regions)[0]!.unshift(value);
}

function describedBy(): Schema {
  try {
    return JSON.parse(readFileSync(vendorPath(file), 'utf8'));
  } catch {
    return {};
  }
}
