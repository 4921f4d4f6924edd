/** The default world in AWS: what Atlas sees of its key while the policies change. */
import { PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { expect, test } from 'vitest';
import { labKeyArn, labKeyPolicy, labRoleArn, labRoleId } from '../../src/lab/aws/world.ts';
import { openAwsLab } from './aws-client.ts';

const actions = ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'];

test('a role that may not use its key, and then may from every address in use', async () => {
  const { lab, project, iam, clock } = await openAwsLab({ aws: { propagationMs: 60_000 } });
  const inUse = lab.atlas.addressesInUse(project.id);
  expect(lab.atlas.lockedOut(project.id)).toEqual(inUse);
  const Condition = { IpAddress: { 'aws:SourceIp': inUse } };
  const statement = { Effect: 'Allow', Action: actions, Resource: labKeyArn, Condition };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iam.send(new PutRolePolicyCommand({ RoleName: 'atlas-cmk', PolicyName: 'ours', PolicyDocument }));
  expect(lab.atlas.isKeyValid(project.id)).toBe(false);
  clock.advance(60_000);
  expect(lab.atlas.isKeyValid(project.id)).toBe(true);
  lab.atlas.addControlPlane('aws', 'us-east-1', ['44.206.200.18/32']);
  expect(lab.atlas.lockedOut(project.id)).toEqual(['44.206.200.18']);
  expect(lab.atlas.encryptionAtRest(project.id)).toMatchObject({
    awsKms: { enabled: true, valid: false, customerMasterKeyID: labKeyArn, roleId: labRoleId },
  });
});

test('a key that denies all but a list', async () => {
  const { lab, project, kms } = await openAwsLab({ aws: { propagationMs: 0 }, withKeyAccess: true });
  expect(lab.atlas.isKeyValid(project.id)).toBe(true);
  const [first, ...others] = lab.atlas.addressesInUse(project.id);
  const gate = {
    Sid: 'Gate',
    Effect: 'Deny',
    Principal: '*',
    Action: actions,
    Resource: '*',
    Condition: {
      ArnEquals: { 'aws:PrincipalArn': labRoleArn },
      NotIpAddress: { 'aws:SourceIp': others },
      Null: { 'aws:SourceIp': 'false' },
    },
  };
  const Policy = JSON.stringify({ ...labKeyPolicy, Statement: [...labKeyPolicy.Statement, gate] });
  await kms.send(new PutKeyPolicyCommand({ KeyId: labKeyArn, Policy }));
  expect(lab.atlas.lockedOut(project.id)).toEqual([first]);
});
