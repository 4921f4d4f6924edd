/** The lab's answers beside real recorded ones: the same members, of the same types. */
import { globSync, readFileSync } from 'node:fs';
import { GetKeyPolicyCommand, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { labKeyArn, labKeyPolicy } from '../../src/lab/aws/world.ts';
import { openAwsLab } from '../lab/aws-client.ts';
import { openLab } from '../lab/client.ts';
import { describeContract, vendorPath } from './vendor.ts';

const azure = 'recorded/azure-keyvault-azure-cli-excerpt/network-rule.json';
const read = (path: string) => readFileSync(vendorPath(path), 'utf8');

/** The names and types of a value's members, in no order; of lists, those of the first item. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object' || value === null) return typeof value;
  const entries = Object.entries(value).map(([name, member]) => [name, shapeOf(member)] as const);
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describeContract('a recorded vault', azure, () => {
  interface Interaction {
    readonly request: { readonly method: string };
    readonly response: {
      readonly status: number;
      readonly headers: Record<string, string>;
      readonly body: any;
    };
  }
  const interactions = (): readonly Interaction[] => JSON.parse(read(azure)).interactions;

  test('GET has the same members', async () => {
    const { getVault } = await openLab();
    const recorded = interactions().find(
      ({ request, response }) => request.method === 'GET' && response.status === 200,
    )!;
    const { json, headers } = await getVault();
    const { properties, ...rest } = recorded.response.body;
    const { properties: ours, ...oursRest } = json;
    expect(shapeOf({ ...oursRest, tags: {} })).toEqual(shapeOf({ ...rest, tags: {} }));
    for (const name of Object.keys(properties)) expect(ours).toHaveProperty(name);
    expect(shapeOf(ours.networkAcls)).toEqual({
      ...(shapeOf(properties.networkAcls) as object),
      ipRules: [{ value: 'string' }],
      virtualNetworkRules: [{ id: 'string' }],
    });
    for (const name of Object.keys(recorded.response.headers)) expect(headers).toHaveProperty(name);
  });

  test('what is not there', async () => {
    const { arm, vaultId } = await openLab();
    const recorded = interactions().find(({ response }) => response.status === 404)!.response;
    const { json, status, headers } = await arm('GET', `${vaultId}x`);
    expect(status).toBe(404);
    expect(headers).toMatchObject(recorded.headers);
    const blank = (text: string) => text.replaceAll(/'[^']*'/g, "''");
    expect(json.error.code).toBe(recorded.body.error.code);
    expect(blank(json.error.message)).toBe(blank(recorded.body.error.message));
  });

  test('the rules of every recorded PUT are stored as they were', async () => {
    const { patchAcls } = await openLab();
    const puts = interactions().filter(({ request }) => request.method === 'PUT');
    expect(puts.length).toBeGreaterThan(0);
    for (const { request, response } of puts) {
      const sent = (request as any).body.properties.networkAcls;
      const stored = response.body.properties.networkAcls;
      if (sent) expect((await patchAcls(sent)).json.properties.networkAcls).toEqual(stored);
    }
  });
});

const kms = 'recorded/aws-kms-cloud-custodian';
describeContract('recorded key policies', kms, () => {
  const recorded = (operation: string): readonly [string, any][] =>
    globSync(`*/kms.${operation}_*.json`, { cwd: vendorPath(kms) })
      .toSorted()
      .map(path => [path, JSON.parse(read(`${kms}/${path}`)).data]);

  test('each is given back as it was recorded, to the byte, however it is sent', async () => {
    const { kms: client, lab } = await openAwsLab({ aws: { lockoutCheck: 'without-conditions' } });
    lab.aws.directory.add('arn:aws:iam::644160558196:user/AlfredMarcGamulo');
    const policies = recorded('GetKeyPolicy');
    expect(policies).toHaveLength(7);
    for (const [path, { Policy }] of policies) {
      lab.aws.kms.edit(labKeyArn, () => labKeyPolicy);
      const compact = JSON.stringify(JSON.parse(Policy));
      await client.send(
        new PutKeyPolicyCommand({ KeyId: labKeyArn, Policy: compact, BypassPolicyLockoutSafetyCheck: true }),
      );
      expect(lab.aws.kms.policyText(labKeyArn), path).toBe(Policy);
    }
  });

  test.each([
    ['GetKeyPolicy', () => new GetKeyPolicyCommand({ KeyId: labKeyArn })],
    [
      'PutKeyPolicy',
      () => new PutKeyPolicyCommand({ KeyId: labKeyArn, Policy: JSON.stringify(labKeyPolicy) }),
    ],
  ] as const)('%s has the recorded headers', async (operation, command) => {
    const { kms: client } = await openAwsLab();
    let headers: Record<string, string> = {};
    client.middlewareStack.add(
      next => async args => {
        const result = await next(args);
        headers = { ...(result.response as any).headers };
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    await client.send(command() as any);
    for (const [path, { ResponseMetadata }] of recorded(operation)) {
      const { HTTPHeaders } = ResponseMetadata;
      expect(Object.keys(headers), path).toEqual(expect.arrayContaining(Object.keys(HTTPHeaders)));
      expect(headers['content-type'], path).toBe(HTTPHeaders['content-type']);
      if (operation === 'PutKeyPolicy') expect(headers['content-length']).toBe(HTTPHeaders['content-length']);
    }
  });
});

describeContract('recorded answers of Atlas', 'wire-samples', () => {
  const bodyOf = (name: string) => JSON.parse(read(`wire-samples/${name}.http`).split(/\r?\n\r?\n/)[1]!);
  const base = '/api/atlas/v2';

  test.each([
    ['401-digest-challenge', `${base}/groups`, false],
    ['404-group-not-found', `${base}/groups/111111111111111111111111/ipAddresses`, true],
  ])('%s', async (name, path, authorized) => {
    const { atlas, plainAtlas } = await openLab();
    expect((await (authorized ? atlas(path) : plainAtlas(path))).json).toEqual(bodyOf(name));
  });

  test.each([
    ['200-groups', () => `${base}/groups`],
    ['200-clusters-list-20240805', (id: string) => `${base}/groups/${id}/clusters`],
  ])('%s: what the lab says has the recorded types', async (name, path) => {
    const { atlas, project } = await openLab();
    const ours = (await atlas(path(project.id))).json;
    const recorded = bodyOf(name);
    expect(shapeOf({ ...ours, results: [] })).toEqual(
      shapeOf({ ...recorded, results: [], links: [recorded.links[0]] }),
    );
    const [item] = recorded.results;
    for (const [member, value] of Object.entries(ours.results[0])) {
      expect(item, member).toHaveProperty(member);
      expect(typeof value, member).toBe(typeof item[member]);
    }
  });
});
