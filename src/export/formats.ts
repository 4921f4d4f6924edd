/** The list of addresses as the clouds' own tools take it. Pure. */
import { AddressSet } from '../address/address-set.ts';
import { type Cidr, compareCidrs, familyOf } from '../address/cidr.ts';
import { denyStatementOf } from '../gates/aws-key-policy/permissions.ts';
import { atlasPolicyOf } from '../gates/aws-role-policy/permissions.ts';
import type { GateKind } from '../gates/gate.ts';
import { hclBlock } from './hcl.ts';
import { shellWord } from './shell.ts';

export const exportFormats = [
  'aws-role-policy',
  'aws-key-policy',
  'azure-cli',
  'bicep',
  'gcloud',
  'terraform',
  'terraform-json',
] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What the list is for. Capitals stand where nothing is known. */
export interface ExportTarget {
  /** Of the local value in Terraform, and the variable in Bicep. */
  readonly name: string;
  readonly key: string;
  readonly role: string;
  readonly sid: string;
  readonly vault: string;
  readonly level: string;
}

interface Format {
  /** The kinds of gates whose list it can be; undefined: any. */
  readonly kinds: readonly GateKind[] | undefined;
  readonly families: readonly (4 | 6)[];
  /** Why the text that was made is more than the cloud takes; undefined when it is not. */
  tooMuch?(cidrs: readonly Cidr[], target: ExportTarget): string | undefined;
  render(cidrs: readonly Cidr[], target: ExportTarget): string;
}

/** Of the inline policies of one role, whitespace not counted (IAM quotas). */
const maxRoleCharacters = 10_240;
/** Of a key's whole policy, in which other statements stand too (AWS KMS quotas). */
const maxKeyBytes = 32_768;
const maxVaultRules = 1_000;
/** Access Context Manager quotas: items in one list, and conditions in one level. */
const maxItems = 200;
const maxConditions = 40;

const formats: Readonly<Record<ExportFormat, Format>> = {
  'aws-role-policy': {
    kinds: ['aws-role-policy', 'aws-key-policy'],
    families: [4, 6],
    tooMuch: (cidrs, { key }) =>
      over(JSON.stringify(atlasPolicyOf(key, cidrs)).length, maxRoleCharacters, 'characters'),
    render: (cidrs, { key }) => JSON.stringify(atlasPolicyOf(key, cidrs), null, 2),
  },
  'aws-key-policy': {
    kinds: ['aws-role-policy', 'aws-key-policy'],
    families: [4, 6],
    tooMuch: (cidrs, target) =>
      over(JSON.stringify(denyStatementOf(target, cidrs)).length, maxKeyBytes, 'bytes'),
    render: (cidrs, target) => JSON.stringify(denyStatementOf(target, cidrs), null, 2),
  },
  'azure-cli': {
    kinds: ['azure-key-vault'],
    families: [4],
    tooMuch: cidrs => over(cidrs.length, maxVaultRules, 'rules'),
    render: azureCli,
  },
  bicep: {
    kinds: ['azure-key-vault'],
    families: [4],
    tooMuch: cidrs => over(cidrs.length, maxVaultRules, 'rules'),
    render: bicep,
  },
  gcloud: {
    kinds: ['gcp-access-level'],
    families: [4, 6],
    tooMuch: cidrs => over(cidrs.length, maxItems * maxConditions, 'blocks'),
    render: gcloud,
  },
  terraform: {
    kinds: undefined,
    families: [4, 6],
    render: (cidrs, { name }) => hclBlock('locals', [], { [name]: cidrs }),
  },
  'terraform-json': {
    kinds: undefined,
    families: [4, 6],
    render: (cidrs, { name }) => JSON.stringify({ locals: { [name]: cidrs } }, null, 2),
  },
};

export function isExportFormat(text: string | undefined): text is ExportFormat {
  return exportFormats.includes(text as ExportFormat);
}

/** The formats in which the list of such a gate can be had. */
export function formatsFor(kind: GateKind): readonly ExportFormat[] {
  return exportFormats.filter(format => formats[format].kinds?.includes(kind) ?? true);
}

export type Exported =
  | { readonly ok: true; readonly text: string; readonly cidrs: readonly Cidr[]; readonly merged: boolean }
  | { readonly ok: false; readonly message: string };

/**
 * The text of a list in one format. Blocks are merged only where that was asked for, or where the plain list
 * is more than the cloud takes; merging never lets in an address more. An empty list is refused: in one cloud
 * it means nobody, in another everybody.
 */
export function exportList(
  cidrs: readonly Cidr[],
  format: ExportFormat,
  target: ExportTarget,
  options: { readonly merge: boolean },
): Exported {
  const { families, tooMuch = () => undefined, render } = formats[format];
  const plain = [...new Set(cidrs)].sort(compareCidrs);
  if (plain.length === 0) return { ok: false, message: 'There is no address to list.' };
  const unfit = plain.find(cidr => !families.includes(familyOf(cidr)));
  if (unfit !== undefined) {
    return { ok: false, message: `${unfit} is in the list, and ${format} takes IPv4 alone.` };
  }
  const merge = options.merge || tooMuch(plain, target) !== undefined;
  const list = merge ? AddressSet.of(plain).toCidrs() : plain;
  const excess = tooMuch(list, target);
  if (excess !== undefined)
    return { ok: false, message: `The list does not fit, merged as it is: ${excess}.` };
  return { ok: true, text: render(list, target), cidrs: list, merged: list.length < plain.length };
}

function over(used: number, limit: number, unit: string): string | undefined {
  return used > limit ? `${used} ${unit} of ${limit}` : undefined;
}

/** One call: each further one would read and write the whole vault again. */
function azureCli(cidrs: readonly Cidr[], { vault }: ExportTarget): string {
  const [, , subscription = '', , group = '', , , , name = ''] = vault.split('/');
  const words = ['--name', name, '--resource-group', group, '--subscription', subscription].map(shellWord);
  return `az keyvault network-rule add ${words.join(' ')} --ip-address ${cidrs.join(' ')}`;
}

function bicep(cidrs: readonly Cidr[], { name }: ExportTarget): string {
  return [
    '// For `properties.networkAcls.ipRules` of the vault.',
    '@export()',
    `var ${name} = [`,
    ...cidrs.map(cidr => `  { value: '${cidr}' }`),
    ']',
  ].join('\n');
}

/** Several conditions, one of which must hold: without `or` all would have to, and no address would pass. */
function gcloud(cidrs: readonly Cidr[], { level }: ExportTarget): string {
  const [, policy, , name] = level.split('/');
  const conditions: string[] = [];
  for (let start = 0; start < cidrs.length; start += maxItems) {
    const items = cidrs.slice(start, start + maxItems).map(cidr => `  - ${JSON.stringify(cidr)}`);
    conditions.push(['- ipSubnetworks:', ...items].join('\n'));
  }
  return [
    `# gcloud access-context-manager levels update ${name} --policy=${policy} --combine-function=or --basic-level-spec=FILE`,
    ...conditions,
  ].join('\n');
}
