/** Keys and their policies, as AWS's SDK sees them over HTTP. */
import {
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  PutKeyPolicyCommand,
  type PutKeyPolicyCommandInput,
} from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import {
  labAccountId,
  labAdminArn,
  labCallerArn,
  labKeyArn,
  labKeyPolicy,
  labRoleArn,
} from '../../src/lab/aws/world.ts';
import { refusals } from '../../src/lab/index.ts';
import { type OpenAwsLab, openAwsLab, refusalOf } from './aws-client.ts';

const [rootStatement, adminStatement] = labKeyPolicy.Statement;
const rootArn = `arn:aws:iam::${labAccountId}:root`;
const policyOf = (...statements: readonly unknown[]) => ({ Version: '2012-10-17', Statement: statements });
const decrypt = (principal: unknown) => ({
  Effect: 'Allow',
  Principal: principal,
  Action: 'kms:Decrypt',
  Resource: '*',
});

const getText = async ({ kms }: OpenAwsLab) =>
  (await kms.send(new GetKeyPolicyCommand({ KeyId: labKeyArn }))).Policy!;
const put = ({ kms }: OpenAwsLab, policy: unknown, more: Partial<PutKeyPolicyCommandInput> = {}) =>
  kms.send(
    new PutKeyPolicyCommand({
      KeyId: labKeyArn,
      Policy: typeof policy === 'string' ? policy : JSON.stringify(policy),
      ...more,
    }),
  );
/** Stored after it was sent, as the SDK's user reads it. */
async function stored(open: OpenAwsLab, statement: unknown): Promise<any> {
  await put(open, policyOf(rootStatement, statement));
  return JSON.parse(await getText(open)).Statement[1];
}

test('a policy is read, written, and read back', async () => {
  const open = await openAwsLab();
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
  await put(open, policyOf(rootStatement));
  expect(JSON.parse(await getText(open))).toEqual(policyOf(rootStatement));
});

test('it comes back as KMS writes it, whatever the form it was sent in', async () => {
  const open = await openAwsLab();
  const condition = { NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '198.51.100.7/32'] } };
  const statement = { Resource: '*', Action: ['kms:Encrypt'], Principal: '*', Effect: 'Deny', Sid: 'A b' };
  await put(open, {
    Statement: [rootStatement, { Condition: condition, ...statement }],
    Version: '2012-10-17',
  });
  expect(await getText(open)).toBe(`{
  "Version" : "2012-10-17",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "${rootArn}"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  }, {
    "Sid" : "A b",
    "Effect" : "Deny",
    "Principal" : "*",
    "Action" : [ "kms:Encrypt" ],
    "Resource" : "*",
    "Condition" : {
      "NotIpAddress" : {
        "aws:SourceIp" : [ "192.0.2.0/24", "198.51.100.7/32" ]
      }
    }
  } ]
}`);
});

test.each([
  ['preserved', ['kms:Encrypt', 'kms:Decrypt']],
  ['sorted', ['kms:Decrypt', 'kms:Encrypt']],
] as const)('the order of a list: %s', async (listOrder, expected) => {
  const open = await openAwsLab({ aws: { listOrder } });
  const statement = { ...decrypt('*'), Action: ['kms:Encrypt', 'kms:Decrypt'] };
  expect((await stored(open, statement)).Action).toEqual(expected);
});

test.each([
  ['keep', ['kms:Decrypt']],
  ['unwrap', 'kms:Decrypt'],
] as const)('a list of one: %s', async (listsOfOne, expected) => {
  const open = await openAwsLab({ aws: { listsOfOne } });
  expect((await stored(open, { ...decrypt('*'), Action: ['kms:Decrypt'] })).Action).toEqual(expected);
});

