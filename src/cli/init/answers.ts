/** What init must know and Atlas does not tell: each from a flag, or asked, or at its default. */
import type { GateKind } from '../../gates/gate.ts';
import { UsageError } from '../failures.ts';
import type { Prompt } from '../prompt/prompt.ts';
import type { GateKeys } from './config-file.ts';
import type { Proposal } from './propose.ts';

export interface InitFlags {
  readonly awsKind?: 'aws-role-policy' | 'aws-key-policy';
  readonly awsRole?: string;
  readonly gcpLevel?: string;
  readonly gcpPerimeter?: string;
  readonly adopt?: boolean;
  readonly project?: readonly string[];
}

/** Undefined: nobody can be asked, so defaults count, and what has none is an error that names its flag. */
export type Asker = Prompt | undefined;

export async function chooseGates(
  proposals: readonly Proposal[],
  prompt: Asker,
): Promise<readonly Proposal[]> {
  if (!prompt || proposals.length === 1) return proposals;
  return await prompt.chooseMany(
    'Which gates shall Postern look after?',
    proposals.map(value => ({
      title: `${value.name}: ${describeTarget(value)}`,
      hint: projectsOf(value),
      value,
    })),
  );
}

export function describeTarget({ target }: Proposal): string {
  switch (target.cloud) {
    case 'azure':
      return `Azure Key Vault ${target.vault.split('/').at(-1)}`;
    case 'aws':
      return `AWS key ${target.key.split('/').at(-1)}`;
    case 'gcp':
      return `Google Cloud KMS in ${target.keyVersion.split('/')[1]}`;
  }
}

export function projectsOf({ projects }: Proposal): string {
  return `project${projects.length === 1 ? '' : 's'} ${projects.map(({ name }) => name).join(', ')}`;
}

/** The kind and the keys of one gate. Throws a UsageError, or a RefusedError when the person stops. */
export async function completeGate(
  proposal: Proposal,
  flags: InitFlags,
  prompt: Asker,
): Promise<{ readonly kind: GateKind; readonly keys: GateKeys }> {
  const { target, name } = proposal;
  switch (target.cloud) {
    case 'azure': {
      const { vault, azureCloud } = target;
      return {
        kind: 'azure-key-vault',
        keys: { vault, ...(azureCloud !== 'AzureCloud' && { cloud: azureCloud }) },
      };
    }
    case 'aws': {
      const role = flags.awsRole ?? target.role ?? (await askRole(name, prompt));
      return { kind: flags.awsKind ?? (await askAwsKind(name, prompt)), keys: { key: target.key, role } };
    }
    case 'gcp': {
      const level = flags.gcpLevel ?? (await askLevel(name, prompt));
      const perimeter = flags.gcpPerimeter ?? (await askPerimeter(name, prompt));
      return { kind: 'gcp-access-level', keys: { level, ...(perimeter !== undefined && { perimeter }) } };
    }
  }
}

async function askAwsKind(name: string, prompt: Asker): Promise<'aws-role-policy' | 'aws-key-policy'> {
  if (!prompt) return 'aws-role-policy';
  return await prompt.choose(`${name}: where shall the list stand?`, [
    {
      title: 'in the policy of the role that Atlas assumes',
      hint: "as MongoDB's documentation has it",
      value: 'aws-role-policy',
    },
    { title: "in the key's own policy", hint: 'stricter, and holds more addresses', value: 'aws-key-policy' },
  ]);
}

const rolePattern = /^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/;
const levelPattern = /^accessPolicies\/\d+\/accessLevels\/[A-Za-z]\w{0,49}$/;
const perimeterPattern = /^accessPolicies\/\d+\/servicePerimeters\/[A-Za-z]\w{0,49}$/;

async function askRole(name: string, prompt: Asker): Promise<string> {
  if (!prompt) {
    throw new UsageError(
      `Atlas does not tell which role it assumes for gate ${name}.`,
      'Name it with --aws-role ARN, or use credentials with the role Project Owner for this once.',
    );
  }
  return await prompt.line(`${name}: the ARN of the role that Atlas assumes`, {
    check: text => (rolePattern.test(text) ? undefined : 'Expected arn:aws:iam::ACCOUNT:role/NAME.'),
  });
}

const policyNumberCommand = 'gcloud access-context-manager policies list --organization=ORGANIZATION_ID';

async function askLevel(name: string, prompt: Asker): Promise<string> {
  if (!prompt) {
    throw new UsageError(
      `Which access level shall hold the list of gate ${name} is not said.`,
      `Name it with --gcp-level accessPolicies/NUMBER/accessLevels/NAME. It must be Postern's alone; one that does not exist is made. The number: ${policyNumberCommand}`,
    );
  }
  return await prompt.line(`${name}: the access level, Postern's alone (made if it does not exist)`, {
    check: text =>
      levelPattern.test(text)
        ? undefined
        : `Expected accessPolicies/NUMBER/accessLevels/NAME. The number: ${policyNumberCommand}`,
  });
}

/** Only read, for findings, so it may be left out. */
async function askPerimeter(name: string, prompt: Asker): Promise<string | undefined> {
  if (!prompt) return undefined;
  const text = await prompt.line(`${name}: the service perimeter around the key's project (Enter: none)`, {
    check: answer =>
      answer === '' || perimeterPattern.test(answer)
        ? undefined
        : `Expected accessPolicies/NUMBER/servicePerimeters/NAME. The number: ${policyNumberCommand}`,
  });
  return text === '' ? undefined : text;
}

export async function askAdopt(
  count: number,
  name: string,
  flags: InitFlags,
  prompt: Asker,
): Promise<boolean> {
  if (flags.adopt !== undefined) return flags.adopt;
  if (!prompt) return false;
  return await prompt.choose(`${name}: ${count} addresses of Atlas were put in by someone else`, [
    { title: 'leave them alone', hint: 'also when Atlas drops them', value: false },
    { title: 'look after them', hint: 'adopt: true', value: true },
  ]);
}
