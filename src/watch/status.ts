/** The daemon's state at one moment, as plain data: for the HTTP API, metrics, notifiers and the dashboard. */
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Finding } from '../finding.ts';
import type { GateKind, GateUsage, Lets } from '../gates/gate.ts';
import type { GuardTrip, Policy } from '../plan/plan.ts';
import type { Coverage } from '../reconcile/coverage.ts';
import type { HintSource, RunSummary } from './events.ts';

export const watchStates = ['starting', 'running', 'stopping', 'stopped'] as const;
export type WatchState = (typeof watchStates)[number];

/** All times are epoch milliseconds; undefined where it has not happened. */
export interface WatchStatus {
  readonly state: WatchState;
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly config: ConfigStatus;
  readonly journal: JournalStatus;
  /** In the order of the config: `control-plane` first. */
  readonly feeds: readonly FeedStatus[];
  readonly gates: readonly GateStatus[];
  readonly totals: WatchTotals;
  /** The newest per endpoint and scope, as Atlas's `RateLimit-*` headers had it. */
  readonly rateLimits: readonly RateLimitStatus[];
  readonly lastHint: { readonly source: HintSource; readonly atMs: number } | undefined;
  /** When every gate had been looked at, and all was well. */
  readonly lastHealthyCycleAtMs: number | undefined;
}

export interface ConfigStatus {
  readonly path: string | undefined;
  readonly loadedAtMs: number;
  /** Why the newest config was refused; the one before is in force. */
  readonly fault: string | undefined;
}

export interface JournalStatus {
  readonly location: string;
  readonly available: boolean;
  /** Why it cannot be used. Additions go on without it; removals wait. */
  readonly because: string | undefined;
  readonly sinceMs: number;
}

export interface FeedStatus {
  readonly feed: FeedId;
  /** How many addresses the newest reading lists. */
  readonly addresses: number | undefined;
  readonly complete: boolean | undefined;
  readonly faults: readonly string[];
  readonly lastReadAtMs: number | undefined;
  readonly lastCompleteAtMs: number | undefined;
  readonly nextAtMs: number;
  readonly consecutiveFaults: number;
  /** Clusters that are being created or changed, or have future addresses: such a feed is read more often. */
  readonly isChanging: boolean;
}

export interface PendingRemoval {
  /** The entry of the list. */
  readonly cidr: Cidr;
  readonly absentSinceMs: number | undefined;
  /** When its grace ends; undefined when no complete reading has lacked it yet. */
  readonly closesAtMs: number | undefined;
  readonly because: string;
}

export interface BackOff {
  readonly untilMs: number;
  /** The fault looks as if it stayed until someone mends it, such as a right that is lacking. */
  readonly isLasting: boolean;
  readonly because: string;
}

export interface GateStatus {
  readonly name: string;
  readonly kind: GateKind;
  /** Undefined until it could be opened. */
  readonly id: string | undefined;
  readonly policy: Policy;
  readonly projects: readonly string[];
  readonly isRunning: boolean;
  /** Of the newest plan; undefined until there is one. */
  readonly coverage: Coverage | undefined;
  readonly lets: Lets | undefined;
  readonly missing: readonly Cidr[];
  /** When the newest plan was made: what `coverage`, `missing` and so on are as of. */
  readonly plannedAtMs: number | undefined;
  readonly planChecksum: string | undefined;
  readonly pendingRemovals: readonly PendingRemoval[];
  /** Ripe addresses that only guards still hold: what an approval is for. */
  readonly closing: readonly Cidr[];
  readonly guards: readonly GuardTrip[];
  readonly findings: readonly Finding[];
  readonly usage: GateUsage | undefined;
  readonly lastRun: RunSummary | undefined;
  /** The newest run that brought the gate in step, or found it so. */
  readonly lastGoodRunAtMs: number | undefined;
  readonly lastWrite:
    | { readonly atMs: number; readonly kind: string; readonly addresses: number }
    | undefined;
  /** Past: its turn has come, and the run is not begun yet. */
  readonly nextAtMs: number;
  readonly consecutiveFailures: number;
  readonly backOff: BackOff | undefined;
  /**
   * Since when no run over the gate has come to a look: another process has it, or the run under way does not end.
   * Undefined when the newest run did, and when it failed: `consecutiveFailures` tells of that.
   */
  readonly unseenSinceMs: number | undefined;
  /** Until when the newest removal is on probation. */
  readonly soakUntilMs: number | undefined;
}

/** Since the process started. */
export interface WatchTotals {
  readonly requests: number;
  readonly retries: number;
  readonly bytesReceived: number;
  readonly feedReads: number;
  readonly incompleteReads: number;
  readonly runs: number;
  readonly failedRuns: number;
  readonly writes: number;
  readonly restores: number;
  readonly hints: number;
  readonly reloads: number;
  readonly refusedConfigs: number;
  readonly journalFailures: number;
  /** What threw though it should not have; each is logged. */
  readonly internalFaults: number;
}

export interface RateLimitStatus {
  /** With ids left out: `/api/atlas/v2/groups/{id}/events`. */
  readonly endpoint: string;
  /** The project, the organization, or empty. */
  readonly scope: string;
  readonly limit: number | undefined;
  readonly remaining: number;
  readonly atMs: number;
}
