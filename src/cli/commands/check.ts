import type { Plan } from '../../plan/plan.ts';
import { printable } from '../../plan/render/printable.ts';
import { countAddresses } from '../../plan/render/words.ts';
import { planGate } from '../../reconcile/apply.ts';
import { type Coverage, coverageOf, worstCoverage } from '../../reconcile/coverage.ts';
import type { CommandAction } from '../context.ts';
import { reportError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { printFindings } from '../findings.ts';
import { printErrors } from '../print-errors.ts';
import { forEachGate, withSession } from '../work.ts';

const exitCodeOf = {
  'let-in': exitCodes.ok,
  'locked-out': exitCodes.pending,
  'cannot-tell': exitCodes.unsure,
} as const satisfies Record<Coverage, number>;

/** How many missing addresses a terminal is shown; `--json` has all of them. */
const shownMissing = 10;

/** Is every Atlas address let in, right now? Sends nothing that could write. */
export const run: CommandAction<{ readonly gate?: readonly string[] }> = async (context, _, options) => {
  const { output } = context;
  const outcomes = await withSession(
    context,
    { mode: 'read-only', command: 'postern check', gateNames: options.gate },
    work => forEachGate(work, async gate => planGate(await gate.open())),
  );
  const plans = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
  const failures = outcomes.flatMap(outcome =>
    'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
  );
  const checked = plans.map(plan => ({ plan, coverage: coverageOf(plan) }));
  const worst = worstCoverage(checked.map(({ coverage }) => coverage));
  if (output.isJson) {
    output.json({
      letIn: failures.length === 0 && worst === 'let-in',
      gates: checked.map(({ plan, coverage }) => ({
        gate: plan.gate.name,
        id: plan.gate.id,
        coverage,
        lets: plan.gate.lets,
        wanted: wantedCount(plan),
        missing: plan.missing,
        feeds: plan.feeds,
        findings: plan.findings,
      })),
      failures: failures.map(({ gate, report }) => ({
        gate,
        message: report.message,
        remedy: report.remedy,
      })),
    });
  } else {
    for (const { plan, coverage } of checked) {
      output.print(`${mark(output.style.bind(output), coverage)} ${sentence(plan, coverage)}`);
      for (const cidr of plan.missing.slice(0, shownMissing)) output.print(`    ${cidr}`);
      const more = plan.missing.length - shownMissing;
      if (more > 0) output.print(`    and ${more} more (--json shows all)`);
      printFindings(output, plan.findings);
    }
    if (worst === 'locked-out') output.note('What to do: postern plan, then postern apply.');
  }
  printErrors(output, failures);
  // An address that is known to be locked out is the news, whatever else failed.
  if (worst === 'locked-out') return exitCodes.pending;
  return failures.length > 0 ? exitCodes.failed : exitCodeOf[worst];
};

function mark(
  style: (format: 'green' | 'red' | 'yellow', text: string) => string,
  coverage: Coverage,
): string {
  if (coverage === 'let-in') return style('green', '✓');
  return coverage === 'locked-out' ? style('red', '✗') : style('yellow', '?');
}

function sentence(plan: Plan, coverage: Coverage): string {
  const name = printable(plan.gate.name);
  const wanted = countAddresses(wantedCount(plan));
  if (coverage === 'let-in') {
    return plan.gate.lets === 'everyone'
      ? `${name}: lets in everyone, Atlas's ${wanted} among them`
      : `${name}: every address that Atlas lists is let in (${wanted})`;
  }
  if (coverage === 'cannot-tell') {
    if (plan.gate.lets === 'unknown') return `${name}: cannot tell; something other than the list decides`;
    const faulty = plan.feeds
      .filter(({ complete }) => !complete)
      .map(({ feed, faults }) => `${feed}: ${faults[0] ?? ''}`);
    return `${name}: cannot tell; what could be read is let in, but ${printable(faulty.join('; '))}`;
  }
  if (plan.gate.lets === 'nobody') return `${name}: lets in nobody, so Atlas is locked out (${wanted})`;
  return `${name}: ${plan.missing.length} of ${wanted} that Atlas uses are NOT let in`;
}

function wantedCount(plan: Plan): number {
  return plan.entries.filter(({ action }) => action === 'open' || action === 'keep').length;
}
