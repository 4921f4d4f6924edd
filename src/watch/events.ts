/** What the daemon tells while it works: for logs, the terminal, notifiers, server-sent events and metrics. */
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Severity } from '../finding.ts';
import type { Plan } from '../plan/plan.ts';
import type { Coverage } from '../reconcile/coverage.ts';
import type { RunEvent, RunStatus, RunWrite } from '../reconcile/run.ts';

/**
 * Why a gate is looked at. `start`: for the first time. `interval`: its time had come. `feed-changed`: a feed
 * of its lists something else. `hint`: something outside says that it may be worth a look. `retry`: the last
 * run failed. `soak`: a removal of it, or its first write, is
 * still on probation. `asked`: an operator asked.
 */
export const runReasons = ['start', 'interval', 'feed-changed', 'hint', 'retry', 'soak', 'asked'] as const;
export type RunReason = (typeof runReasons)[number];

export const hintSources = ['webhook', 'events', 'operator'] as const;
export type HintSource = (typeof hintSources)[number];

/** Something outside says that addresses may have changed. Never believed: it only makes Postern read sooner. */
export interface Hint {
  readonly source: HintSource;
  /** The Atlas project it speaks of; undefined: all of them, and the control plane. */
  readonly projectId?: string;
  /** Such as an event's type: for the log only. */
  readonly because: string;
}

/** One run over one gate, as it ended. */
export interface RunSummary {
  readonly runId: string;
  readonly gate: string;
  readonly gateId: string | undefined;
  readonly status: RunStatus;
  /** One or two sentences for a person. */
  readonly message: string;
  readonly remedy?: string;
  readonly writes: readonly RunWrite[];
  /** Undefined when it did not come to a plan. */
  readonly coverage: Coverage | undefined;
  readonly missing: readonly Cidr[];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** What happened. `gate` is the operator's name for it; `runId` ties together what belongs to one run. */
export type WatchHappening =
  | { readonly kind: 'started'; readonly gates: readonly string[]; readonly feeds: readonly FeedId[] }
  | { readonly kind: 'stopping'; readonly because: string; readonly inHand: number }
  /** `unfinished`: runs that did not end in time; the next process settles what they had begun. */
  | { readonly kind: 'stopped'; readonly unfinished: number }
  | {
      readonly kind: 'feed-read';
      readonly feed: FeedId;
      readonly complete: boolean;
      readonly addresses: number;
      readonly faults: readonly string[];
      /** Against the reading before and the newest complete one; the first one has none to compare with. */
      readonly added: readonly Cidr[];
      readonly gone: readonly Cidr[];
      readonly tookMs: number;
    }
  | {
      readonly kind: 'run-started';
      readonly runId: string;
      readonly gate: string;
      readonly because: RunReason;
    }
  | {
      readonly kind: 'run-step';
      readonly runId: string;
      readonly gate: string;
      readonly step: RunEvent;
    }
  | {
      readonly kind: 'run-ended';
      readonly runId: string;
      readonly gate: string;
      readonly summary: RunSummary;
      /** The plan that it came to, where it did. */
      readonly plan: Plan | undefined;
      readonly consecutiveFailures: number;
      readonly nextAtMs: number;
    }
  /** A removal was put back: Atlas did not confirm it, or a sign of trouble came within its soak. Page someone. */
  | {
      readonly kind: 'removal-restored';
      readonly runId: string;
      readonly gate: string;
      readonly message: string;
      readonly addresses: readonly Cidr[];
    }
  /** A list was put in force, did not stand, and was taken out of force. Page someone. */
  | {
      readonly kind: 'first-write-withdrawn';
      readonly runId: string;
      readonly gate: string;
      readonly message: string;
    }
  /** Every gate was looked at since the last one. `healthy`: every feed complete, every gate let in and in step. */
  | { readonly kind: 'cycle-ended'; readonly healthy: boolean; readonly because: readonly string[] }
  | { readonly kind: 'hinted'; readonly hint: Hint; readonly reads: boolean }
  | { readonly kind: 'events-read'; readonly projectId: string; readonly fault: string }
  | { readonly kind: 'journal-lost'; readonly because: string }
  | { readonly kind: 'journal-back'; readonly location: string; readonly drained: number }
  /** The file was deleted or replaced under the daemon. `rescued`: what it held was written back. */
  | { readonly kind: 'journal-moved'; readonly rescued: boolean; readonly message: string }
  | {
      readonly kind: 'config-reloaded';
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
      readonly untouched: readonly string[];
    }
  | { readonly kind: 'config-refused'; readonly message: string }
  | { readonly kind: 'clock-jumped'; readonly byMs: number }
  | { readonly kind: 'run-hangs'; readonly runId: string; readonly gate: string; readonly sinceMs: number }
  | {
      readonly kind: 'approved';
      readonly gate: string;
      readonly by: string;
      readonly reason: string;
      readonly addresses: readonly Cidr[];
    }
  /** With a fleet: this worker takes its gates from the same queue as the others. */
  | { readonly kind: 'fleet-shares' }
  /** The database of the fleet is away: this worker looks after every gate by itself, and only adds. */
  | { readonly kind: 'fleet-alone'; readonly because: string }
  /** Sharing the work met a fault, and goes on. */
  | { readonly kind: 'fleet-fault'; readonly because: string }
  | { readonly kind: 'ping-failed'; readonly because: string }
  /** Something threw that should not have: counted, and the daemon goes on. */
  | { readonly kind: 'internal-fault'; readonly where: string; readonly message: string };

export type WatchEvent = WatchHappening & {
  /** Counts up from 1 in this process; for `Last-Event-ID`. */
  readonly sequence: number;
  readonly atMs: number;
  readonly severity: Severity;
};
export type WatchEventKind = WatchEvent['kind'];

/** Called for each event, in order. What it throws is counted and reaches no other listener. */
export type WatchListener = (event: WatchEvent) => void;
