/** Roles and their policies, as AWS's SDK sees them over HTTP. */
import {
  DeleteRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  GetUserCommand,
  IAMClient,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
  SimulatePrincipalPolicyCommand,
} from '@aws-sdk/client-iam';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { expect, test } from 'vitest';
import {
  foreignPolicy,
  foreignPolicyName,
  labAccountId,
  labCallerArn,
  labKeyArn,
  labRoleArn,
} from '../../src/lab/aws/world.ts';
import { refusals } from '../../src/lab/index.ts';
import { type OpenAwsLab, openAwsLab, refusalOf } from './aws-client.ts';

const RoleName = 'atlas-cmk';
const policyOf = (...statements: readonly unknown[]) => ({ Version: '2012-10-17', Statement: statements });
const useKey = {
  Sid: 'UseKey',
  Effect: 'Allow',
  Action: ['kms:Encrypt', 'kms:Decrypt'],
  Resource: labKeyArn,
  Condition: { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '2001:db8::/32'] } },
};

const put = ({ iam }: OpenAwsLab, policy: unknown, name = 'ours') =>
  iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: name,
      PolicyDocument: typeof policy === 'string' ? policy : JSON.stringify(policy),
    }),
  );
const getText = async ({ iam }: OpenAwsLab, name = 'ours') => {
  const { PolicyDocument } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: name }));
  return decodeURIComponent(PolicyDocument!);
};
const names = async ({ iam }: OpenAwsLab) =>
  (await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames;

test('an inline policy comes back as it was sent, URL-encoded', async () => {
  const open = await openAwsLab();
  const text = `${JSON.stringify(policyOf({ ...useKey, Resource: '*' }), null, 2)}\n`;
  await put(open, text);
  const { PolicyDocument } = await open.iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'ours' }));
  expect(PolicyDocument).toMatch(/^%7B%0A%20%20%22Version%22%3A%20%222012-10-17%22/);
  expect(PolicyDocument).toContain('%2A');
  expect(decodeURIComponent(PolicyDocument!)).toBe(text);
  expect(await names(open)).toEqual([foreignPolicyName, 'ours']);
  expect(JSON.parse(await getText(open, foreignPolicyName))).toEqual(foreignPolicy);
});

test('a policy is replaced, and deleted once', async () => {
  const open = await openAwsLab();
  const remove = () => open.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'ours' }));
  await put(open, policyOf(useKey));
  await put(open, policyOf({ ...useKey, Sid: 'Again' }));
  expect(JSON.parse(await getText(open)).Statement[0].Sid).toBe('Again');
  await remove();
  const gone = {
    name: 'NoSuchEntityException',
    message: 'The role policy with name ours cannot be found.',
    status: 404,
  };
  expect(await refusalOf(getText(open))).toEqual(gone);
  expect(await refusalOf(remove())).toEqual(gone);
  expect(await names(open)).toEqual([foreignPolicyName]);
});

const sidSentence =
  'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*';
test.each<readonly [string, unknown, string]>([
  ['no JSON', '{', 'This policy contains invalid Json'],
  ['no statement', policyOf(), 'Syntax errors in policy.'],
  ['characters that IAM does not take', '{"Id":"\u2013"}', 'Syntax errors in policy.'],
  ['a Sid with a space', policyOf({ ...useKey, Sid: 'Use key' }), sidSentence],
  ['one Sid twice', policyOf(useKey, useKey), 'Statement IDs (SID) in a single policy must be unique.'],
  ['a principal', policyOf({ ...useKey, Principal: '*' }), 'Policy document should not specify a principal.'],
  ['no resource', policyOf({ ...useKey, Resource: undefined }), 'Policy statement must contain resources.'],
  ['no action', policyOf({ ...useKey, Action: undefined }), 'Policy statement must contain actions.'],
  [
    'an action without its service',
    policyOf({ ...useKey, Action: 'Decrypt' }),
    'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.',
  ],
  [
    'a resource that is no ARN',
    policyOf({ ...useKey, Resource: 'key' }),
    'Resource key must be in ARN format or "*".',
  ],
])('malformed, and nothing is written: %s', async (_, policy, message) => {
  const open = await openAwsLab();
  expect(await refusalOf(put(open, policy))).toEqual({
    name: 'MalformedPolicyDocumentException',
    message,
    status: 400,
  });
  expect(await names(open)).toEqual([foreignPolicyName]);
});

