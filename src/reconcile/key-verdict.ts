/** What Atlas says about a project's key, with respect to one gate. Pure. */
import type { EncryptionAtRest } from '../atlas/encryption-at-rest.ts';
import type { GateKind } from '../gates/gate.ts';
import type { KeyVerdict } from '../plan/input.ts';

/** The part of Atlas's answer that speaks of a kind of gate, and the gate's id as it follows from the answer. */
const providers: Readonly<
  Record<
    GateKind,
    (answer: EncryptionAtRest) => {
      name: string;
      enabled: boolean;
      valid: boolean | undefined;
      gateId: string | undefined;
    }
  >
> = {
  'azure-key-vault': ({ azureKeyVault: vault }) => {
    const { subscriptionID, resourceGroupName, keyVaultName } = vault ?? {};
    const isWhole = subscriptionID && resourceGroupName && keyVaultName;
    const armId = `/subscriptions/${subscriptionID}/resourcegroups/${resourceGroupName}/providers/microsoft.keyvault/vaults/${keyVaultName}`;
    return {
      name: 'Azure Key Vault',
      enabled: vault?.enabled ?? false,
      valid: vault?.valid ?? undefined,
      gateId: isWhole ? `azure-key-vault:${armId}`.toLowerCase() : undefined,
    };
  },
};

/** Only a key that is behind this very gate says anything about it; anything else is `unknown`. */
export function keyVerdictOf(
  projectId: string,
  answer: EncryptionAtRest,
  gate: { readonly kind: GateKind; readonly id: string },
): KeyVerdict {
  const { name, enabled, valid, gateId } = providers[gate.kind](answer);
  const unknown = (because: string): KeyVerdict => ({ projectId, verdict: 'unknown', because });
  if (!enabled) return unknown(`it does not use ${name} for encryption at rest`);
  if (gateId !== undefined && gateId !== gate.id) return unknown(`its key is behind another gate, ${gateId}`);
  if (valid === undefined) return unknown('Atlas does not say whether its key is valid');
  return valid ? { projectId, verdict: 'valid' } : { projectId, verdict: 'invalid' };
}