test.each([
  ['arn', labAccountId, rootArn],
  ['arn', rootArn, rootArn],
  ['id', labAccountId, labAccountId],
  ['id', rootArn, labAccountId],
  ['as-sent', labAccountId, labAccountId],
  ['as-sent', rootArn, rootArn],
] as const)('a whole account comes back as %s: sent %s', async (accountPrincipals, sent, expected) => {
  const open = await openAwsLab({ aws: { accountPrincipals } });
  expect((await stored(open, decrypt({ AWS: sent }))).Principal).toEqual({ AWS: expected });
});

test('a role that is deleted comes back as its id, and a new one of its name is another', async () => {
  const open = await openAwsLab();
  const { iam } = open.lab.aws;
  const { id } = open.lab.aws.directory.find(labAdminArn)!;
  iam.deleteRole(labAdminArn);
  const principal = async () => JSON.parse(await getText(open)).Statement[1].Principal;
  expect(id).toMatch(/^AROA[A-Z0-9]{17}$/);
  expect(await principal()).toEqual({ AWS: id });
  iam.addRole(labAdminArn, policyOf({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }));
  expect(await principal()).toEqual({ AWS: id });
});

test.each([
  ['refuse', true],
  ['accept', false],
] as const)('a policy with the id of someone deleted, where KMS would %s it', async (orphanedIds, refused) => {
  const open = await openAwsLab({ aws: { orphanedIds } });
  open.lab.aws.iam.deleteRole(labAdminArn);
  const policy = await getText(open);
  if (!refused) return void (await put(open, policy));
  expect(await refusalOf(put(open, policy))).toEqual({
    name: 'MalformedPolicyDocumentException',
    message: 'Policy contains a statement with one or more invalid principals.',
    status: 400,
  });
});

test('a new role is unknown to KMS for a while', async () => {
  const open = await openAwsLab({ aws: { newPrincipalMs: 10_000 } });
  open.clock.advance(10_000);
  await put(open, labKeyPolicy);
  const arn = `arn:aws:iam::${labAccountId}:role/new`;
  open.lab.aws.iam.addRole(arn, policyOf({ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }));
  const policy = policyOf(rootStatement, decrypt({ AWS: arn }));
  expect((await refusalOf(put(open, policy))).message).toMatch(/invalid principals/);
  open.clock.advance(10_000);
  await put(open, policy);
});

test.each([
  ['a role that is not there', { AWS: `arn:aws:iam::${labAccountId}:role/nobody` }],
  ['an account that is not there', { AWS: '999999999999' }],
  ['a part of an ARN', { AWS: `arn:aws:iam::${labAccountId}:role/*` }],
  ['one of two', { AWS: [labRoleArn, `arn:aws:iam::${labAccountId}:role/nobody`] }],
  ['a service that is none', { Service: 'kms' }],
])('an invalid principal: %s', async (_, principal) => {
  const open = await openAwsLab();
  const { name, message } = await refusalOf(put(open, policyOf(rootStatement, decrypt(principal))));
  expect(name).toBe('MalformedPolicyDocumentException');
  expect(message).toBe('Policy contains a statement with one or more invalid principals.');
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
});

test.each<readonly [string, unknown]>([
  ['no JSON', '{"Version":'],
  ['a list', []],
  ['no statements', policyOf()],
  ['another version', { ...policyOf(rootStatement), Version: '2026-01-01' }],
  ['another member', { ...policyOf(rootStatement), Owner: 'me' }],
  ['a statement without a principal', policyOf(rootStatement, { ...decrypt('*'), Principal: undefined })],
  ['a statement without actions', policyOf(rootStatement, { ...decrypt('*'), Action: [] })],
  ['Action and NotAction', policyOf(rootStatement, { ...decrypt('*'), NotAction: 'kms:Encrypt' })],
  ['an action without its service', policyOf(rootStatement, { ...decrypt('*'), Action: 'Decrypt' })],
  ['another effect', policyOf(rootStatement, { ...decrypt('*'), Effect: 'Maybe' })],
  ['one Sid twice', policyOf(rootStatement, rootStatement)],
  [
    'an unknown operator',
    policyOf(rootStatement, { ...decrypt('*'), Condition: { IpIs: { 'aws:SourceIp': 'x' } } }),
  ],
  [
    'an address that is none',
    policyOf(rootStatement, { ...decrypt('*'), Condition: { IpAddress: { 'aws:SourceIp': '1.2.3.256' } } }),
  ],
])('malformed, and nothing is written: %s', async (_, policy) => {
  const open = await openAwsLab();
  expect(await refusalOf(put(open, policy))).toMatchObject({
    name: 'MalformedPolicyDocumentException',
    status: 400,
  });
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
});

