/** The two requests that this gate makes, by Microsoft's own SDK over our transport. */
import type { Secret } from '../../secret.ts';
import type { Transport } from '../../transport/transport.ts';
import { httpClientOver } from './http-client.ts';
import { type NetworkAclsAnswer, type VaultAnswer, vaultAnswer } from './schema.ts';
import type { VaultId } from './vault-id.ts';

export interface AzureClouds {
  readonly endpoint: string;
  readonly authorityHost: string;
}

/** https://learn.microsoft.com/azure/azure-resource-manager, "national clouds". */
export const azureClouds: Readonly<
  Record<'AzureCloud' | 'AzureUSGovernment' | 'AzureChinaCloud', AzureClouds>
> = {
  AzureCloud: {
    endpoint: 'https://management.azure.com',
    authorityHost: 'https://login.microsoftonline.com',
  },
  AzureUSGovernment: {
    endpoint: 'https://management.usgovcloudapi.net',
    authorityHost: 'https://login.microsoftonline.us',
  },
  AzureChinaCloud: {
    endpoint: 'https://management.chinacloudapi.cn',
    authorityHost: 'https://login.chinacloudapi.cn',
  },
};

export interface ClientOptions {
  readonly vaultId: VaultId;
  readonly transport: Transport;
  readonly endpoint: string;
  readonly authorityHost: string;
  /** Undefined: what DefaultAzureCredential finds. */
  readonly credential:
    | { readonly tenantId: string; readonly clientId: string; readonly clientSecret: Secret }
    | undefined;
}

export interface VaultClient {
  get(): Promise<VaultAnswer>;
  /** Changes the network rules and nothing else. */
  patch(networkAcls: NetworkAclsAnswer): Promise<VaultAnswer>;
}

/** The answer of Azure is not of its documented shape. */
export class AzureAnswerError extends Error {
  override readonly name = 'AzureAnswerError';
}

/** Loads the SDK: half a second that commands which need no cloud do not spend. */
export async function createVaultClient(options: ClientOptions): Promise<VaultClient> {
  const [{ KeyVaultManagementClient }, identity] = await Promise.all([
    import('@azure/arm-keyvault'),
    import('@azure/identity'),
  ]);
  const { vaultId, transport, endpoint, authorityHost, credential } = options;
  const httpClient = httpClientOver(transport);
  // The transport retries, and knows which requests may be sent twice.
  const pipeline = { httpClient, retryOptions: { maxRetries: 0 } };
  // A host of our own, such as the lab's, is not in Microsoft's directory of authorities.
  const isKnownAuthority = Object.values(azureClouds).some(cloud => cloud.authorityHost === authorityHost);
  const tokens = credential
    ? new identity.ClientSecretCredential(
        credential.tenantId,
        credential.clientId,
        credential.clientSecret.reveal(),
        {
          ...pipeline,
          authorityHost,
          disableInstanceDiscovery: !isKnownAuthority,
        },
      )
    : new identity.DefaultAzureCredential({ ...pipeline, authorityHost });
  const client = new KeyVaultManagementClient(tokens, vaultId.subscriptionId, {
    ...pipeline,
    endpoint,
    credentials: { scopes: [`${endpoint}/.default`] },
  });

  /** The SDK's models drop what they do not know, so what counts is the answer as it came. */
  const raw = async (
    send: (onResponse: (response: { bodyAsText?: string | null }) => void) => Promise<unknown>,
  ) => {
    let text: string | undefined;
    await send(response => {
      text = response.bodyAsText ?? undefined;
    });
    const parsed = vaultAnswer.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0];
    throw new AzureAnswerError(
      `the answer is not a vault as Azure documents it: ${issue?.path.join('.')}: ${issue?.message}`,
    );
  };
  const { resourceGroup, vault } = vaultId;
  return {
    get: () => raw(onResponse => client.vaults.get(resourceGroup, vault, { onResponse })),
    patch: networkAcls =>
      raw(onResponse =>
        client.vaults.update(
          resourceGroup,
          vault,
          { properties: { networkAcls: networkAcls as object } },
          { onResponse },
        ),
      ),
  };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
