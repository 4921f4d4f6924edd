/**
 * Who Atlas is in each cloud: GET groups/{id}/cloudProviderAccess. Not every set of rights may read it, so a
 * caller takes a failure for "not known".
 */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions } from './client.ts';

const usages = z.array(z.object({ featureType: z.string().nullish() })).nullish();

const answer = z.object({
  awsIamRoles: z
    .array(
      z.object({
        roleId: z.string().nullish(),
        iamAssumedRoleArn: z.string().nullish(),
        featureUsages: usages,
      }),
    )
    .nullish(),
  gcpServiceAccounts: z
    .array(
      z.object({
        roleId: z.string().nullish(),
        gcpServiceAccountForAtlas: z.string().nullish(),
        // Terraform's name for the same thing.
        service_account_for_atlas: z.string().nullish(),
        featureUsages: usages,
      }),
    )
    .nullish(),
});

/** One identity: an IAM role's ARN, or a service account's address. */
export interface AtlasIdentity {
  readonly roleId: string | undefined;
  readonly identity: string;
  readonly forEncryptionAtRest: boolean;
}

export interface CloudProviderAccess {
  readonly awsRoles: readonly AtlasIdentity[];
  readonly gcpServiceAccounts: readonly AtlasIdentity[];
}

/** Throws AtlasError, AtlasAnswerError or TransportError. */
export async function readCloudProviderAccess(
  client: AtlasClient,
  projectId: string,
): Promise<CloudProviderAccess> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/cloudProviderAccess`;
  const body = await client.get(path, apiVersions.cloudProviderAccess);
  const { awsIamRoles, gcpServiceAccounts } = parseAnswer(answer, body, client, path);
  return {
    awsRoles: (awsIamRoles ?? []).flatMap(role => identityOf(role, role.iamAssumedRoleArn)),
    gcpServiceAccounts: (gcpServiceAccounts ?? []).flatMap(account =>
      identityOf(account, account.gcpServiceAccountForAtlas ?? account.service_account_for_atlas),
    ),
  };
}

function identityOf(
  { roleId, featureUsages }: { roleId?: string | null | undefined; featureUsages?: z.infer<typeof usages> },
  identity: string | null | undefined,
): readonly AtlasIdentity[] {
  // A role that was set up and never authorized has no ARN yet.
  if (!identity) return [];
  const forEncryptionAtRest = (featureUsages ?? []).some(
    ({ featureType }) => featureType === 'ENCRYPTION_AT_REST',
  );
  return [{ roleId: roleId ?? undefined, identity, forEncryptionAtRest }];
}

/**
 * The identity that uses the project's key: the one that `encryptionAtRest` names by its id, or else the only
 * one that is used for encryption at rest. Undefined when neither tells. Pure.
 */
export function identityForKey(
  identities: readonly AtlasIdentity[],
  roleId: string | undefined,
): string | undefined {
  const named = identities.find(each => roleId !== undefined && each.roleId === roleId);
  if (named) return named.identity;
  const used = identities.filter(({ forEncryptionAtRest }) => forEncryptionAtRest);
  return used.length === 1 ? used[0]!.identity : undefined;
}