test('32,768 bytes are the limit, of what is sent', async () => {
  const open = await openAwsLab();
  const sized = (bytes: number) => JSON.stringify(policyOf(rootStatement)).padEnd(bytes);
  await put(open, sized(32_768));
  expect((await refusalOf(put(open, sized(32_769)))).name).toBe('LimitExceededException');
  // Two bytes in UTF-8.
  const latin = JSON.stringify(policyOf({ ...rootStatement, Sid: 'é'.repeat(16_384) }));
  expect((await refusalOf(put(open, latin))).name).toBe('LimitExceededException');
});

test.each([
  ['a text that KMS does not take', '{"Version":"2012-10-17","Id":"\u2013"}', {}, 'ValidationException'],
  ['another name', policyOf(rootStatement), { PolicyName: 'mine' }, 'NotFoundException'],
  ['a name that can be none', policyOf(rootStatement), { PolicyName: 'a b' }, 'ValidationException'],
  [
    'a key that is not there',
    policyOf(rootStatement),
    { KeyId: labKeyArn.replace('1a', '2a') },
    'NotFoundException',
  ],
  ['an id that can be none', policyOf(rootStatement), { KeyId: 'payments' }, 'NotFoundException'],
  ['an alias', policyOf(rootStatement), { KeyId: 'alias/payments' }, 'NotFoundException'],
  [
    'a key of another region',
    policyOf(rootStatement),
    { KeyId: labKeyArn.replace('us-east-1', 'eu-west-1') },
    'NotFoundException',
  ],
])('refused: %s', async (_, policy, more, name) => {
  const open = await openAwsLab();
  expect(await refusalOf(put(open, policy, more))).toMatchObject({ name, status: 400 });
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
});

const lockout = {
  name: 'MalformedPolicyDocumentException',
  message: 'The new key policy will not allow you to update the key policy in the future.',
  status: 400,
};
const denyElsewhere = (action: string) => ({
  Effect: 'Deny',
  Principal: '*',
  Action: action,
  Resource: '*',
  Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } },
});

test('a policy that would lock the caller out is refused, unless the check is bypassed', async () => {
  const open = await openAwsLab();
  expect(await refusalOf(put(open, policyOf(adminStatement)))).toEqual(lockout);
  await put(open, policyOf(adminStatement), { BypassPolicyLockoutSafetyCheck: true });
  expect(await refusalOf(put(open, policyOf(rootStatement)))).toMatchObject({
    name: 'AccessDeniedException',
    message: `User: ${labCallerArn} is not authorized to perform: kms:PutKeyPolicy on resource: ${labKeyArn} because no resource-based policy allows the kms:PutKeyPolicy action`,
  });
});

test('a policy may name the caller itself', async () => {
  const open = await openAwsLab();
  const own = { Effect: 'Allow', Principal: { AWS: labCallerArn }, Action: 'kms:Put*', Resource: '*' };
  await put(open, policyOf(own));
  expect((await refusalOf(getText(open))).name).toBe('AccessDeniedException');
});

