/**
 * What one run over one gate is given. The reconciler is the one place that sees feeds, gate and journal
 * together; all of them, and time, are handed in.
 */
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Clock } from '../clock.ts';
import type { Gate } from '../gates/gate.ts';
import type { HeldLock, WriteKind } from '../journal/journal.ts';
import type { FeedReading, KeyVerdict, KmsAlerts } from '../plan/input.ts';
import type { Plan, Policy } from '../plan/plan.ts';
import type { RemovalPolicy } from '../plan/removal-policy.ts';
import type { Fence } from './fence.ts';
import type { GuardedJournal } from './guarded-journal.ts';

/** What the operator asks of one gate. */
export interface GateSettings {
  readonly projects: readonly string[];
  readonly pinned: readonly Cidr[];
  readonly adopt: boolean;
  readonly policy: Policy;
  readonly removal: RemovalPolicy;
  readonly acceptShrink: boolean;
  readonly acceptFirstWrite: boolean;
}

/** An event or an alert of Atlas that says that a key, or the way to it, does not work. */
export interface SignOfTrouble {
  readonly projectId: string;
  readonly atMs: number;
  /** Such as `ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED`. */
  readonly what: string;
}

export interface Run {
  readonly gate: Gate;
  readonly settings: GateSettings;
  readonly clock: Clock;
  readonly journal: GuardedJournal;
  /** The gate's lock while this run works under it; what the run writes down proves it with its token. */
  readonly lock?: HeldLock;
  /** Where the gate's transport asks; absent where nothing can be sent. */
  readonly fence?: Fence;
  /** This run's reading of the gate's feeds; never throws, a feed that fails gives an incomplete reading. */
  readFeeds(): Promise<readonly FeedReading[]>;
  /** Asks Atlas about the key of each of the gate's projects, each time anew; never throws. */
  readVerdicts(): Promise<readonly KeyVerdict[]>;
  /** Asks Atlas for the open alerts on the KMS of each of the gate's projects, each time anew; never throws. */
  readAlerts(): Promise<readonly KmsAlerts[]>;
  /**
   * Signs of trouble that Atlas has shown for the gate's projects since a time: what a removal on probation is
   * held against. Absent where nobody looks for them; never throws.
   */
  readSigns?(sinceMs: number): Promise<readonly SignOfTrouble[]>;
  /** Aborted when the process is asked to end, or the gate's config is no longer in force: a run starts no new write then, and finishes the one in hand. */
  readonly signal?: AbortSignal;
  /** Who runs it, for the journal: `alice@host (pid 42)`. */
  readonly by: string;
  readonly command: string;
  report(event: RunEvent): void;
}

/** What happens, as it happens: for a live line in a terminal, and for logs. */
export type RunEvent =
  | { readonly kind: 'reading-feeds' }
  | {
      readonly kind: 'feed-read';
      readonly feed: FeedId;
      readonly addresses: number;
      readonly faults: readonly string[];
    }
  | { readonly kind: 'reading-gate' }
  | { readonly kind: 'recovered'; readonly write: WriteKind; readonly outcome: string }
  | { readonly kind: 'lock-taken-over'; readonly from: string }
  | { readonly kind: 'planned'; readonly plan: Plan }
  | { readonly kind: 'writing'; readonly write: WriteKind; readonly adds: number; readonly removes: number }
  | { readonly kind: 'written'; readonly write: WriteKind; readonly entries: number }
  | { readonly kind: 'verifying' }
  | { readonly kind: 'verified'; readonly projects: number }
  | { readonly kind: 'restoring'; readonly because: string }
  | { readonly kind: 'conflict'; readonly attempt: number; readonly because: string }
  | { readonly kind: 'journal-unavailable'; readonly because: string };

/**
 * How a run over one gate ended. `unchanged`: nothing to do. `changed`: everything planned was written.
 * `refused`: a guard, a moved plan, a lock, or the operator stopped it; nothing was written.
 * `restored`: a removal was put back, or the list taken out of force, because Atlas did not confirm it.
 * `failed`: an error; what was written before it stands in `writes`.
 */
export const runStatuses = ['unchanged', 'changed', 'refused', 'restored', 'failed'] as const;
export type RunStatus = (typeof runStatuses)[number];

export interface RunWrite {
  readonly kind: WriteKind;
  readonly adds: readonly Cidr[];
  readonly removes: readonly Cidr[];
}

export interface RunResult {
  readonly gate: { readonly id: string; readonly name: string };
  readonly status: RunStatus;
  /** One or two sentences for a person. */
  readonly message: string;
  readonly remedy?: string;
  readonly plan?: Plan;
  readonly writes: readonly RunWrite[];
  readonly error?: unknown;
}
