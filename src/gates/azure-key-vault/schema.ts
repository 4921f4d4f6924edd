/**
 * What Azure Resource Manager says of a vault, parsed at the border. Shape: Microsoft.KeyVault 2023-07-01 to
 * 2026-04-01, where `networkAcls` is the same.
 */
import { z } from 'zod';

const virtualNetworkRule = z.looseObject({ id: z.string() });

/** Loose: a member that we do not know must be seen, since a write that leaves it out could lose it. */
const networkAcls = z.looseObject({
  bypass: z.string().nullish(),
  defaultAction: z.string().nullish(),
  ipRules: z.array(z.looseObject({ value: z.string() })).nullish(),
  virtualNetworkRules: z.array(virtualNetworkRule).nullish(),
});

export const vaultAnswer = z.object({
  id: z.string(),
  systemData: z
    .object({ lastModifiedAt: z.string().nullish(), lastModifiedBy: z.string().nullish() })
    .nullish(),
  properties: z.object({
    networkAcls: networkAcls.nullish(),
    publicNetworkAccess: z.string().nullish(),
    provisioningState: z.string().nullish(),
  }),
});

export type VaultAnswer = z.infer<typeof vaultAnswer>;
export type NetworkAclsAnswer = z.infer<typeof networkAcls>;
