/** Every command: what it is called, what it takes, and where it is. Loads none of them. */
import { exportFormats } from '../../export/formats.ts';
import { gateKinds } from '../../gates/gate.ts';
import { logLevels } from '../../log/levels.ts';
import { policies } from '../../plan/plan.ts';
import type { CommandAction } from '../context.ts';
import { countOf, durationOf, idOf, oneOf, projectOf, repeated, someOf } from './values.ts';

export interface CommandOption {
  readonly flags: string;
  readonly description: string;
  /** Of the text that was given; throws an InvalidArgumentError. */
  readonly parse?: (text: string, previous: never) => unknown;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Such as `[file]`, with what it is. */
  readonly arguments?: readonly (readonly [name: string, description: string])[];
  readonly options: readonly CommandOption[];
  readonly examples: readonly string[];
  /** It runs until it is told to stop. */
  readonly isDaemon?: boolean;
  readonly load: () => Promise<{ readonly run: CommandAction<never> }>;
}

export const globalOptions: readonly CommandOption[] = [
  { flags: '--config <path>', description: 'the config (default: POSTERN_CONFIG, ./postern.yaml)' },
  { flags: '--state <path>', description: 'the journal (default: POSTERN_STATE, the platform’s place)' },
  { flags: '--json', description: 'print JSON, errors too' },
  { flags: '-q, --quiet', description: 'print the result and what is wrong, nothing else' },
  { flags: '--no-color', description: 'no colours (also NO_COLOR=1)' },
];

const gateOption: CommandOption = {
  flags: '--gate <name>',
  description: 'only this gate; may be repeated',
  parse: repeated,
};
const yesOption: CommandOption = { flags: '-y, --yes', description: 'do not ask' };
const policyOptions: readonly CommandOption[] = [
  {
    flags: '--policy <policy>',
    description: `instead of the config's: ${policies.join(', ')}`,
    parse: oneOf(policies),
  },
  { flags: '--grace <duration>', description: "instead of the config's, such as 7d", parse: durationOf },
  { flags: '--max-removals <count>', description: 'the most that this run may remove', parse: countOf },
  { flags: '--accept-shrink', description: 'believe a feed that lists far fewer addresses than before' },
  {
    flags: '--accept-first-write',
    description: 'put a list in force that was taken out of it, or that Atlas cannot confirm',
  },
];

/** For a list that goes into a KMS by other hands than Postern's. */
const exportOptions: readonly CommandOption[] = [
  { flags: '--merge', description: 'for a KMS: merge blocks, without letting in an address more' },
  {
    flags: '--allow-incomplete',
    description: 'for a KMS: print a list that may lack addresses',
  },
];

