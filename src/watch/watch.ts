/**
 * The daemon: when to look at which gate. It decides times and nothing else; what is done to a gate stands in
 * `reconcile/`. Time, randomness, network and journal are handed in, so that one seed replays a whole year.
 */
import type { AtlasCredentials } from '../atlas/index.ts';
import type { Clock } from '../clock.ts';
import type { Config, GateConfig } from '../config/config.ts';
import type { Gate } from '../gates/gate.ts';
import type { Journal } from '../journal/journal.ts';
import type { SpooledWrite } from '../journal/spool.ts';
import type { Plan } from '../plan/plan.ts';
import type { Transport, TransportMode } from '../transport/transport.ts';
import type { Hint, WatchListener } from './events.ts';
import type { Fleet, FleetOptions } from './fleet/index.ts';
import type { WatchStatus } from './status.ts';

/** Where the journal is, and how to have it. SQLite: `sqliteStore`. */
export interface JournalStore {
  /** For messages: never a secret. */
  readonly location: string;
  /** Throws a JournalError. Called again, with back-off, for as long as it does. */
  open(): Promise<Journal>;
  /** Keeps an addition that could not be journalled; throws when that cannot be done either. */
  spool(write: SpooledWrite): void;
  /** Journals what was spooled, and `kept` with it, in the order of time; throws what the journal throws. */
  drain(
    journal: Journal,
    onFault: (message: string) => void,
    kept?: readonly SpooledWrite[],
  ): Promise<number>;
  /** Whether what `open` gave is still what stands there; absent: always. */
  isInPlace?(): boolean;
  /** Writes what the open journal holds back to where its file was deleted. False when it cannot be done. */
  rescue?(): boolean;
}

export interface WatchOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** From 0 to 1: jitter, run ids, ids of readings. */
  readonly random: () => number;
  readonly store: JournalStore;
  /** The ways out of the process: `read-only` for Atlas and for gates on policy `observe`. */
  transport(mode: TransportMode, config: Config): Transport;
  /** Called again after a fault and after a reload, so that a rotated secret is noticed. Throws a ConfigError. */
  credentials(config: Config): AtlasCredentials;
  /** Throws when the gate cannot be had. Called again after each fault of the gate. */
  openGate(config: GateConfig, transport: Transport): Promise<Gate>;
  /** The secret URL of `watch.ping`. Throws a ConfigError when its reference leads nowhere. */
  pingUrl?(config: Config): string | undefined;
  /** Where workers share the gates over a database: says which of them looks at which gate, and when. */
  fleet?(tasks: FleetTasks): Fleet;
  /** For the journal, such as `postern@host (pid 42)`. */
  readonly by: string;
  readonly command: string;
}

/** What the daemon does for its fleet. */
export type FleetTasks = Pick<FleetOptions, 'gates' | 'work' | 'onEvent'>;

export interface Approving {
  readonly by: string;
  readonly reason: string;
  /** Default: three days. */
  readonly expiresInMs?: number;
}

export interface Watch {
  /** Runs until `stop`, or, with `once`, until every gate was looked at. Never throws; call it once. */
  run(options?: { readonly once?: boolean }): Promise<void>;
  /** Plain data, made anew at each call. */
  status(): WatchStatus;
  /** @returns a function that ends it */
  subscribe(listener: WatchListener): () => void;
  /** Something may have changed: reads sooner, debounced. Believes nothing; cheap to call often. */
  hint(hint: Hint): void;
  /** Looks at one gate, or all, now, with fresh readings. Throws a RangeError for a gate that is not there. */
  syncNow(gate?: string): void;
  /** The newest plan of a gate, whoever of a fleet made it. Throws as the journal does. */
  planOf(gate: string): Promise<Plan | undefined>;
  /**
   * Approves the removal of exactly what the newest plan of the gate would close.
   * Throws a RangeError when there is no such gate or nothing to approve, a JournalError without a journal.
   */
  approve(gate: string, approving: Approving): Promise<void>;
  /** Goes on with another config. Gates whose config is the same are not disturbed. */
  reload(config: Config): void;
  /** A new config could not be loaded: the old one stays. Told once for each message. */
  refuseConfig(message: string): void;
  /** Counts and tells what nobody caught, such as an unhandled rejection. */
  fault(where: string, error: unknown): void;
  /** The open journal, for readers; undefined while it cannot be used. */
  readonly journal: Journal | undefined;
  /** Starts nothing new and waits, bounded, for the writes in hand. Resolves when the daemon has stopped. */
  stop(because: string): Promise<void>;
}
