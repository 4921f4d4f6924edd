/** What doctor says of the right to write, which is found out without writing: of users and of roles. */
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { describe, expect, test } from 'vitest';
import { toGate } from '../../../src/config/index.ts';
import { identityOf } from '../../../src/gates/aws/caller.ts';
import { permissionsOf } from '../../../src/gates/permissions.ts';
import { labAccountId, labCallerArn, labKeyArn, labRoleArn } from '../../../src/lab/aws/world.ts';
import { Secret } from '../../../src/secret.ts';
import { type OpenAws, openAws } from './open.ts';

const posternArn = `arn:aws:iam::${labAccountId}:role/ops/postern`;
const fenceArn = `arn:aws:iam::${labAccountId}:policy/PosternFence-atlas-cmk`;
const writes = { role: 'iam:PutRolePolicy', key: 'kms:PutKeyPolicy' } as const;
type Kind = keyof typeof writes;

/** What is said of the right to write, in the form `id: message`. */
async function saidOf(open: OpenAws, kind: Kind, more: object = {}): Promise<string> {
  const gate = await (kind === 'role' ? open.roleGate('read-only', more) : open.keyGate('read-only', more));
  const about = (await gate.diagnose()).filter(({ message }) => message.includes(writes[kind]));
  expect(about).toHaveLength(1);
  return `${about[0]!.severity} ${about[0]!.id}: ${about[0]!.message} ${about[0]!.remedy ?? ''}`;
}

describe.each<Kind>(['role', 'key'])('the %s gate, as a user', kind => {
  test('allowed', async () => {
    const open = await openAws();
    const said = await saidOf(open, kind);
    expect(said).toContain(`info right-simulated: ${labCallerArn} may call ${writes[kind]}`);
    expect(said).toContain('Not looked at');
    expect(open.lab.requests.some(({ path }) => path.startsWith('/Put'))).toBe(false);
  });

  test('denied', async () => {
    const open = await openAws();
    open.aws.withheld.add(writes[kind]);
    expect(await saidOf(open, kind)).toMatch(/^error right-lacking: .*implicitDeny/);
  });

  test('the simulator may not be asked', async () => {
    const open = await openAws();
    open.aws.withheld.add('iam:SimulatePrincipalPolicy');
    expect(await saidOf(open, kind)).toMatch(
      /^info right-not-tested: .*not authorized to perform: iam:SimulatePrincipalPolicy.*allow the identity/,
    );
  });

  test('who it is cannot be asked', async () => {
    const open = await openAws();
    open.lab.faults.add({
      on: 'sts',
      act: { kind: 'answer', status: 403, body: '<Code>AccessDenied</Code>' },
    });
    expect(await saidOf(open, kind)).toMatch(/^info right-not-tested: .*could not be tested without writing/);
  });

  test("Amazon's own server is not asked about keys of another", async () => {
    const open = await openAws();
    const endpoints = { kms: open.lab.urls.kms, iam: open.lab.urls.iam, sts: undefined };
    expect(await saidOf(open, kind, { endpoints })).toContain('where STS is');
  });
});

