/**
 * The plan: a pure result of (observations, gate state, journal, policy, now). It knows its own safety and
 * its own data form; the renderers only print it.
 */
import type { FeedId, Provenance } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Finding } from '../finding.ts';
import type { GateKind, GateUsage, Lets } from '../gates/gate.ts';

/** What a gate allows Postern to do: nothing (the default), only add, or add and remove. */
export const policies = ['observe', 'add-only', 'sync'] as const;
export type Policy = (typeof policies)[number];

/**
 * `open`: to be let in and not yet in the gate. `keep`: wanted or pinned, and there.
 * `retain`: was wanted, there, not yet to be removed. `close`: was wanted, there, to be removed now.
 * `leave`: foreign.
 */
export const entryActions = ['open', 'keep', 'retain', 'close', 'leave'] as const;
export type EntryAction = (typeof entryActions)[number];

export interface PlanEntry {
  readonly cidr: Cidr;
  readonly action: EntryAction;
  /** One sentence fragment: `wanted by control-plane aws us-east-1`, `absent for 2 days of 7`. */
  readonly because: string;
  readonly owner: 'postern' | 'foreign';
  readonly provenance: readonly Provenance[];
  readonly absentSinceMs?: number;
  /** When the grace period ends, for `retain`. */
  readonly closesAtMs?: number;
}

/** One write: the whole list before and after. `add` never takes away coverage; `remove` does. */
export interface PlanStep {
  readonly kind: 'add' | 'remove';
  readonly from: readonly Cidr[];
  readonly to: readonly Cidr[];
  readonly adds: readonly Cidr[];
  readonly removes: readonly Cidr[];
  readonly usage: GateUsage;
}

/** A guard that stopped something, with a sentence that says why and one that says what to do. */
export interface GuardTrip {
  readonly guard: string;
  readonly blocks: 'removals' | 'write';
  readonly message: string;
  readonly remedy: string;
}

export interface PlanFeed {
  readonly feed: FeedId;
  readonly atMs: number;
  readonly complete: boolean;
  readonly addresses: number;
  readonly faults: readonly string[];
}

export interface Plan {
  readonly version: 1;
  readonly gate: {
    readonly id: string;
    readonly kind: GateKind;
    readonly name: string;
    readonly lets: Lets;
  };
  readonly policy: Policy;
  readonly atMs: number;
  readonly feeds: readonly PlanFeed[];
  readonly entries: readonly PlanEntry[];
  /** Entries that someone else put in, and that Postern is told to look after from now on. */
  readonly adopts: readonly Cidr[];
  /** At most one `add` and then at most one `remove`; empty when there is nothing to do or a guard stopped it. */
  readonly steps: readonly PlanStep[];
  readonly guards: readonly GuardTrip[];
  readonly findings: readonly Finding[];
  /** How much of the gate's limit is taken now, and after the plan. */
  readonly usage: { readonly now: GateUsage; readonly after: GateUsage };
  /** Wanted addresses that the gate does not let in as it stands. */
  readonly missing: readonly Cidr[];
  /** Ripe addresses that would be removed if no guard stopped it, or are: what an approval is for. */
  readonly closing: readonly Cidr[];
  /** SHA-256 over what would be written and to what: gate, policy, steps. Equal checksums write the same bytes. */
  readonly checksum: string;
}

/** The write that lets in what is missing; undefined when nothing is, or nothing may be written. */
export function additionOf({ steps }: Pick<Plan, 'steps'>): PlanStep | undefined {
  return steps.find(({ kind }) => kind === 'add');
}
