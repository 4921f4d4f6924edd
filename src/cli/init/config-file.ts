/** The text of the first `postern.yaml`: it holds what was found, and comments that teach the rest. Pure. */
import type { GateKind } from '../../gates/gate.ts';

/** Keys and values of one gate beside its name, kind and projects. */
export type GateKeys = Readonly<Record<string, unknown>>;

export interface InitGate {
  readonly name: string;
  readonly kind: GateKind;
  readonly keys: GateKeys;
  readonly projects: readonly { readonly id: string; readonly name: string }[];
  readonly adopt: boolean;
}

export interface InitConfig {
  /** Undefined: `commercial`, the default. */
  readonly baseUrl: string | undefined;
  /** Undefined: the environment has them under the names that Postern looks for. */
  readonly serviceAccount: { readonly clientId: string; readonly clientSecret: string } | undefined;
  readonly gates: readonly InitGate[];
}

export function configFileOf({ baseUrl, serviceAccount, gates }: InitConfig): string {
  return `# Postern keeps the lists below in step with the addresses that MongoDB Atlas uses.
# Every key that there is, with what it means: docs/postern.example.yaml of Postern.

atlas:
${baseUrl === undefined ? '' : `  baseUrl: ${scalar(baseUrl)}\n`}${authText(serviceAccount)}
${gates.length === 0 ? '' : `gates:\n${gates.map(gateText).join('\n')}`}`;
}

function authText(serviceAccount: InitConfig['serviceAccount']): string {
  if (serviceAccount === undefined) {
    return `  # The service account is taken from the environment: MONGODB_ATLAS_CLIENT_ID and
  # MONGODB_ATLAS_CLIENT_SECRET. The role Project Read Only is all it needs.
  includeGateways: false
`;
  }
  return `  auth:
${commented('    serviceAccount:', 'the role Project Read Only is all it needs')}
      clientId: ${scalar(serviceAccount.clientId)}
${commented(`      clientSecret: ${scalar(serviceAccount.clientSecret)}`, 'env:NAME or file:PATH, never the secret')}
`;
}

const kindComments: Readonly<Record<GateKind, string>> = {
  'aws-role-policy': 'an inline policy, Postern’s own, on the IAM role that Atlas assumes',
  'aws-key-policy': "a statement, Postern's own, in the policy of the key",
  'azure-key-vault': 'the firewall of an Azure Key Vault',
  'gcp-access-level': "an access level, Postern's own, in Access Context Manager",
};

function gateText({ name, kind, keys, projects, adopt }: InitGate): string {
  const lines = [
    `  - name: ${scalar(name)}`,
    commented(`    kind: ${kind}`, kindComments[kind]),
    ...Object.entries(keys).flatMap(([key, value]) => valueLines(key, value, '    ')),
    commented('    projects:', 'their nodes, and the control plane, are let in'),
    ...projects.map(({ id, name: project }) => commented(`      - ${scalar(id)}`, oneLine(project))),
    '    # observe: tells what is wrong, and writes nothing. Then add-only: adds, and never removes.',
    '    # Then sync: also removes, late, and only what it wrote itself.',
    '    policy: observe',
    ...(adopt
      ? [
          '    # Entries that others put in, and that Atlas lists, are looked after as if they were',
          "    # Postern's own: taken out when Atlas has dropped them for longer than the grace period.",
          '    adopt: true',
        ]
      : []),
    commented('    # pinned: [203.0.113.0/24]', 'let in whatever Atlas lists'),
    commented('    # removal: { grace: 7d }', 'how long an address stays after Atlas dropped it'),
  ];
  return `${lines.join('\n')}\n`;
}

const commentColumn = 44;

function commented(line: string, comment: string): string {
  return `${line.padEnd(commentColumn)}  # ${comment}`;
}

function valueLines(key: string, value: unknown, indent: string): readonly string[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null) return [`${indent}${key}: ${scalar(value)}`];
  if (Array.isArray(value)) return [`${indent}${key}: ${JSON.stringify(value)}`];
  return [
    `${indent}${key}:`,
    ...Object.entries(value).flatMap(([name, each]) => valueLines(name, each, `${indent}  `)),
  ];
}

/** Plain where YAML takes it for the same text, quoted as JSON otherwise. */
function scalar(value: unknown): string {
  const text = String(value);
  const isPlain =
    typeof value === 'string' &&
    /^[A-Za-z_/][\w./:@+=,-]*$/.test(text) &&
    !/:$|^(true|false|null|yes|no|on|off|y|n)$/i.test(text);
  return isPlain ? text : JSON.stringify(value);
}

/** A name that breaks the line would end the comment. */
function oneLine(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 80);
}
