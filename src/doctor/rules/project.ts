/** One Atlas project: its key, its clusters, its alert. Pure. */
import type { EncryptionAtRest } from '../../atlas/index.ts';
import type { GateKind } from '../../gates/gate.ts';
import { alertFindings } from '../../plan/findings.ts';
import type { Known, ProjectFacts } from '../facts.ts';
import type { DoctorFinding } from '../report.ts';
import { of, unknown } from './atlas.ts';

/** A KMS as Atlas's clusters name it. */
export const providers = ['AWS', 'AZURE', 'GCP'] as const;
export type Provider = (typeof providers)[number];

export const providerNames = {
  AWS: 'AWS KMS',
  AZURE: 'Azure Key Vault',
  GCP: 'Google Cloud KMS',
} as const satisfies Record<Provider, string>;

const providerOfKind = {
  'aws-role-policy': 'AWS',
  'aws-key-policy': 'AWS',
  'azure-key-vault': 'AZURE',
  'gcp-access-level': 'GCP',
} as const satisfies Record<GateKind, Provider>;

interface Account {
  readonly provider: Provider;
  readonly valid: boolean | undefined;
  readonly isPrivate: boolean;
}

/** The KMSs that a project uses. */
export function accountsOf({ awsKms, azureKeyVault, googleCloudKms }: EncryptionAtRest): readonly Account[] {
  const parts = [
    ['AWS', awsKms],
    ['AZURE', azureKeyVault],
    ['GCP', googleCloudKms],
  ] as const;
  return parts.flatMap(([provider, part]) =>
    part?.enabled
      ? [
          {
            provider,
            valid: part.valid ?? undefined,
            // Atlas has no private endpoints for Google Cloud KMS, whatever an answer may hold.
            isPrivate: provider !== 'GCP' && part.requirePrivateNetworking === true,
          },
        ]
      : [],
  );
}

export function projectFindings(facts: ProjectFacts, nowMs: number): readonly DoctorFinding[] {
  const { encryption, gates } = facts;
  if (!encryption.known) {
    const make = encryption.trouble.passing ? unknown : of;
    return [make('project-unreadable', encryption.trouble)];
  }
  const accounts = accountsOf(encryption.value);
  if (accounts.length === 0) return gates.length === 0 ? [] : [noCustomerKey(facts)];
  return [
    ...notServed(facts, accounts),
    ...invalidKey(facts, accounts),
    ...privateNetworking(facts, accounts),
    ...searchNodes(facts, encryption.value),
    ...alert(facts),
    ...openAlerts(facts, nowMs),
    ...clusters(facts),
  ];
}

function noCustomerKey({ gates }: ProjectFacts): DoctorFinding {
  return {
    id: 'no-customer-key',
    severity: 'warning',
    message: `The project uses no customer key, and gate ${gates[0]!.name} serves it.`,
    remedy: 'Take the project out of the gate, or set up its key in Atlas.',
  };
}

function notServed({ gates }: ProjectFacts, accounts: readonly Account[]): readonly DoctorFinding[] {
  const served = new Set<Provider>(gates.map(({ kind }) => providerOfKind[kind]));
  return accounts
    .filter(({ provider, isPrivate }) => !served.has(provider) && !isPrivate)
    .map(({ provider }) => ({
      id: 'project-not-served',
      severity: gates.length === 0 ? ('warning' as const) : ('error' as const),
      message: `The project's key is in ${providerNames[provider]}, and no gate of the config serves it there.`,
      remedy:
        'Add a gate, or the project to a gate that stands before the same key: postern init proposes it.',
    }));
}

function invalidKey({ id }: ProjectFacts, accounts: readonly Account[]): readonly DoctorFinding[] {
  return accounts
    .filter(({ valid }) => valid === false)
    .map(({ provider }) => ({
      id: 'key-not-valid',
      severity: 'error' as const,
      message: `Atlas says that it cannot use the key of project ${id} in ${providerNames[provider]}.`,
      remedy:
        'See `postern check`. Where every address is let in, look at the key itself and at the credentials that Atlas has for it.',
    }));
}

