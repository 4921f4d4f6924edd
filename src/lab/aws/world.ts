/** One team's AWS account: a key in the care of administrators, and the role in which Atlas calls it. */
import type { LabProject } from '../atlas/model.ts';
import { addClusters, labOrganizationId } from '../default-world.ts';
import type { Lab } from '../index.ts';
import { atlasAccountId } from './model.ts';

export const labAccountId = '644160558196';
/** Whom the lab's AWS credentials belong to. */
export const labCallerArn = `arn:aws:iam::${labAccountId}:user/postern`;
export const labKeyArn = `arn:aws:kms:us-east-1:${labAccountId}:key/1a2b3c4d-5e6f-4a70-8b91-c2d3e4f5a6b7`;
export const labRoleArn = `arn:aws:iam::${labAccountId}:role/atlas-cmk`;
export const labAdminArn = `arn:aws:iam::${labAccountId}:role/key-administrators`;
/** Atlas's own id for the role, and what it sends when it assumes it. */
export const labRoleId = '6a793f60c0eb9e7a1771aaaa';
export const labExternalId = '3a7f0c52-6d1e-4b8a-9f43-5d2c1b0a9e87';

/** Of the role, and none of Postern's business. */
export const foreignPolicyName = 'audit-trail';
export const foreignPolicy = {
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'WriteTrail',
      Effect: 'Allow',
      Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: `arn:aws:logs:us-east-1:${labAccountId}:log-group:/payments/atlas:*`,
    },
  ],
};

/** As KMS makes it with a key in its console: the account decides by IAM, and administrators care for the key. */
export const labKeyPolicy = {
  Version: '2012-10-17',
  Id: 'key-consolepolicy-3',
  Statement: [
    {
      Sid: 'Enable IAM User Permissions',
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${labAccountId}:root` },
      Action: 'kms:*',
      Resource: '*',
    },
    {
      Sid: 'Allow access for Key Administrators',
      Effect: 'Allow',
      Principal: { AWS: labAdminArn },
      Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:PutKeyPolicy', 'kms:ScheduleKeyDeletion'],
      Resource: '*',
    },
  ],
};

/**
 * The project `payments` with the clusters of the default world. Atlas's role has no policy that lets it use
 * the key, so nobody is let in; `withKeyAccess` gives it one that lets in everyone, as where the key's own
 * policy is to close the gate.
 */
export function awsWorld(
  { atlas, aws }: Pick<Lab, 'atlas' | 'aws'>,
  { withKeyAccess = false } = {},
): LabProject {
  aws.iam.addRole(labAdminArn, trustOf(labAccountId));
  aws.iam.addRole(labRoleArn, trustOf(atlasAccountId, labExternalId), {
    [foreignPolicyName]: foreignPolicy,
    ...(withKeyAccess && { 'use-key': useKeyPolicy }),
  });
  aws.externalIds.set(labRoleArn, labExternalId);
  aws.kms.addKey({ arn: labKeyArn, policy: labKeyPolicy });
  const key = { cloud: 'aws', keyArn: labKeyArn, roleArn: labRoleArn, roleId: labRoleId } as const;
  const project = atlas.addProject('payments', labOrganizationId, key);
  addClusters(atlas, project);
  return project;
}

const useKeyPolicy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'], Resource: labKeyArn },
  ],
};

function trustOf(account: string, externalId?: string): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'sts:AssumeRole',
        ...(externalId && { Condition: { StringEquals: { 'sts:ExternalId': externalId } } }),
      },
    ],
  };
}
