/** What the rights of both kinds of AWS gates share. Pure. */
import { Call, Expression, type Hcl, hclBlock } from '../../export/hcl.ts';
import { type Grant, identifierOf } from '../grant.ts';

/** All that Atlas does with a key (Atlas docs, "Manage Customer Keys with AWS KMS"). */
export const atlasActions = ['kms:DescribeKey', 'kms:Decrypt', 'kms:Encrypt'] as const;

/** Read for what else decides about Atlas's calls: other policies of the role, and the key's own. */
export function readStatements(key: string, role: string): readonly object[] {
  return [
    {
      Sid: 'ReadTheKeysPolicy',
      Effect: 'Allow',
      Action: ['kms:DescribeKey', 'kms:GetKeyPolicy', 'kms:ListGrants'],
      Resource: key,
    },
    {
      Sid: 'ReadTheRolesPolicies',
      Effect: 'Allow',
      Action: ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies'],
      Resource: role,
    },
    {
      Sid: 'ReadAttachedPolicies',
      Effect: 'Allow',
      Action: ['iam:GetPolicy', 'iam:GetPolicyVersion'],
      Resource: [
        `arn:${partitionOf(role)}:iam::${accountOf(role)}:policy/*`,
        `arn:${partitionOf(role)}:iam::aws:policy/*`,
      ],
    },
  ];
}

/** A managed policy, and what attaches it to the role that Postern runs as. */
export function ownRights(name: string, statements: readonly object[], owner: string): Grant {
  const policyArn = `arn:${partitionOf(owner)}:iam::${accountOf(owner)}:policy/Postern-${name}`;
  const json = { Version: '2012-10-17', Statement: statements };
  const file = `postern-${name}.json`;
  const id = `postern_${identifierOf(name)}`;
  return {
    title: "Postern's own rights",
    notes: [],
    document: { file, json },
    commands: [
      `aws iam create-policy --policy-name Postern-${name} --policy-document file://${file}`,
      `aws iam attach-role-policy --role-name POSTERN_ROLE --policy-arn ${policyArn}`,
    ],
    terraform: [
      hclBlock('resource', ['aws_iam_policy', id], {
        name: `Postern-${name}`,
        policy: new Call('jsonencode', json as unknown as Hcl),
      }),
      hclBlock('resource', ['aws_iam_role_policy_attachment', id], {
        role: new Expression('var.postern_role_name'),
        policy_arn: new Expression(`aws_iam_policy.${id}.arn`),
      }),
    ].join('\n\n'),
  };
}

export function accountOf(arn: string): string {
  return arn.split(':')[4]!;
}

export function partitionOf(arn: string): string {
  return arn.split(':')[1]!;
}

export function roleNameOf(arn: string): string {
  return arn.split('/').at(-1)!;
}
