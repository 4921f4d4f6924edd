/** Who may use a key by its own policy, the role's, and the role's trust: the lab's own judge. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AtlasModel } from '../../src/lab/atlas/model.ts';
import { AwsModel } from '../../src/lab/aws/model.ts';
import {
  awsWorld,
  labAccountId,
  labAdminArn,
  labExternalId,
  labKeyArn,
  labKeyPolicy,
  labRoleArn,
} from '../../src/lab/aws/world.ts';
import { type AwsBehaviour, ManualClock } from '../../src/lab/index.ts';
import { startMs } from './client.ts';

const listed = ['192.0.2.0/24', '2001:db8::/32'];
const inside = '192.0.2.9';
const outside = '198.51.100.1';
const other = `arn:aws:iam::${labAccountId}:role/other`;
const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'];
const address = (operator: string, values: unknown = listed) => ({ [operator]: { 'aws:SourceIp': values } });
const allow = (more: object = {}) => ({ Effect: 'Allow', Action: actions, Resource: labKeyArn, ...more });
const deny = (more: object = {}) => ({
  Sid: 'Gate',
  Effect: 'Deny',
  Principal: '*',
  Action: actions,
  Resource: '*',
  Condition: {
    ArnEquals: { 'aws:PrincipalArn': labRoleArn },
    ...address('NotIpAddress'),
    Null: { 'aws:SourceIp': 'false' },
  },
  ...more,
});
const policyOf = (...statements: readonly object[]) => ({ Version: '2012-10-17', Statement: statements });

interface Given {
  /** The statements of the role's own policy. */
  readonly own?: readonly object[];
  /** What the key's policy has beside its usual two statements. */
  readonly more?: readonly object[];
  /** The statements of the key's policy, in place of the usual two. */
  readonly key?: readonly object[];
  readonly aws?: Partial<AwsBehaviour>;
}

function open({ own = [], more = [], key, aws: behaviour = {} }: Given = {}) {
  const clock = new ManualClock(startMs);
  const aws = new AwsModel(clock, { propagationMs: 0, ...behaviour });
  const atlas = new AtlasModel({ clock, letsIn: () => true, tenantId: '' });
  aws.directory.add(other);
  awsWorld({ aws, atlas });
  const settle = aws.behaviour;
  aws.behaviour = { ...settle, propagationMs: 0 };
  const statements = key ?? [...labKeyPolicy.Statement, ...more];
  aws.kms.edit(labKeyArn, policy => ({ ...policy, Statement: statements }));
  if (own.length > 0) aws.iam.edit(labRoleArn, 'use-key', () => policyOf(...own));
  aws.behaviour = settle;
  const letsIn = (asked: string) => aws.letsIn({ keyArn: labKeyArn, roleArn: labRoleArn }, asked);
  return { aws, clock, letsIn };
}

const nobody = [false, false];
const everyone = [true, true];
const onlyListed = [true, false];

