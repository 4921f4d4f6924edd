import { planGate } from '../../reconcile/apply.ts';
import { type Coverage, worstCoverage } from '../../reconcile/coverage.ts';
import { checkedOf, coverageMark, coverageSentence } from '../check/sentence.ts';
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
    work => forEachGate(work, async gate => checkedOf(await planGate(await gate.open()))),
  );
  const checked = outcomes.flatMap(outcome => ('value' in outcome ? [outcome.value] : []));
  const failures = outcomes.flatMap(outcome =>
    'error' in outcome ? [{ gate: outcome.gate.config.name, report: reportError(outcome.error) }] : [],
  );
  const worst = worstCoverage(checked.map(({ coverage }) => coverage));
  if (output.isJson) {
    output.json({
      letIn: failures.length === 0 && worst === 'let-in',
      gates: checked.map(({ plan, coverage, wanted }) => ({
        gate: plan.gate.name,
        id: plan.gate.id,
        coverage,
        lets: plan.gate.lets,
        wanted,
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
    for (const each of checked) {
      const { plan, coverage } = each;
      output.say(`${coverageMark(output.style.bind(output), coverage)} ${coverageSentence(each)}`);
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
