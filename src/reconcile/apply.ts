/**
 * One run over one gate: observe → plan → add → verify → remove → verify → record. The one place where
 * things happen in order. Read DESIGN.md §3 before changing anything here.
 */
import { GateConflictError, type GateKind, type GateState, leaveTheListAlone } from '../gates/gate.ts';
import type { WriteRecord } from '../journal/journal.ts';
import type { Plan, PlanStep } from '../plan/plan.ts';
import { type Prepared, prepare } from './prepare.ts';
import { putBack } from './put-back.ts';
import { recover } from './recover.ts';
import { RemovalNotConfirmed, removeConfirmed } from './remove-confirmed.ts';
import type { Run, RunResult, RunStatus, RunWrite } from './run.ts';
import { type ResultBuilder, takeLock, withLock } from './with-lock.ts';
import { writeStep } from './write-step.ts';

/** How often a run plans anew when someone else changes the list under it. */
const maxAttempts = 3;
/** How long after a removal an invalid key is taken for its consequence. */
const lateRestoreMs = 24 * 60 * 60_000;

export interface ApplyOptions {
  /** The checksum of a plan that was reviewed: anything else is refused. */
  readonly approvedChecksum?: string;
  /** Asked once for each plan that would write; false refuses. */
  confirm?(plan: Plan): Promise<boolean>;
}

/** Makes the plan of one gate and changes nothing but the journal. Throws a `GateError` when the gate cannot be read. */
export async function planGate(run: Run): Promise<Plan> {
  run.report({ kind: 'reading-gate' });
  const prepared = await prepare(run, await run.gate.read());
  // Without the lock another run may be writing a newer ledger; its reading counts, and ours is not needed.
  const lock = await takeLock(run);
  if (lock?.acquired) {
    await saveReading(run, prepared);
    await run.journal.attempt(() => lock.release());
  }
  return prepared.plan;
}

/** Brings one gate in step. Never throws for a fault of the gate, a feed or the journal: the result tells. */
export function applyGate(run: Run, options: ApplyOptions = {}): Promise<RunResult> {
  return withLock(run, result => applyLocked(run, options, result));
}

async function applyLocked(run: Run, options: ApplyOptions, result: ResultBuilder): Promise<RunResult> {
  run.report({ kind: 'reading-gate' });
  let state = await recover(run, await run.gate.read());
  for (let attempt = 1; ; attempt++) {
    const prepared = await prepare(run, state);
    const { plan } = prepared;
    result.plan = plan;
    await saveReading(run, prepared);

    const refusal = await refuse(run, plan, options);
    if (refusal) return result.end('refused', refusal.message, refusal);
    await adopt(run, plan);
    try {
      const restored = await restoreLate(run, prepared, result);
      if (restored) return result.end('restored', restored);
      for (const step of plan.steps) {
        if (run.signal?.aborted) return result.end('refused', ...stopped(run.gate.name));
        state = await carryOut(run, plan, step, state, result);
      }
      return result.end(...summarize(plan, result.writes));
    } catch (error) {
      if (error instanceof RemovalNotConfirmed) return result.end('restored', error.message, { error });
      if (!(error instanceof GateConflictError) || attempt === maxAttempts)
        throw named(error, attempt, run.gate.kind);
      run.report({ kind: 'conflict', attempt, because: error.message });
      state = await run.gate.read();
    }
  }
}

/** Additions and removals are separate writes, each read back; a removal also needs Atlas to confirm it. */
async function carryOut(run: Run, plan: Plan, step: PlanStep, state: GateState, result: ResultBuilder) {
  const onWrite = (write: RunWrite) => result.writes.push(write);
  if (step.kind === 'remove') {
    const reason = 'Atlas has not listed it for longer than the grace period';
    return await removeConfirmed(
      run,
      state,
      { kind: 'remove', to: step.to, planChecksum: plan.checksum, reason },
      onWrite,
    );
  }
  const {
    state: after,
    write,
    finish,
  } = await writeStep(run, state, {
    kind: 'add',
    to: step.to,
    planChecksum: plan.checksum,
    reason: 'Atlas wants it',
  });
  onWrite(write);
  await finish('applied', after.entries);
  return after;
}

/**
 * A removal can take minutes to be in force, so Atlas may say that all is well just after it, and not an hour
 * later. If Atlas calls the key invalid within a day of a removal, or shows any sign of trouble within its
 * soak, the removals of that time are put back before anything else is done.
 */