function privateNetworking(facts: ProjectFacts, accounts: readonly Account[]): readonly DoctorFinding[] {
  const isPrivate = accounts.filter(account => account.isPrivate);
  if (isPrivate.length === 0) return [];
  const name = providerNames[isPrivate[0]!.provider];
  const severalClouds = facts.clusters.known
    ? facts.clusters.value.filter(({ clouds }) => clouds.length > 1)
    : [];
  if (severalClouds.length > 0) {
    return [
      {
        id: 'private-networking-multi-cloud',
        severity: 'warning',
        message: `Atlas is to reach ${name} by private endpoints alone, and cluster ${severalClouds[0]!.name} runs in several clouds, where Atlas has none.`,
        remedy: 'Keep the list, and ask MongoDB support how such a cluster reaches its key.',
      },
    ];
  }
  return [
    {
      id: 'private-networking',
      severity: 'info',
      message: `Atlas reaches ${name} by private endpoints alone, so no list is needed.`,
      remedy: 'Nothing to do. A gate for it may stay: it does no harm.',
    },
  ];
}

function searchNodes(
  { name, id }: ProjectFacts,
  { enabledForSearchNodes }: EncryptionAtRest,
): readonly DoctorFinding[] {
  if (!enabledForSearchNodes) return [];
  return [
    {
      id: 'search-nodes',
      severity: 'warning',
      message: `Search nodes of project ${name ?? id} use the key, and MongoDB does not say whether Atlas lists their addresses.`,
      remedy:
        'Ask MongoDB support for their addresses, and put those that are lacking under `static` in the config.',
    },
  ];
}

function alert({ alert: state }: ProjectFacts): readonly DoctorFinding[] {
  const name = 'Encryption at Rest KMS network access denied';
  if (!state.known) return [unknown('alert-unknown', state.trouble)];
  if (state.value === 'on') return [];
  return [
    {
      id: state.value === 'off' ? 'alert-off' : 'alert-missing',
      severity: 'warning',
      message:
        state.value === 'off'
          ? `The alert “${name}” is switched off in the project.`
          : `The project has no alert “${name}”.`,
      remedy: `In Atlas: Project Alerts, Add Alert, ${name} (ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED).`,
    },
  ];
}

function openAlerts({ openAlerts: alerts }: ProjectFacts, nowMs: number): readonly DoctorFinding[] {
  if (alerts.known || alerts.isRefused) return alertFindings(alerts, nowMs);
  return [unknown('kms-alerts-unknown', { message: alerts.because, remedy: undefined })];
}

function clusters({ clusters: all, gates }: ProjectFacts): readonly DoctorFinding[] {
  if (!all.known) return [unknown('clusters-unknown', all.trouble)];
  if (all.value.length === 0) {
    return [
      {
        id: 'no-clusters',
        severity: 'info',
        message: 'The project has no cluster, so its list is that of the control plane.',
      },
    ];
  }
  const served = new Set<string>(gates.map(({ kind }) => providerOfKind[kind]));
  return all.value.flatMap(({ name, keyProvider }): readonly DoctorFinding[] => {
    if (keyProvider === undefined || (gates.length > 0 && served.has(keyProvider))) return [];
    if (keyProvider === 'NONE') {
      return [
        {
          id: 'cluster-without-key',
          severity: 'warning',
          message: `Cluster ${name} does not use the project's key.`,
          remedy: 'If it should: in Atlas, edit the cluster and turn on Manage your own encryption keys.',
        },
      ];
    }
    if (gates.length === 0) return [];
    return [
      {
        id: 'cluster-other-kms',
        severity: 'error',
        message: `Cluster ${name} uses a key in ${providerNames[keyProvider as Provider] ?? keyProvider}, and no gate of the config serves the project there.`,
        remedy: 'Add a gate for that key: postern init proposes it.',
      },
    ];
  });
}

/** For a title: where a project's key is. */
export function providersOf(encryption: Known<EncryptionAtRest>): string {
  if (!encryption.known) return 'its key is not known';
  const names = accountsOf(encryption.value).map(({ provider }) => providerNames[provider]);
  return names.length === 0 ? 'no customer key' : names.join(', ');
}
