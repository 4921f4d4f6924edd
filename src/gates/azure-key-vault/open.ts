import type { AzureKeyVaultConfig } from '../../config/config.ts';
import type { Gate } from '../gate.ts';
import type { GateParts } from '../index.ts';
import { azureClouds } from './client.ts';
import { createAzureKeyVaultGate } from './index.ts';

/** The gate that the config describes. */
export async function open(
  config: AzureKeyVaultConfig,
  { transport, clock, random, secretOf }: GateParts,
): Promise<Gate> {
  const cloud = azureClouds[config.cloud];
  const { credential } = config;
  return await createAzureKeyVaultGate({
    name: config.name,
    vaultId: config.vault,
    transport,
    clock,
    random,
    endpoint: config.endpoint ?? cloud.endpoint,
    authorityHost: config.authorityHost ?? cloud.authorityHost,
    credential: credential && {
      tenantId: credential.tenantId,
      clientId: credential.clientId,
      clientSecret: secretOf(credential.clientSecret),
    },
  });
}
