import type { Address, Provenance } from '../address/address.ts';
import { AddressSet } from '../address/address-set.ts';
import { type Cidr, compareCidrs } from '../address/cidr.ts';
import { faultLines } from '../atlas/observation.ts';
import type { GateLimits } from '../gates/gate.ts';
import type { LedgerRow } from '../journal/journal.ts';
import { planChecksum } from './checksum.ts';
import { findingsOf } from './findings.ts';
import { tripObstacle, tripRemovalGuards, tripShutsOut, tripWriteGuards } from './guards.ts';
import type { PlanInput } from './input.ts';
import { overlapIndex } from './overlap-index.ts';
import { pack } from './pack.ts';
import type { EntryAction, GuardTrip, Plan, PlanEntry, PlanStep } from './plan.ts';
import { wantedOfGate, writable } from './wanted.ts';

/**
 * Makes the plan of one gate. Pure: the same input gives the same plan.
 *
 * The truth table, for one entry. `wanted` includes pinned. `ripe`: absent in enough complete readings, and
 * the grace period is over. `guarded`: a guard blocks removals.
 *
 *   in gate | ours | wanted | ripe | guarded || action | in the list afterwards
 *   --------+------+--------+------+---------++--------+-----------------------
 *     no    |  -   |  yes   |  -   |    -    || open   | yes
 *     no    |  -   |  no    |  -   |    -    || -      | no
 *     yes   | yes  |  yes   |  -   |    -    || keep   | yes
 *     yes   | yes  |  no    |  no  |    -    || retain | yes
 *     yes   | yes  |  no    |  yes |   yes   || retain | yes
 *     yes   | yes  |  no    |  yes |   no    || close  | no
 *     yes   | no   |  yes   |  -   |    -    || keep   | yes (as its owner wrote it)
 *     yes   | no   |  no    |  -   |    -    || leave  | yes (as its owner wrote it)
 *
 * So afterwards: list = foreign ∪ pinned ∪ wanted ∪ retained (DESIGN.md §3, invariant 1). Entries may be
 * merged blocks, so `wanted` and `ripe` are asked of each part of an entry: one that is partly needed is
 * replaced by its needed parts.
 *
 * A plan has at most two writes. The first, `add`, never takes coverage away; the second, `remove`, starts
 * from what the first one wrote (invariant 3).
 */
export function makePlan(input: PlanInput): Plan {
  const { gate, state, feeds, nowMs, policy } = input;
  const { writable: wanted, findings: unwritable } = writable(
    wantedOfGate(feeds, input.pinned),
    gate.limits.families,
  );
  const parts = sortParts(input, wanted);
  const addStep = makeStep(input, 'add', state.entries, parts.foreign, [...parts.ours, ...parts.missing]);
  // What is missing may be let in by somebody else's entry that ours would be merged into: nothing is added then.
  const guards = [...tripRemovalGuards(input, { ...parts, adds: addStep !== undefined })];
  const mayClose = parts.closing.length > 0 && guards.length === 0;

  const from = addStep?.to ?? state.entries;
  let removeStep = mayClose
    ? makeStep(input, 'remove', from, parts.foreign, [...parts.needed, ...parts.missing])
    : undefined;

  const wantedCidrs = wanted.map(({ cidr }) => cidr);
  const addTrips = addStep ? tripWriteGuards(gate, addStep, wantedCidrs, parts.foreign) : [];
  const removeTrips = removeStep ? tripWriteGuards(gate, removeStep, wantedCidrs, parts.foreign) : [];
  if (addTrips.length > 0) {
    guards.push(...addTrips);
  } else if (removeTrips.length > 0) {
    // A removal that cannot be written is no reason not to add.
    guards.push(...removeTrips.map(onlyRemovals));
    removeStep = undefined;
  }
  const steps = [addStep, removeStep].filter(step => step !== undefined);
  if (steps.length > 0) guards.push(...tripObstacle(input), ...tripShutsOut(input, unwritable.length));
  if (policy === 'observe' && steps.length > 0) guards.push(observeGuard(gate.name));
  const blocked = guards.some(({ blocks }) => blocks === 'write');

  const plan = {
    version: 1 as const,
    gate: { id: gate.id, kind: gate.kind, name: gate.name, lets: state.lets },
    policy,
    atMs: nowMs,
    feeds: feeds.map(({ feed, newest }) => ({
      feed,
      atMs: newest.atMs,
      complete: newest.complete,
      addresses: new Set(newest.addresses.map(({ cidr }) => cidr)).size,
      faults: faultLines(newest),
    })),
    entries: describeEntries(
      input,
      wanted,
      { ...parts, missing: addStep ? parts.missing : [] },
      removeStep !== undefined,
    ),
    adopts: parts.adopts,
    steps: blocked ? [] : steps,
    guards: dedupe(guards),
    findings: [...unwritable, ...findingsOf(input, wanted, parts.foreign)],
    usage: {
      now: measureWith(input)(state.entries),
      after: (removeStep ?? addStep)?.usage ?? measureWith(input)(state.entries),
    },
    missing: parts.lockedOut,
    closing: parts.closing,
  };
  return { ...plan, checksum: planChecksum(plan) };
}

