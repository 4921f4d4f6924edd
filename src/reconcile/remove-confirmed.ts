/** A write that takes addresses away: it stands only when Atlas confirms it (DESIGN.md §3, invariant 4). */
import { type GateState, GateUnverifiedError } from '../gates/gate.ts';
import type { WriteRecord } from '../journal/journal.ts';
import type { KmsAlerts } from '../plan/input.ts';
import { inSpan } from '../telemetry/span.ts';
import { amidEdits } from './amid-edits.ts';
import { doubtOf } from './key-verdict.ts';
import { newAlert, type Since } from './kms-alerts.ts';
import { putBack } from './put-back.ts';
import type { Run, RunWrite } from './run.ts';
import { type StepWrite, writeStep } from './write-step.ts';

/** A removal was written, was not confirmed, and has been put back. */
export class RemovalNotConfirmed extends Error {
  override readonly name = 'RemovalNotConfirmed';
  readonly remedy =
    'The addresses are let in again, and in grace. Either Atlas still calls from one of them, or its key has another trouble: see what Atlas says of the key.';
}

/** A removal was written, was not confirmed, and could not be put back either. */
export class RemovalStuckError extends Error {
  override readonly name = 'RemovalStuckError';
  readonly remedy =
    'Run `postern apply` again at once: it puts back what is not confirmed before it does anything else.';
}

/**
 * Writes, asks Atlas about every key and for alerts, and on anything but `valid`, or on an alert that was not open
 * before, puts back at once what was taken out.
 * The journal has the removal as unfinished until it is confirmed or put back, so that a run after a crash
 * knows that it has to ask.
 *
 * @throws RemovalNotConfirmed when it was put back, RemovalStuckError when that failed, and as `writeStep` does
 */
export async function removeConfirmed(
  run: Run,
  state: GateState,
  removal: StepWrite,
  onWrite: (write: RunWrite) => void,
): Promise<GateState> {
  const since = sinceOf(run, [{ kind: removal.kind, atMs: run.clock.now() }]);
  const undone = { before: state.entries, target: removal.to, planChecksum: removal.planChecksum };
  const {
    state: after,
    write,
    finish,
  } = await writeStep(run, state, removal).catch(async error => {
    if (error instanceof GateUnverifiedError && error.state)
      await putBackUnverified(run, undone, error, onWrite);
    throw error;
  });
  onWrite(write);
  run.report({ kind: 'verifying' });
  const doubt = await doubtAfter(run, since);
  if (doubt === undefined) {
    await finish('applied', after.entries);
    run.report({ kind: 'verified', projects: run.settings.projects.length });
    return after;
  }
  const count = `${write.removes.length} ${write.removes.length === 1 ? 'entry' : 'entries'}`;
  try {
    const restored = await amidEdits(run, after, now => putBack(run, now, undone, doubt, onWrite));
    await finish('reverted', (restored ?? after).entries);
  } catch (error) {
    throw new RemovalStuckError(
      `${count} removed from gate ${run.gate.name} could not be put back, and must be, for ${doubt}: ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
  throw new RemovalNotConfirmed(
    `${count} removed from gate ${run.gate.name} and put back at once: ${doubt}.`,
  );
}

/** Not read back as it was written, it is no removal that Atlas could confirm. The next run settles its record. */
async function putBackUnverified(
  run: Run,
  removal: Parameters<typeof putBack>[2],
  error: GateUnverifiedError,
  onWrite: (write: RunWrite) => void,
): Promise<void> {
  const restored = await amidEdits(run, error.state!, state =>
    putBack(run, state, removal, error.message, onWrite),
  ).catch(cause => {
    throw new RemovalStuckError(
      `A removal from gate ${run.gate.name} was not read back as it was written, and could not be put back: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  });
  if (!restored) return;
  throw new RemovalNotConfirmed(
    `A removal from gate ${run.gate.name} was put back at once, because it was not read back as it was written. ${error.message}`,
    { cause: error },
  );
}

/**
 * Why a write that takes access away, begun at a time, does not stand; undefined when Atlas confirms every key and
 * has opened no alert. Alerts that cannot be read are no doubt: `valid` is Atlas's own word, and they are asked for
 * again for as long as the write is on probation.
 */
export function doubtAfter(run: Run, since: Since, acceptsUnknown = false): Promise<string | undefined> {
  return inSpan('verify', { 'postern.gate': run.gate.name }, async span => {
    const doubt =
      doubtOf(await run.readVerdicts(), acceptsUnknown) ?? alertSince(await run.readAlerts(), since);
    span.set({ 'postern.confirmed': doubt === undefined });
    return doubt;
  });
}

/** Since the first of the writes. An operator may put a list in force while an alert is open; a removal waits. */
export function sinceOf(
  { clock }: Pick<Run, 'clock'>,
  writes: readonly Pick<WriteRecord, 'kind' | 'atMs'>[],
): Since {
  return {
    sinceMs: Math.min(...writes.map(({ atMs }) => atMs)),
    ...(writes.every(({ kind }) => kind !== 'enforce') && { nowMs: clock.now() }),
  };
}

function alertSince(alerts: readonly KmsAlerts[], since: Since): string | undefined {
  const alert = newAlert(alerts, since);
  return alert && `for project ${alert.projectId} Atlas has opened ${alert.what}`;
}
