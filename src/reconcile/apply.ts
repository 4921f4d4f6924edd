/**
 * One run over one gate: observe → plan → add → verify → remove → verify → record. The one place where
 * things happen in order. Read DESIGN.md §3 before changing anything here.
 */
import type { Cidr } from '../address/cidr.ts';
import {
  GateConflictError,
  GateError,
  type GateKind,
  type GateState,
  leaveTheListAlone,
} from '../gates/gate.ts';
import { beginGraceAnew } from '../journal/grace.ts';
import type { WriteRecord } from '../journal/journal.ts';
import { additionOf, type Plan } from '../plan/plan.ts';
import { formatDuration } from '../plan/render/time.ts';
import { afterRun, isAddition } from './after-run.ts';
import { askOutside } from './ask-outside.ts';
import { coverageOf } from './coverage.ts';
import { enforceConfirmed, FirstWriteNotConfirmed, isFirstWrite, withdraw } from './first-write.ts';
import { newAlert } from './kms-alerts.ts';
import { type Prepared, prepare } from './prepare.ts';
import { putBack } from './put-back.ts';
import { readGate } from './read-gate.ts';
import { recover } from './recover.ts';
import { RemovalNotConfirmed, removeConfirmed, sinceOf } from './remove-confirmed.ts';
import type { Run, RunResult, RunStatus, RunWrite } from './run.ts';
import { type ResultBuilder, release, takeLock, withLock } from './with-lock.ts';
import { addStep, deltaOf, endOf, isRemoval, newestInForce, stands, stoppedBefore } from './write-step.ts';

/** How often a run plans anew when someone else changes the list under it. */
const maxAttempts = 3;
/** How long after a removal an invalid key is taken for its consequence. */
const lateRestoreMs = 24 * 60 * 60_000;

export interface ApplyOptions {
  /** The checksum of a plan that was reviewed: anything else is refused. */
  readonly approvedChecksum?: string;
  /** Told of each plan that is about to be written. */
  show?(plan: Plan): void;
  /** Asked before anything is written; false refuses. */
  confirm?(plan: Plan): Promise<boolean>;
}

/** Makes the plan of one gate and changes nothing but the journal. Throws a `GateError` when the gate cannot be read. */
export async function planGate(run: Run): Promise<Plan> {
  run.report({ kind: 'reading-gate' });
  const state = await readGate(run);
  const lock = await takeLock(run);
  // Without the lock another run may be writing a newer ledger; its reading counts, and ours is not needed.
  if (!lock?.acquired) return (await prepare(run, state)).plan;
  try {
    const prepared = await prepare(run, state);
    await saveReading({ ...run, lock }, prepared);
    return prepared.plan;
  } finally {
    await release(run, lock);
  }
}

/**
 * Brings one gate in step. Never throws for a fault of the gate, a feed or the journal: the result tells.
 *
 * While somebody is asked, the gate is nobody's: the question may stand all night, and others let Atlas in meanwhile.
 * A yes is for what was shown: where it has come to something else by then, that is asked.
 */
export async function applyGate(run: Run, options: ApplyOptions = {}): Promise<RunResult> {
  const apply = (given: ApplyOptions) =>
    withLock(run, (locked, result) => applyLocked(locked, given, result));
  const { confirm } = options;
  return confirm
    ? await askOutside(confirm, isSamePlan, ask => apply({ ...options, confirm: ask }))
    : await apply(options);
}

const isSamePlan = (a: Plan, b: Plan) => a.checksum === b.checksum;

async function applyLocked(run: Run, options: ApplyOptions, result: ResultBuilder): Promise<RunResult> {
  run.report({ kind: 'reading-gate' });
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptOnce(run, options, result);
    } catch (error) {
      if (error instanceof RemovalNotConfirmed || error instanceof FirstWriteNotConfirmed)
        return result.end('restored', error.message, { error });
      if (!(error instanceof GateConflictError) || attempt === maxAttempts)
        throw named(error, attempt, run.gate.kind);
      run.report({ kind: 'conflict', attempt, because: error.message });
    }
  }
}

