// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written so
/** One statement against one call: IAM's rules, each in a table. */
import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../../src/address/cidr.ts';
import { parseConditions } from '../../../src/gates/aws/condition.ts';
import { evaluateCondition } from '../../../src/gates/aws/evaluate-condition.ts';
import { matchPrincipal, speaksOf } from '../../../src/gates/aws/evaluate-statement.ts';
import { parsePolicy, parseStatement } from '../../../src/gates/aws/policy-document.ts';
import { isSamePolicy } from '../../../src/gates/aws/same-policy.ts';
import { fits } from '../../../src/gates/aws/wildcards.ts';

const role = 'arn:aws:iam::111122223333:role/atlas';
const key = 'arn:aws:kms:eu-central-1:111122223333:key/1a2b3c4d-5e6f-4a70-8b91-c2d3e4f5a6b7';
const keys = new Map<string, string | null>([
  ['aws:principalarn', role],
  ['aws:principalaccount', '111122223333'],
  ['aws:securetransport', 'true'],
  ['kms:viaservice', null],
  ['aws:sourcevpce', null],
]);

const conditionTruth = (condition: object, source: string | undefined = '52.1.2.3/32') =>
  parseConditions(condition).map(each =>
    evaluateCondition(each, { source: source === undefined ? undefined : parseCidr(source), keys }),
  );

