import { writeFileSync } from 'node:fs';
import { type ExportFormat, isExportFormat } from '../../export/formats.ts';
import type { Plan, Policy } from '../../plan/plan.ts';
import { type PlanFormat, renderPlan } from '../../plan/render/index.ts';
import { planGate } from '../../reconcile/apply.ts';
import type { Overrides } from '../../reconcile/session.ts';
import type { CommandAction } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { printGateExport } from '../export/print.ts';
import { failuresOf, printErrors } from '../print-errors.ts';
import { forEachGate, withSession } from '../work.ts';

export interface PolicyOptions {
  readonly policy?: Policy;
  readonly grace?: number;
  readonly maxRemovals?: number;
  readonly acceptShrink?: boolean;
  readonly acceptFirstWrite?: boolean;
}

interface PlanOptions extends PolicyOptions {
  readonly gate?: readonly string[];
  readonly out?: string;
  readonly format?: PlanFormat | ExportFormat;
  readonly merge?: boolean;
  readonly allowIncomplete?: boolean;
  readonly verbose?: boolean;
}

/** What would change, and why. Sends nothing that could write. */
export const run: CommandAction<PlanOptions> = async (context, _, options) => {
  const { output } = context;
  const outcomes = await withSession(
    context,
    {
      mode: 'read-only',
      command: 'postern plan',
      gateNames: options.gate,
      overrides: overridesOf(options),
    },
    work => forEachGate(work, async gate => planGate(await gate.open())),
  );
  const plans = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
  const failures = outcomes.filter(outcome => 'error' in outcome);
  const nowMs = context.clock.now();
  if (options.out !== undefined) {
    const file = { color: false, width: Number.POSITIVE_INFINITY, verbose: true, nowMs };
    writeFileSync(options.out, renderPlan(plans, 'json', file), { mode: 0o600 });
  }
  if (isExportFormat(options.format)) {
    for (const { gate, value } of outcomes.flatMap(each => ('value' in each ? [each] : []))) {
      printGateExport(context, gate.config, value, options.format, options);
    }
    printErrors(output, failuresOf(outcomes));
    return failures.length > 0 ? exitCodes.failed : exitCodeOf(plans);
  }
  const format = output.isJson ? 'json' : (options.format ?? 'text');
  output.print(
    renderPlan(plans, format, {
      color: output.hasColor,
      width: output.width,
      verbose: options.verbose === true,
      nowMs,
      ...(options.out !== undefined && {
        next: `a review of ${options.out}, and \`postern apply ${options.out}\` to do exactly this.`,
      }),
    }),
  );
  printErrors(output, failuresOf(outcomes));
  return failures.length > 0 ? exitCodes.failed : exitCodeOf(plans);
};

export function overridesOf(options: PolicyOptions): Overrides {
  const { policy, grace, maxRemovals, acceptShrink, acceptFirstWrite } = options;
  return {
    ...(policy !== undefined && { policy }),
    ...(grace !== undefined && { graceMs: grace }),
    ...(maxRemovals !== undefined && { maxRemovals }),
    ...(acceptShrink !== undefined && { acceptShrink }),
    ...(acceptFirstWrite !== undefined && { acceptFirstWrite }),
  };
}

/** Changes count before doubt: they are known, whatever else is not. */
function exitCodeOf(plans: readonly Plan[]): ExitCode {
  const isPending = plans.some(({ entries }) =>
    entries.some(({ action }) => action === 'open' || action === 'close'),
  );
  if (isPending) return exitCodes.pending;
  const isComplete = plans.every(({ feeds }) => feeds.every(({ complete }) => complete));
  return isComplete ? exitCodes.ok : exitCodes.unsure;
}
