import { createHash } from 'node:crypto';
import { type Cidr, compareCidrs } from '../address/cidr.ts';
import type { Plan } from './plan.ts';

/**
 * SHA-256, in hex, over what a plan would write and to what: the gate, its policy, what is adopted, and each
 * step's whole list before and after. Times, sentences and order do not count, so that a plan made again a
 * minute later has the same checksum exactly when it would write the same thing (DESIGN.md §3, invariant 6).
 */
export function planChecksum(plan: Pick<Plan, 'gate' | 'policy' | 'adopts' | 'steps'>): string {
  const content = {
    version: 1,
    gate: plan.gate.id,
    policy: plan.policy,
    adopts: sorted(plan.adopts),
    steps: plan.steps.map(step => ({ kind: step.kind, from: sorted(step.from), to: sorted(step.to) })),
  };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function sorted(cidrs: readonly Cidr[]): readonly Cidr[] {
  return [...cidrs].sort(compareCidrs);
}