describe.each<readonly [string, Given, readonly boolean[]]>([
  ['no policy of the role names the key', {}, nobody],
  ['the role may, from anywhere', { own: [allow()] }, everyone],
  ['the role may, from a list', { own: [allow({ Condition: address('IpAddress') })] }, onlyListed],
  ['the role may do two of three', { own: [allow({ Action: actions.slice(1) })] }, nobody],
  [
    'the role may by a pattern',
    { own: [allow({ Action: 'KMS:*crypt' }), allow({ Action: 'kms:Desc*' })] },
    everyone,
  ],
  [
    'the role may all but something else',
    { own: [allow({ Action: undefined, NotAction: 's3:*' })] },
    everyone,
  ],
  ['the role may, on another key', { own: [allow({ Resource: labKeyArn.replace('1a', '2a') })] }, nobody],
  [
    'the role may, on all but this key',
    { own: [allow({ Resource: undefined, NotResource: labKeyArn })] },
    nobody,
  ],
  ['the key denies all but a list', { own: [allow()], more: [deny()] }, onlyListed],
  ['the key denies another role', { own: [allow()], more: [deny({ Principal: { AWS: other } })] }, everyone],
  [
    'the key denies the account',
    { own: [allow()], more: [deny({ Principal: { AWS: labAccountId } })] },
    onlyListed,
  ],
  [
    'a deny has no Resource, and no effect',
    { own: [allow()], more: [deny({ Resource: undefined })] },
    everyone,
  ],
  ['the role denies itself', { own: [allow(), { ...deny(), Principal: undefined }] }, onlyListed],
  [
    'the key lets the role in, past its own policy',
    { more: [allow({ Principal: { AWS: labRoleArn }, Resource: '*' })] },
    everyone,
  ],
  [
    'the key lets in the session',
    {
      more: [
        allow({
          Principal: { AWS: `arn:aws:sts::${labAccountId}:assumed-role/atlas-cmk/mongodb-atlas` },
          Resource: '*',
        }),
      ],
    },
    everyone,
  ],
  ['the key lets everyone in', { more: [allow({ Principal: '*', Resource: '*' })] }, everyone],
  [
    'the key lets everyone in, and a deny wins',
    { more: [allow({ Principal: '*', Resource: '*' }), deny()] },
    onlyListed,
  ],
  [
    'the key lets a service in',
    { more: [allow({ Principal: { Service: 'rds.amazonaws.com' }, Resource: '*' })] },
    nobody,
  ],
  [
    'the key does not hand on to its account',
    { own: [allow()], key: [{ ...labKeyPolicy.Statement[0], Principal: { AWS: labAdminArn } }] },
    nobody,
  ],
])('%s', (_, given, expected) => {
  test('letsIn', () => {
    const { letsIn } = open(given);
    expect([letsIn(inside), letsIn(outside)]).toEqual(expected);
  });
});

const arn = 'aws:PrincipalArn';
test.each<readonly [string, object, readonly boolean[]]>([
  ['IpAddress, one text', address('IpAddress', '192.0.2.0/24'), onlyListed],
  ['IpAddress with host bits', address('IpAddress', '192.0.2.77/24'), onlyListed],
  ['IpAddress, empty', address('IpAddress', []), nobody],
  ['NotIpAddress', address('NotIpAddress', '198.51.100.0/24'), onlyListed],
  ['IpAddressIfExists', address('IpAddressIfExists'), onlyListed],
  ['operators and keys in other cases', { ipaddress: { 'AWS:sourceIP': listed } }, onlyListed],
  ['two operators', { ...address('IpAddress'), ...address('NotIpAddress', inside) }, nobody],
  ['an absent key', { IpAddress: { 'aws:VpcSourceIp': listed } }, nobody],
  ['an absent key, negated', { NotIpAddress: { 'aws:VpcSourceIp': listed } }, everyone],
  ['an absent key, IfExists', { StringEqualsIfExists: { 'aws:SourceVpce': 'vpce-1' } }, everyone],
  ['Null: absent', { Null: { 'aws:SourceVpce': 'true' } }, everyone],
  ['Null: present', { Null: { 'aws:SourceIp': false } }, everyone],
  ['Null: not so', { Null: { 'aws:SourceIp': 'true' } }, nobody],
  ['StringEquals', { StringEquals: { [arn]: [other, labRoleArn] } }, everyone],
  ['StringEquals minds the case', { StringEquals: { [arn]: labRoleArn.toUpperCase() } }, nobody],
  ['StringEqualsIgnoreCase', { StringEqualsIgnoreCase: { [arn]: labRoleArn.toUpperCase() } }, everyone],
  ['StringNotEquals', { StringNotEquals: { [arn]: labRoleArn } }, nobody],
  ['StringLike', { StringLike: { [arn]: '*:role/atlas-???' } }, everyone],
  ['StringNotLike', { StringNotLike: { [arn]: 'arn:*' } }, nobody],
  ['StringLike takes other signs for themselves', { StringLike: { [arn]: 'arn.*' } }, nobody],
  ['ArnEquals', { ArnEquals: { [arn]: labRoleArn } }, everyone],
  ['ArnLike', { ArnLike: { [arn]: 'arn:aws:iam::*:role/atlas-*' } }, everyone],
  ['ArnLike does not cross a colon', { ArnLike: { [arn]: 'arn:*:role/atlas-cmk' } }, nobody],
  ['ArnNotEquals', { ArnNotEquals: { [arn]: labRoleArn } }, nobody],
  ['Bool', { Bool: { 'aws:SecureTransport': true } }, everyone],
  ['Bool, otherwise', { Bool: { 'aws:ViaAWSService': 'true' } }, nobody],
  ['CallerAccount', { StringEquals: { 'kms:CallerAccount': labAccountId } }, everyone],
])('conditions: %s', (_, Condition, expected) => {
  const { letsIn } = open({ own: [allow({ Condition })] });
  expect([letsIn(inside), letsIn(outside)]).toEqual(expected);
});

