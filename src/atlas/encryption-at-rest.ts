/**
 * A project's customer keys: GET groups/{id}/encryptionAtRest. The request is itself a validation by Atlas, so
 * its `valid` says whether Atlas can use the key now.
 */
import { z } from 'zod';
import { type AtlasClient, apiVersions } from './client.ts';
import { AtlasAnswerError } from './errors.ts';

const provider = {
  enabled: z.boolean().nullish(),
  valid: z.boolean().nullish(),
  requirePrivateNetworking: z.boolean().nullish(),
};

const answer = z.object({
  awsKms: z
    .object({ ...provider, customerMasterKeyID: z.string().nullish(), region: z.string().nullish() })
    .nullish(),
  azureKeyVault: z
    .object({
      ...provider,
      azureEnvironment: z.string().nullish(),
      tenantID: z.string().nullish(),
      subscriptionID: z.string().nullish(),
      resourceGroupName: z.string().nullish(),
      keyVaultName: z.string().nullish(),
      keyIdentifier: z.string().nullish(),
    })
    .nullish(),
  googleCloudKms: z.object({ ...provider, keyVersionResourceID: z.string().nullish() }).nullish(),
  enabledForSearchNodes: z.boolean().nullish(),
});

/** Without the secrets that the endpoint may carry: unknown keys are dropped. */
export type EncryptionAtRest = z.infer<typeof answer>;

/** Throws AtlasError, AtlasAnswerError or TransportError. */
export async function readEncryptionAtRest(
  client: AtlasClient,
  projectId: string,
): Promise<EncryptionAtRest> {
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}/encryptionAtRest`;
  const parsed = answer.safeParse(await client.get(path, apiVersions.encryptionAtRest));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new AtlasAnswerError('malformed', client.urlOf(path), `${issue?.path.join('.')}: ${issue?.message}`);
}
