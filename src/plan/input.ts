/** Everything a plan is made from. All of it is handed in: a plan reads no clock, no file and no network. */
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { KmsAlert } from '../atlas/alerts.ts';
import type { Observation } from '../atlas/observation.ts';
import type { Finding } from '../finding.ts';
import type { Gate, GateState } from '../gates/gate.ts';
import type { Approval, LedgerRow, OwnedEntry } from '../journal/journal.ts';
import type { Policy } from './plan.ts';
import type { RemovalPolicy } from './removal-policy.ts';

export interface FeedReading {
  readonly feed: FeedId;
  /** This run's reading, complete or not. */
  readonly newest: Observation;
  /** The newest complete observation that the journal has, from before this run. */
  readonly base: Observation | undefined;
  /** The most addresses that a complete observation listed within the shrink window; undefined when unknown. */
  readonly peakCount: number | undefined;
}

/** What Atlas itself says about the key of one project: the check that a removal must pass. */
export interface KeyVerdict {
  readonly projectId: string;
  /** `valid`: Atlas can encrypt and decrypt with it. `unknown`: it could not be asked, or does not use this gate. */
  readonly verdict: 'valid' | 'invalid' | 'unknown';
  /** A sentence fragment, for `invalid` and `unknown`. */
  readonly because?: string;
}

/** What Atlas has open against the KMS of one project. It does not say which, where a project has several. */
export type KmsAlerts =
  | { readonly projectId: string; readonly known: true; readonly open: readonly KmsAlert[] }
  | {
      readonly projectId: string;
      readonly known: false;
      /** A sentence fragment. */
      readonly because: string;
      /** Atlas does not let these credentials ask, which does not pass by itself. */
      readonly isRefused: boolean;
    };

/** What the journal tells about this gate; without a journal nothing is ours, and nothing is removed. */
export type JournalView =
  | {
      readonly available: true;
      /** Advanced by this run's readings already (`advanceLedger`). */
      readonly ledger: readonly LedgerRow[];
      readonly owned: readonly OwnedEntry[];
      /** When Postern last added to this gate; undefined when it never did. */
      readonly lastAddAtMs: number | undefined;
      /** When Postern last removed from this gate, and it was let stand; undefined when it never did. */
      readonly lastRemovalAtMs: number | undefined;
      /** Approvals of removals from this gate, expired ones too. */
      readonly approvals: readonly Approval[];
      /** The latest time that the journal holds; a clock that shows less has gone backwards. */
      readonly newestAtMs: number;
      /** Until when a removal that was begun may yet turn out to have taken effect; undefined: none is open. */
      readonly unsettledUntilMs: number | undefined;
      /** How many of Postern's recent additions someone has undone, where they are wanted still. */
      readonly undoneWrites: number;
      /** The list was in force and was taken out of it, and nothing has put it in force since; and why it was. */
      readonly withdrawn: { readonly atMs: number; readonly because: string } | undefined;
    }
  | { readonly available: false; readonly reason: string };

export interface PlanInput {
  readonly gate: Pick<Gate, 'id' | 'kind' | 'name' | 'limits'>;
  readonly state: GateState;
  readonly feeds: readonly FeedReading[];
  /** The operator says keep; let in whether a feed lists it or not. */
  readonly pinned: readonly Cidr[];
  /** Take entries that someone else put in, and that Atlas wants or wanted, into Postern's care. */
  readonly adopt: boolean;
  readonly policy: Policy;
  readonly removal: RemovalPolicy;
  readonly journal: JournalView;
  readonly verdicts: readonly KeyVerdict[];
  readonly alerts: readonly KmsAlerts[];
  /** The operator has looked at a feed that shrank and believes it. */
  readonly acceptShrink: boolean;
  /** The operator puts a list in force that was taken out of it, or that Atlas cannot confirm. */
  readonly acceptFirstWrite: boolean;
  /** What came up while gathering, to be shown with the plan. */
  readonly findings: readonly Finding[];
  readonly nowMs: number;
}
