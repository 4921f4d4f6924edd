/**
 * The write that puts a list in force: it takes access from whoever is not in the list, so it stands only when
 * Atlas confirms it (DESIGN.md §3, invariant 4), and is taken back otherwise, to what was there before.
 */
import { type GateState, GateUnverifiedError } from '../gates/gate.ts';
import type { WriteRecord } from '../journal/journal.ts';
import { amidEdits } from './amid-edits.ts';
import { readGate } from './read-gate.ts';
import { doubtAfter, sinceOf } from './remove-confirmed.ts';
import type { Run, RunWrite } from './run.ts';
import { type StepWrite, writeStep } from './write-step.ts';

/** A list was put in force, was not confirmed, and has been taken out of force. */
export class FirstWriteNotConfirmed extends Error {
  override readonly name = 'FirstWriteNotConfirmed';
  readonly remedy =
    'Whoever was let in before is let in again, and Postern does not try it again by itself. See what Atlas lacks (postern check, and what Atlas says of the key), then run apply with --accept-first-write.';
}

/** A list was put in force, was not confirmed, and could not be taken out of force either. */
export class FirstWriteStuckError extends Error {
  override readonly name = 'FirstWriteStuckError';
  readonly remedy =
    'Run `postern apply` again at once: it takes back what is not confirmed before it does anything else. Or take the list out by hand: see the documentation of this kind of gate.';
}

/**
 * Writes, asks Atlas about every key, and takes the list out of force on anything worse than what Atlas said
 * before. The journal has the write as unfinished meanwhile, so that a run after a crash knows that it has to ask.
 *
 * @throws FirstWriteNotConfirmed when it was taken back, FirstWriteStuckError when that failed, and as `writeStep`
 * does
 */
export async function enforceConfirmed(
  run: Run,
  state: GateState,
  write: Omit<StepWrite, 'kind'>,
  onWrite: (write: RunWrite) => void,
): Promise<GateState> {
  const takeBack = (inForce: GateState, because: string) =>
    withdraw(run, inForce, { kind: 'enforce', planChecksum: write.planChecksum }, because, onWrite).catch(
      cause => {
        throw new FirstWriteStuckError(
          `The list of gate ${run.gate.name} was put in force and could not be taken back, and must be, for ${because}: ${cause instanceof Error ? cause.message : cause}`,
          { cause },
        );
      },
    );
  const since = sinceOf(run, [{ kind: 'enforce', atMs: run.clock.now() }]);
  const step = await writeStep(run, state, { ...write, kind: 'enforce' }).catch(async error => {
    // Not read back as it was written, it is nothing that Atlas could confirm. The next run settles its record.
    if (!(error instanceof GateUnverifiedError)) throw error;
    const now =
      error.state ??
      (await readGate(run).catch(cause => {
        throw new FirstWriteStuckError(
          `The list of gate ${run.gate.name} may have been put in force, and cannot be looked at (${cause instanceof Error ? cause.message : cause}). ${error.message}`,
          { cause },
        );
      }));
    if (now.nextWriteShutsOut) throw error;
    await takeBack(now, error.message);
    throw notConfirmed(run, error.message, error);
  });
  onWrite(step.write);
  run.report({ kind: 'verifying' });
  const doubt = await doubtAfter(run, since, run.settings.acceptFirstWrite);
  if (doubt === undefined) {
    await step.finish('applied', step.state.entries);
    run.report({ kind: 'verified', projects: run.settings.projects.length });
    return step.state;
  }
  const after = await takeBack(step.state, doubt);
  await step.finish('reverted', after.entries);
  throw notConfirmed(run, doubt);
}

/**
 * Takes the list out of force, as it was before `first`: only the write that put it in force is undone so.
 *
 * @returns the gate afterwards
 * @throws as the gate does
 */
export async function withdraw(
  run: Run,
  state: GateState,
  first: Pick<WriteRecord, 'planChecksum'> & { readonly kind: 'enforce' },
  because: string,
  onWrite: (write: RunWrite) => void = () => {},
): Promise<GateState> {
  return await amidEdits(run, state, async current => {
    if (current.nextWriteShutsOut) return current;
    run.report({ kind: 'restoring', because });
    const step = await writeStep(run, current, {
      kind: 'withdraw',
      to: [],
      planChecksum: first.planChecksum,
      reason: because,
      letsIn: [],
      keeps: [],
      readAtMs: run.clock.now(),
    });
    await step.finish('applied', step.state.entries);
    onWrite(step.write);
    return step.state;
  });
}

export function isFirstWrite<Write extends Pick<WriteRecord, 'kind'>>(
  write: Write,
): write is Write & { readonly kind: 'enforce' } {
  return write.kind === 'enforce';
}

function notConfirmed({ gate }: Run, because: string, cause?: unknown): FirstWriteNotConfirmed {
  return new FirstWriteNotConfirmed(
    `The list of gate ${gate.name} was put in force and taken out of force at once: ${because}.`,
    cause === undefined ? undefined : { cause },
  );
}