test.each<readonly [string, object, RegExp]>([
  ['an operator', { NumericEquals: { 'aws:PrincipalArn': '1' } }, /condition operator NumericEquals/],
  ['a set operator', { 'ForAnyValue:StringEquals': { [arn]: labRoleArn } }, /ForAnyValue/i],
  ['a key', { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, /condition key aws:principalorgid/],
  ['a policy variable', { StringEquals: { [arn]: '$' + '{aws:username}' } }, /policy variables/],
  ['an address as a text', { StringEquals: { 'aws:SourceIp': inside } }, /no address by StringEquals/],
])('what the lab does not know throws: %s', (_, Condition, sentence) => {
  const { letsIn } = open({ own: [allow({ Condition })] });
  expect(() => letsIn(inside)).toThrow(sentence);
});

test('NotPrincipal throws', () => {
  const { letsIn } = open({ own: [allow()] });
  expect(letsIn(inside)).toBe(true);
  const noted = open({
    own: [allow()],
    more: [deny({ Principal: undefined, NotPrincipal: { AWS: labAdminArn } })],
  });
  expect(() => noted.letsIn(inside)).toThrow(/NotPrincipal/);
});

test('a fact that a test tells is known', () => {
  const { aws, letsIn } = open({
    own: [allow({ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } })],
  });
  aws.facts.set('aws:principalorgid', ['o-1']);
  expect(letsIn(inside)).toBe(true);
});

test.each([
  ['2001:db8::5', true],
  ['2001:db9::', false],
  ['192.0.2.0/25', true],
  ['192.0.2.0/23', false],
  ['2001:db8:1::/48', true],
  ['2001:d00::/24', false],
])('addresses of both families, and whole blocks: %s', (asked, expected) => {
  for (const given of [
    { own: [allow({ Condition: address('IpAddress') })] },
    { own: [allow()], more: [deny()] },
  ]) {
    expect(open(given).letsIn(asked)).toBe(expected);
  }
});

test('a block is let in when each of its addresses is, whichever statement lets it in', () => {
  const block = fc
    .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 28, max: 32 }))
    .map(([last, length]) => `192.0.2.${last & (0xff << (32 - length))}/${length}`);
  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
    operator: fc.constantFrom('IpAddress', 'NotIpAddress'),
    list: fc.array(block, { maxLength: 3 }),
  });
  const hosts = Array.from({ length: 16 }, (_, i) => `192.0.2.${i}`);
  let both = 0;
  fc.assert(
    fc.property(fc.array(statement, { minLength: 1, maxLength: 4 }), statements => {
      const own = statements.map(({ Effect, operator, list }) =>
        allow({ Effect, Condition: address(operator, list) }),
      );
      const { letsIn } = open({ own });
      const singly = hosts.map(letsIn);
      if (new Set(singly).size === 2) both++;
      expect(letsIn('192.0.2.0/28')).toBe(singly.every(Boolean));
      expect(letsIn('192.0.2.8/30')).toBe(singly.slice(8, 12).every(Boolean));
    }),
  );
  expect(both).toBeGreaterThan(10);
});

test("a managed policy counts as the role's own", () => {
  const { aws, letsIn } = open();
  const policy = `arn:aws:iam::${labAccountId}:policy/use-key`;
  aws.iam.attach(labRoleArn, policy, policyOf(allow({ Condition: address('IpAddress') })));
  expect([letsIn(inside), letsIn(outside)]).toEqual(onlyListed);
  aws.iam.addManagedPolicy(policy, policyOf(allow()));
  expect([letsIn(inside), letsIn(outside)]).toEqual(everyone);
});

