/** What the demo plays with in each cloud: a project, its key, and a gate before it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabProject } from '../../lab/atlas/model.ts';
import { awsWorld, foreignPolicyName, labAccountId, labKeyArn, labRoleArn } from '../../lab/aws/world.ts';
import { defaultWorld, foreignRules, labOrganizationId, labVaultId } from '../../lab/default-world.ts';
import { foreignSubnetworks, gcpWorld, labLevel, labPerimeter } from '../../lab/gcp/world.ts';
import type { Lab } from '../../lab/index.ts';

export const demoClouds = ['azure', 'aws', 'gcp'] as const;
export type DemoCloud = (typeof demoClouds)[number];

export interface DemoSite {
  readonly cloud: DemoCloud;
  readonly project: LabProject;
  /** What the gate's config says beside its policy, as it stands in a file. */
  readonly gate: Readonly<Record<string, unknown>> & { readonly name: string };
  /** What the story begins with. */
  readonly opening: string;
  /** What others put there and Postern must not touch, as it stands now. */
  foreign(): string;
}

/** @param folder where a credential file may be written */
export function openSite(cloud: DemoCloud, lab: Lab, folder: string): DemoSite {
  return makers[cloud](lab, folder);
}

const makers: Readonly<Record<DemoCloud, (lab: Lab, folder: string) => DemoSite>> = {
  azure: azureSite,
  aws: awsSite,
  gcp: gcpSite,
};

function azureSite(lab: Lab): DemoSite {
  const project = defaultWorld(lab);
  const { tenantId, clientId } = lab.credentials.azure;
  return {
    cloud: 'azure',
    project,
    gate: {
      name: 'payments',
      kind: 'azure-key-vault',
      vault: labVaultId,
      endpoint: lab.urls.azureResourceManager,
      authorityHost: lab.urls.azureAuthority,
      credential: { tenantId, clientId, clientSecret: 'env:LAB_AZURE_SECRET' },
      projects: [project.id],
    },
    opening: 'A vault with a customer key. Its firewall knows an office and a build server, and not Atlas.',
    foreign: () =>
      keptOf(
        lab.azure.get(labVaultId).properties.networkAcls?.ipRules.map(({ value }) => value) ?? [],
        foreignRules,
      ),
  };
}

function awsSite(lab: Lab): DemoSite {
  const project = awsWorld(lab);
  return {
    cloud: 'aws',
    project,
    gate: {
      name: 'payments-aws',
      kind: 'aws-role-policy',
      key: labKeyArn,
      role: labRoleArn,
      endpoints: { kms: lab.urls.kms, iam: lab.urls.iam },
      credential: {
        accessKeyId: lab.credentials.aws.accessKeyId,
        secretAccessKey: 'env:LAB_AWS_SECRET',
      },
      projects: [project.id],
    },
    opening: `A KMS key in AWS account ${labAccountId}. The role that Atlas assumes has a policy of its owners, and none for the key.`,
    foreign: () => keptOf([...lab.aws.iam.role(labRoleArn).inline.newest.keys()], [foreignPolicyName]),
  };
}

function gcpSite(lab: Lab, folder: string): DemoSite {
  const project = gcpWorld(lab, labOrganizationId);
  const credentialFile = join(folder, 'google-key.json');
  writeFileSync(credentialFile, lab.credentials.gcp.serviceAccountKey, { mode: 0o600 });
  return {
    cloud: 'gcp',
    project,
    gate: {
      name: 'payments-gcp',
      kind: 'gcp-access-level',
      level: labLevel,
      perimeter: labPerimeter,
      endpoint: lab.urls.accessContextManager,
      credentialFile,
      projects: [project.id],
    },
    opening:
      'A Cloud KMS key within a service perimeter. The access level for Atlas knows an office and a build server, and not Atlas.',
    foreign: () => {
      const conditions = lab.gcp.level(labLevel)?.basic?.conditions ?? [];
      return keptOf(
        conditions.flatMap(({ ipSubnetworks }) => ipSubnetworks ?? []),
        foreignSubnetworks,
      );
    },
  };
}

/** The secrets that the sites' gates name. */
export function labEnvironment({
  credentials: { atlas, aws, azure },
}: Lab): Readonly<Record<string, string>> {
  return {
    LAB_ATLAS_SECRET: atlas.serviceAccount.clientSecret,
    LAB_AZURE_SECRET: azure.clientSecret,
    LAB_AWS_SECRET: aws.secretAccessKey,
  };
}

function keptOf(present: readonly string[], foreign: readonly string[]): string {
  return foreign.filter(each => present.includes(each)).join(', ');
}
