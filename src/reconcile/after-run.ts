/** How things stand after a run, as far as its plan and its writes tell. Pure. */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import { additionOf, type Plan } from '../plan/plan.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import type { RunResult, RunWrite } from './run.ts';

export interface After {
  readonly missing: readonly Cidr[];
  readonly closing: readonly Cidr[];
  readonly coverage: Coverage;
}

export function afterRun(plan: Plan, { writes }: Pick<RunResult, 'writes'>): After {
  const added = writes.some(isAddition) ? additionOf(plan) : undefined;
  const missing = added ? stillMissing(plan.missing, added) : plan.missing;
  const isRemoved = writes.at(-1)?.kind === 'remove';
  return { missing, closing: isRemoved ? [] : plan.closing, coverage: coverageOf({ ...plan, missing }) };
}

/** What was listed before and is not let in all the same is shut out by something else than the list. */
function stillMissing(missing: readonly Cidr[], { from, to }: Plan['steps'][number]): readonly Cidr[] {
  const before = AddressSet.of(from);
  const after = AddressSet.of(to);
  return missing.filter(cidr => before.covers(cidr) || !after.covers(cidr));
}

/** Whether it let in what Atlas wants. */
export function isAddition({ kind }: Pick<RunWrite, 'kind'>): boolean {
  return kind === 'add' || kind === 'enforce';
}