test('10,240 characters are the limit, over all inline policies, without white space', async () => {
  const open = await openAwsLab();
  const taken = JSON.stringify(foreignPolicy).length;
  const [action] = useKey.Action;
  const sized = (characters: number) => {
    const rest = JSON.stringify(policyOf({ ...useKey, Sid: '' })).length;
    return policyOf({ ...useKey, Sid: 'x'.repeat(characters - rest) });
  };
  expect(action).toBe('kms:Encrypt');
  await put(open, JSON.stringify(sized(10_240 - taken), null, 8));
  expect(await refusalOf(put(open, sized(10_241 - taken)))).toEqual({
    name: 'LimitExceededException',
    message: 'Maximum policy size of 10240 bytes exceeded for role atlas-cmk',
    status: 409,
  });
  expect(await refusalOf(put(open, policyOf(useKey), 'another'))).toMatchObject({ status: 409 });
  await put(open, sized(10_000 - taken));
});

test('names of policies come in pages', async () => {
  const open = await openAwsLab();
  for (const name of ['c', 'b', 'a']) await put(open, policyOf(useKey), name);
  const pages: unknown[] = [];
  for await (const page of paginateListRolePolicies({ client: open.iam, pageSize: 3 }, { RoleName })) {
    pages.push([page.PolicyNames, page.IsTruncated]);
  }
  expect(pages).toEqual([
    [['a', foreignPolicyName, 'b'], true],
    [['c'], false],
  ]);
  const wrong = open.iam.send(new ListRolePoliciesCommand({ RoleName, Marker: 'x' }));
  expect(await refusalOf(wrong)).toMatchObject({ name: 'ValidationError', status: 400 });
});

test('attached policies, and what stands in their versions', async () => {
  const { lab, iam } = await openAwsLab();
  const arn = (i: number) => `arn:aws:iam::${labAccountId}:policy/team/p${i}`;
  for (let i = 0; i < 3; i++) lab.aws.iam.attach(labRoleArn, arn(i), policyOf(useKey));
  lab.aws.iam.addManagedPolicy(arn(2), foreignPolicy);
  const attached = [];
  for await (const page of paginateListAttachedRolePolicies({ client: iam, pageSize: 2 }, { RoleName })) {
    attached.push(...page.AttachedPolicies!);
  }
  expect(attached).toEqual([0, 1, 2].map(i => ({ PolicyName: `p${i}`, PolicyArn: arn(i) })));
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn: arn(2) }));
  expect(Policy).toMatchObject({ DefaultVersionId: 'v2', AttachmentCount: 1, Path: '/team/' });
  const version = async (VersionId: string) => {
    const answer = await iam.send(new GetPolicyVersionCommand({ PolicyArn: arn(2), VersionId }));
    const { Document, IsDefaultVersion } = answer.PolicyVersion!;
    return [JSON.parse(decodeURIComponent(Document!)), IsDefaultVersion];
  };
  expect(await version('v1')).toEqual([policyOf(useKey), false]);
  expect(await version('v2')).toEqual([foreignPolicy, true]);
  expect((await refusalOf(version('v3'))).name).toBe('NoSuchEntityException');
  const noPolicy = iam.send(new GetPolicyCommand({ PolicyArn: arn(9) }));
  expect(await refusalOf(noPolicy)).toMatchObject({ name: 'NoSuchEntityException', status: 404 });
});

test('the limits of managed policies', async () => {
  const { lab, iam } = await openAwsLab();
  const arn = `arn:aws:iam::${labAccountId}:policy/p`;
  const resources = (count: number) => Array.from({ length: count }, (_, i) => `${labKeyArn}${i}`);
  const large = policyOf({ ...useKey, Resource: resources(80) });
  expect(() => lab.aws.iam.attach(labRoleArn, arn, large)).toThrow(/PolicySize: 6144/);
  for (let i = 0; i < 10; i++) lab.aws.iam.attach(labRoleArn, arn + i, policyOf(useKey));
  expect(() => lab.aws.iam.attach(labRoleArn, arn, policyOf(useKey))).toThrow(/PoliciesPerRole: 10/);
  for (let i = 0; i < 4; i++) lab.aws.iam.addManagedPolicy(`${arn}0`, policyOf(useKey));
  expect(() => lab.aws.iam.addManagedPolicy(`${arn}0`, policyOf(useKey))).toThrow(/VersionsPerPolicy: 5/);
  const { AttachedPolicies } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  expect(AttachedPolicies).toHaveLength(10);
});

