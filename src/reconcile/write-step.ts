/**
 * One guarded, journalled write: last look, intent on disk, write, read back, outcome. Every write to a gate goes
 * through here, whatever made it.
 */
import { AddressSet } from '../address/address-set.ts';
import type { Cidr } from '../address/cidr.ts';
import { isPast } from '../clock.ts';
import { GateError, type GateState, GateUnverifiedError } from '../gates/gate.ts';
import type { WriteKind, WriteOutcome, WriteRecord } from '../journal/journal.ts';
import { tripNotInForce, tripWriteGuards } from '../plan/guards.ts';
import { type Attributes, inSpan } from '../telemetry/span.ts';
import type { Run, RunWrite } from './run.ts';

export interface StepWrite {
  readonly kind: WriteKind;
  readonly to: readonly Cidr[];
  readonly planChecksum: string;
  readonly reason: string;
  /** Every address that must be let in afterwards. */
  readonly letsIn: readonly Cidr[];
  /** Every entry that must stay as it is: what is not ours or, where nothing may go, the whole list. */
  readonly keeps: readonly Cidr[];
  /** When the oldest of the readings was made that this write rests on. */
  readonly readAtMs: number;
}

/** What takes access away must rest on what Atlas says now: a question to the operator may wait for its answer all night. */
export const maxReadingAgeMs = 10 * 60_000;

export interface StepResult {
  readonly state: GateState;
  readonly write: RunWrite;
  /** Records the outcome. For what Atlas has to confirm it is called only once it has. */
  finish(outcome: WriteOutcome, after: readonly Cidr[]): Promise<void>;
}

/** Thrown when what takes access away cannot be journalled, and so does not happen. */
export class NotJournalledError extends Error {
  override readonly name = 'NotJournalledError';
  readonly remedy = 'Mend the journal; additions go on meanwhile, removals wait.';
}

/** Thrown when a guard stops a write just before it. Nothing was written. */
export class WriteStoppedError extends Error {
  override readonly name = 'WriteStoppedError';
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(`${message} Nothing was written.`);
    this.remedy = remedy;
  }
}

/**
 * Writes `write.to` over the list that `state` shows. An addition goes on when the journal is unavailable and
 * is spooled; anything that takes away does not (DESIGN.md §3, invariant 8).
 *
 * @throws WriteStoppedError when a guard stops it: nothing was written
 * @throws LockLostError when another run has the gate's lock by now: nothing was written
 * @throws GateConflictError when someone else changed the list: nothing was written, the caller plans again
 * @throws GateError and GateUnverifiedError as the gate does; the journal has what is known of the outcome
 */
export async function writeStep(run: Run, state: GateState, write: StepWrite): Promise<StepResult> {
  const { gate, journal, clock } = run;
  const before = state.entries;
  const delta = deltaOf(before, write.to);
  const takesAway = doesTakeAway(write, before);
  lastLook(run, state, write, takesAway);
  run.fence?.begin(isForward(write));
  const intent = {
    gateId: gate.id,
    gateName: gate.name,
    kind: write.kind,
    before,
    target: write.to,
    planChecksum: write.planChecksum,
    by: run.by,
    reason: write.reason,
    atMs: clock.now(),
  };
  const id = await journal.attempt(j => j.beginWrite(intent, run.lock?.token));
  if (id === undefined) {
    const because = journal.unavailable ?? 'unknown';
    run.report({ kind: 'journal-unavailable', because });
    if (takesAway)
      throw new NotJournalledError(
        write.kind === 'enforce'
          ? `The journal cannot record that the list is put in force (${because}); nothing was written.`
          : `The journal cannot record the removal (${because}); nothing was removed.`,
      );
    // Its lock goes with the journal, and additions go on as they do without either.
    run.fence?.drop();
  }
  const finish = async (outcome: WriteOutcome | null, after: readonly Cidr[] | null, error?: string) => {
    const atMs = clock.now();
    // An outcome that nobody knows stays open; the next run finds out what the gate holds.
    if (id !== undefined && outcome !== null) {
      await journal.attempt(j =>
        j.finishWrite(id, { outcome, after, atMs, ...(error === undefined ? {} : { error }) }),
      );
    } else if (id === undefined && outcome === 'applied') {
      journal.spool({ ...intent, outcome, after, finishedAtMs: atMs, error: null });
    }
  };

  run.report({ kind: 'writing', write: write.kind, adds: delta.adds.length, removes: delta.removes.length });
  let after: GateState;
  try {
    after = await inSpan('write', attributesOf(gate.name, write, delta), () =>
      write.kind === 'withdraw' ? gate.withdraw!(state.revision) : gate.write(write.to, state.revision),
    );
  } catch (error) {
    const [outcome, left] = outcomeOf(error, before);
    // What takes access away and may have taken effect, or do so yet, stays open until Atlas has confirmed it.
    const isOpen = takesAway && (error instanceof GateUnverifiedError || outcome !== 'not-applied');
    await finish(isOpen ? null : outcome, left, error instanceof Error ? error.message : String(error));
    throw error;
  }
  run.report({ kind: 'written', write: write.kind, entries: after.entries.length });
  return { state: after, write: { kind: write.kind, ...delta }, finish };
}

function attributesOf(gate: string, { kind, to }: StepWrite, { adds, removes }: Delta): Attributes {
  return {
    'postern.gate': gate,
    'postern.write': kind,
    'postern.adds': adds.length,
    'postern.removes': removes.length,
    'postern.entries': to.length,
  };
}

