/** From what Atlas says of its projects to the gates that they need. Pure. */
import type { EncryptionAtRest } from '../../atlas/index.ts';
import type { AzureCloud } from '../../config/index.ts';

/** One project that uses a customer key, as far as Atlas tells. */
export interface Found {
  readonly id: string;
  readonly name: string;
  readonly encryption: EncryptionAtRest;
  /** The role that Atlas assumes; undefined where Atlas does not tell. */
  readonly awsRole: string | undefined;
}

export type Keyed =
  | { readonly cloud: 'azure'; readonly vault: string; readonly azureCloud: AzureCloud }
  | { readonly cloud: 'aws'; readonly key: string; readonly role: string | undefined }
  | { readonly cloud: 'gcp'; readonly keyVersion: string };

/** One list to look after: several projects whose key is behind it share it. */
export interface Proposal {
  readonly name: string;
  readonly target: Keyed;
  readonly projects: readonly { readonly id: string; readonly name: string }[];
}

export interface Proposals {
  readonly gates: readonly Proposal[];
  /** Why a project, or a part of it, is left out: a sentence each. */
  readonly notes: readonly string[];
}

export function proposeGates(found: readonly Found[]): Proposals {
  const notes: string[] = [];
  const byList = new Map<string, { target: Keyed; projects: { id: string; name: string }[] }>();
  for (const project of found) {
    for (const target of targetsOf(project, note => notes.push(note))) {
      const list = listOf(target);
      const known = byList.get(list) ?? { target, projects: [] };
      known.projects.push({ id: project.id, name: project.name });
      byList.set(list, known);
    }
  }
  const names = new Set<string>();
  const gates = [...byList.values()].map(({ target, projects }) => ({
    name: unique(nameOf(target, projects), names),
    target,
    projects,
  }));
  return { gates, notes };
}

/** Two keys in one vault have one list; keys of AWS have one each, and so has each role. */
function listOf(target: Keyed): string {
  switch (target.cloud) {
    case 'azure':
      return target.vault.toLowerCase();
    case 'aws':
      return `${target.key} ${target.role ?? ''}`;
    case 'gcp':
      // A perimeter stands around a project.
      return target.keyVersion.split('/').slice(0, 2).join('/');
  }
}

function targetsOf({ name, encryption, awsRole }: Found, note: (text: string) => void): readonly Keyed[] {
  const { awsKms, azureKeyVault, googleCloudKms } = encryption;
  const targets: Keyed[] = [];
  const isPrivate = (part: { requirePrivateNetworking?: boolean | null | undefined }, kms: string) => {
    if (!part.requirePrivateNetworking) return false;
    note(
      `Project ${name} reaches ${kms} by private endpoints alone: no list is needed, and no gate is proposed.`,
    );
    return true;
  };
  if (azureKeyVault?.enabled && !isPrivate(azureKeyVault, 'Azure Key Vault')) {
    const { subscriptionID, resourceGroupName, keyVaultName, azureEnvironment } = azureKeyVault;
    if (subscriptionID && resourceGroupName && keyVaultName) {
      targets.push({
        cloud: 'azure',
        vault: `/subscriptions/${subscriptionID}/resourceGroups/${resourceGroupName}/providers/Microsoft.KeyVault/vaults/${keyVaultName}`,
        azureCloud: azureClouds[azureEnvironment ?? 'AZURE'] ?? 'AzureCloud',
      });
    } else note(`Project ${name} uses Azure Key Vault, and Atlas does not say which vault.`);
  }
  if (awsKms?.enabled && !isPrivate(awsKms, 'AWS KMS')) {
    const { customerMasterKeyID } = awsKms;
    if (customerMasterKeyID?.startsWith('arn:')) {
      targets.push({ cloud: 'aws', key: customerMasterKeyID, role: awsRole });
    } else {
      note(
        `Project ${name} uses the AWS key ${customerMasterKeyID ?? '(not told)'}, which is no ARN: add its gate by hand, with the key's ARN.`,
      );
    }
  }
  if (googleCloudKms?.enabled) {
    const { keyVersionResourceID } = googleCloudKms;
    if (keyVersionResourceID) targets.push({ cloud: 'gcp', keyVersion: keyVersionResourceID });
    else note(`Project ${name} uses Google Cloud KMS, and Atlas does not say which key.`);
  }
  return targets;
}

/** Atlas's names for Azure's clouds. */
const azureClouds: Readonly<Record<string, AzureCloud>> = {
  AZURE: 'AzureCloud',
  AZURE_CHINA: 'AzureChinaCloud',
  AZURE_US_GOVERNMENT: 'AzureUSGovernment',
};

function nameOf(target: Keyed, projects: readonly { readonly name: string }[]): string {
  if (projects.length === 1) return projects[0]!.name;
  switch (target.cloud) {
    case 'azure':
      return target.vault.split('/').at(-1)!;
    case 'aws':
      return `aws-${target.key.split('/').at(-1)!.slice(-8)}`;
    case 'gcp':
      return target.keyVersion.split('/')[1]!;
  }
}

const maxNameLength = 60;

function unique(text: string, taken: Set<string>): string {
  const base =
    text
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+|-+$/g, '')
      .slice(0, maxNameLength) || 'gate';
  let name = base;
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${base}-${number}`;
  taken.add(name.toLowerCase());
  return name;
}
