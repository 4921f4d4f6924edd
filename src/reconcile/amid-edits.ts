/** What cannot wait for the next run, though somebody else changes the list under it. */
import { GateConflictError, type GateState } from '../gates/gate.ts';
import { readGate } from './read-gate.ts';
import type { Run } from './run.ts';

/** How often someone else may change the list meanwhile. */
const maxAttempts = 3;

/**
 * Does the work, and again from what the list is then when somebody else changed it meanwhile.
 *
 * @throws GateConflictError when that goes on, and as the work and the gate do
 */
export async function amidEdits<T>(
  run: Run,
  state: GateState,
  work: (state: GateState) => Promise<T>,
): Promise<T> {
  let current = state;
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(current);
    } catch (error) {
      if (!(error instanceof GateConflictError) || attempt === maxAttempts) throw error;
      current = await readGate(run);
    }
  }
}