test.each([
  ['with-conditions', 'kms:*', true],
  ['with-conditions', 'kms:Decrypt', false],
  ['without-conditions', 'kms:*', false],
] as const)('a Deny by address, where the check looks %s, of %s', async (lockoutCheck, action, refused) => {
  const open = await openAwsLab({ aws: { lockoutCheck } });
  const write = put(open, policyOf(rootStatement, denyElsewhere(action)));
  if (refused) expect(await refusalOf(write)).toEqual(lockout);
  else await write;
  // What the check let through locks the caller out all the same.
  const lockedOut = action === 'kms:*' && !refused;
  if (lockedOut) expect((await refusalOf(getText(open))).message).toMatch(/with an explicit deny/);
  else await getText(open);
});

test.each([
  'kms:GetKeyPolicy',
  'kms:PutKeyPolicy',
  'kms:DescribeKey',
])('without the right to %s', async action => {
  const open = await openAwsLab();
  open.lab.aws.withheld.add(action);
  const send = {
    'kms:GetKeyPolicy': () => getText(open),
    'kms:PutKeyPolicy': () => put(open, labKeyPolicy),
    'kms:DescribeKey': () => open.kms.send(new DescribeKeyCommand({ KeyId: labKeyArn })),
  }[action]!;
  expect(await refusalOf(send())).toMatchObject({
    name: 'AccessDeniedException',
    message: expect.stringContaining(`because no identity-based policy allows the ${action} action`),
    status: 400,
  });
});

test.each([
  ['Enabled', undefined],
  ['Disabled', undefined],
  ['PendingDeletion', undefined],
  ['Creating', 'KMSInvalidStateException'],
] as const)('a policy may be written while the key is %s?', async (state, refusal) => {
  const open = await openAwsLab();
  open.lab.aws.kms.key(labKeyArn).state = state;
  const { KeyMetadata } = await open.kms.send(new DescribeKeyCommand({ KeyId: labKeyArn }));
  expect(KeyMetadata).toMatchObject({ KeyState: state, Enabled: state === 'Enabled' });
  await getText(open);
  if (refusal) expect((await refusalOf(put(open, labKeyPolicy))).name).toBe(refusal);
  else await put(open, labKeyPolicy);
});

test('nobody writes the policy of a key that AWS manages', async () => {
  const { lab, kms } = await openAwsLab();
  const arn = labKeyArn.replace('1a2b', '9a2b');
  const read = { ...decrypt({ AWS: rootArn }), Action: ['kms:Describe*', 'kms:Get*'] };
  lab.aws.kms.addKey({ arn, policy: policyOf(read), manager: 'AWS' });
  const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: arn }));
  expect(KeyMetadata!.KeyManager).toBe('AWS');
  const Policy = JSON.stringify(labKeyPolicy);
  const refusal = await refusalOf(kms.send(new PutKeyPolicyCommand({ KeyId: arn, Policy })));
  expect(refusal.name).toBe('AccessDeniedException');
});

test('the policies of a key in several regions are apart', async () => {
  const { lab, kms, options } = await openAwsLab();
  const arn = (region: string) => `arn:aws:kms:${region}:${labAccountId}:key/mrk-${'ab'.repeat(16)}`;
  const [primary, replica] = [arn('us-east-1'), arn('eu-west-1')];
  for (const each of [primary, replica]) lab.aws.kms.addKey({ arn: each, policy: labKeyPolicy });
  const Policy = JSON.stringify(policyOf(rootStatement));
  await kms.send(new PutKeyPolicyCommand({ KeyId: primary, Policy }));
  const europe = new KMSClient({ ...options, region: 'eu-west-1', endpoint: lab.urls.kms });
  const { Policy: other } = await europe.send(new GetKeyPolicyCommand({ KeyId: replica.split('/')[1] }));
  expect(JSON.parse(other!)).toEqual(labKeyPolicy);
  const { KeyMetadata } = await europe.send(new DescribeKeyCommand({ KeyId: replica }));
  expect(KeyMetadata).toMatchObject({
    MultiRegion: true,
    MultiRegionConfiguration: {
      MultiRegionKeyType: 'REPLICA',
      PrimaryKey: { Arn: primary, Region: 'us-east-1' },
      ReplicaKeys: [{ Arn: replica, Region: 'eu-west-1' }],
    },
  });
});

