/** What a key's own state and its policy mean for whoever relies on them. Pure. */
import type { Finding } from '../../finding.ts';
import type { NamedPolicy } from './access.ts';
import { nameOf } from './access.ts';
import { isUniqueId } from './arn.ts';
import type { KeyMetadata } from './kms-client.ts';

/** Of DescribeKey: whether the key works at all, who looks after it, and where it has replicas. */
export function keyFindings(key: KeyMetadata): readonly Finding[] {
  const { KeyState: state, KeyManager: manager, KeyUsage: usage, DeletionDate } = key;
  const findings: Finding[] = [];
  if (state !== 'Enabled') {
    const when = DeletionDate ? `, and AWS deletes it on ${DeletionDate.toISOString()}` : '';
    findings.push({
      id: 'key-not-usable',
      severity: 'error',
      message: `The key's state is ${state ?? 'not shown'}${when}: nobody can use it, whatever the policies say.`,
      remedy:
        state === 'PendingDeletion'
          ? 'If data still needs the key: aws kms cancel-key-deletion, then aws kms enable-key.'
          : 'See aws kms describe-key; a disabled key comes back with aws kms enable-key.',
    });
  }
  if (manager === 'AWS') {
    findings.push({
      id: 'key-not-customer-managed',
      severity: 'error',
      message: 'AWS manages this key: its policy cannot be changed, and Atlas cannot be given access.',
      remedy: 'Use a customer managed key.',
    });
  }
  if (usage !== undefined && usage !== null && usage !== 'ENCRYPT_DECRYPT') {
    findings.push({
      id: 'key-usage',
      severity: 'error',
      message: `The key is made for ${usage}, and Atlas needs one for ENCRYPT_DECRYPT.`,
      remedy: 'Use a symmetric key that encrypts and decrypts.',
    });
  }
  return findings;
}

/** The other keys of a multi-Region key; each has a policy of its own (KMS guide, "Multi-Region keys"). */
export function siblingsOf({ Arn, MultiRegion, MultiRegionConfiguration }: KeyMetadata): readonly string[] {
  if (!MultiRegion) return [];
  const { PrimaryKey, ReplicaKeys } = MultiRegionConfiguration ?? {};
  return [PrimaryKey, ...(ReplicaKeys ?? [])]
    .flatMap(key => key?.Arn ?? [])
    .filter(arn => arn.toLowerCase() !== Arn.toLowerCase());
}

/** Of the policy: principals that are gone, and statements that say nothing. */
export function keyPolicyFindings(policy: NamedPolicy): readonly Finding[] {
  return policy.document.statements.flatMap((statement, at) => {
    const name = nameOf(policy, statement, at);
    const orphans = orphansOf(statement.principals?.values ?? []);
    return [
      ...(orphans.length === 0
        ? []
        : [
            {
              id: 'orphaned-principal',
              severity: 'warning' as const,
              message: `The ${name} names ${orphans.join(', ')}: what AWS shows for a role or user that was deleted. A new one of the same name is another.`,
              remedy: 'Take it out of the statement; AWS may refuse every write of the policy until then.',
            },
          ]),
      ...(statement.resources !== undefined || statement.puzzles.length > 0
        ? []
        : [
            {
              id: 'statement-without-resource',
              severity: 'warning' as const,
              message: `The ${name} has no Resource, so it has no effect; AWS takes it without a word.`,
              remedy: 'Add "Resource": "*" to it, or take it out.',
            },
          ]),
    ];
  });
}

/** The unique ids among principals that are written as `AWS:AROA…`. */
export function orphansOf(principals: readonly string[]): readonly string[] {
  return principals
    .filter(name => name.startsWith('AWS:'))
    .map(name => name.slice(4))
    .filter(isUniqueId);
}
