/** Putting back what a removal took out: at once when Atlas does not confirm it, or because an operator asks. */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import { type Gate, GateConflictError, GateError, type GateState } from '../gates/gate.ts';
import { beginGraceAnew } from '../journal/grace.ts';
import type { WriteRecord } from '../journal/journal.ts';
import { readGate } from './read-gate.ts';
import type { Run, RunWrite } from './run.ts';
import { deltaOf, WriteStoppedError, writeStep } from './write-step.ts';

type Removal = Pick<WriteRecord, 'before' | 'target' | 'planChecksum'>;

/**
 * Adds again what `removal` took out, leaving everything else in the gate as it is now, and starts the grace
 * period of those addresses anew.
 *
 * @param also what Atlas wants and could not be let in just before: tried in the same write, so that after it Atlas is
 * let in, and left out where that fails again
 * @returns the gate afterwards, or undefined when everything was there already
 * @throws as the gate does
 */
export async function putBack(
  run: Run,
  state: GateState,
  removal: Removal,
  because: string,
  onWrite: (write: RunWrite) => void = () => {},
  also: readonly Cidr[] = [],
): Promise<GateState | undefined> {
  const present = new Set(state.entries);
  const { adds, removes } = deltaOf(removal.before, removal.target);
  const lost = removes.filter(cidr => !present.has(cidr));
  // What the removal put in the place of what it took out, such as blocks that were merged to make room: beside each
  // other the two might not fit.
  const lostSet = AddressSet.of(lost);
  const standIns = new Set(adds.filter(cidr => lostSet.covers(cidr)));
  const stays = state.entries.filter(cidr => !standIns.has(cidr));
  const { gate, clock } = run;
  const to = withRoomFor(gate, state, stays, [...lost, ...also]);
  await run.journal.attempt(journal => beginGraceAnew(journal, gate.id, lost, clock.now(), run.lock?.token));
  // A list that is not in force shuts nobody out, and would with these addresses alone.
  if (lost.length === 0 || state.nextWriteShutsOut) return undefined;
  run.report({ kind: 'restoring', because });
  try {
    const step = await writeStep(run, state, {
      kind: 'restore',
      to,
      planChecksum: removal.planChecksum,
      reason: because,
      // It only adds, so whoever is let in now stays so; what else Atlas wants is the next addition's to let in.
      letsIn: [],
      keeps: stays,
      readAtMs: clock.now(),
    });
    await step.finish('applied', step.state.entries);
    onWrite(step.write);
    return step.state;
  } catch (error) {
    if (also.length === 0 || !mayBeOfAlso(error)) throw error;
    return await putBack(run, await readGate(run), removal, because, onWrite);
  }
}

/** Where there is no room for all of it, without what a broader entry of the list lets in by now. */
function withRoomFor(
  { limits }: Gate,
  { takenElsewhere = 0 }: GateState,
  stays: readonly Cidr[],
  comes: readonly Cidr[],
): readonly Cidr[] {
  const whole = [...new Set([...stays, ...comes])];
  const { used, limit } = limits.measure(whole);
  if (used + takenElsewhere <= limit) return whole;
  const letIn = AddressSet.of(stays);
  return [...new Set([...stays, ...comes.filter(cidr => !letIn.covers(cidr))])];
}

function mayBeOfAlso(error: unknown): boolean {
  return (
    (error instanceof GateError && !(error instanceof GateConflictError)) ||
    error instanceof WriteStoppedError
  );
}
