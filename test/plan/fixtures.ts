/** Small worlds for plan tests: one gate, one or two feeds, a journal's view. */
import type { Address, FeedId } from '../../src/address/address.ts';
import { type Cidr, parseCidr } from '../../src/address/cidr.ts';
import type { Observation } from '../../src/atlas/observation.ts';
import type { GateLimits, GateState, Revision } from '../../src/gates/gate.ts';
import type { LedgerRow, OwnedEntry } from '../../src/journal/journal.ts';
import type { FeedReading, JournalView, PlanInput } from '../../src/plan/input.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';

export const dayMs = 24 * 60 * 60 * 1000;
export const nowMs = Date.UTC(2026, 7, 11, 14, 5);
export const projectId = 'aaaaaaaaaaaaaaaaaaaaaaaa';

export const cidr = (text: string): Cidr => parseCidr(text, { bare: 'host' });
export const cidrs = (...texts: readonly string[]): readonly Cidr[] => texts.map(cidr);

export const limitsOf = (maxEntries: number, settleMs = 0): GateLimits => ({
  families: [4],
  settleMs,
  measure: entries => ({ used: entries.length, limit: maxEntries, unit: 'entries' }),
});

export function stateOf(entries: readonly Cidr[], more: Partial<GateState> = {}): GateState {
  return { entries, revision: `r${entries.join()}` as Revision, lets: 'listed', findings: [], ...more };
}

/** Of a list that is in force; or of one that is not, where everyone is let in until the next write. */
export function stateInForce(entries: readonly Cidr[], inForce: boolean): GateState {
  return stateOf(entries, {
    revision: `${inForce} ${entries.join()}` as Revision,
    ...(!inForce && { lets: 'everyone', nextWriteShutsOut: true }),
  });
}

export function addressesOf(feed: FeedId, list: readonly Cidr[]): readonly Address[] {
  return list.map(each => ({ cidr: each, provenance: { feed, direction: 'outbound', future: false } }));
}

export function observation(
  feed: FeedId,
  list: readonly Cidr[],
  more: Partial<Observation> = {},
): Observation {
  return {
    id: `${feed}@${more.atMs ?? nowMs}`,
    feed,
    atMs: nowMs,
    complete: true,
    faults: [],
    addresses: addressesOf(feed, list),
    sections: { all: list.length },
    findings: [],
    ...more,
  };
}

export const incomplete = (feed: FeedId, list: readonly Cidr[]): Observation =>
  observation(feed, list, {
    complete: false,
    faults: [{ kind: 'emptied-section', place: 'outbound.gcp', message: 'outbound.gcp is empty.' }],
  });

export const reading = (newest: Observation, more: Partial<FeedReading> = {}): FeedReading => ({
  feed: newest.feed,
  newest,
  base: undefined,
  peakCount: newest.addresses.length,
  ...more,
});

/** A row of an address that is wanted, or that complete readings have lacked since `absentSinceMs`. */
export function row(each: Cidr, more: Partial<LedgerRow> = {}): LedgerRow {
  return {
    cidr: each,
    provenance: [{ feed: 'control-plane', direction: 'outbound', future: false }],
    firstWantedAtMs: nowMs - 100 * dayMs,
    lastWantedAtMs: nowMs,
    absentSinceMs: null,
    absentReads: 0,
    lastAbsentReadAtMs: null,
    ...more,
  };
}

/** Absent for long enough, in enough readings, to be removed. */
export const ripe = (each: Cidr, more: Partial<LedgerRow> = {}): LedgerRow =>
  row(each, {
    lastWantedAtMs: nowMs - 9 * dayMs,
    absentSinceMs: nowMs - 8 * dayMs,
    absentReads: 50,
    lastAbsentReadAtMs: nowMs - dayMs / 2,
    ...more,
  });

export const ownedOf = (list: readonly Cidr[]): readonly OwnedEntry[] =>
  list.map(each => ({ cidr: each, how: 'written', sinceMs: nowMs - 100 * dayMs }));

export const journalOf = (
  owned: readonly Cidr[],
  ledger: readonly LedgerRow[],
  more: Partial<Extract<JournalView, { available: true }>> = {},
): JournalView => ({
  available: true,
  ledger,
  owned: ownedOf(owned),
  lastAddAtMs: nowMs - 100 * dayMs,
  newestAtMs: nowMs - 1,
  unsettledUntilMs: undefined,
  lastRemovalAtMs: undefined,
  approvals: [],
  undoneWrites: 0,
  withdrawn: undefined,
  ...more,
});

export function planInput(more: Partial<PlanInput> = {}): PlanInput {
  return {
    gate: { id: 'azure-key-vault:/v', kind: 'azure-key-vault', name: 'vault', limits: limitsOf(1000) },
    state: stateOf([]),
    feeds: [],
    pinned: [],
    adopt: false,
    policy: 'sync',
    removal: defaultRemovalPolicy,
    journal: journalOf([], []),
    verdicts: [{ projectId, verdict: 'valid' }],
    alerts: [{ projectId, known: true, open: [] }],
    acceptShrink: false,
    acceptFirstWrite: false,
    findings: [],
    nowMs,
    ...more,
  };
}