test('a grant lets in past every list of the role, and no deny of the key', () => {
  const { aws, letsIn } = open({ own: [allow({ Condition: address('IpAddress') })] });
  const operations = ['Encrypt', 'Decrypt', 'DescribeKey'];
  aws.kms.key(labKeyArn).grants.push({ id: 'g', granteeArn: labRoleArn, operations });
  expect(letsIn(outside)).toBe(true);
  aws.kms.edit(labKeyArn, policy => ({ ...policy, Statement: [...policy.Statement, deny()] }));
  expect([letsIn(inside), letsIn(outside)]).toEqual(onlyListed);
});

test('a key and a role of different accounts: both must allow', () => {
  const { aws } = open();
  const roleArn = 'arn:aws:iam::222233334444:role/atlas';
  const trust = policyOf({ Effect: 'Allow', Principal: { AWS: '536727724300' }, Action: 'sts:AssumeRole' });
  aws.iam.addRole(roleArn, trust);
  const letsIn = () => aws.letsIn({ keyArn: labKeyArn, roleArn }, inside);
  expect(letsIn()).toBe(false);
  aws.kms.edit(labKeyArn, policy => ({
    ...policy,
    Statement: [...policy.Statement, allow({ Principal: { AWS: roleArn }, Resource: '*' })],
  }));
  expect(letsIn()).toBe(false);
  aws.iam.edit(roleArn, 'use', () => policyOf(allow()));
  expect(letsIn()).toBe(true);
  aws.kms.edit(labKeyArn, () => labKeyPolicy);
  expect(letsIn()).toBe(false);
});

test.each<readonly [string, (aws: AwsModel) => void]>([
  ['the key is disabled', aws => Object.assign(aws.kms.key(labKeyArn), { state: 'Disabled' })],
  ['the role is gone', aws => aws.iam.deleteRole(labRoleArn)],
  ['Atlas sends another external id', aws => aws.externalIds.set(labRoleArn, `${labExternalId}0`)],
  ['Atlas sends no external id', aws => aws.externalIds.delete(labRoleArn)],
])('nobody is let in when %s', (_, change) => {
  const { aws, letsIn } = open({ own: [allow()] });
  expect(letsIn(inside)).toBe(true);
  change(aws);
  expect(letsIn(inside)).toBe(false);
});

test('a role that is made again is not the one that the key lets in', () => {
  const { aws, letsIn } = open({ more: [allow({ Principal: { AWS: labRoleArn }, Resource: '*' })] });
  const trust = JSON.parse(aws.iam.role(labRoleArn).trust.text);
  expect(letsIn(inside)).toBe(true);
  aws.iam.deleteRole(labRoleArn);
  aws.iam.addRole(labRoleArn, trust);
  expect(letsIn(inside)).toBe(false);
});

const [first, second] = ['192.0.2.1', '192.0.2.2'];
test.each([
  ['late', [true, false]],
  ['at-once', [false, false]],
] as const)('what a write changes is in force after a time; removals %s', (removals, during) => {
  for (const kind of ['key', 'role']) {
    const listOf = (...values: string[]) =>
      kind === 'key'
        ? [deny({ Condition: address('NotIpAddress', values) })]
        : [allow({ Condition: address('IpAddress', values) })];
    const { aws, clock, letsIn } = open({
      ...(kind === 'key' ? { own: [allow()], more: listOf(first) } : { own: listOf(first) }),
      aws: { propagationMs: 60_000, removals },
    });
    const state = () => [letsIn(first), letsIn(second)];
    expect(state()).toEqual([true, false]);
    if (kind === 'role') aws.iam.edit(labRoleArn, 'use-key', () => policyOf(...listOf(second)));
    else {
      aws.kms.edit(labKeyArn, policy => ({
        ...policy,
        Statement: [...labKeyPolicy.Statement, ...listOf(second)],
      }));
    }
    clock.advance(59_999);
    expect(state()).toEqual(during);
    clock.advance(1);
    expect(state()).toEqual([false, true]);
  }
});