async function restoreLate(run: Run, prepared: Prepared, result: ResultBuilder): Promise<string | undefined> {
  if (run.settings.policy === 'observe') return undefined;
  const writes = (await run.journal.attempt(j => j.writes({ gateId: run.gate.id, limit: 50 }))) ?? [];
  const nowMs = run.clock.now();
  const removals = writes.filter(
    write => write.kind === 'remove' && write.outcome === 'applied' && endOf(write) > nowMs - lateRestoreMs,
  );
  const doubt = await doubtAbout(run, prepared, removals, nowMs);
  if (!doubt) return undefined;
  let { state } = prepared;
  let restoredAny = false;
  for (const removal of doubt.removals) {
    const restored = await putBack(run, state, removal, doubt.because, write => result.writes.push(write));
    if (restored) state = restored;
    restoredAny ||= restored !== undefined;
  }
  return restoredAny
    ? `What was removed from gate ${run.gate.name} was put back: ${doubt.because}.`
    : undefined;
}

/** Which of the recent removals, newest first, are in doubt, and why. */
async function doubtAbout(
  run: Run,
  { verdicts }: Prepared,
  removals: readonly WriteRecord[],
  nowMs: number,
): Promise<{ removals: readonly WriteRecord[]; because: string } | undefined> {
  if (removals.length === 0) return undefined;
  const invalid = verdicts.find(({ verdict }) => verdict === 'invalid');
  if (invalid) {
    const because = `Atlas calls the key of project ${invalid.projectId} invalid, not long after a removal`;
    return { removals, because };
  }
  const soaking = removals.filter(write => nowMs < endOf(write) + run.settings.removal.soakMs);
  if (soaking.length === 0) return undefined;
  const sinceMs = Math.min(...soaking.map(endOf));
  const [sign] = (await run.readSigns?.(sinceMs)) ?? [];
  if (!sign) return undefined;
  const because = `Atlas reported ${sign.what} for project ${sign.projectId}, not long after a removal`;
  return { removals: soaking, because };
}

function endOf({ finishedAtMs, atMs }: WriteRecord): number {
  return finishedAtMs ?? atMs;
}

function stopped(name: string): [string, { remedy: string }] {
  return [
    `Postern was asked to stop before it wrote to gate ${name}.`,
    { remedy: 'Nothing to do: the next run does it.' },
  ];
}

async function refuse(
  run: Run,
  plan: Plan,
  options: ApplyOptions,
): Promise<{ message: string; remedy: string } | undefined> {
  if (options.approvedChecksum !== undefined && options.approvedChecksum !== plan.checksum) {
    return {
      message: `The world has moved since the plan for gate ${run.gate.name} was made: it would now write something else (${plan.checksum.slice(0, 12)}, reviewed ${options.approvedChecksum.slice(0, 12)}). Nothing was written.`,
      remedy: 'Make a new plan, review it, and apply that.',
    };
  }
  const blocked = plan.guards.find(({ blocks }) => blocks === 'write');
  if (blocked) return { message: blocked.message, remedy: blocked.remedy };
  if (plan.steps.length > 0 && options.confirm && !(await options.confirm(plan))) {
    return {
      message: 'Not confirmed: nothing was written.',
      remedy: 'Run apply again and answer y, or give --yes.',
    };
  }
  return undefined;
}

async function adopt(run: Run, plan: Plan): Promise<void> {
  if (plan.adopts.length === 0 || plan.policy === 'observe') return;
  await run.journal.attempt(journal => journal.adopt(run.gate.id, plan.adopts, run.clock.now()));
}

async function saveReading(run: Run, { plan, ledger }: Prepared): Promise<void> {
  await run.journal.attempt(async journal => {
    if (ledger) await journal.saveLedger(run.gate.id, ledger);
    await journal.recordPlan({
      gateId: run.gate.id,
      checksum: plan.checksum,
      atMs: plan.atMs,
      json: JSON.stringify(plan),
    });
  });
}

function named(error: unknown, attempts: number, kind: GateKind): unknown {
  if (!(error instanceof GateConflictError)) return error;
  return new GateConflictError(
    error.gate,
    `The list was changed by someone else ${attempts} times while Postern was working on it. ${error.message}`,
    {
      remedy: leaveTheListAlone(kind),
      cause: error,
    },
  );
}

function summarize(plan: Plan, writes: readonly RunWrite[]): [RunStatus, string] {
  const { name } = plan.gate;
  if (writes.length === 0) return ['unchanged', `Gate ${name} is in step.`];
  const adds = writes.filter(({ kind }) => kind === 'add').reduce((sum, write) => sum + write.adds.length, 0);
  const removes = writes
    .filter(({ kind }) => kind === 'remove')
    .reduce((sum, write) => sum + write.removes.length, 0);
  const parts = [adds > 0 && `${adds} added`, removes > 0 && `${removes} removed`].filter(Boolean);
  return ['changed', `Gate ${name} is in step: ${parts.join(', ')}.`];
}
