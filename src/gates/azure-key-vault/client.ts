/** The requests that this gate makes, by Microsoft's own SDK over our transport. */
import { createHash } from 'node:crypto';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { z } from 'zod';
import type { Secret } from '../../secret.ts';
import type { Transport } from '../../transport/transport.ts';
import { answerFault, parseJson } from '../answer.ts';
import { type ArmErrorBody, ArmRefusal, AzureAnswerError, isNoToken, TokenRequestError } from './errors.ts';
import { httpClientOver } from './http-client.ts';
import { type Lock, locksAnswer, type Permission, permissionsAnswer } from './rights.ts';
import { type NetworkAclsAnswer, type VaultAnswer, vaultAnswer } from './schema.ts';
import { sharedTokens } from './shared-tokens.ts';
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
  /** What the caller's roles allow on the vault. */
  permissions(): Promise<readonly Permission[]>;
  /** The locks on the vault and above it. */
  locks(): Promise<readonly Lock[]>;
}

/** Loads the SDK: half a second that commands which need no cloud do not spend. */
export async function createVaultClient(options: ClientOptions): Promise<VaultClient> {
  const [{ KeyVaultManagementClient }, identity, { createPipelineRequest }] = await Promise.all([
    import('@azure/arm-keyvault'),
    import('@azure/identity'),
    import('@azure/core-rest-pipeline'),
  ]);
  const { vaultId, transport, endpoint, authorityHost, credential } = options;
  const httpClient = httpClientOver(transport);
  // The transport retries, and knows which requests may be sent twice.
  const pipeline = { httpClient, retryOptions: { maxRetries: 0 } };
  // A host of our own, such as the lab's, is not in Microsoft's directory of authorities.
  const isKnownAuthority = Object.values(azureClouds).some(cloud => cloud.authorityHost === authorityHost);
  const tokens = sharedTokens(transport, identityOf(options), entra => {
    const settings = { ...pipeline, httpClient: entra, authorityHost };
    if (!credential) return new identity.DefaultAzureCredential(settings);
    const { tenantId, clientId, clientSecret } = credential;
    return new identity.ClientSecretCredential(tenantId, clientId, clientSecret.reveal(), {
      ...settings,
      disableInstanceDiscovery: !isKnownAuthority,
    });
  });
  const resourceManager = refusing(httpClient, () => tokens.forget());
  const client = new KeyVaultManagementClient(tokens.credential, vaultId.subscriptionId, {
    ...pipeline,
    httpClient: resourceManager,
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
    }).catch(error => {
      const fault = tokens.fault();
      throw isNoToken(error) && fault ? new TokenRequestError(fault) : error;
    });
    return parse(vaultAnswer, 'a vault', text);
  };
  /** What the vault SDK has no method for, with its token and through its pipeline. */
  const authorization = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const url = `${endpoint}${vaultId.text}/providers/Microsoft.Authorization/${path}`;
    const response = await client.pipeline.sendRequest(resourceManager, createPipelineRequest({ url }));
    const text = response.bodyAsText ?? undefined;
    return parse(schema, 'a list', text);
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
    permissions: async () => {
      const answer = await authorization('permissions?api-version=2022-04-01', permissionsAnswer);
      // Half of a list would look like rights that are lacking.
      if (answer.nextLink) throw new AzureAnswerError('the answer has more pages than Postern reads');
      return answer.value;
    },
    locks: async () =>
      (await authorization('locks?api-version=2016-09-01&$filter=atScope()', locksAnswer)).value,
  };
}

/** Equal for gates that sign in as the same identity in the same place; holds no secret that could be read. */
function identityOf({ authorityHost, credential }: ClientOptions): string {
  if (!credential) return authorityHost;
  const { tenantId, clientId, clientSecret } = credential;
  const digest = createHash('sha256').update(clientSecret.reveal()).digest('hex');
  return [authorityHost, tenantId, clientId, digest].join(' ');
}

/** Throws an AzureAnswerError. */
function parse<T>(schema: z.ZodType<T>, what: string, text: string | undefined): T {
  const answer = parseJson(text);
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new AzureAnswerError(
    `the answer is not ${what} as Azure documents it: ${answerFault(answer, parsed.error)}.`,
  );
}

/**
 * Throws Resource Manager's refusals before the SDK sees them: of one without a body, a gateway's say, it would
 * make an error that does not tell the status. A 401 is the SDK's, which may answer it with another token; the next gate
 * to be opened signs in anew.
 */
function refusing(httpClient: HttpClient, onUnauthorized: () => void): HttpClient {
  return {
    async sendRequest(request) {
      const response = await httpClient.sendRequest(request);
      const { status, headers, bodyAsText } = response;
      if (status === 401) onUnauthorized();
      if (status < 400 || status === 401) return response;
      const { error } = (parseJson(bodyAsText ?? undefined) ?? {}) as Partial<Record<'error', ArmErrorBody>>;
      throw new ArmRefusal(status, error, headers.get('retry-after'));
    },
  };
}
