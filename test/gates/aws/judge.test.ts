/** Key policy and role policies together, and laws that hold whatever the policies are. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSet } from '../../../src/address/address-set.ts';
import { type Cidr, parseCidr } from '../../../src/address/cidr.ts';
import type { NamedPolicy, Policies } from '../../../src/gates/aws/access.ts';
import { atomsOf } from '../../../src/gates/aws/atoms.ts';
import { atlasActions, Judge } from '../../../src/gates/aws/judge.ts';
import { parsePolicy } from '../../../src/gates/aws/policy-document.ts';

const account = '111122223333';
const role = `arn:aws:iam::${account}:role/atlas`;
const key = `arn:aws:kms:eu-central-1:${account}:key/1a2b3c4d-5e6f-4a70-8b91-c2d3e4f5a6b7`;
const foreignKey = key.replace(account, '999922223333');
const inside = '52.1.2.3/32' as Cidr;
const outside = '53.1.2.3/32' as Cidr;

const policy = (name: string, statements: readonly object[]): NamedPolicy => ({
  name,
  document: parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements })),
});
const root = { Effect: 'Allow', Principal: { AWS: account }, Action: 'kms:*', Resource: '*' };
const toRole = { ...root, Principal: { AWS: role } };
const byIam = { Effect: 'Allow', Action: [...atlasActions], Resource: '*' };
const at = (operator: string, ...cidrs: string[]) => ({
  Condition: { [operator]: { 'aws:SourceIp': cidrs } },
});
const notHere = {
  Effect: 'Deny',
  Principal: '*',
  Action: [...atlasActions],
  Resource: '*',
  Condition: {
    ArnEquals: { 'aws:PrincipalArn': role },
    NotIpAddress: { 'aws:SourceIp': ['52.0.0.0/8'] },
    Null: { 'aws:SourceIp': 'false' },
  },
};

interface Given {
  readonly key?: readonly object[];
  readonly role?: readonly object[];
  readonly more?: Partial<Policies>;
  readonly keyArn?: string;
}

const judge = ({ key: ofKey = [root], role: ofRole = [byIam], more = {}, keyArn = key }: Given) =>
  new Judge({
    key: keyArn,
    role: { arn: role, account, uniqueId: 'AROAAAAAAAAAAAAAAAAAA' },
    policies: {
      key: policy('the key policy', ofKey),
      role: [policy('inline policy "x"', ofRole)],
      roleIsComplete: true,
      boundary: 'none',
      ...more,
    },
  });

describe('both policies together', () => {
  test.each<[string, Given, string, string]>([
    ['the account decides, and IAM allows', {}, 'allowed', 'allowed'],
    ['the account decides, and IAM does not', { role: [] }, 'denied', 'denied'],
    ['IAM allows, and the key does not leave it to the account', { key: [] }, 'denied', 'denied'],
    ['the key names the role', { key: [toRole], role: [] }, 'allowed', 'allowed'],
    ['the key names everyone', { key: [{ ...root, Principal: '*' }], role: [] }, 'allowed', 'allowed'],
    [
      'everyone of the account, by its condition',
      {
        key: [{ ...root, Principal: '*', Condition: { StringEquals: { 'kms:CallerAccount': account } } }],
        role: [],
      },
      'allowed',
      'allowed',
    ],
    [
      'through another service only',
      {
        key: [
          { ...root, Condition: { StringEquals: { 'kms:ViaService': 'ec2.eu-central-1.amazonaws.com' } } },
        ],
      },
      'denied',
      'denied',
    ],
    [
      'IAM allows from a list',
      { role: [{ ...byIam, ...at('IpAddress', '52.0.0.0/8') }] },
      'allowed',
      'denied',
    ],
    [
      'the key leaves it to the account for a list',
      { key: [{ ...root, ...at('IpAddress', '52.0.0.0/8') }] },
      'allowed',
      'denied',
    ],
    ["Postern's Deny", { key: [root, notHere] }, 'allowed', 'denied'],
    [
      "Postern's Deny of another role",
      {
        key: [
          root,
          { ...notHere, Condition: { ...notHere.Condition, ArnEquals: { 'aws:PrincipalArn': `${role}2` } } },
        ],
      },
      'allowed',
      'allowed',
    ],
    ['a Deny wins over the key itself', { key: [toRole, notHere], role: [] }, 'allowed', 'denied'],
    [
      'a Deny of the account hits its roles',
      { key: [toRole, { ...root, Effect: 'Deny' }] },
      'denied',
      'denied',
    ],
    [
      'a Deny in IAM',
      { key: [toRole], role: [{ ...byIam, Effect: 'Deny', ...at('NotIpAddress', '52.0.0.0/8') }] },
      'allowed',
      'denied',
    ],
    [
      'a Deny of one action is enough',
      { role: [byIam, { ...byIam, Effect: 'Deny', Action: 'kms:DescribeKey' }] },
      'denied',
      'denied',
    ],
    [
      'two of three actions',
      { role: [{ ...byIam, Action: ['kms:Encrypt', 'kms:Decrypt'] }] },
      'denied',
      'denied',
    ],
    [
      'a Deny that is not understood',
      { key: [root, { ...root, Effect: 'Deny', Condition: { Mystery: { x: 'y' } } }] },
      'unknown',
      'unknown',
    ],
    [
      'a known Deny beside it',
      {
        key: [
          root,
          { ...root, Effect: 'Deny', Condition: { Mystery: { x: 'y' } } },
          { ...root, Effect: 'Deny' },
        ],
      },
      'denied',
      'denied',
    ],
    [
      'an Allow that is not understood',
      { role: [{ ...byIam, Condition: { Mystery: { x: 'y' } } }] },
      'unknown',
      'unknown',
    ],
    [
      'an Effect that is not understood',
      { key: [root, { ...root, Effect: 'Perhaps' }] },
      'unknown',
      'unknown',
    ],
    [
      'a statement without Resource',
      { key: [{ ...toRole, Resource: undefined }], role: [] },
      'denied',
      'denied',
    ],
    ['the key policy is not read', { more: { key: undefined } }, 'unknown', 'unknown'],
    [
      'the key policy is not read, and IAM denies',
      { role: [{ ...byIam, Effect: 'Deny' }], more: { key: undefined } },
      'denied',
      'denied',
    ],
    ['not all of the role is read', { more: { roleIsComplete: false } }, 'unknown', 'unknown'],
    [
      "not all of the role is read, and Postern's Deny",
      { key: [toRole, notHere], more: { roleIsComplete: false } },
      'unknown',
      'denied',
    ],
    ['a boundary that does not allow', { more: { boundary: policy('b', []) } }, 'denied', 'denied'],
    ['a boundary that allows', { more: { boundary: policy('b', [byIam]) } }, 'allowed', 'allowed'],
    ['a boundary that is not read', { more: { boundary: 'unread' } }, 'unknown', 'unknown'],
    ['across accounts, the key leaves it to the account', { keyArn: foreignKey }, 'allowed', 'allowed'],
    [
      'across accounts, the key alone is not enough',
      { keyArn: foreignKey, key: [toRole], role: [] },
      'denied',
      'denied',
    ],
    ['across accounts, IAM alone is not enough', { keyArn: foreignKey, key: [] }, 'denied', 'denied'],
    ['across accounts, both', { keyArn: foreignKey, key: [toRole] }, 'allowed', 'allowed'],
  ])('%s', (_, given, listed, unlisted) => {
    expect([judge(given).of(inside), judge(given).of(outside)]).toEqual([listed, unlisted]);
  });

  test.each<[string, string]>([
    ['52.1.0.0/16', 'allowed'],
    ['53.0.0.0/16', 'denied'],
    ['52.0.0.0/7', 'mixed'],
    ['0.0.0.0/0', 'mixed'],
    ['2600::/32', 'denied'],
  ])('a whole block is decided only if all of it is decided alike: %s', (block, access) => {
    expect(judge({ key: [root, notHere] }).of(parseCidr(block))).toBe(access);
  });

  test('everyone, in two halves', () => {
    const halves = { ...byIam, ...at('IpAddress', '0.0.0.0/1', '128.0.0.0/1') };
    expect(judge({ role: [halves] }).ofEveryone()).toBe('allowed');
  });

  test('names the statements that let a call in', () => {
    const named = { ...toRole, Sid: 'Allow use of the key' };
    expect(judge({ key: [root, named] }).because(outside, 'kms:Decrypt')).toEqual([
      'statement "Allow use of the key" of the key policy',
      'statement 1 of inline policy "x"',
    ]);
  });
});

const block = fc
  .tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 4, max: 8 }))
  .map(([high, length]) => parseCidr(`${high * 16}.0.0.0/${length}`, { hostBits: 'mask' }));
const condition = fc.oneof(
  fc.constant({}),
  fc
    .tuple(fc.constantFrom('IpAddress', 'NotIpAddress'), fc.array(block, { maxLength: 3 }))
    .map(([operator, cidrs]) => at(operator, ...cidrs)),
  fc.constant({ Condition: { Mystery: { x: 'y' } } }),
  fc.constantFrom('true', 'false').map(value => ({ Condition: { Null: { 'aws:SourceIp': value } } })),
);
const statement = fc
  .record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Principal: fc.constantFrom<unknown>(
      '*',
      { AWS: role },
      { AWS: account },
      { AWS: 'AROABBBBBBBBBBBBBBBBB' },
    ),
    Action: fc.constantFrom('kms:*', 'kms:Decrypt', ['kms:Encrypt', 'kms:DescribeKey']),
    more: condition,
  })
  .map(({ more, ...rest }) => ({ ...rest, Resource: '*', ...more }));
const withoutPrincipal = statement.map(({ Principal: _, ...rest }) => rest);
const given = fc.record({
  key: fc.array(statement, { maxLength: 4 }),
  role: fc.array(withoutPrincipal, { maxLength: 3 }),
  keyArn: fc.constantFrom(key, foreignKey),
});
const source = fc.nat({ max: 255 }).map(high => `${high}.9.9.9/32` as Cidr);

describe('laws', () => {
  test('a Deny without conditions always wins', () => {
    fc.assert(
      fc.property(given, source, (world, from) => {
        const deny = { Effect: 'Deny', Principal: '*', Action: 'kms:*', Resource: '*' };
        expect(judge({ ...world, key: [...world.key, deny] }).of(from)).toBe('denied');
      }),
    );
  });

  test('an Allow more never shuts out, and a Deny more never lets in', () => {
    const rank = { denied: 0, unknown: 1, allowed: 2, mixed: 1 };
    fc.assert(
      fc.property(given, statement, source, (world, more, from) => {
        const before = rank[judge(world).of(from)];
        const after = rank[judge({ ...world, key: [...world.key, more] }).of(from)];
        if (more.Effect === 'Allow') expect(after).toBeGreaterThanOrEqual(before);
        else expect(after).toBeLessThanOrEqual(before);
      }),
    );
  });

  test('order does not matter', () => {
    fc.assert(
      fc.property(given, source, (world, from) => {
        const turned = { ...world, key: world.key.toReversed(), role: world.role.toReversed() };
        expect(judge(turned).of(from)).toBe(judge(world).of(from));
      }),
    );
  });

  test('what is not read is never taken for allowed, and changes no certain denial by a Deny', () => {
    fc.assert(
      fc.property(given, source, (world, from) => {
        const partly = judge({ ...world, more: { roleIsComplete: false } }).of(from);
        expect(partly).not.toBe('allowed');
        const fully = judge(world).of(from);
        if (fully === 'allowed') expect(partly).toBe('unknown');
      }),
    );
  });

  test('a block is what each of its addresses is', () => {
    fc.assert(
      fc.property(
        given,
        block,
        fc.array(source, { minLength: 20, maxLength: 40 }),
        (world, whole, samples) => {
          const judged = judge(world);
          const set = AddressSet.of([whole]);
          const access = judged.of(whole);
          for (const from of samples.filter(each => set.covers(each))) {
            if (access !== 'mixed' && access !== 'unknown') expect(judged.of(from)).toBe(access);
          }
          // And all that is allowed is in `allowed`.
          const allowed = judged.allowed();
          for (const from of samples) expect(allowed.covers(from)).toBe(judged.of(from) === 'allowed');
        },
      ),
    );
  });

  test('the pieces of a block are apart, and make it up', () => {
    fc.assert(
      fc.property(block, fc.array(block, { maxLength: 8 }), (whole, cuts) => {
        let sum = AddressSet.empty;
        for (const { set, sample } of atomsOf(whole, cuts)) {
          expect(sum.intersection(set).isEmpty).toBe(true);
          expect(set.covers(sample)).toBe(true);
          for (const cut of cuts)
            expect(AddressSet.of([cut]).covers(sample) || !AddressSet.of([cut]).overlaps(sample)).toBe(true);
          sum = sum.union(set);
        }
        expect(sum.equals(AddressSet.of([whole]))).toBe(true);
      }),
    );
  });
});
