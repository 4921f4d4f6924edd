/** Gathers what a plan is made from, and makes it. Writes to no gate. */
import type { Address } from '../address/address.ts';
import { AddressSet } from '../address/address-set.ts';
import { msLeft } from '../clock.ts';
import type { GateState } from '../gates/gate.ts';
import type { Approval, Journal, LedgerRow, OwnedEntry, WriteRecord } from '../journal/journal.ts';
import type { FeedReading, JournalView, KeyVerdict, KmsAlerts, PlanInput } from '../plan/input.ts';
import { advanceLedger } from '../plan/ledger.ts';
import { makePlan } from '../plan/make-plan.ts';
import type { Plan } from '../plan/plan.ts';
import { wantedOfGate, writable } from '../plan/wanted.ts';
import { type Attributes, inSpan } from '../telemetry/span.ts';
import type { Run } from './run.ts';
import { deltaOf, endOf, isRemoval, newestInForce, type StepWrite, stands, takesOut } from './write-step.ts';

const dayMs = 24 * 60 * 60 * 1000;
const fightWindowMs = 7 * dayMs;
/** Mostly more than a gate has within the days that anything here looks back. */
const recentWrites = 200;
const recentApprovals = 50;

export interface Prepared {
  readonly plan: Plan;
  readonly state: GateState;
  readonly verdicts: readonly KeyVerdict[];
  readonly alerts: readonly KmsAlerts[];
  /** What the plan was made from. */
  readonly input: PlanInput;
  /** What every write of this plan must hold to: see `StepWrite`. */
  readonly must: Pick<StepWrite, 'letsIn' | 'keeps' | 'readAtMs'>;
  /** Newest first, those of before this run; none without a journal. */
  readonly writes: readonly WriteRecord[];
  /** The ledger with this run's readings in it; undefined without a journal. */
  readonly ledger: readonly LedgerRow[] | undefined;
}

/**
 * @param state the gate as it was read just now
 * @throws nothing of the feeds or the journal: both degrade into the plan
 */
export async function prepare(run: Run, state: GateState): Promise<Prepared> {
  const { gate, settings, clock } = run;
  const feeds = await run.readFeeds();
  const [verdicts, alerts] = await Promise.all([run.readVerdicts(), run.readAlerts()]);
  const nowMs = clock.now();
  const stored = await run.journal.attempt(journal => readStored(journal, gate.id));
  const ledger = stored && advance(run, feeds, stored);
  const journal: JournalView =
    stored && ledger
      ? {
          available: true,
          ledger,
          owned: stored.owned,
          lastAddAtMs: lastAdditionAtMs(stored.writes),
          lastRemovalAtMs: lastRemovalAtMs(stored.writes),
          approvals: stored.approvals.filter(approval => !isUsedUp(approval, stored.writes)),
          newestAtMs: newestAtMs(stored),
          unsettledUntilMs: unsettledUntilMs(stored.writes, gate.limits.settleMs, nowMs),
          undoneWrites: undoneWrites(stored.writes, state, feeds, nowMs),
          withdrawn: withdrawnOf(stored.writes, state, nowMs),
        }
      : { available: false, reason: run.journal.unavailable ?? 'it could not be read' };
  const input: PlanInput = {
    gate,
    state,
    feeds,
    pinned: settings.pinned,
    adopt: settings.adopt,
    policy: settings.policy,
    removal: settings.removal,
    journal,
    verdicts,
    alerts,
    acceptShrink: settings.acceptShrink,
    acceptFirstWrite: settings.acceptFirstWrite,
    findings: [],
    nowMs,
  };
  const plan = await inSpan('plan', { 'postern.gate': gate.name }, span => {
    const made = makePlan(input);
    span.set(attributesOf(made));
    return made;
  });
  run.report({ kind: 'planned', plan });
  const must = {
    letsIn: wantedOf(run, feeds).map(({ cidr }) => cidr),
    keeps: plan.entries.filter(({ owner }) => owner === 'foreign').map(({ cidr }) => cidr),
    readAtMs: readAtMs(feeds),
  };
  return { plan, state, verdicts, alerts, input, must, writes: stored?.writes ?? [], ledger };
}

function attributesOf({ checksum, missing, steps, closing, guards, policy }: Plan): Attributes {
  return {
    'postern.policy': policy,
    'postern.plan': checksum,
    'postern.missing': missing.length,
    'postern.closing': closing.length,
    'postern.steps': steps.map(({ kind }) => kind),
    'postern.guards': guards.map(({ guard }) => guard),
  };
}

interface Stored {
  readonly rows: readonly LedgerRow[];
  readonly owned: readonly OwnedEntry[];
  readonly writes: readonly WriteRecord[];
  readonly approvals: readonly Approval[];
}

async function readStored(journal: Journal, gateId: string): Promise<Stored> {
  return {
    rows: await journal.ledger(gateId),
    owned: await journal.owned(gateId),
    writes: await recentOf(journal, gateId),
    approvals: await journal.approvals({ gateId, limit: recentApprovals }),
  };
}