describe('conditions', () => {
  test.each<[string, object, string]>([
    ['equal', { StringEquals: { 'aws:PrincipalArn': role } }, 'yes'],
    ['not equal', { StringEquals: { 'aws:PrincipalArn': 'x' } }, 'no'],
    ['values are OR-ed', { StringEquals: { 'aws:PrincipalArn': ['x', role] } }, 'yes'],
    ['negated values are NOR-ed', { StringNotEquals: { 'aws:PrincipalArn': ['x', role] } }, 'no'],
    ['none of the negated', { StringNotEquals: { 'aws:PrincipalArn': ['x', 'y'] } }, 'yes'],
    ['operators and keys ignore case', { stringEQUALS: { 'AWS:principalARN': role } }, 'yes'],
    ['values do not', { StringEquals: { 'aws:PrincipalArn': role.toUpperCase() } }, 'no'],
    ['unless told to', { StringEqualsIgnoreCase: { 'aws:PrincipalArn': role.toUpperCase() } }, 'yes'],
    ['no wildcards in equals', { StringEquals: { 'aws:PrincipalArn': 'arn:*' } }, 'no'],
    ['wildcards in like', { StringLike: { 'aws:PrincipalArn': 'arn:*role/at?as' } }, 'yes'],
    ['a negated like', { StringNotLike: { 'aws:PrincipalArn': 'arn:*' } }, 'no'],
    ['ArnEquals has wildcards', { ArnEquals: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/a*' } }, 'yes'],
    ['ArnLike over parts is not known', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:*/atlas' } }, 'unknown'],
    ['ArnNotEquals', { ArnNotEquals: { 'aws:PrincipalArn': role } }, 'no'],
    ['a policy variable', { StringLike: { 'aws:PrincipalArn': 'arn:${aws:x}' } }, 'unknown'],
    ['a variable beside what fits', { StringLike: { 'aws:PrincipalArn': ['${aws:x}', role] } }, 'yes'],
    ['Bool', { Bool: { 'aws:SecureTransport': 'TRUE' } }, 'yes'],
    ['Bool as a boolean', { Bool: { 'aws:SecureTransport': true } }, 'yes'],
    ['Bool that is none', { Bool: { 'aws:SecureTransport': 'maybe' } }, 'unknown'],
    ['a key that is not known', { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } }, 'unknown'],
    ['and negated', { StringNotEquals: { 'aws:PrincipalOrgID': 'o-1' } }, 'unknown'],
    ['an operator that is not known', { NumericLessThan: { 'aws:SecureTransport': 1 } }, 'unknown'],
    ['an operator of tomorrow', { StringAlmost: { 'aws:PrincipalArn': role } }, 'unknown'],
    ['an absent key', { StringEquals: { 'kms:ViaService': 'x' } }, 'no'],
    ['an absent key, negated', { StringNotEquals: { 'kms:ViaService': 'x' } }, 'yes'],
    ['an absent key, if it exists', { StringEqualsIfExists: { 'kms:ViaService': 'x' } }, 'yes'],
    ['a present key, if it exists', { StringEqualsIfExists: { 'aws:PrincipalArn': 'x' } }, 'no'],
    ['Null of an absent key', { Null: { 'kms:ViaService': 'true' } }, 'yes'],
    ['Null of a present key', { Null: { 'aws:PrincipalArn': 'true' } }, 'no'],
    ['not Null of a present key', { Null: { 'aws:SourceIp': 'false' } }, 'yes'],
    ['Null of a key that is not known', { Null: { 'aws:PrincipalOrgID': 'true' } }, 'unknown'],
    ['ForAnyValue of one value', { 'ForAnyValue:StringEquals': { 'aws:PrincipalArn': role } }, 'yes'],
    ['ForAnyValue of none', { 'ForAnyValue:StringEquals': { 'kms:ViaService': 'x' } }, 'no'],
    ['ForAnyValue of none, negated', { 'ForAnyValue:StringNotEquals': { 'kms:ViaService': 'x' } }, 'no'],
    ['ForAllValues of none', { 'ForAllValues:StringEquals': { 'kms:ViaService': 'x' } }, 'yes'],
    ['in a block', { IpAddress: { 'aws:SourceIp': '52.1.0.0/16' } }, 'yes'],
    ['a bare address', { IpAddress: { 'aws:SourceIp': '52.1.2.3' } }, 'yes'],
    ['host bits', { IpAddress: { 'aws:SourceIp': '52.1.9.9/16' } }, 'yes'],
    ['in none', { IpAddress: { 'aws:SourceIp': ['52.2.0.0/16', '2600::/32'] } }, 'no'],
    ['in an empty list', { IpAddress: { 'aws:SourceIp': [] } }, 'no'],
    ['not in an empty list', { NotIpAddress: { 'aws:SourceIp': [] } }, 'yes'],
    ['not in', { NotIpAddress: { 'aws:SourceIp': '52.1.0.0/16' } }, 'no'],
    ['no address at all', { IpAddress: { 'aws:SourceIp': 'pl-1234' } }, 'unknown'],
    ['beside one that fits', { IpAddress: { 'aws:SourceIp': ['pl-1234', '52.1.2.3'] } }, 'yes'],
    ['another key of addresses', { IpAddress: { 'aws:VpcSourceIp': '10.0.0.0/8' } }, 'unknown'],
    ['an address as a text', { StringEquals: { 'aws:SourceIp': '52.1.2.3' } }, 'unknown'],
  ])('%s', (_, condition, truth) => {
    expect(conditionTruth(condition)).toEqual([truth]);
  });

  test.each<[string, object, string]>([
    ['IpAddress', { IpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, 'no'],
    ['NotIpAddress', { NotIpAddress: { 'aws:SourceIp': '0.0.0.0/0' } }, 'yes'],
    ['NotIpAddressIfExists', { NotIpAddressIfExists: { 'aws:SourceIp': '0.0.0.0/0' } }, 'yes'],
    ['Null', { Null: { 'aws:SourceIp': 'false' } }, 'no'],
  ])('over PrivateLink, where the address is absent: %s', (_, condition, truth) => {
    const [test_] = parseConditions(condition);
    expect(evaluateCondition(test_!, { source: undefined, keys })).toBe(truth);
  });

  test('IPv6', () => {
    const condition = { IpAddress: { 'aws:SourceIp': '2600:1F18::/36' } };
    expect(conditionTruth(condition, '2600:1f18::1/128')).toEqual(['yes']);
    expect(conditionTruth(condition, '2600:1f19::1/128')).toEqual(['no']);
  });
});

describe('statements', () => {
  const call = {
    action: 'kms:Decrypt',
    resource: key,
    role: { arn: role, account: '111122223333', uniqueId: 'AROAAAAAAAAAAAAAAAAAA' },
    source: parseCidr('52.1.2.3/32'),
    keys,
  };
  const base = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*' };

  test.each<[string, object, string]>([
    ['plain', {}, 'yes'],
    ['actions ignore case', { Action: 'KMS:decrypt' }, 'yes'],
    ['wildcards', { Action: ['s3:*', 'kms:De*'] }, 'yes'],
    ['every action', { Action: '*' }, 'yes'],
    ['another action', { Action: 'kms:Encrypt' }, 'no'],
    ['NotAction', { Action: undefined, NotAction: 'kms:Encrypt' }, 'yes'],
    ['NotAction of it', { Action: undefined, NotAction: 'kms:D*' }, 'no'],
    ['Action and NotAction', { NotAction: 'kms:D*' }, 'unknown'],
    ['its own key', { Resource: key }, 'yes'],
    ['a pattern of keys', { Resource: 'arn:aws:kms:*:111122223333:key/*' }, 'yes'],
    ['another key', { Resource: `${key.slice(0, -1)}8` }, 'no'],
    ['an alias', { Resource: 'arn:aws:kms:eu-central-1:111122223333:alias/x' }, 'no'],
    ['NotResource', { Resource: undefined, NotResource: key }, 'no'],
    ['no Resource: no effect', { Resource: undefined }, 'no'],
    ['a member that nobody knows', { Whatever: 1 }, 'unknown'],
    ['a Condition that is none', { Condition: [] }, 'unknown'],
    ['an Action that is none', { Action: 7 }, 'unknown'],
    [
      'all conditions must hold',
      { Condition: { Bool: { 'aws:SecureTransport': 'true' }, IpAddress: { 'aws:SourceIp': '9.0.0.0/8' } } },
      'no',
    ],
    [
      'an unknown one that cannot matter',
      { Condition: { Date: { x: 'y' }, IpAddress: { 'aws:SourceIp': '9.0.0.0/8' } } },
      'no',
    ],
    [
      'an unknown one that can',
      { Condition: { Date: { x: 'y' }, IpAddress: { 'aws:SourceIp': '52.0.0.0/8' } } },
      'unknown',
    ],
  ])('%s', (_, more, truth) => {
    const raw = Object.fromEntries(
      Object.entries({ ...base, ...more }).filter(([, value]) => value !== undefined),
    );
    expect(speaksOf(parseStatement(raw), call)).toBe(truth);
  });

  test.each<[string, object, string, string]>([
    ['everyone', { Principal: '*' }, 'yes', 'no'],
    ['everyone of AWS', { Principal: { AWS: '*' } }, 'yes', 'no'],
    ['the role', { Principal: { AWS: [role] } }, 'yes', 'no'],
    ['its id', { Principal: { AWS: 'AROAAAAAAAAAAAAAAAAAA' } }, 'yes', 'no'],
    ['the id of one that is gone', { Principal: { AWS: 'AROABBBBBBBBBBBBBBBBB' } }, 'no', 'no'],
    ['the account', { Principal: { AWS: '111122223333' } }, 'no', 'yes'],
    ['its root', { Principal: { AWS: 'arn:aws:iam::111122223333:root' } }, 'no', 'yes'],
    ['another account', { Principal: { AWS: 'arn:aws:iam::999922223333:root' } }, 'no', 'no'],
    [
      'a session of the role',
      { Principal: { AWS: 'arn:aws:sts::111122223333:assumed-role/atlas/x' } },
      'unknown',
      'no',
    ],
    [
      'a session of another',
      { Principal: { AWS: 'arn:aws:sts::111122223333:assumed-role/y/x' } },
      'no',
      'no',
    ],
    ['a service', { Principal: { Service: 'ec2.amazonaws.com' } }, 'no', 'no'],
    ['a kind of tomorrow', { Principal: { Robot: 'x' } }, 'unknown', 'no'],
    ['a pattern', { Principal: { AWS: 'arn:aws:iam::111122223333:role/*' } }, 'unknown', 'no'],
    ['not someone else', { NotPrincipal: { AWS: 'arn:aws:iam::111122223333:role/y' } }, 'yes', 'no'],
    ['not the role', { NotPrincipal: { AWS: role } }, 'unknown', 'no'],
    ['not everyone', { NotPrincipal: '*' }, 'no', 'no'],
    ['nobody named', {}, 'no', 'no'],
    ['what cannot be read', { Principal: 'x' }, 'unknown', 'unknown'],
  ])('principal: %s', (_, more, itself, account) => {
    expect(matchPrincipal(parseStatement({ ...base, ...more }), call.role)).toEqual({ itself, account });
  });
});

describe('the same policy', () => {
  const policy = (...statements: object[]) =>
    parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
  const base = {
    Sid: 'a',
    Effect: 'Allow',
    Principal: { AWS: '111122223333' },
    Action: ['kms:A', 'kms:B'],
    Resource: '*',
  };

  test.each<[string, object, boolean]>([
    ['itself', {}, true],
    ['order of actions', { Action: ['kms:B', 'kms:A'] }, true],
    ['case of actions', { Action: ['KMS:b', 'kms:A'] }, true],
    ['an action twice', { Action: ['kms:B', 'kms:A', 'kms:A'] }, true],
    ['one value as a list', { Resource: ['*'] }, true],
    ['an account as its root', { Principal: { AWS: ['arn:aws:iam::111122223333:root'] } }, true],
    ['no conditions', { Condition: {} }, true],
    ['another Sid', { Sid: 'b' }, false],
    ['another effect', { Effect: 'Deny' }, false],
    ['an action less', { Action: 'kms:A' }, false],
    ['NotAction', { Action: undefined, NotAction: ['kms:A', 'kms:B'] }, false],
    ['another account', { Principal: { AWS: '999922223333' } }, false],
    ['a condition more', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } }, false],
    ['a member that nobody knows', { Whatever: 1 }, false],
  ])('%s', (_, more, same) => {
    expect(isSamePolicy(policy(base), policy({ ...base, ...more }))).toBe(same);
  });

  test.each<[string, object, object, boolean]>([
    [
      'order and case',
      { IpAddress: { 'aws:SourceIp': ['1.2.3.4/32', '5.6.7.0/24'] } },
      { ipaddress: { 'AWS:sourceip': ['5.6.7.0/24', '1.2.3.4'] } },
      true,
    ],
    [
      'IPv6 as it may be written',
      { IpAddress: { 'aws:SourceIp': '2600:0:0::/32' } },
      { IpAddress: { 'aws:SourceIp': '2600::/32' } },
      true,
    ],
    [
      'another block',
      { IpAddress: { 'aws:SourceIp': '1.2.3.0/24' } },
      { IpAddress: { 'aws:SourceIp': '1.2.3.0/25' } },
      false,
    ],
    [
      'a boolean as text',
      { Bool: { 'aws:SecureTransport': true } },
      { Bool: { 'aws:SecureTransport': 'True' } },
      true,
    ],
    ['IfExists', { StringEquals: { x: 'y' } }, { StringEqualsIfExists: { x: 'y' } }, false],
    ['a quantifier', { StringEquals: { x: 'y' } }, { 'ForAnyValue:StringEquals': { x: 'y' } }, false],
    ['case of values', { StringEquals: { x: 'y' } }, { StringEquals: { x: 'Y' } }, false],
  ])('conditions: %s', (_, a, b, same) => {
    expect(isSamePolicy(policy({ ...base, Condition: a }), policy({ ...base, Condition: b }))).toBe(same);
  });

  test('the order of statements, a single one bare, and the oldest version by default', () => {
    expect(isSamePolicy(policy(base, { ...base, Sid: 'b' }), policy({ ...base, Sid: 'b' }, base))).toBe(true);
    const old = parsePolicy(JSON.stringify({ Version: '2008-10-17', Statement: [base] }));
    expect(isSamePolicy(old, parsePolicy(JSON.stringify({ Statement: base })))).toBe(true);
    expect(isSamePolicy(old, policy(base))).toBe(false);
  });
});

describe('what is no policy', () => {
  test.each([
    '',
    '[]',
    'null',
    '{}',
    '{"Statement":[1]}',
    '{"Statement":"x"}',
    '{"Statement":[], "x": 12345678901234567890}',
  ])('%s', text => {
    expect(() => parsePolicy(text)).toThrow(/^The policy /);
  });
});

test.each([
  ['', '', true],
  ['*', '', true],
  ['?', '', false],
  ['a*b*c', 'a--b--c', true],
  ['a*b*c', 'a--c--b', false],
  ['*a', 'aaaa*a', true],
  ['a?c', 'abc', true],
  ['***', 'x', true],
  [`${'a*'.repeat(30)}b`, 'a'.repeat(5_000), false],
])('the pattern %s', (pattern, text, expected) => {
  expect(fits(pattern, text)).toBe(expected);
});
