/**
 * After a crash: writes that were begun and never finished. What the gate holds now tells what became of
 * them, so nothing is lost and nothing is removed on a guess.
 */
import { GateConflictError, type GateState } from '../gates/gate.ts';
import { LockLostError } from '../journal/errors.ts';
import type { WriteOutcome, WriteRecord } from '../journal/journal.ts';
import { isFirstWrite, withdraw } from './first-write.ts';
import { mayBeUnderWay } from './prepare.ts';
import { putBack } from './put-back.ts';
import { doubtAfter, sinceOf } from './remove-confirmed.ts';
import type { Run } from './run.ts';
import { deltaOf, isRemoval, sameEntries, takesOut } from './write-step.ts';

export interface Recovered {
  /** The gate as it is afterwards. */
  readonly state: GateState;
  /** Why something that should have been put back could not be. Additions go on; removals must not. */
  readonly trouble?: Error;
}

/**
 * Settles every unfinished write of the gate. What took access away before the crash was never confirmed by
 * Atlas, so it is confirmed now, or put back.
 *
 * @throws GateConflictError when someone else changed the list meanwhile: the caller reads again; LockLostError
 * when another run has the gate's lock by now
 */
export async function recover(run: Run, state: GateState): Promise<Recovered> {
  // Settling may mean putting something back, and a gate on observe is never written.
  if (run.settings.policy === 'observe') return { state };
  const unfinished = (await run.journal.attempt(journal => journal.unfinishedWrites(run.gate.id))) ?? [];
  let current = state;
  for (const write of unfinished) {
    const outcome = await outcomeNow(run, write, current);
    // A look may show what was there before, and what was sent may be under way still: it is looked at again.
    if (outcome === 'not-applied' && mayBeUnderWay(write, run.gate.limits.settleMs, run.clock.now()))
      continue;
    const removed = isRemoval(write) && outcome !== 'not-applied' && outcome !== 'reverted';
    const isDoubtful = removed && (await doubtAfter(run, sinceOf(run, [write]))) !== undefined;
    // Nobody knows yet what it did to the nodes; removals wait for the alerts too.
    if (removed && !isDoubtful && (await run.readAlerts()).some(each => !each.known && !each.isRefused))
      continue;
    // Asked to stop, and so perhaps without Atlas's word: it stays unfinished for the next run.
    if (run.signal?.aborted) break;
    if (isDoubtful) {
      const because = 'an earlier run was interrupted before Atlas had confirmed its write';
      try {
        current = isFirstWrite(write)
          ? await withdraw(run, current, write, because)
          : ((await putBack(run, current, write, because)) ?? current);
      } catch (error) {
        if (error instanceof GateConflictError || error instanceof LockLostError) throw error;
        return { state: current, trouble: error instanceof Error ? error : new Error(String(error)) };
      }
      await finish(run, write, 'reverted', current);
    } else {
      await finish(run, write, outcome, current);
    }
    run.report({ kind: 'recovered', write: write.kind, outcome });
  }
  return { state: current };
}

/** A first write that is gone, and that somebody tried to take back, took effect: it is not to be tried again. */
async function outcomeNow(run: Run, write: WriteRecord, state: GateState): Promise<WriteOutcome> {
  const outcome = outcomeOf(write, state);
  if (!isFirstWrite(write) || outcome !== 'not-applied') return outcome;
  const writes =
    (await run.journal.attempt(j => j.writes({ gateId: run.gate.id, kinds: ['withdraw'], limit: 1 }))) ?? [];
  const isTakenBack = writes.some(({ id }) => id > write.id);
  return isTakenBack ? 'reverted' : outcome;
}

function outcomeOf(write: WriteRecord, state: GateState): WriteOutcome {
  if (sameEntries(state.entries, write.target)) return 'applied';
  if (sameEntries(state.entries, write.before) || isNotSeen(write, state)) return 'not-applied';
  return 'partly';
}

/** Whatever somebody else has changed meanwhile, nothing is gone yet of what it was to take out. */
function isNotSeen(write: WriteRecord, state: GateState): boolean {
  const present = new Set(state.entries);
  return takesOut(write) && deltaOf(write.before, write.target).removes.every(cidr => present.has(cidr));
}

async function finish(run: Run, write: WriteRecord, outcome: WriteOutcome, state: GateState): Promise<void> {
  await run.journal.attempt(journal =>
    journal.finishWrite(write.id, {
      outcome,
      after: state.entries,
      atMs: run.clock.now(),
      error: 'the process ended before it could record the outcome',
    }),
  );
}