describe('as a role', () => {
  /** A session of a role that has what `postern permissions` prints, and a gate that signs by it. */
  async function asRole(kind: Kind, withFence = true) {
    const open = await openAws();
    const gate = { name: 'payments', projects: ['a'.repeat(24)], key: labKeyArn, role: labRoleArn };
    const grants = permissionsOf(toGate({ ...gate, kind: `aws-${kind}-policy` }, '.'));
    const own = grants.find(({ title }) => title === "Postern's own rights")!.document!.json;
    const trust = { Effect: 'Allow', Principal: { AWS: labCallerArn }, Action: 'sts:AssumeRole' };
    open.aws.iam.addRole(posternArn, { Version: '2012-10-17', Statement: [trust] }, { own: own as object });
    if (kind === 'role' && withFence) {
      open.aws.iam.addManagedPolicy(fenceArn, grants[0]!.document!.json as object);
      open.aws.iam.setBoundary(labRoleArn, fenceArn);
    }
    const { accessKeyId, secretAccessKey, sessionToken } = await fromTemporaryCredentials({
      params: { RoleArn: posternArn, RoleSessionName: 'watch' },
      masterCredentials: open.options.credentials,
      clientConfig: { region: 'us-east-1', endpoint: open.lab.urls.sts },
    })();
    const secret = (text: string) => new Secret(text, 'a test');
    const credential = {
      accessKeyId,
      secretAccessKey: secret(secretAccessKey),
      sessionToken: secret(sessionToken!),
    };
    return { ...open, credential };
  }

  test.each<Kind>([
    'role',
    'key',
  ])('the rights that are printed for a %s policy are enough to write', async kind => {
    const open = await asRole(kind);
    const said = await saidOf(open, kind, { credential: open.credential });
    // By the role and its path, not by the session's ARN, which has none.
    expect(said).toContain(`info right-simulated: ${posternArn} may call ${writes[kind]}`);
  });

  test('with the fence that they ask for lacking on the role, they are not, and doctor says why', async () => {
    const open = await asRole('role', false);
    expect(await saidOf(open, 'role', { credential: open.credential })).toMatch(
      /^error right-lacking: .*asks for a permissions boundary, and the role has none/,
    );
  });

  test('whether a condition holds that only a real call has is not known', async () => {
    const open = await asRole('key');
    open.aws.iam.edit(posternArn, 'own', policy => {
      policy.Statement.at(-1).Condition = { IpAddress: { 'aws:SourceIp': '198.17.0.0/24' } };
      return policy;
    });
    expect(await saidOf(open, 'key', { credential: open.credential })).toMatch(
      /^info right-not-tested: .*aws:sourceip/,
    );
  });

  test('an explicit deny is one whatever else there is', async () => {
    const open = await asRole('key');
    open.aws.iam.edit(posternArn, 'no', () => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Action: 'kms:Put*', Resource: '*' }],
    }));
    expect(await saidOf(open, 'key', { credential: open.credential })).toMatch(
      /^error right-lacking: .*explicitDeny/,
    );
  });
});

describe("the key's own policy", () => {
  const editRoot = (open: OpenAws, change: (statement: any) => void) =>
    open.editKey(policy => change(policy.Statement[0]));
  const reads = ['kms:GetKeyPolicy', 'kms:DescribeKey', 'kms:ListGrants'];

  test('leaves it to nobody', async () => {
    const open = await openAws();
    editRoot(open, statement => {
      statement.Action = reads;
    });
    expect(await saidOf(open, 'key')).toMatch(
      /^error right-lacking: .*neither allows it nor leaves it to IAM/,
    );
  });

  test('names who Postern is: nothing else is needed', async () => {
    const open = await openAws();
    open.aws.withheld.add('kms:PutKeyPolicy');
    open.editKey(policy =>
      policy.Statement.push({
        Effect: 'Allow',
        Principal: { AWS: labCallerArn },
        Action: 'kms:PutKeyPolicy',
        Resource: '*',
      }),
    );
    expect(await saidOf(open, 'key')).toMatch(/^info right-simulated/);
  });

  test('has a condition about an address: where Postern calls from is not known', async () => {
    const open = await openAws();
    editRoot(open, statement => {
      statement.Condition = { IpAddress: { 'aws:SourceIp': '198.17.0.0/24' } };
    });
    expect(await saidOf(open, 'key')).toMatch(/^info right-not-tested: .*does not evaluate/);
  });
});

test.each([
  ['arn:aws:iam::111122223333:user/ops/alice', 'user'],
  ['arn:aws-us-gov:sts::111122223333:assumed-role/postern/i-0abc', 'role'],
  ['arn:aws:iam::111122223333:root', 'other'],
  ['arn:aws:sts::111122223333:federated-user/bob', 'other'],
  ['nobody', 'other'],
])('%s is a %s', (arn, kind) => {
  expect(identityOf(arn).kind).toBe(kind);
});