/** The gate's entries and the wanted addresses, sorted by what the truth table asks. */
interface Parts {
  /** In the gate and not ours. */
  readonly foreign: readonly Cidr[];
  /** In the gate and ours, adopted ones included. */
  readonly ours: readonly Cidr[];
  readonly adopts: readonly Cidr[];
  /** Ours, in the gate, and still needed: whole entries, or the needed parts of an entry. */
  readonly needed: readonly Cidr[];
  /** Wanted, and not yet an entry of the list, or part of one of ours. */
  readonly missing: readonly Cidr[];
  /** Wanted, and not let in at present: by no entry, or shut out by something else. */
  readonly lockedOut: readonly Cidr[];
  /** The ledger's addresses that would lose their entry if no guard stopped it. */
  readonly closing: readonly Cidr[];
  readonly letInCount: number;
  /** The parts of our entries that may go. */
  readonly goable: AddressSet;
}

function sortParts(input: PlanInput, wanted: readonly Address[]): Parts {
  const { state, journal, adopt } = input;
  const ledger = journal.available ? journal.ledger : [];
  const present = new Set(state.entries);
  const everWanted = new Set([...wanted.map(({ cidr }) => cidr), ...ledger.map(({ cidr }) => cidr)]);
  const owned = new Set(journal.available ? journal.owned.map(({ cidr }) => cidr) : []);
  const adopts =
    adopt && journal.available ? state.entries.filter(cidr => !owned.has(cidr) && everWanted.has(cidr)) : [];
  for (const cidr of adopts) owned.add(cidr);

  const ours = state.entries.filter(cidr => owned.has(cidr));
  const foreign = state.entries.filter(cidr => !owned.has(cidr));
  const oursSet = AddressSet.of(ours);
  const presentSet = AddressSet.of(state.entries);
  const wantedSet = AddressSet.of(wanted.map(({ cidr }) => cidr));

  const ripe = AddressSet.of(ledger.filter(row => isRipe(row, input)).map(({ cidr }) => cidr));
  // A ripe block may overlap one that Atlas dropped later: what is in grace stays, whatever it lies in.
  const unripe = AddressSet.of(ledger.filter(row => !isRipe(row, input)).map(({ cidr }) => cidr));
  // Somebody let in what is taken over only now, perhaps because Atlas calls from there: its grace begins now.
  const inGrace = unripe.union(AddressSet.of(adopts));
  const goable = ripe.intersection(oursSet).difference(wantedSet).difference(inGrace);
  const needed = ours.flatMap(cidr =>
    goable.overlaps(cidr) ? AddressSet.of([cidr]).difference(goable).toCidrs() : [cidr],
  );
  const wantedCidrs = [...new Set(wanted.map(({ cidr }) => cidr))].sort(compareCidrs);
  return {
    foreign,
    ours,
    adopts,
    needed,
    // Someone else's broader entry may go without notice, so it does not count as ours letting the address in.
    missing: wantedCidrs.filter(cidr => !present.has(cidr) && !oursSet.covers(cidr)),
    lockedOut: wantedCidrs.filter(cidr => !presentSet.covers(cidr) || state.decide?.(cidr) === 'shut-out'),
    closing: ledger.map(({ cidr }) => cidr).filter(cidr => goable.overlaps(cidr)),
    letInCount: ledger.filter(({ cidr }) => oursSet.overlaps(cidr)).length,
    goable,
  };
}

function isRipe(row: LedgerRow, { removal, nowMs }: PlanInput): boolean {
  return (
    row.absentSinceMs !== null &&
    row.absentReads >= Math.max(2, removal.minReads) &&
    nowMs - row.absentSinceMs >= removal.graceMs
  );
}

/** How much of the limit a list would take, with what is taken beside it. */
function measureWith({ gate, state }: PlanInput): GateLimits['measure'] {
  return entries => {
    const usage = gate.limits.measure(entries);
    return { ...usage, used: usage.used + (state.takenElsewhere ?? 0) };
  };
}

function makeStep(
  input: PlanInput,
  kind: PlanStep['kind'],
  from: readonly Cidr[],
  foreign: readonly Cidr[],
  ours: readonly Cidr[],
): PlanStep | undefined {
  const before = new Set(from);
  // A list that has all that is needed is left as it is, merged or not.
  if (kind === 'add' && ours.every(cidr => before.has(cidr))) return undefined;
  const { entries: to, usage } = pack(foreign, ours, measureWith(input));
  const after = new Set(to);
  const adds = to.filter(cidr => !before.has(cidr));
  const removes = from.filter(cidr => !after.has(cidr));
  if (adds.length === 0 && removes.length === 0) return undefined;
  return { kind, from, to, adds, removes, usage };
}

