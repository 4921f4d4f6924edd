/**
 * A project's customer keys: GET groups/{id}/encryptionAtRest. The request is itself a validation by Atlas, so
 * its `valid` says whether Atlas can use the key now.
 */
import { z } from 'zod';
import { parseAnswer } from './answer.ts';
import { type AtlasClient, apiVersions, onlyOfNow } from './client.ts';

const provider = {
  enabled: z.boolean().nullish(),
  valid: z.boolean().nullish(),
  requirePrivateNetworking: z.boolean().nullish(),
  /** Atlas's own id for the identity that uses the key. Documented as written only; some answers have it. */
  roleId: z.string().nullish(),
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
  return parseAnswer(answer, await client.get(path, apiVersions.encryptionAtRest, onlyOfNow), client, path);
}