async function attemptOnce(run: Run, options: ApplyOptions, result: ResultBuilder): Promise<RunResult> {
  const recovered = await recover(run, await readGate(run));
  let { state } = recovered;
  const prepared = await prepare(run, state);
  const { plan, must } = prepared;
  result.plan = plan;
  await saveReading(run, prepared);

  const refusal = await refuse(run, plan, options);
  if (refusal) {
    // What a removal shut out may fit though what is new does not.
    const restored = isFull(plan) ? await restoreLate(run, prepared, state, result) : undefined;
    return restored ? result.end('restored', restored) : result.end('refused', refusal.message, refusal);
  }
  if (run.fence?.isRetired) return result.end('refused', ...stopped(run));
  await adopt(run, plan);

  const [additions, removals] = ['add', 'remove'].map(kind => plan.steps.filter(step => step.kind === kind));
  for (const { to } of additions!) {
    if (run.signal?.aborted) return result.end('refused', ...stopped(run));
    const write = { to, planChecksum: plan.checksum, reason: 'Atlas wants it', ...must };
    const letIn = state.nextWriteShutsOut ? enforceConfirmed : addStep;
    try {
      state = await letIn(run, state, write, each => result.writes.push(each));
    } catch (error) {
      await restoreAllTheSame(run, prepared, result, error);
      throw error;
    }
  }
  if (additions!.length > 0) await saveCoverage(run, plan, result);
  if (recovered.trouble) throw recovered.trouble;
  const restored = await restoreLate(run, prepared, state, result);
  if (restored) return result.end('restored', restored);
  for (const { to } of removals!) {
    if (run.signal?.aborted) return result.end('refused', ...stopped(run));
    const reason = 'Atlas has not listed it for longer than the grace period';
    const write = { kind: 'remove', to, planChecksum: plan.checksum, reason, ...must } as const;
    state = await removeConfirmed(run, state, write, each => result.writes.push(each));
  }
  return result.end(...summarize(run, plan, result.writes));
}

/** What was locked out when the plan was made is let in now. */
async function saveCoverage(run: Run, plan: Plan, { writes }: ResultBuilder): Promise<void> {
  const { coverage, missing } = afterRun(plan, { writes });
  const change = { atMs: run.clock.now(), coverage, missing: missing.length };
  await run.journal.attempt(journal => journal.recordCoverage(run.gate.id, change));
}

/**
 * A removal can take minutes to be in force, so Atlas may say that all is well just after it, and not an hour
 * later. If Atlas calls the key invalid within a day of removals, or shows any sign of trouble within the soak
 * of one, all of that time are put back. A list that was put in force is taken out of force in the same way.
 */
async function restoreLate(
  run: Run,
  prepared: Prepared,
  state: GateState,
  result: ResultBuilder,
  also: readonly Cidr[] = [],
): Promise<string | undefined> {
  if (run.settings.policy === 'observe' || run.journal.unavailable !== undefined) return undefined;
  // What earlier runs took out is put back by the config as it is now, or not at all.
  if (run.fence?.isRetired) return undefined;
  const { writes } = prepared;
  const since = run.clock.now() - lateRestoreMs;
  const inForce = newestInForce(writes, run.clock.now());
  // What was missing was let in just now: whether that was the trouble, the next run tells.
  const hasAdded = result.writes.some(isAddition);
  const recent = writes.filter(
    write =>
      isRemoval(write) &&
      stands(write) &&
      write.atMs > since &&
      (!isFirstWrite(write) || (write === inForce && !hasAdded)),
  );
  const doubt = await doubtAbout(run, prepared, recent);
  const [newest] = doubt?.removals ?? [];
  if (!doubt || !newest) return undefined;
  const { removals, because } = doubt;
  const first = removals.find(isFirstWrite);
  if (first) {
    if (state.nextWriteShutsOut) return undefined;
    await withdraw(run, state, first, because, write => result.writes.push(write));
    return `The list of gate ${run.gate.name}, which had been in force since ${new Date(first.atMs).toISOString()}, was taken out of force: ${because}.`;
  }
  const deltas = removals.map(({ before, target }) => deltaOf(before, target));
  const [before, target] = [deltas.flatMap(({ removes }) => removes), deltas.flatMap(({ adds }) => adds)];
  const restored = await putBack(
    run,
    state,
    { before: [...new Set(before)], target: [...new Set(target)], planChecksum: newest.planChecksum },
    because,
    write => result.writes.push(write),
    also,
  );
  if (!restored) return undefined;
  const what = removals.length === 1 ? 'The last removal' : `The last ${removals.length} removals`;
  return `${what} from gate ${run.gate.name} ${removals.length === 1 ? 'was' : 'were'} put back: ${because}.`;
}

/** Which of the recent removals, newest first, are in doubt, and why. */
async function doubtAbout(
  run: Run,
  { verdicts, alerts }: Prepared,
  removals: readonly WriteRecord[],
): Promise<{ removals: readonly WriteRecord[]; because: string } | undefined> {
  const invalid = verdicts.find(({ verdict }) => verdict === 'invalid');
  if (invalid) {
    const because = `Atlas calls the key of project ${invalid.projectId} invalid, not long after ${whatWas(removals)}`;
    return { removals, because };
  }
  const soakSinceMs = run.clock.now() - run.settings.removal.soakMs;
  const soaking = removals.filter(write => endOf(write) > soakSinceMs);
  if (soaking.length === 0) return undefined;
  const [event] = (await run.readSigns?.(Math.min(...soaking.map(endOf)))) ?? [];
  const sign = event ?? newAlert(alerts, sinceOf(run, soaking));
  if (!sign) return undefined;
  const because = `Atlas reported ${sign.what} for project ${sign.projectId}, not long after ${whatWas(soaking)}`;
  return { removals: soaking, because };
}

