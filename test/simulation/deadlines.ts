import type { Plan } from '../../src/plan/plan.ts';
import { hourMs } from './world.ts';

/** While a removal is held back by a guard, and nothing else goes on, Postern is looked at so often. */
const heldRemovalPollMs = 6 * hourMs;

/** When the grace periods of a plan end, by the true time. */
export function deadlinesOf(plan: Plan | undefined, skewMs: number, nowMs: number): readonly number[] {
  return (plan?.entries ?? []).flatMap(({ action, closesAtMs }) => {
    if (action !== 'retain' || closesAtMs === undefined) return [];
    const endsMs = closesAtMs - skewMs;
    if (endsMs > nowMs) return [endsMs];
    // A plan from before the end says nothing of what is done at the end.
    const againMs = plan!.atMs < closesAtMs ? nowMs : plan!.atMs - skewMs + heldRemovalPollMs;
    return [Math.max(nowMs, againMs)];
  });
}
