/**
 * The journal: what Postern must not forget. Observations, which addresses each gate has wanted and since
 * when they are absent, which entries are ours, every write with before and after. Asynchronous, so that
 * SQLite and PostgreSQL can both stand behind it.
 */
import type { FeedId, Provenance } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Observation } from '../atlas/observation.ts';
import type { Coverage } from '../gates/gate.ts';

/** One address that a gate has wanted, now or before: the clock of its removal. */
export interface LedgerRow {
  readonly cidr: Cidr;
  readonly provenance: readonly Provenance[];
  readonly firstWantedAtMs: number;
  readonly lastWantedAtMs: number;
  /** Since when complete readings do not list it; null while it is wanted. */
  readonly absentSinceMs: number | null;
  /** In how many complete readings it was absent, one after another. */
  readonly absentReads: number;
  /** When the last reading counted in `absentReads` was made; null while it is wanted. */
  readonly lastAbsentReadAtMs: number | null;
}

/** An entry of a gate's list that Postern wrote, or was told to look after. */
export interface OwnedEntry {
  readonly cidr: Cidr;
  readonly how: 'written' | 'adopted';
  readonly sinceMs: number;
}

/**
 * `enforce`: an addition that puts the list in force, and so takes access from whoever is not in it.
 * `withdraw`: the undoing of one; the list is gone, and whoever was let in before it is let in again.
 */
export const writeKinds = ['add', 'remove', 'restore', 'undo', 'enforce', 'withdraw'] as const;
export type WriteKind = (typeof writeKinds)[number];

/** Journalled, and on disk, before the first byte of a write leaves the process. */
export interface WriteIntent {
  readonly gateId: string;
  readonly gateName: string;
  readonly kind: WriteKind;
  /** The whole list before, and the whole list that is to be. */
  readonly before: readonly Cidr[];
  readonly target: readonly Cidr[];
  /** The checksum of the plan that this write carries out. */
  readonly planChecksum: string;
  /** Who runs it, such as `alice@host (pid 42)`, and why, one sentence. */
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/**
 * `applied`: read back and equal to the target. `not-applied`: the list is as it was.
 * `partly`: the list is neither; someone else wrote too. `reverted`: applied, then restored.
 */
export const writeOutcomes = ['applied', 'not-applied', 'partly', 'reverted'] as const;
export type WriteOutcome = (typeof writeOutcomes)[number];

export interface WriteRecord extends WriteIntent {
  readonly id: number;
  /** Null while nobody knows: the process died, or the gate could not be read back. */
  readonly outcome: WriteOutcome | null;
  readonly after: readonly Cidr[] | null;
  readonly finishedAtMs: number | null;
  readonly error: string | null;
}

/** Someone's yes to the removal of exactly these addresses from a gate. */
export interface Approval {
  readonly id: number;
  readonly gateId: string;
  readonly gateName: string;
  /** Every address that may go, no more and no less. */
  readonly cidrs: readonly Cidr[];
  /** The checksum of the plan that was looked at: for the record. */
  readonly planChecksum: string;
  /** Who said yes, and why. */
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** From then on it counts no more. */
  readonly expiresAtMs: number;
}

export interface LockHolder {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  readonly sinceMs: number;
}

/** How a gate stood from a time on, until the next change. */
export interface CoverageChange {
  readonly atMs: number;
  readonly coverage: Coverage;
  /** How many wanted addresses were not let in. */
  readonly missing: number;
}

/** What a run found of a gate before it writes anything. */
export interface GateReading {
  /** As in `saveLedger`; undefined: it stays as it is. */
  readonly ledger: readonly LedgerRow[] | undefined;
  /** Entries of ours that the gate has no more: whoever puts one of them back, it is theirs. Default: none. */
  readonly lost?: readonly Cidr[];
  /** As in `recordCoverage`. */
  readonly coverage: CoverageChange;
  /** `json` is asked for only where the plan would write another thing than the one before it. */
  readonly plan: { readonly checksum: string; readonly atMs: number; json(): string };
}

/** Proves to the journal that its caller is the one that holds the gate's lock now. */
export type LockToken = string;

/** A gate's lock in our hands. */
export interface HeldLock {
  readonly acquired: true;
  readonly takenFrom?: LockHolder;
  readonly token: LockToken;
  /**
   * Whether it is certain that nobody else has the lock yet, as far as this process can tell without asking:
   * asked just before a write is sent. False for good once the journal says that another has it.
   */
  isCertain(): boolean;
  /** Gives it up. Whoever lost it meanwhile takes nothing from the new holder. */
  release(): Promise<void>;
}

export type LockResult = HeldLock | { readonly acquired: false; readonly holder: LockHolder };

export interface WriteFilter {
  readonly gateId?: string;
  readonly kinds?: readonly WriteKind[];
  /** Without those that are known to have done nothing. */
  readonly tookEffect?: boolean;
  readonly limit: number;
}

export interface Journal {
  /** Where it is, for messages: a path or a database's host and name, never a secret. */
  readonly location: string;
  /** How long a silent holder elsewhere keeps a gate's lock: what `lock` is to be asked for. */
  readonly lockLeaseMs: number;

