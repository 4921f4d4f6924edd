import { readFileSync } from 'node:fs';
import type { Plan } from '../../plan/plan.ts';
import { parsePlanFile, renderPlan } from '../../plan/render/index.ts';
import { printable } from '../../plan/render/printable.ts';
import { verdict } from '../../plan/render/words.ts';
import { applyGate } from '../../reconcile/apply.ts';
import type { RunResult } from '../../reconcile/run.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { reportError } from '../errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { RefusedError, UsageError } from '../failures.ts';
import { printErrors } from '../print-errors.ts';
import { namingGate } from '../words.ts';
import { forEachGate, withSession } from '../work.ts';
import { overridesOf, type PolicyOptions } from './plan.ts';

interface ApplyCommandOptions extends PolicyOptions {
  readonly gate?: readonly string[];
  readonly yes?: boolean;
}

/** Does what the plan says; with a file, exactly what was reviewed, or nothing. */
export const run: CommandAction<ApplyCommandOptions> = async (context, [file], options) => {
  const reviewed = file === undefined ? undefined : readPlans(file);
  const gateNames = chooseGates(options.gate, reviewed);
  const policy = reviewed && onePolicy(reviewed);
  const outcomes = await withSession(
    context,
    {
      mode: 'read-write',
      command: 'postern apply',
      gateNames,
      overrides: {
        ...overridesOf(options),
        ...(policy !== undefined && options.policy === undefined && { policy }),
      },
    },
    work =>
      forEachGate(work, async gate => {
        const plan = reviewed?.find(each => each.gate.name === gate.config.name);
        const result = await applyGate(await gate.open(), {
          ...(plan && { approvedChecksum: plan.checksum }),
          // Where nobody is asked, the verdict is enough: what is written is told step by step.
          ...(options.yes
            ? { show: fresh => context.output.note(`… ${printable(fresh.gate.name)}: ${verdict(fresh)}`) }
            : { confirm: fresh => askFor(context, fresh) }),
        });
        return toldOf(result);
      }),
  );
  const results = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
  const failures = outcomes.flatMap(outcome =>
    'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
  );
  printResults(context, results);
  printErrors(context.output, failures);
  if (failures.length > 0) return exitCodes.failed;
  const worst = worstOf(results);
  const isUnsure = results.some(({ plan }) => plan?.feeds.some(({ complete }) => !complete));
  return worst === exitCodes.ok && isUnsure ? exitCodes.unsure : worst;
};

function readPlans(file: string): readonly Plan[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(
      `The plan ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      'Save one with: postern plan --out plan.json',
    );
  }
  return parsePlanFile(text);
}

function chooseGates(asked: readonly string[] | undefined, reviewed: readonly Plan[] | undefined) {
  if (!reviewed) return asked;
  const names = reviewed.map(({ gate }) => gate.name);
  const other = asked?.find(name => !names.includes(name));
  if (other !== undefined)
    throw new UsageError(`The plan says nothing of gate ${other}.`, `It is for: ${names.join(', ')}.`);
  return asked ?? names;
}

/** A plan that was made with --policy is applied with it: the review was of that. */
function onePolicy(reviewed: readonly Plan[]) {
  const policies = [...new Set(reviewed.map(({ policy }) => policy))];
  return policies.length === 1 ? policies[0] : undefined;
}

async function askFor(context: CommandContext, plan: Plan): Promise<boolean> {
  const { output } = context;
  if (!output.isJson) {
    const options = {
      color: output.hasColor,
      width: output.width,
      verbose: false,
      nowMs: context.clock.now(),
      next: false,
    } as const;
    output.print(renderPlan([plan], 'text', options));
  }
  try {
    await context.confirm(`Write this to gate ${printable(plan.gate.name)}?`, {
      yes: false,
      command: 'postern apply',
    });
    return true;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    output.warn([error.message, error.remedy].filter(Boolean).join(' '));
    return false;
  }
}

/** What is kept of a result until all are printed: the whole plans of a fleet would fill the memory. */
type Told = Omit<RunResult, 'plan'> & {
  readonly plan?: Pick<Plan, 'guards' | 'findings' | 'checksum' | 'feeds'>;
};

function toldOf({ plan, ...rest }: RunResult): Told {
  if (!plan) return rest;
  const { guards, findings, checksum, feeds } = plan;
  return { ...rest, plan: { guards, findings, checksum, feeds } };
}

/** One line for each gate, or JSON: for `apply` and `undo`. */
export function printResults({ output }: CommandContext, results: readonly Told[]): void {
  if (output.isJson) {
    output.json({ gates: results.map(resultJson) });
    return;
  }
  const marks = {
    unchanged: output.style('green', '✓'),
    changed: output.style('green', '✓'),
    refused: output.style('yellow', '!'),
    restored: output.style('red', '!'),
    failed: output.style('red', '✗'),
  };
  for (const result of results) {
    output.say(`${marks[result.status]} ${printable(namingGate(result.gate.name, result.message))}`);
    const remedy =
      result.remedy ?? (result.error === undefined ? undefined : reportError(result.error).remedy);
    if (remedy !== undefined) output.say(`  ${output.style('bold', 'to do:')} ${printable(remedy)}`);
    for (const { message, remedy: mend } of result.plan?.guards.filter(
      ({ blocks }) => blocks === 'removals',
    ) ?? []) {
      output.say(`  ${output.style('yellow', 'held back:')} ${printable(message)} ${printable(mend)}`);
    }
  }
}

function resultJson({ gate, status, message, remedy, writes, plan, error }: Told): object {
  return {
    gate: gate.name,
    id: gate.id,
    status,
    message,
    remedy: remedy ?? (error === undefined ? undefined : reportError(error).remedy),
    writes,
    guards: plan?.guards ?? [],
    findings: plan?.findings ?? [],
    checksum: plan?.checksum,
  };
}

/** What failed counts before what was refused. A removal that was put back is a failure. */
export function worstOf(results: readonly Pick<RunResult, 'status'>[]): ExitCode {
  if (results.some(({ status }) => status === 'failed' || status === 'restored')) return exitCodes.failed;
  return results.some(({ status }) => status === 'refused') ? exitCodes.refused : exitCodes.ok;
}
