/** Plans as a plan file: what `apply FILE` reads, and what other programs read. */
import type { Plan } from '../plan.ts';
import { planFileKeys, planFileVersion } from './plan-file.ts';

/** Plans as JSON with a stable order of keys and a newline at the end; `parsePlanFile` gives the same plans back. */
export function renderJson(plans: readonly Plan[]): string {
  const file = { postern: 'plan', version: planFileVersion, plans };
  // A list of keys as replacer also sets their order, whatever order the objects were built in.
  return `${JSON.stringify(file, [...planFileKeys], 2)}\n`;
}