function describeEntries(
  input: PlanInput,
  wanted: readonly Address[],
  parts: Parts,
  closes: boolean,
): readonly PlanEntry[] {
  const provenanceOf = provenanceLookup(wanted, input);
  const rowsOf = overlapIndex(input.journal.available ? input.journal.ledger : [], row => row.cidr);
  const wantedSet = AddressSet.of(wanted.map(({ cidr }) => cidr));
  const ours = new Set(parts.ours);
  const opens = parts.missing.map((cidr): PlanEntry => {
    const provenance = provenanceOf(cidr);
    return { cidr, action: 'open', because: because(provenance), owner: 'postern', provenance };
  });
  const present = input.state.entries.map((cidr): PlanEntry => {
    const owner = ours.has(cidr) ? ('postern' as const) : ('foreign' as const);
    const provenance = provenanceOf(cidr);
    const action = actionOf(cidr, owner, wantedSet, parts, closes);
    if (action === 'leave') return { cidr, action, because: "not Postern's", owner, provenance };
    if (action === 'keep') return { cidr, action, because: because(provenance), owner, provenance };
    return { cidr, action, owner, provenance, ...absence(rowsOf(cidr), input, action) };
  });
  return [...opens, ...present].sort((a, b) => compareCidrs(a.cidr, b.cidr));
}

function actionOf(
  cidr: Cidr,
  owner: PlanEntry['owner'],
  wanted: AddressSet,
  parts: Parts,
  closes: boolean,
): EntryAction {
  if (wanted.covers(cidr)) return 'keep';
  if (owner === 'foreign') return 'leave';
  return closes && parts.goable.overlaps(cidr) ? 'close' : 'retain';
}

/** Why an entry is retained or closed: how long it is absent, and what it waits for. */
function absence(
  rows: readonly LedgerRow[],
  { removal, nowMs }: PlanInput,
  action: EntryAction,
): Pick<PlanEntry, 'because' | 'absentSinceMs' | 'closesAtMs'> {
  const absent = rows.filter(row => row.absentSinceMs !== null);
  // An entry of several addresses goes when its last one may.
  const last = absent.reduce<LedgerRow | undefined>(
    (latest, row) => (latest === undefined || row.absentSinceMs! > latest.absentSinceMs! ? row : latest),
    undefined,
  );
  if (last === undefined || last.absentSinceMs === null) {
    return { because: 'no complete reading has lacked it yet' };
  }
  const closesAtMs = last.absentSinceMs + removal.graceMs;
  const dates = { absentSinceMs: last.absentSinceMs, closesAtMs };
  const partly = absent.length < rows.length;
  if (action === 'close') {
    const because = partly
      ? 'replaced by the parts of it that are needed'
      : 'absent for longer than the grace period';
    return { because, ...dates };
  }
  if (partly) return { because: 'a part of it is wanted', ...dates };
  if (closesAtMs > nowMs) return { because: 'in grace', ...dates };
  const reads = Math.max(2, removal.minReads);
  if (last.absentReads < reads) {
    return { because: `absent in ${last.absentReads} of ${reads} complete readings`, ...dates };
  }
  return { because: 'held back by a guard', ...dates };
}

function provenanceLookup(
  wanted: readonly Address[],
  { journal }: PlanInput,
): (cidr: Cidr) => readonly Provenance[] {
  const exact = new Map<Cidr, Provenance[]>();
  for (const { cidr, provenance } of wanted) {
    const list = exact.get(cidr);
    if (list) list.push(provenance);
    else exact.set(cidr, [provenance]);
  }
  const remembered = new Map(journal.available ? journal.ledger.map(row => [row.cidr, row.provenance]) : []);
  const overlapping = overlapIndex(wanted, address => address.cidr);
  // A merged entry has the stories of all its parts.
  return cidr =>
    exact.get(cidr) ?? remembered.get(cidr) ?? overlapping(cidr).map(({ provenance }) => provenance);
}

function because(provenance: readonly Provenance[]): string {
  const reasons = new Set(provenance.map(describeProvenance));
  return reasons.size === 0 ? 'wanted' : `wanted by ${[...reasons].join(', ')}`;
}

/** Where an address comes from, in a few words: `control-plane aws us-east-1`, `nodes orders (future)`. */
export function describeProvenance(provenance: Provenance): string {
  const { feed, cloud, region, cluster, projectId, gateway, note, future } = provenance;
  const where = [cloud, region, gateway && `gateway ${gateway}`, cluster ?? projectId, note];
  const name = feed.startsWith('nodes:') ? 'nodes' : feed;
  return [name, ...where, future ? '(future)' : undefined].filter(Boolean).join(' ');
}

function onlyRemovals(trip: GuardTrip): GuardTrip {
  return { ...trip, blocks: 'removals', message: `What is due to go stays for now. ${trip.message}` };
}

function observeGuard(gateName: string): GuardTrip {
  return {
    guard: 'policy',
    blocks: 'write',
    message: `The policy of gate ${gateName} is observe: nothing is written.`,
    remedy: 'Set `policy: add-only` or `policy: sync` on the gate, or run apply with --policy.',
  };
}

function dedupe(guards: readonly GuardTrip[]): readonly GuardTrip[] {
  const seen = new Map(guards.map(trip => [`${trip.guard} ${trip.message}`, trip]));
  return [...seen.values()];
}
