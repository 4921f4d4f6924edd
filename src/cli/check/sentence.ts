/** What `check` says of one gate. Pure. */
import type { Plan } from '../../plan/plan.ts';
import { printable } from '../../plan/render/printable.ts';
import { countAddresses } from '../../plan/render/words.ts';
import { type Coverage, coverageOf } from '../../reconcile/coverage.ts';

export function coverageMark(
  style: (format: 'green' | 'red' | 'yellow', text: string) => string,
  coverage: Coverage,
): string {
  if (coverage === 'let-in') return style('green', '✓');
  return coverage === 'locked-out' ? style('red', '✗') : style('yellow', '?');
}

/** What is kept of a plan to say it: a fleet's plans, each with its every entry, would fill the memory. */
export interface Checked {
  readonly plan: Pick<Plan, 'gate' | 'missing' | 'feeds' | 'findings'>;
  readonly coverage: Coverage;
  /** How many addresses must be let in. */
  readonly wanted: number;
}

export function checkedOf({ gate, missing, feeds, findings, entries }: Plan): Checked {
  const wanted = entries.filter(({ action }) => action === 'open' || action === 'keep').length;
  return {
    plan: { gate, missing, feeds, findings },
    coverage: coverageOf({ gate, missing, feeds }),
    wanted,
  };
}

export function coverageSentence({ plan, coverage, wanted: count }: Checked): string {
  const name = printable(plan.gate.name);
  const wanted = countAddresses(count);
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
