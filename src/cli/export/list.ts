import type { Cidr } from '../../address/cidr.ts';
import type { Plan } from '../../plan/plan.ts';

/**
 * The whole list of a gate once its plan is carried out, and why it may lack addresses. A write that a guard
 * stopped leaves the list as it is, which is not what the gate needs. Pure.
 */
export function listOfPlan({ entries, steps, feeds, guards }: Plan): {
  readonly cidrs: readonly Cidr[];
  readonly incomplete: readonly string[];
} {
  const present = entries.filter(({ action }) => action !== 'close').map(({ cidr }) => cidr);
  return {
    cidrs: steps.at(-1)?.to ?? present,
    incomplete: [
      ...feeds
        .filter(({ complete }) => !complete)
        .map(({ feed, faults }) => `${feed}: ${faults[0] ?? 'no reason given'}`),
      ...guards.filter(({ blocks }) => blocks === 'write').map(({ message }) => message),
    ],
  };
}
