/** A site whose gate is of any kind: its world in the lab, its config, and what only the lab knows of its list. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cidr, parseCidr } from '../../src/address/cidr.ts';
import type { GateKind } from '../../src/gates/gate.ts';
import type { LabProject } from '../../src/lab/atlas/model.ts';
import { awsWorld, labKeyArn, labRoleArn } from '../../src/lab/aws/world.ts';
import { foreignRules, labOrganizationId } from '../../src/lab/default-world.ts';
import type { LabService } from '../../src/lab/faults.ts';
import { foreignSubnetworks, gcpWorld, labLevel, labPerimeter } from '../../src/lab/gcp/world.ts';
import type { LabRequest } from '../../src/lab/index.ts';
import type { Site } from './site.ts';

export interface CloudSite extends Site {
  readonly kind: GateKind;
  readonly project: LabProject;
  /** Whose calls reach the list and what is around it. */
  readonly services: readonly LabService[];
  /** What the first write of the list is called in the journal. */
  readonly firstWrite: 'add' | 'enforce';
  /** Entries of the list that are someone else's. */
  readonly foreign: readonly string[];
  isWrite(request: Pick<LabRequest, 'service' | 'method' | 'path'>): boolean;
  /** The list as the cloud holds it. */
  entries(): readonly Cidr[];
  /** All beside the list that the gate must not touch, in a form in which equal things are equal. */
  others(): unknown;
  /** Writes the config anew, with more said of the gate. */
  configureGate(gate?: object, more?: Readonly<Record<string, unknown>>): void;
  /** How far ahead the clocks of the clouds are, so that they take the signatures of such a process. */
  setAhead(ms: number): void;
}

type Facts = Omit<CloudSite, keyof Site | 'kind' | 'configureGate' | 'project'> & {
  readonly project: LabProject;
  readonly gate: object;
};

const canonical = (texts: readonly string[]) =>
  texts.map(text => parseCidr(text, { bare: 'host', hostBits: 'mask' }));
const ownName = 'PosternAtlasAccess';

const makers: Readonly<Record<GateKind, (site: Site) => Facts>> = {
  'azure-key-vault': site => {
    const vault = () => site.lab.azure.get(site.vaultId).properties;
    return {
      project: site.project,
      gate: {},
      services: ['azure'],
      firstWrite: 'add',
      foreign: foreignRules,
      isWrite: ({ service, method }) => service === 'azure' && method !== 'GET',
      entries: () => canonical(site.rules()),
      others: () => {
        const { networkAcls, ...rest } = structuredClone(vault());
        return { ...rest, networkAcls: { ...networkAcls, ipRules: [] } };
      },
      setAhead: () => {},
    };
  },
  'aws-role-policy': site => {
    const project = awsWorld(site.lab);
    const { iam, kms } = site.lab.aws;
    const textOf = (name: string) => iam.inlineText(labRoleArn, name);
    return {
      ...awsFacts(site, 'aws-role-policy'),
      project,
      firstWrite: 'add',
      foreign: [],
      entries: () => {
        const policy = textOf(ownName);
        return policy === undefined ? [] : sourcesOf(JSON.parse(policy).Statement[0].Condition.IpAddress);
      },
      others: () => [
        kms.policyText(labKeyArn),
        [...iam.role(labRoleArn).inline.newest.keys()].filter(name => name !== ownName).map(textOf),
      ],
    };
  },
  'aws-key-policy': site => {
    const project = awsWorld(site.lab, { withKeyAccess: true });
    const { iam, kms } = site.lab.aws;
    const statements = (): any[] => JSON.parse(kms.policyText(labKeyArn)).Statement;
    return {
      ...awsFacts(site, 'aws-key-policy'),
      project,
      firstWrite: 'enforce',
      foreign: [],
      entries: () => {
        const own = statements().find(({ Sid }) => Sid === ownName);
        return own === undefined ? [] : sourcesOf(own.Condition.NotIpAddress);
      },
      others: () => [
        statements().filter(({ Sid }) => Sid !== ownName),
        [...iam.role(labRoleArn).inline.newest],
      ],
    };
  },
  'gcp-access-level': site => {
    const { lab, folder } = site;
    const project = gcpWorld(lab, labOrganizationId);
    lab.gcp.behaviour = { ...lab.gcp.behaviour, operationMs: 0, propagationMs: 0 };
    // A user's: a service account's signature has the time of the process that makes it.
    writeFileSync(join(folder, 'google.json'), lab.credentials.gcp.userCredentials);
    const level = () => lab.gcp.level(labLevel)!;
    return {
      project,
      gate: {
        kind: 'gcp-access-level',
        level: labLevel,
        perimeter: labPerimeter,
        endpoint: lab.urls.accessContextManager,
        credentialFile: 'google.json',
        quotaProject: 'payments-kms',
      },
      services: ['gcp'],
      firstWrite: 'add',
      foreign: foreignSubnetworks,
      isWrite: ({ service, method }) => service === 'gcp' && method !== 'GET',
      entries: () =>
        canonical(level().basic?.conditions.flatMap(({ ipSubnetworks }) => ipSubnetworks ?? []) ?? []),
      others: () => {
        const { basic: _, ...rest } = structuredClone(level());
        const elsewhere = lab.requests.filter(
          ({ service, method, path }) => service === 'gcp' && method !== 'GET' && !path.includes(labLevel),
        );
        return [rest, elsewhere];
      },
      setAhead: () => {},
    };
  },
};

function awsFacts(site: Site, kind: 'aws-role-policy' | 'aws-key-policy') {
  const { lab } = site;
  const { accessKeyId, secretAccessKey } = lab.credentials.aws;
  site.setEnv({ LAB_AWS_SECRET: secretAccessKey });
  return {
    gate: {
      kind,
      key: labKeyArn,
      role: labRoleArn,
      endpoints: { kms: lab.urls.kms, iam: lab.urls.iam },
      credential: { accessKeyId, secretAccessKey: 'env:LAB_AWS_SECRET' },
    },
    services: ['kms', 'iam'] as const,
    isWrite: ({ path }: Pick<LabRequest, 'path'>) => /^\/Put(RolePolicy|KeyPolicy)/.test(path),
    setAhead: (clockAheadMs: number) => {
      lab.aws.behaviour = { ...lab.aws.behaviour, clockAheadMs };
    },
  };
}

function sourcesOf(condition: { 'aws:SourceIp': string | readonly string[] }): readonly Cidr[] {
  return canonical([condition['aws:SourceIp']].flat());
}

/** Makes the site's gate one of this kind. */
export function withKind(site: Site, kind: GateKind): CloudSite {
  const { gate, ...facts } = makers[kind](site);
  const configureGate: CloudSite['configureGate'] = (moreOfGate = {}, more = {}) => {
    if (kind === 'azure-key-vault') return site.configure({ ...moreOfGate }, more);
    const whole = { name: 'payments', projects: [facts.project.id], policy: 'sync', ...gate, ...moreOfGate };
    site.configure({}, { ...more, gates: [whole] });
  };
  const cloud = { ...site, ...facts, kind, configureGate };
  configureGate();
  return cloud;
}
