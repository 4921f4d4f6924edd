/** Whether Atlas is let in, right now: what `postern check` answers. */
import type { Coverage } from '../gates/gate.ts';
import type { Plan } from '../plan/plan.ts';

export { type Coverage, coverages } from '../gates/gate.ts';

/**
 * `locked-out`: at least one wanted address is not let in, or nobody is. `cannot-tell`: a feed could not be
 * read completely, or something else than the list decides. Pure.
 */
export function coverageOf({ gate, missing, feeds }: Pick<Plan, 'gate' | 'missing' | 'feeds'>): Coverage {
  if (gate.lets === 'nobody') return 'locked-out';
  if (gate.lets === 'unknown') return 'cannot-tell';
  if (gate.lets === 'listed' && missing.length > 0) return 'locked-out';
  return feeds.every(({ complete }) => complete) ? 'let-in' : 'cannot-tell';
}

/** The worst of several gates: one that is locked out counts before one that cannot be told. */
export function worstCoverage(all: readonly Coverage[]): Coverage {
  if (all.includes('locked-out')) return 'locked-out';
  return all.includes('cannot-tell') ? 'cannot-tell' : 'let-in';
}
