import { accountOf, ownRights, readStatements, roleNameOf } from '../aws/permissions.ts';
import type { Grant, PermissionsOf } from '../grant.ts';
import { ownStatement } from './document.ts';

/**
 * The identity must be of the key's own account: PutKeyPolicy does not work across accounts (AWS KMS API
 * reference). Whoever may write a key's policy may give the key to anybody, so it is granted on this key alone.
 */
export const permissionsOf: PermissionsOf<'aws-key-policy'> = ({
  name,
  key,
  role,
  sid,
}): readonly Grant[] => {
  const own = ownRights(
    name,
    [
      ...readStatements(key, role),
      {
        Sid: 'WriteTheKeysPolicy',
        Effect: 'Allow',
        Action: 'kms:PutKeyPolicy',
        Resource: key,
        Condition: { BoolIfExists: { 'kms:BypassPolicyLockoutSafetyCheck': 'false' } },
      },
    ],
    key,
  );
  return [
    {
      ...own,
      notes: [
        `Postern writes one statement of the key's policy, ${sid}, and keeps every other as it is. To write a key's policy is to decide who may use the key: give this right on this key alone, to an identity of account ${accountOf(key)}.`,
        "The key's policy must leave it to IAM who may act on the key (its statement for the account's root does), or name Postern's role itself.",
        'With policy observe, leave the statement WriteTheKeysPolicy out.',
      ],
    },
    {
      title: "The statement that Postern writes into the key's policy",
      notes: [
        `It refuses ${roleNameOf(role)} from any other address. The role still needs a policy that allows it the three actions; calls by way of a VPC endpoint have no public address and pass.`,
      ],
      document: { file: `${sid}.json`, json: denyStatementOf({ sid, role }, ['ATLAS_ADDRESSES']) },
      commands: [],
      terraform: `# Leave the statement ${sid} out of Terraform: Postern writes it.`,
    },
  ];
};

/** Refuses Atlas's role from everywhere else. `Resource: "*"` is, in a key's policy, that key. */
export function denyStatementOf(
  { sid, role }: { readonly sid: string; readonly role: string },
  cidrs: readonly string[],
): object {
  return ownStatement(cidrs, { sid, roleArn: role });
}