/** The guards once more, over what the gate shows now (DESIGN.md §3, invariants 1, 3, 4 and 5). */
function lastLook(run: Run, state: GateState, write: StepWrite, takesAway: boolean): void {
  const { gate, clock } = run;
  if (run.signal?.aborted && isForward(write)) throw new WriteStoppedError(...stoppedBefore(run));
  const usage = gate.limits.measure(write.to);
  const step = {
    kind: write.kind,
    from: state.entries,
    to: write.to,
    usage: { ...usage, used: usage.used + (state.takenElsewhere ?? 0) },
  };
  const [trip] = [
    ...tripNotInForce(gate.name, state, write.kind),
    // What is withdrawn is no list that could lack something.
    ...(write.kind === 'withdraw' ? [] : tripWriteGuards(gate, step, write.letsIn, write.keeps)),
  ];
  if (trip) throw new WriteStoppedError(trip.message, trip.remedy);
  const ageMs = clock.now() - write.readAtMs;
  if (takesAway && ageMs > maxReadingAgeMs) {
    throw new WriteStoppedError(
      `What Atlas listed was read ${Math.round(ageMs / 60_000)} minutes ago, too long to take access away by it at gate ${gate.name}.`,
      'Run it again, and answer within 10 minutes.',
    );
  }
}

/** What a failed write is known to have done. */
function outcomeOf(error: unknown, before: readonly Cidr[]): [WriteOutcome | null, readonly Cidr[] | null] {
  if (error instanceof GateUnverifiedError) {
    if (!error.state) return [null, null];
    return [sameEntries(error.state.entries, before) ? 'not-applied' : 'partly', error.state.entries];
  }
  // Any other error of the gate is its word that nothing was written; what is no error of the gate is no word.
  return error instanceof GateError ? ['not-applied', null] : [null, null];
}

interface Delta {
  readonly adds: readonly Cidr[];
  readonly removes: readonly Cidr[];
}

export function deltaOf(before: readonly Cidr[], after: readonly Cidr[]): Delta {
  const was = new Set(before);
  const is = new Set(after);
  return { adds: after.filter(cidr => !was.has(cidr)), removes: before.filter(cidr => !is.has(cidr)) };
}

/** To put a list in force takes access from whoever is not in it; to withdraw it only gives. */
function doesTakeAway({ kind, to }: StepWrite, before: readonly Cidr[]): boolean {
  if (kind === 'enforce' || kind === 'withdraw') return kind === 'enforce';
  return !AddressSet.of(to).covers(AddressSet.of(before));
}

/** What was taken away may be put back at any time; everything else is begun only while the run may go on. */
function isForward({ kind }: StepWrite): boolean {
  return kind !== 'restore' && kind !== 'withdraw';
}

/** What to tell of a run that ends before it has written, and what to do. */
export function stoppedBefore({ gate: { name }, fence }: Run): [message: string, remedy: string] {
  return fence?.isRetired
    ? [
        `The config of gate ${name} changed before it was written to.`,
        'Nothing to do: the next run goes by the config as it is now.',
      ]
    : [`Postern was asked to stop before it wrote to gate ${name}.`, 'Nothing to do: the next run does it.'];
}

/** Kinds of write that may take something away, and that Atlas has to confirm. */
export function isRemoval({ kind }: { readonly kind: WriteKind }): boolean {
  return kind === 'remove' || kind === 'undo' || kind === 'enforce';
}

/** Of those, the ones that make the list shorter. */
export function takesOut({ kind }: { readonly kind: WriteKind }): boolean {
  return kind === 'remove' || kind === 'undo';
}

/** It took effect, in part at least, and was not put back. */
export function stands({ outcome }: Pick<WriteRecord, 'outcome'>): boolean {
  return outcome === 'applied' || outcome === 'partly';
}

/** Lets in what `write` adds, and closes it at once: nothing of Atlas's has to confirm an addition. */
export async function addStep(
  run: Run,
  state: GateState,
  write: Omit<StepWrite, 'kind'>,
  onWrite: (write: RunWrite) => void,
): Promise<GateState> {
  const step = await writeStep(run, state, { ...write, kind: 'add' });
  onWrite(step.write);
  await step.finish('applied', step.state.entries);
  return step.state;
}

/** When a write ended, or was begun where nobody knows how it ended. */
export function endOf({ finishedAtMs, atMs }: Pick<WriteRecord, 'finishedAtMs' | 'atMs'>): number {
  return finishedAtMs ?? atMs;
}

/** Of the writes, newest first, the one that last put the list in force or took it out; undefined where none did. */
export function newestInForce(writes: readonly WriteRecord[], nowMs: number): WriteRecord | undefined {
  // Withdrawn in part is a list that is there still.
  const deciding = writes.filter(({ kind, outcome }) =>
    kind === 'enforce'
      ? outcome !== 'not-applied'
      : kind === 'withdraw' && (outcome === 'applied' || outcome === null),
  );
  // One that was spooled comes into the journal late; where a clock was ahead, its times say nothing.
  const isLater = (a: WriteRecord, b: WriteRecord) =>
    [a, b].every(({ atMs }) => isPast(atMs, nowMs)) ? a.atMs > b.atMs : a.id > b.id;
  return deciding.reduce<WriteRecord | undefined>(
    (newest, write) => (newest === undefined || isLater(write, newest) ? write : newest),
    undefined,
  );
}

export function sameEntries(a: readonly Cidr[], b: readonly Cidr[]): boolean {
  const { adds, removes } = deltaOf(a, b);
  return adds.length === 0 && removes.length === 0;
}