test('a role, and whom it trusts', async () => {
  const { lab, iam } = await openAwsLab();
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  expect(Role).toMatchObject({
    Arn: labRoleArn,
    Path: '/',
    RoleId: expect.stringMatching(/^AROA[A-Z0-9]{17}$/),
    CreateDate: new Date(lab.aws.clock.now()),
  });
  const [statement] = JSON.parse(decodeURIComponent(Role!.AssumeRolePolicyDocument!)).Statement;
  expect(statement.Condition.StringEquals).toHaveProperty('sts:ExternalId');
});

test.each([
  ['a role that is not there', 'nobody', 'NoSuchEntityException', 404],
  ['a name that can be none', 'a b', 'ValidationError', 400],
])('%s', async (_, name, error, status) => {
  const { iam } = await openAwsLab();
  const refusal = await refusalOf(iam.send(new GetRoleCommand({ RoleName: name })));
  expect(refusal).toMatchObject({ name: error, status });
});

test('a role of AWS itself is not to be changed', async () => {
  const { lab, iam } = await openAwsLab();
  const arn = `arn:aws:iam::${labAccountId}:role/aws-service-role/kms.amazonaws.com/ForKms`;
  lab.aws.iam.addRole(
    arn,
    policyOf({ Effect: 'Allow', Principal: { Service: 'kms.amazonaws.com' }, Action: 'sts:AssumeRole' }),
  );
  const PolicyDocument = JSON.stringify(policyOf(useKey));
  const write = iam.send(new PutRolePolicyCommand({ RoleName: 'ForKms', PolicyName: 'p', PolicyDocument }));
  expect(await refusalOf(write)).toMatchObject({ name: 'UnmodifiableEntityException', status: 400 });
});

test.each(['iam:GetRolePolicy', 'iam:PutRolePolicy'])('without the right to %s', async action => {
  const open = await openAwsLab();
  await put(open, policyOf(useKey));
  open.lab.aws.withheld.add(action);
  const act = action === 'iam:GetRolePolicy' ? getText(open) : put(open, policyOf(useKey));
  expect(await refusalOf(act)).toEqual({
    name: 'AccessDenied',
    message: `User: ${labCallerArn} is not authorized to perform: ${action} on resource: role atlas-cmk because no identity-based policy allows the ${action} action`,
    status: 403,
  });
});

test('after a write, reads are late for a time', async () => {
  const open = await openAwsLab({ aws: { readLagMs: 10_000 } });
  await put(open, policyOf(useKey));
  expect((await refusalOf(getText(open))).name).toBe('NoSuchEntityException');
  expect(await names(open)).toEqual([foreignPolicyName]);
  open.clock.advance(10_000);
  expect(JSON.parse(await getText(open))).toEqual(policyOf(useKey));
});

test.each([
  ['inside', '192.0.2.7', 'allowed', []],
  ['an IPv6 address inside', '2001:db8::1', 'allowed', []],
  ['outside', '198.51.100.1', 'implicitDeny', []],
  ['no address', undefined, 'implicitDeny', ['aws:sourceip']],
] as const)('the simulator, %s', async (_, address, decision, missing) => {
  const open = await openAwsLab();
  await put(open, policyOf(useKey));
  const { EvaluationResults } = await open.iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: labRoleArn,
      ActionNames: ['kms:Decrypt', 'kms:DescribeKey'],
      ResourceArns: [labKeyArn],
      ...(address && {
        ContextEntries: [
          { ContextKeyName: 'aws:SourceIp', ContextKeyType: 'ip', ContextKeyValues: [address] },
        ],
      }),
    }),
  );
  expect(EvaluationResults).toMatchObject([
    { EvalActionName: 'kms:Decrypt', EvalDecision: decision, MissingContextValues: missing },
    { EvalActionName: 'kms:DescribeKey', EvalDecision: 'implicitDeny' },
  ]);
});

const simulated = (open: OpenAwsLab, more: object) =>
  open.iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: labCallerArn,
      ActionNames: ['kms:PutKeyPolicy'],
      ResourceArns: [labKeyArn],
      ...more,
    }),
  );
const naming = (Effect: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect, Principal: { AWS: labCallerArn }, Action: 'kms:*', Resource: '*' }],
  });

