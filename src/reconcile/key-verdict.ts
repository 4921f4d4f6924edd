/** What Atlas says about a project's key, with respect to one gate. Pure. */
import type { EncryptionAtRest } from '../atlas/encryption-at-rest.ts';
import type { Gate, GateKind } from '../gates/gate.ts';
import type { KeyVerdict } from '../plan/input.ts';

/** The part of Atlas's answer that speaks of one kind of KMS. */
interface Account {
  readonly name: string;
  readonly enabled: boolean;
  readonly valid: boolean | undefined;
  /** The key, or the vault, as Atlas names it, in the form of `Gate.key`; undefined where it does not say. */
  readonly key: string | undefined;
}

function awsAccount({ awsKms: kms }: EncryptionAtRest): Account {
  const { enabled, valid, customerMasterKeyID } = kms ?? {};
  return {
    name: 'AWS KMS',
    enabled: enabled ?? false,
    valid: valid ?? undefined,
    key: customerMasterKeyID?.toLowerCase(),
  };
}

function azureAccount({ azureKeyVault: vault }: EncryptionAtRest): Account {
  const { enabled, valid, subscriptionID, resourceGroupName, keyVaultName } = vault ?? {};
  const isWhole = subscriptionID && resourceGroupName && keyVaultName;
  const armId = `/subscriptions/${subscriptionID}/resourceGroups/${resourceGroupName}/providers/Microsoft.KeyVault/vaults/${keyVaultName}`;
  return {
    name: 'Azure Key Vault',
    enabled: enabled ?? false,
    valid: valid ?? undefined,
    key: isWhole ? armId.toLowerCase() : undefined,
  };
}

function gcpAccount({ googleCloudKms: kms }: EncryptionAtRest): Account {
  const { enabled, valid, keyVersionResourceID } = kms ?? {};
  return {
    name: 'Google Cloud KMS',
    enabled: enabled ?? false,
    valid: valid ?? undefined,
    key: keyVersionResourceID?.toLowerCase(),
  };
}

const accountOf: Readonly<Record<GateKind, (answer: EncryptionAtRest) => Account>> = {
  'aws-role-policy': awsAccount,
  'aws-key-policy': awsAccount,
  'azure-key-vault': azureAccount,
  'gcp-access-level': gcpAccount,
};

/** Only a key that is behind this very gate says anything about it; anything else is `unknown`. */
export function keyVerdictOf(
  projectId: string,
  answer: EncryptionAtRest,
  gate: Pick<Gate, 'kind' | 'key'>,
): KeyVerdict {
  const { name, enabled, valid, key } = accountOf[gate.kind](answer);
  const unknown = (because: string): KeyVerdict => ({ projectId, verdict: 'unknown', because });
  if (!enabled) return unknown(`it does not use ${name} for encryption at rest`);
  if (key !== undefined && gate.key !== undefined && !isSameKey(key, gate.key)) {
    return unknown(`its key is another one, ${key}`);
  }
  if (valid === undefined) return unknown('Atlas does not say whether its key is valid');
  return valid ? { projectId, verdict: 'valid' } : { projectId, verdict: 'invalid' };
}

/** AWS's keys are named by their ARN or by the id at its end; an alias may lead anywhere. */
function isSameKey(said: string, gateKey: string): boolean {
  return said === gateKey || (gateKey.startsWith('arn:') && gateKey.endsWith(`:key/${said}`));
}

/**
 * Why a write that takes access away does not stand; undefined when Atlas confirms every key. No answer is no
 * confirmation, unless an operator took that upon himself.
 */
export function doubtOf(verdicts: readonly KeyVerdict[], acceptsUnknown = false): string | undefined {
  if (verdicts.length === 0 && !acceptsUnknown) return 'there is no Atlas project that could confirm it';
  const doubt = verdicts.find(
    ({ verdict }) => verdict !== 'valid' && !(verdict === 'unknown' && acceptsUnknown),
  );
  if (!doubt) return undefined;
  const said = doubt.verdict === 'invalid' ? 'that its key is not valid' : 'nothing about its key';
  return `for project ${doubt.projectId} Atlas says ${said}${doubt.because ? ` (${doubt.because})` : ''}`;
}