test('policies and grants are listed, grants in pages', async () => {
  const { lab, kms } = await openAwsLab();
  const { grants } = lab.aws.kms.key(labKeyArn);
  for (let i = 0; i < 3; i++) grants.push({ id: `${i}`, granteeArn: labRoleArn, operations: ['Decrypt'] });
  const names = await kms.send(new ListKeyPoliciesCommand({ KeyId: labKeyArn }));
  expect(names).toMatchObject({ PolicyNames: ['default'], Truncated: false });
  const list = (more: object) => kms.send(new ListGrantsCommand({ KeyId: labKeyArn, Limit: 2, ...more }));
  const first = await list({});
  expect(first).toMatchObject({ Truncated: true, Grants: [{ GrantId: '0' }, { GrantId: '1' }] });
  const second = await list({ Marker: first.NextMarker });
  expect(second).toMatchObject({
    Truncated: false,
    Grants: [{ GrantId: '2', GranteePrincipal: labRoleArn }],
  });
  expect((await refusalOf(list({ Marker: 'x' }))).name).toBe('InvalidMarkerException');
});

test.each([
  ['all', [true, true, true, true]],
  ['every-other', [true, false, true, false]],
] as const)('after a write, reads are late: %s', async (lateReads, late) => {
  const open = await openAwsLab({ aws: { readLagMs: 60_000, lateReads } });
  await put(open, policyOf(rootStatement));
  const isLate = async () => JSON.parse(await getText(open)).Statement.length === 2;
  for (const expected of late) expect(await isLate()).toBe(expected);
  open.clock.advance(60_000);
  expect(await isLate()).toBe(false);
});

test('stale reads show the version before, and then the newest', async () => {
  const open = await openAwsLab();
  await put(open, policyOf(rootStatement));
  open.lab.aws.staleReads = 1;
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
  expect(JSON.parse(await getText(open))).toEqual(policyOf(rootStatement));
});

test.each([
  ['ThrottlingException', 400, refusals.kmsThrottled],
  ['KMSInternalException', 500, refusals.kmsInternal],
  ['DependencyTimeoutException', 503, refusals.kmsDependencyTimeout],
] as const)('a fault for one operation: %s', async (name, status, act) => {
  const open = await openAwsLab();
  open.lab.faults.add({ on: 'kms', path: '/PutKeyPolicy', times: 1, act: act() });
  await getText(open);
  expect(await refusalOf(put(open, policyOf(rootStatement)))).toMatchObject({ name, status });
  expect(JSON.parse(await getText(open))).toEqual(labKeyPolicy);
  expect(open.lab.requests.map(({ path, status }) => [path, status])).toEqual([
    ['/GetKeyPolicy', 200],
    ['/PutKeyPolicy', status],
    ['/GetKeyPolicy', 200],
  ]);
});

test('the SDK itself tries again when it is throttled', async () => {
  const { lab, options } = await openAwsLab();
  lab.faults.add({ on: 'kms', times: 1, act: refusals.kmsThrottled() });
  const kms = new KMSClient({ ...options, endpoint: lab.urls.kms, maxAttempts: 2 });
  expect((await kms.send(new GetKeyPolicyCommand({ KeyId: labKeyArn }))).$metadata.attempts).toBe(2);
});

test('what the lab does not know it says', async () => {
  const open = await openAwsLab();
  open.lab.aws.kms.edit(labKeyArn, policy => ({
    ...policy,
    Statement: [
      ...policy.Statement,
      { ...denyElsewhere('kms:*'), Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } },
    ],
  }));
  expect(await refusalOf(getText(open))).toMatchObject({
    message: 'Error: the lab does not know the condition key aws:multifactorauthpresent',
    status: 500,
  });
  open.lab.aws.facts.set('aws:multifactorauthpresent', ['false']);
  await getText(open);
});