test.each([
  ['all that is not withheld', {}, [], 'allowed'],
  ['what is withheld', {}, ['kms:PutKeyPolicy'], 'implicitDeny'],
  [
    "what a resource's policy allows it",
    { ResourcePolicy: naming('Allow') },
    ['kms:PutKeyPolicy'],
    'allowed',
  ],
  ["what a resource's policy denies it", { ResourcePolicy: naming('Deny') }, [], 'explicitDeny'],
] as const)('the simulator, of a user: %s', async (_, more, withheld, decision) => {
  const open = await openAwsLab();
  for (const action of withheld) open.lab.aws.withheld.add(action);
  expect((await simulated(open, more)).EvaluationResults).toMatchObject([{ EvalDecision: decision }]);
});

test.each([
  [
    "a resource's policy for a role",
    { PolicySourceArn: labRoleArn, ResourcePolicy: naming('Allow') },
    'InvalidInputException',
  ],
  ['a role as the caller', { CallerArn: labRoleArn }, 'InvalidInputException'],
  ['nobody', { PolicySourceArn: labCallerArn.replace('postern', 'nobody') }, 'NoSuchEntityException'],
] as const)('the simulator does not take %s', async (_, more, name) => {
  const open = await openAwsLab();
  expect((await refusalOf(simulated(open, more))).name).toBe(name);
});

test('a user is told who it is, and a session of a role that it is none', async () => {
  const open = await openAwsLab();
  const { User } = await open.iam.send(new GetUserCommand({}));
  expect(User).toMatchObject({ Arn: labCallerArn, UserName: 'postern' });
  const trust = { Effect: 'Allow', Principal: { AWS: labCallerArn }, Action: 'sts:AssumeRole' };
  const roleArn = labRoleArn.replace('atlas-cmk', 'postern');
  open.lab.aws.iam.addRole(roleArn, { Version: '2012-10-17', Statement: [trust] });
  const credentials = fromTemporaryCredentials({
    params: { RoleArn: roleArn, RoleSessionName: 'watch' },
    masterCredentials: open.options.credentials,
    clientConfig: { region: 'us-east-1', endpoint: open.lab.urls.sts },
  });
  const asRole = new IAMClient({ ...open.options, credentials, endpoint: open.lab.urls.iam });
  expect(await refusalOf(asRole.send(new GetUserCommand({})))).toMatchObject({
    name: 'ValidationError',
    message: 'Must specify userName when calling with non-User credentials',
  });
  asRole.destroy();
});

test('a boundary takes from a role what it does not allow, and is shown', async () => {
  const open = await openAwsLab({ withKeyAccess: true });
  const { lab } = open;
  const identity = { keyArn: labKeyArn, roleArn: labRoleArn };
  const fence = `arn:aws:iam::${labAccountId}:policy/fence`;
  const allow = (Action: readonly string[]) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action, Resource: labKeyArn }],
  });
  expect(lab.aws.letsIn(identity, '192.0.2.7')).toBe(true);
  lab.aws.iam.addManagedPolicy(fence, allow(['kms:Decrypt']));
  lab.aws.iam.setBoundary(labRoleArn, fence);
  expect(lab.aws.letsIn(identity, '192.0.2.7')).toBe(false);
  lab.aws.iam.addManagedPolicy(fence, allow(['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey']));
  expect(lab.aws.letsIn(identity, '192.0.2.7')).toBe(true);
  const { Role } = await open.iam.send(new GetRoleCommand({ RoleName: 'atlas-cmk' }));
  expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(fence);
});

test.each([
  ['Throttling', 400, refusals.iamThrottled],
  ['ServiceFailureException', 500, refusals.iamFailure],
] as const)('a fault for one operation: %s', async (name, status, act) => {
  const open = await openAwsLab();
  open.lab.faults.add({ on: 'iam', path: '/PutRolePolicy', times: 1, act: act() });
  expect(await refusalOf(put(open, policyOf(useKey)))).toMatchObject({ name, status });
  expect(await names(open)).toEqual([foreignPolicyName]);
  expect(open.lab.requests.map(({ service, path }) => `${service}${path}`)).toEqual([
    'iam/PutRolePolicy',
    'iam/ListRolePolicies',
  ]);
});

test('an answer in XML is edited as a text', async () => {
  const open = await openAwsLab();
  const edit = (xml: string) => xml.replace(foreignPolicyName, 'other');
  open.lab.faults.add({ on: 'iam', path: '/ListRolePolicies', times: 1, act: { kind: 'edit', edit } });
  expect(await names(open)).toEqual(['other']);
  expect(await names(open)).toEqual([foreignPolicyName]);
});