  /** @param nowMs by the clock of who records it; default: it is recorded as it is made */
  recordObservation(observation: Observation, nowMs?: number): Promise<void>;
  /** The newest complete observation of a feed, with its addresses: see arrival.ts. */
  lastComplete(feed: FeedId): Promise<Observation | undefined>;
  /** The largest number of distinct addresses in a complete observation of the feed since `sinceMs`; 0 if none. */
  peakCount(feed: FeedId, sinceMs: number): Promise<number>;
  /** Newest first. */
  observations(filter: { feed?: FeedId; limit: number }): Promise<readonly Omit<Observation, 'addresses'>[]>;

  ledger(gateId: string): Promise<readonly LedgerRow[]>;
  /**
   * Replaces the gate's ledger in one transaction.
   *
   * @param lock when given, fails with a LockLostError, and changes nothing, unless it is the gate's lock still
   */
  saveLedger(gateId: string, rows: readonly LedgerRow[], lock?: LockToken): Promise<void>;

  /**
   * All that a run found of a gate, in one transaction. The newest may be lost when the power fails, unless it takes
   * something away from a removal: then a removal comes later, and nothing else.
   *
   * @param lock as in `saveLedger`
   */
  recordReading(gateId: string, reading: GateReading, lock?: LockToken): Promise<void>;

  owned(gateId: string): Promise<readonly OwnedEntry[]>;
  /**
   * Takes entries that are in the gate, and that the ledger knows, into our care. Known ones stay as they are.
   *
   * @param lock as in `saveLedger`
   */
  adopt(gateId: string, cidrs: readonly Cidr[], atMs: number, lock?: LockToken): Promise<void>;

  /**
   * Durable when it resolves.
   *
   * @param lock as in `saveLedger`: who was paused and woke up finds out here that another carries on
   */
  beginWrite(intent: WriteIntent, lock?: LockToken): Promise<number>;
  /**
   * Closes a write and sets what is ours, in one transaction:
   * `owned = (owned ∪ (target − before)) ∩ after`; when `after` is null, nothing changes hands.
   * A write that is closed already stays as it is.
   */
  finishWrite(
    id: number,
    result: {
      readonly outcome: WriteOutcome;
      readonly after: readonly Cidr[] | null;
      readonly atMs: number;
      readonly error?: string;
    },
  ): Promise<void>;
  /** Oldest first: writes whose outcome nobody recorded. */
  unfinishedWrites(gateId: string): Promise<readonly WriteRecord[]>;
  /** Newest first. */
  writes(filter: WriteFilter): Promise<readonly WriteRecord[]>;

  plans(filter: {
    gateId?: string;
    limit: number;
  }): Promise<readonly { gateId: string; checksum: string; atMs: number; json: string }[]>;

  /** How a gate stands; kept only where it is another than before, so that it can be told for months. */
  recordCoverage(gateId: string, change: CoverageChange): Promise<void>;
  /** Oldest first: how the gate stood at `sinceMs`, where that is known, and every change from then on. */
  coverage(filter: { gateId: string; sinceMs: number }): Promise<readonly CoverageChange[]>;

  /**
   * What some part of Postern wants to know again after a restart, by a name of its own. The newest may be lost when
   * the power fails.
   */
  recall(key: string): Promise<unknown>;
  remember(key: string, value: unknown): Promise<void>;
  /** All that was remembered under names that begin so, by name. */
  recallAll(prefix: string): Promise<ReadonlyMap<string, unknown>>;
  forget(key: string): Promise<void>;

  /** Durable when it resolves; gives its id. */
  approve(approval: Omit<Approval, 'id'>): Promise<number>;
  /** Newest first, expired ones too. */
  approvals(filter: { gateId?: string; limit: number }): Promise<readonly Approval[]>;

  /**
   * Takes the gate's lock, or tells who has it. In a file, a holder on this host is replaced once its process
   * is gone, and a holder elsewhere once its lease is over. In a database, every holder has a lease, which is
   * renewed by itself for as long as the lock is held, and measured by the database's clock alone.
   */
  lock(gateId: string, holder: LockHolder, leaseMs: number): Promise<LockResult>;

  close(): Promise<void>;
}
