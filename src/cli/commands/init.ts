/** `postern init`: finds what a config needs, and writes it. Changes nothing but that one file. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AtlasCredentials, createAtlasClient } from '../../atlas/index.ts';
import type { Plan } from '../../plan/plan.ts';
import { printable } from '../../plan/render/printable.ts';
import { planGate } from '../../reconcile/apply.ts';
import { checkedOf, coverageMark, coverageSentence } from '../check/sentence.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { RefusedError, UsageError } from '../failures.ts';
import {
  type Asker,
  askAdopt,
  chooseGates,
  completeGate,
  describeTarget,
  type InitFlags,
  projectsOf,
} from '../init/answers.ts';
import { configFileOf, type InitConfig, type InitGate } from '../init/config-file.ts';
import { readDefaults } from '../init/defaults.ts';
import { discover } from '../init/discover.ts';
import { proposeGates } from '../init/propose.ts';
import { type CredentialFlags, configOf, pathOf, type SignedIn, signIn } from '../init/sign-in.ts';
import { failuresOf, printErrors } from '../print-errors.ts';
import { createPrompt } from '../prompt/prompt.ts';
import { forEachGate, transportOf, withSessionOf } from '../work.ts';

interface InitOptions extends InitFlags, CredentialFlags {
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly org?: string;
  readonly defaults?: string;
}

export const run: CommandAction<InitOptions> = async (context, _, options) => {
  const { output } = context;
  const path = pathOf(context);
  if (existsSync(path) && options.force !== true) {
    throw new RefusedError(
      `${path} is there already, and is not overwritten.`,
      'Name another with --config, or give --force.',
    );
  }
  const prompt = askerOf(context, options);
  const defaultsOf = readDefaults(options.defaults);
  const sign = await signIn(context, options, prompt);
  const proposals = await propose(context, options, sign);
  const chosen = await chooseGates(proposals, prompt);
  if (chosen.length === 0) throw new RefusedError('No gate was chosen; nothing was written.');

  for (const proposal of chosen) {
    output.note(
      `  ${printable(proposal.name)}: ${printable(describeTarget(proposal))}, for ${printable(projectsOf(proposal))}`,
    );
  }

  const gates: InitGate[] = [];
  for (const proposal of chosen) {
    const { kind, keys } = await completeGate(proposal, options, prompt);
    const { name, projects } = proposal;
    gates.push({
      name,
      kind,
      keys: { ...keys, ...defaultsOf(kind) },
      projects,
      adopt: options.adopt ?? false,
    });
  }
  const plans = await look(context, { ...sign.answers, gates }, sign.credentials);
  for (const [index, gate] of gates.entries()) {
    const count = foreignAndWanted(plans.get(gate.name));
    if (count > 0) gates[index] = { ...gate, adopt: await askAdopt(count, gate.name, options, prompt) };
  }
  return write(context, path, { ...sign.answers, gates }, options.force === true);
};

/** Nobody is asked with `--yes`; without a terminal nobody can be. */
function askerOf({ output }: CommandContext, { yes }: InitOptions): Asker {
  if (yes === true) return undefined;
  if (process.stdin.isTTY !== true) {
    throw new UsageError(
      'Nobody can be asked: the input is not a terminal.',
      'Give --yes, and what has no default: --client-id and --client-secret (or the environment), --project, --aws-kind, --aws-role, --gcp-level, --gcp-perimeter, --adopt.',
    );
  }
  return createPrompt({
    input: process.stdin,
    output: process.stderr,
    style: (format, text) => output.styleNote(format, text),
  });
}

async function propose(
  context: CommandContext,
  { org, project }: InitOptions,
  { credentials, config }: SignedIn,
) {
  const { output, clock } = context;
  const client = createAtlasClient({
    transport: transportOf(context, config, 'read-only'),
    clock,
    baseUrl: config.atlas.baseUrl,
    credentials,
    nonce: () => randomBytes(16).toString('hex'),
  });
  const step = output.step(`looking at the projects of ${config.atlas.baseUrl}`);
  const { looked, found, failed } = await discover(client, { organization: org, only: project }).catch(
    error => {
      step.fail('the projects cannot be listed');
      throw error;
    },
  );
  step.done(`${looked} ${looked === 1 ? 'project' : 'projects'} seen, ${found.length} with a customer key`);
  for (const { name, because } of failed) {
    output.warn(
      `${output.styleNote('yellow', 'warning:')} the key of project ${printable(name)} could not be read: ${printable(because)}`,
    );
  }
  const { gates, notes } = proposeGates(found);
  for (const note of notes) output.note(`  ${printable(note)}`);
  if (gates.length === 0) {
    throw new RefusedError(
      'There is no project here for which a list is needed; nothing was written.',
      'Check the rights of the credentials, or write the config by hand: docs/postern.example.yaml.',
    );
  }
  return gates;
}

/** What `check` says of each gate now. A gate that cannot be read goes into the file all the same. */
async function look(
  context: CommandContext,
  config: InitConfig,
  credentials: AtlasCredentials,
): Promise<ReadonlyMap<string, Plan>> {
  const { output } = context;
  const parsed = configOf(context, configFileOf(config));
  // A journal of its own, that goes away: nothing is to be remembered of a look.
  const folder = mkdtempSync(join(tmpdir(), 'postern-init-'));
  try {
    const outcomes = await withSessionOf(
      context,
      {
        mode: 'read-only',
        command: 'postern init',
        gateNames: undefined,
        ownJournal: join(folder, 'journal.db'),
        config: parsed,
        credentials,
      },
      work => forEachGate(work, async gate => planGate(await gate.open())),
    );
    const plans = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
    for (const plan of plans) {
      const checked = checkedOf(plan);
      output.note(
        `${coverageMark((style, text) => output.styleNote(style, text), checked.coverage)} ${coverageSentence(checked)}`,
      );
    }
    printErrors(output, failuresOf(outcomes));
    return new Map(plans.map(plan => [plan.gate.name, plan]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function foreignAndWanted(plan: Plan | undefined): number {
  return plan?.entries.filter(({ action, owner }) => action === 'keep' && owner === 'foreign').length ?? 0;
}

function write(context: CommandContext, path: string, config: InitConfig, force: boolean): ExitCode {
  const { output } = context;
  const text = configFileOf(config);
  // Our own reader must take it, whatever was answered.
  configOf(context, text);
  try {
    writeFileSync(path, text, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    throw new RefusedError(
      `${path} cannot be written (${(error as NodeJS.ErrnoException).code}).`,
      'Name another file with --config.',
    );
  }
  if (output.isJson) {
    output.json({
      path,
      gates: config.gates.map(({ name, kind, keys, projects, adopt }) => ({
        name,
        kind,
        ...keys,
        projects: projects.map(({ id }) => id),
        adopt,
      })),
    });
    return exitCodes.ok;
  }
  output.print(
    `${output.style('green', '✓')} ${path} is written: ${config.gates.length} ${config.gates.length === 1 ? 'gate' : 'gates'}, policy observe.`,
  );
  output.note(`What to do next:
  postern permissions     the rights to give Postern, ready to use
  postern doctor          whether everything around the list is as it should be
  postern plan            what would change, and why; then policy: add-only, and postern apply`);
  return exitCodes.ok;
}