export const commands: readonly CommandEntry[] = [
  {
    name: 'ips',
    summary: 'the addresses that Atlas uses now',
    options: [
      {
        flags: '--project <id>',
        description: 'also the nodes of this project; may be repeated',
        parse: projectOf,
      },
      {
        flags: '--format <format>',
        description: `table, json, text, csv, yaml, tfvars; for a KMS: ${exportFormats.join(', ')}`,
        parse: oneOf(['table', 'json', 'text', 'csv', 'yaml', 'tfvars', ...exportFormats]),
      },
      {
        flags: '--feed <feed>',
        description: 'control-plane or nodes',
        parse: oneOf(['control-plane', 'nodes']),
      },
      {
        flags: '--direction <direction>',
        description: 'outbound, inbound or all (default: what a KMS must let in)',
        parse: oneOf(['outbound', 'inbound', 'all']),
      },
      {
        flags: '--cloud <cloud>',
        description: 'only aws, azure or gcp',
        parse: oneOf(['aws', 'azure', 'gcp']),
      },
      { flags: '--region <region>', description: "only this region, in Atlas's spelling" },
      { flags: '--cluster <name>', description: 'only the nodes of this cluster' },
      ...exportOptions,
    ],
    examples: [
      'postern ips',
      'postern ips --project 64f0c1a2b3d4e5f601234567 --format tfvars',
      'postern ips --project 64f0c1a2b3d4e5f601234567 --format aws-role-policy',
    ],
    load: () => import('./ips.ts'),
  },
  {
    name: 'init',
    summary: 'find the projects with customer keys, and write postern.yaml',
    options: [
      { flags: '-y, --yes', description: 'do not ask: flags and defaults count' },
      { flags: '--force', description: 'overwrite a config that is there' },
      { flags: '--org <id>', description: 'only the projects of this organization', parse: idOf },
      {
        flags: '--project <id>',
        description: 'only this project; may be repeated',
        parse: projectOf,
      },
      { flags: '--client-id <id>', description: 'of the Atlas service account (default: the environment)' },
      { flags: '--client-secret <reference>', description: 'where its secret is: env:NAME or file:PATH' },
      {
        flags: '--aws-kind <kind>',
        description: 'aws-role-policy (the default) or aws-key-policy',
        parse: oneOf(['aws-role-policy', 'aws-key-policy']),
      },
      { flags: '--aws-role <arn>', description: 'the role that Atlas assumes, where Atlas does not tell' },
      { flags: '--gcp-level <name>', description: "the access level, Postern's alone" },
      { flags: '--gcp-perimeter <name>', description: "the perimeter around the key's project" },
      { flags: '--adopt', description: 'look after addresses of Atlas that others put in' },
      { flags: '--no-adopt', description: 'leave them alone (the default)' },
      { flags: '--defaults <file>', description: 'YAML: keys that every gate of a kind shall have' },
    ],
    examples: ['postern init', 'postern init --yes --project 64f0c1a2b3d4e5f601234567'],
    load: () => import('./init.ts'),
  },
  {
    name: 'check',
    summary: 'is every Atlas address let in, right now?',
    options: [gateOption],
    examples: ['postern check', 'postern check --gate production --json'],
    load: () => import('./check.ts'),
  },
  {
    name: 'plan',
    summary: 'what would change, and why',
    options: [
      gateOption,
      { flags: '--out <file>', description: 'save the plan, for: postern apply <file>' },
      {
        flags: '--format <format>',
        description: `text, json, markdown or html; the whole list: ${exportFormats.join(', ')}`,
        parse: oneOf(['text', 'json', 'markdown', 'html', ...exportFormats]),
      },
      ...exportOptions,
      { flags: '--verbose', description: 'show every entry, kept and foreign ones too' },
      ...policyOptions,
    ],
    examples: [
      'postern plan',
      'postern plan --out plan.json',
      'postern plan --format markdown',
      'postern plan --gate production --format terraform',
    ],
    load: () => import('./plan.ts'),
  },
  {
    name: 'apply',
    summary: 'do it; with a file, exactly what was reviewed',
    arguments: [['[file]', 'a plan that `postern plan --out` saved']],
    options: [gateOption, yesOption, ...policyOptions],
    examples: ['postern apply', 'postern apply plan.json --yes'],
    load: () => import('./apply.ts'),
  },
  {
    name: 'explain',
    summary: 'who needs this address, since when, which gates let it in',
    arguments: [['<address>', 'an address or a block']],
    options: [gateOption],
    examples: ['postern explain 20.40.60.80'],
    load: () => import('./explain.ts'),
  },
  {
    name: 'history',
    summary: 'every write, with before and after',
    arguments: [['[id]', 'one write, in full']],
    options: [
      gateOption,
      { flags: '--limit <count>', description: 'how many (default: 20)', parse: countOf },
    ],
    examples: ['postern history', 'postern history 12'],
    load: () => import('./history.ts'),
  },
  {
    name: 'undo',
    summary: 'put back what the last write took away, take back what it added, or take its list out of force',
    options: [
      gateOption,
      { flags: '--write <id>', description: 'this write instead', parse: countOf },
      yesOption,
    ],
    examples: ['postern undo --gate production'],
    load: () => import('./undo.ts'),
  },
  {
    name: 'watch',
    isDaemon: true,
    summary: 'the daemon: notices, acts, tells',
    options: [
      { flags: '--once', description: 'one look at everything, then end: for cron' },
      {
        flags: '--interval <duration>',
        description: "instead of the config's intervals, such as 30s",
        parse: durationOf,
      },
      {
        flags: '--log-level <level>',
        description: `${logLevels.join(', ')} (default: info)`,
        parse: oneOf(logLevels),
      },
    ],
    examples: ['postern watch', 'postern watch --once'],
    load: () => import('./watch.ts'),
  },
  {
    name: 'approve',
    summary: 'say yes to the removals that wait for it',
    arguments: [['[gate]', 'default: every gate that waits']],
    options: [
      { flags: '--by <name>', description: 'who approves (default: who runs this)' },
      { flags: '--reason <text>', description: 'why, for the journal' },
      {
        flags: '--expires <duration>',
        description: 'for how long it counts (default: 3d)',
        parse: durationOf,
      },
      { flags: '--list', description: 'show the approvals that were given' },
      yesOption,
    ],
    examples: ['postern approve production --reason "CHG-1234"', 'postern approve --list'],
    load: () => import('./approve.ts'),
  },
  {
    name: 'doctor',
    summary: 'everything that would make the list useless, and what mends it',
    options: [gateOption],
    examples: ['postern doctor', 'postern doctor --json'],
    load: () => import('./doctor.ts'),
  },
  {
    name: 'export',
    summary: "the list for Terraform's external data source: JSON in, JSON out",
    options: exportOptions,
    examples: [
      `echo '{"gate": "production"}' | postern export`,
      `echo '{"projects": "64f0c1a2b3d4e5f601234567"}' | postern export`,
    ],
    load: () => import('./export.ts'),
  },
  {
    name: 'permissions',
    summary: 'the least rights that each gate needs, ready to use',
    options: [
      gateOption,
      {
        flags: '--kind <kind>',
        description: `instead of the config's gates, with placeholders: ${gateKinds.join(', ')}; may be repeated`,
        parse: someOf(gateKinds),
      },
      {
        flags: '--format <format>',
        description: 'text (a shell script), json or terraform',
        parse: oneOf(['text', 'json', 'terraform']),
      },
    ],
    examples: [
      'postern permissions',
      'postern permissions --gate production --format terraform',
      'postern permissions --kind aws-role-policy',
    ],
    load: () => import('./permissions.ts'),
  },
  {
    name: 'notify',
    summary: 'send a test message to every channel of the config',
    arguments: [['<what>', '`test`']],
    options: [{ flags: '--channel <name>', description: 'only this one; may be repeated', parse: repeated }],
    examples: ['postern notify test', 'postern notify test --channel oncall'],
    load: () => import('./notify.ts'),
  },
  {
    name: 'token',
    summary: 'make a token for the HTTP API of `postern watch`',
    arguments: [['[name]', 'what it is called in the config']],
    options: [],
    examples: ['postern token ci'],
    load: () => import('./token.ts'),
  },
  {
    name: 'journal',
    summary: 'what the journal holds, and moving it to another database',
    arguments: [['<action>', 'info, or migrate']],
    options: [
      {
        flags: '--from <place>',
        description: 'a path, a postgresql:// URL, or env:NAME or file:PATH of one',
      },
      { flags: '--to <place>', description: 'the same: a file that is not there yet, or an empty database' },
    ],
    examples: [
      'postern journal info',
      'postern journal migrate --from /var/lib/postern/journal.db --to env:POSTERN_DATABASE_URL',
    ],
    load: () => import('./journal.ts'),
  },
  {
    name: 'demo',
    summary: 'the whole story against a simulated Atlas and cloud; no account needed',
    options: [
      {
        flags: '--cloud <cloud>',
        description: 'azure (the default), aws, gcp, or all of them at once',
        parse: oneOf(['azure', 'aws', 'gcp', 'all']),
      },
      {
        flags: '--scenario <name>',
        description: 'an incident instead: 2025-08-11',
        parse: oneOf(['2025-08-11']),
      },
      { flags: '--stay', description: 'leave the simulation running, with commands to try' },
      { flags: '--fast', description: 'do not pause between the steps' },
    ],
    examples: ['postern demo', 'postern demo --cloud all --stay', 'postern demo --scenario 2025-08-11'],
    load: () => import('./demo.ts'),
  },
];

/** For the help. */
export const supportedGates: string = gateKinds.join(', ');