/** What took access away is watched over for a day, however often something was added or refused meanwhile. */
async function recentOf(journal: Journal, gateId: string): Promise<readonly WriteRecord[]> {
  const recent = await journal.writes({ gateId, tookEffect: true, limit: recentWrites });
  if (recent.length < recentWrites) return recent;
  const kinds = ['remove', 'undo', 'enforce', 'withdraw'] as const;
  const older = await journal.writes({ gateId, kinds, tookEffect: true, limit: recentWrites });
  return [...recent, ...older.filter(({ id }) => id < recent.at(-1)!.id)];
}

function advance(run: Run, feeds: readonly FeedReading[], stored: Stored): readonly LedgerRow[] {
  return advanceLedger(stored.rows, stored.owned, {
    wanted: wantedOf(run, feeds),
    complete: feeds.every(({ newest }) => newest.complete),
    // The times of the readings, not of the plan: planning twice on one reading must not count it twice.
    atMs: readAtMs(feeds),
    latestMs: Math.max(...feeds.map(({ newest }) => newest.atMs)),
    minReadGapMs: run.settings.removal.minReadGapMs,
  });
}

function wantedOf({ settings, gate }: Run, feeds: readonly FeedReading[]): readonly Address[] {
  return writable(wantedOfGate(feeds, settings.pinned), gate.limits.families).writable;
}

function readAtMs(feeds: readonly FeedReading[]): number {
  return Math.min(...feeds.map(({ newest }) => newest.atMs));
}

function lastAdditionAtMs(writes: readonly WriteRecord[]): number | undefined {
  return latestEnd(writes.filter(write => !takesOut(write) && stands(write)));
}

function lastRemovalAtMs(writes: readonly WriteRecord[]): number | undefined {
  return latestEnd(writes.filter(write => takesOut(write) && stands(write)));
}

/** By time and not by id: what was spooled while the journal was away comes into it late. */
function latestEnd(writes: readonly WriteRecord[]): number | undefined {
  return writes.length === 0 ? undefined : Math.max(...writes.map(endOf));
}

/** Whoever took the list out of force, Postern, an operator by hand, or another tool, wants it so until told otherwise. */
function withdrawnOf(
  writes: readonly WriteRecord[],
  state: GateState,
  nowMs: number,
): { atMs: number; because: string } | undefined {
  const newest = newestInForce(writes, nowMs);
  if (!newest) return undefined;
  if (newest.kind === 'withdraw') return { atMs: newest.atMs, because: newest.reason };
  if (newest.outcome === 'reverted') return { atMs: endOf(newest), because: 'it was not confirmed' };
  return state.nextWriteShutsOut && newest.outcome !== null
    ? { atMs: endOf(newest), because: 'after that someone took the list out of force' }
    : undefined;
}

/** What `recover` leaves open while it may be under way. */
function unsettledUntilMs(
  writes: readonly WriteRecord[],
  settleMs: number,
  nowMs: number,
): number | undefined {
  const open = writes.filter(write => mayBeUnderWay(write, settleMs, nowMs));
  return open.length === 0 ? undefined : Math.max(...open.map(({ atMs }) => atMs)) + settleMs;
}

/**
 * What takes access away and has no end, as long as what it did may not be shown yet: nobody would watch over it. An
 * addition is made anew instead. One from the future is of a wrong clock.
 */
export function mayBeUnderWay(
  write: Pick<WriteRecord, 'kind' | 'outcome' | 'atMs'>,
  settleMs: number,
  nowMs: number,
): boolean {
  return isRemoval(write) && write.outcome === null && msLeft(write.atMs + settleMs, nowMs, settleMs) > 0;
}

/** A yes is for one removal: not for another one after it, nor once more after it was put back. */
function isUsedUp({ cidrs, atMs }: Approval, writes: readonly WriteRecord[]): boolean {
  const approved = AddressSet.of(cidrs);
  return writes.some(write => {
    if (write.atMs < atMs || !stands(write) || !(takesOut(write) || write.kind === 'restore')) return false;
    const { adds, removes } = deltaOf(write.before, write.target);
    return [...adds, ...removes].some(cidr => approved.overlaps(cidr));
  });
}

function newestAtMs({ rows, writes }: Stored): number {
  const times = rows.flatMap(row => [row.lastWantedAtMs, row.lastAbsentReadAtMs ?? 0]);
  return Math.max(0, ...times, ...writes.map(endOf));
}

/** How often the most often undone addition of the last days was undone, of those that are wanted still. */
function undoneWrites(
  writes: readonly WriteRecord[],
  state: GateState,
  feeds: readonly FeedReading[],
  nowMs: number,
): number {
  const wanted = AddressSet.of(wantedOfGate(feeds, []).map(({ cidr }) => cidr));
  const present = new Set(state.entries);
  const timesAdded = new Map<string, number>();
  for (const write of writes) {
    // What was taken out of force was taken back by Postern, not undone by someone.
    if (write.kind === 'withdraw') break;
    if (write.kind === 'remove' || write.outcome !== 'applied' || nowMs - write.atMs > fightWindowMs)
      continue;
    const before = new Set(write.before);
    for (const cidr of write.target) {
      if (!before.has(cidr) && wanted.overlaps(cidr)) timesAdded.set(cidr, (timesAdded.get(cidr) ?? 0) + 1);
    }
  }
  const undone = [...timesAdded].map(([cidr, times]) => times - (present.has(cidr as never) ? 1 : 0));
  return Math.max(0, ...undone);
}
