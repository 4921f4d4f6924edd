import { Call, type Hcl, hclBlock } from '../../export/hcl.ts';
import {
  accountOf,
  atlasActions,
  ownRights,
  partitionOf,
  readStatements,
  roleNameOf,
} from '../aws/permissions.ts';
import { type Grant, identifierOf, type PermissionsOf } from '../grant.ts';

/**
 * To write the inline policy of a role is to say what the role may do, so a permissions boundary on that role
 * fences it: whatever is written, the role can use the key and nothing else (IAM User Guide, "Permissions
 * boundaries").
 */
export const permissionsOf: PermissionsOf<'aws-role-policy'> = ({
  name,
  key,
  role,
  policyName,
}): readonly Grant[] => {
  const partition = partitionOf(role);
  const account = accountOf(role);
  const boundaryName = `PosternFence-${roleNameOf(role)}`;
  const boundary = `arn:${partition}:iam::${account}:policy/${boundaryName}`;
  const fence = {
    Version: '2012-10-17',
    Statement: [{ Sid: 'TheKeyAndNothingElse', Effect: 'Allow', Action: atlasActions, Resource: key }],
  };
  const own = ownRights(
    name,
    [
      ...readStatements(key, role),
      {
        Sid: 'WriteThePolicyOfAtlassRole',
        Effect: 'Allow',
        Action: 'iam:PutRolePolicy',
        Resource: role,
        Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } },
      },
    ],
    role,
  );
  const id = `postern_fence_${identifierOf(name)}`;
  return [
    {
      title: `A fence around the role that Atlas assumes, ${roleNameOf(role)}`,
      notes: [
        `iam:PutRolePolicy cannot be granted for one policy name, so its holder could give the role any right. With this permissions boundary on the role it cannot: the role may use this key, and nothing else. Leave it out where the role serves more than this key (then drop the Condition below, too).`,
      ],
      document: { file: `${boundaryName}.json`, json: fence },
      commands: [
        `aws iam create-policy --policy-name ${boundaryName} --policy-document file://${boundaryName}.json`,
        `aws iam put-role-permissions-boundary --role-name ${roleNameOf(role)} --permissions-boundary ${boundary}`,
      ],
      terraform: [
        hclBlock('resource', ['aws_iam_policy', id], {
          name: boundaryName,
          policy: new Call('jsonencode', fence as unknown as Hcl),
        }),
        `# On the role that Atlas assumes: permissions_boundary = aws_iam_policy.${id}.arn`,
      ].join('\n\n'),
    },
    {
      ...own,
      notes: [
        `Postern writes one inline policy, ${policyName}, and no other; it reads the others to see what else decides.`,
        'The Condition of WriteThePolicyOfAtlassRole asks for the fence above on the role that is written: without it every write is refused. Where there is no fence, drop the Condition.',
        'With policy observe, leave the statement WriteThePolicyOfAtlassRole out.',
      ],
    },
    {
      title: `The policy that Postern writes on ${roleNameOf(role)}`,
      notes: [
        `${policyName} has this shape, with every address that Atlas lists. Any other policy that lets the role use the key without such a condition goes round it: take it out once \`postern check\` says that every address is let in.`,
      ],
      document: { file: `${policyName}.json`, json: atlasPolicyOf(key, ['ATLAS_ADDRESSES']) },
      commands: [],
      terraform: `# Leave ${policyName} out of Terraform: Postern writes it.`,
    },
  ];
};

/** What the role that Atlas assumes is allowed, from where. */
export function atlasPolicyOf(key: string, cidrs: readonly string[]): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: atlasActions,
        Resource: key,
        Condition: { IpAddress: { 'aws:SourceIp': cidrs } },
      },
    ],
  };
}