function whatWas(writes: readonly WriteRecord[]): string {
  return writes.some(isFirstWrite) ? 'its list was put in force' : 'a removal';
}

function stopped(run: Run): [string, { remedy: string }] {
  const [message, remedy] = stoppedBefore(run);
  return [message, { remedy }];
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
  if (plan.steps.length === 0) return undefined;
  options.show?.(plan);
  if (options.confirm && !(await options.confirm(plan))) {
    return {
      message: 'Not confirmed: nothing was written.',
      remedy: 'Run apply again and answer y, or give --yes.',
    };
  }
  return undefined;
}

/**
 * What a removal shut out is put back though what is new could not be let in. Never throws: why it could not be
 * comes first.
 */
async function restoreAllTheSame(
  run: Run,
  prepared: Prepared,
  result: ResultBuilder,
  error: unknown,
): Promise<void> {
  if (!(error instanceof GateError) || error instanceof GateConflictError) return;
  try {
    // Whether the addition took effect, the list tells.
    const state = await readGate(run);
    const missing = additionOf(prepared.plan)?.adds ?? [];
    await restoreLate(run, prepared, state, result, missing);
  } catch {
    // The next run tries again.
  }
}

/** No more than that stops the plan's write: the list can be written, and is in force. */
function isFull({ guards }: Plan): boolean {
  const blocks = guards.filter(({ blocks }) => blocks === 'write');
  return blocks.length > 0 && blocks.every(({ guard }) => guard === 'does-not-fit');
}

async function adopt(run: Run, plan: Plan): Promise<void> {
  if (plan.adopts.length === 0 || plan.policy === 'observe') return;
  const { gate, clock, lock } = run;
  await run.journal.attempt(async journal => {
    await beginGraceAnew(journal, gate.id, plan.adopts, clock.now(), lock?.token);
    await journal.adopt(gate.id, plan.adopts, clock.now(), lock?.token);
  });
}

async function saveReading(run: Run, prepared: Prepared): Promise<void> {
  const { plan, ledger } = prepared;
  const reading = {
    ledger,
    lost: lostOf(prepared),
    coverage: { atMs: plan.atMs, coverage: coverageOf(plan), missing: plan.missing.length },
    plan: { checksum: plan.checksum, atMs: plan.atMs, json: () => JSON.stringify(plan) },
  };
  await run.journal.attempt(journal => journal.recordReading(run.gate.id, reading, run.lock?.token));
}

/**
 * Entries of ours that somebody took out. Just after a write of ours a reading may be one from before it, and a list
 * that cannot be read for what it is shows nobody's entries.
 */
function lostOf({ input: { journal, state, gate, nowMs }, writes }: Prepared): readonly Cidr[] {
  if (!journal.available || state.obstacle) return [];
  // One of the future was dated by a clock that was ahead: it does not make every reading until then one of before it.
  const isRecent = (write: WriteRecord) => Math.abs(nowMs - endOf(write)) <= gate.limits.settleMs;
  if (writes.some(write => write.outcome !== 'not-applied' && isRecent(write))) return [];
  const present = new Set([...state.entries, ...(state.idle ?? [])]);
  return journal.owned.map(({ cidr }) => cidr).filter(cidr => !present.has(cidr));
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

function summarize({ gate: { limits } }: Run, plan: Plan, writes: readonly RunWrite[]): [RunStatus, string] {
  const { name } = plan.gate;
  if (writes.length === 0) return ['unchanged', `Gate ${name} is in step.`];
  const adds = writes.filter(isAddition).reduce((sum, write) => sum + write.adds.length, 0);
  const removes = writes
    .filter(({ kind }) => kind === 'remove')
    .reduce((sum, write) => sum + write.removes.length, 0);
  const parts = [adds > 0 && `${adds} added`, removes > 0 && `${removes} removed`].filter(Boolean);
  // Whoever apply is run by at night looks next whether it helped.
  const late =
    adds > 0 && limits.settleMs > 0
      ? ` It can take up to ${formatDuration(limits.settleMs)} until that is in force everywhere.`
      : '';
  return ['changed', `Gate ${name} is in step: ${parts.join(', ')}.${late}`];
}
