/** The Azure Resource Manager id of a vault, strictly read. */
export interface VaultId {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly vault: string;
  /** As it was given. */
  readonly text: string;
}

const pattern =
  /^\/subscriptions\/([0-9a-f-]{36})\/resourceGroups\/([^/\s]{1,90})\/providers\/Microsoft\.KeyVault\/vaults\/([a-z][a-z0-9-]{1,22}[a-z0-9])$/i;

/** Throws an Error that says what such an id looks like. ARM compares ids without regard to case. */
export function parseVaultId(text: string): VaultId {
  const [, subscriptionId, resourceGroup, vault] = pattern.exec(text) ?? [];
  if (subscriptionId === undefined || resourceGroup === undefined || vault === undefined) {
    throw new Error(
      `${JSON.stringify(text)} is not the resource id of a vault: /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/… was expected.`,
    );
  }
  return { subscriptionId, resourceGroup, vault, text };
}
