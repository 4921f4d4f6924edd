import type { Cidr } from '../../address/cidr.ts';
import type { Plan } from '../../plan/plan.ts';

/**
 * The whole list that a gate needs, whatever its policy lets Postern write, and why it may lack addresses. Pure.
 */
export function listOfPlan({ entries, feeds }: Plan): {
  readonly cidrs: readonly Cidr[];
  readonly incomplete: readonly string[];
} {
  return {
    cidrs: entries.filter(({ action }) => action !== 'close').map(({ cidr }) => cidr),
    incomplete: feeds
      .filter(({ complete }) => !complete)
      .map(({ feed, faults }) => `${feed}: ${faults[0] ?? 'no reason given'}`),
  };
}
