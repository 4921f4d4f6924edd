/**
 * A fleet: workers that share the gates over one PostgreSQL database. It decides which worker looks after which
 * gate, and when; what is done to a gate is the caller's. Two things keep one gate from two workers: pg-boss
 * hands out one job per gate at a time, and the gate's lock in the journal is what counts.
 */
import { type Clock, systemClock } from '../../clock.ts';
import type { Secret } from '../../secret.ts';
import type { RunReason } from '../events.ts';
import { within } from '../waker.ts';
import { AloneRounds } from './alone.ts';
import { type GateQueue, openGateQueue } from './gate-queue.ts';
import { isRotated } from './rotated.ts';

export interface FleetOptions {
  /** The database of the journal; asked each time that it is opened, so that a rotated password is noticed. */
  database(): Secret;
  /** The names of the gates there are; asked again and again, so that another config counts at once. */
  gates(): readonly string[];
  /**
   * Looks after one gate, once. Another worker may have its lock still, for some seconds after a crash: then
   * this should say that it is due again soon.
   *
   * @param reason of the hint that made it due, whichever worker gave it
   * @returns when the gate is due again, whichever worker it falls to
   */
  work(gate: string, reason?: RunReason): Promise<{ readonly nextInMs: number }>;
  onEvent?(event: FleetEvent): void;
  /** How many gates this worker looks after at once; asked again and again, and more of them count at once. */
  concurrency?(): number;
  readonly clock?: Clock;
  readonly timing?: Partial<FleetTiming>;
}

export interface FleetTiming {
  /** How often each worker makes sure that every gate has its job, and that the database is there. */
  readonly tickMs: number;
  /** After so long without the database each worker looks after every gate by itself. */
  readonly aloneAfterMs: number;
  /** How soon a gate is due again when the work itself failed. */
  readonly afterFaultMs: number;
  /** How long a stop waits for the work in hand. */
  readonly stopWithinMs: number;
}

export const defaultTiming: FleetTiming = {
  tickMs: 3_000,
  aloneAfterMs: 20_000,
  afterFaultMs: 30_000,
  stopWithinMs: 20_000,
};

export type FleetEvent =
  /** Works with the others. */
  | { readonly kind: 'shares' }
  /** The database is away: this worker looks after every gate; without a journal it only adds. */
  | { readonly kind: 'alone'; readonly because: string }
  /** The work threw, though it should not. */
  | { readonly kind: 'work-failed'; readonly gate: string; readonly error: unknown }
  | { readonly kind: 'fault'; readonly error: unknown };

export interface Fleet {
  /** Takes part from now on. Never throws: where the database is not there yet, it is tried again. */
  start(): void;
  /**
   * Something may have changed: the gate is due now, whichever worker it falls to. Never throws; while the
   * database is away the hint is kept.
   */
  hint(gate: string, reason: RunReason): Promise<void>;
  /** False while this worker works alone, or has not reached the database yet. */
  readonly isSharing: boolean;
  /** Takes no more work and waits, bounded, for what is in hand. */
  stop(): Promise<void>;
}

const defaultConcurrency = 4;
const unanswered = 'The database does not answer.';
/** What the queue needs after its work in hand has ended, or has had its time. */
const closeWithinMs = 3_000;

export function createFleet(options: FleetOptions): Fleet {
  return new SharedFleet(options);
}

class SharedFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #timing: FleetTiming;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #alone: AloneRounds;
  /** Not handed over yet. */
  readonly #hints = new Map<string, RunReason>();
  #isHandingOver = false;
  #queue: GateQueue | undefined;
  /** What the queue was opened with. */
  #openedWith: string | undefined;
  #ticking: Promise<void> | undefined;
  /** Under way: one at a time, however long the database takes. */
  #sharing: Promise<boolean> | undefined;
  #because = unanswered;
  #state: 'starting' | 'sharing' | 'alone' = 'starting';
  #lastWellAtMs: number;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#timing = { ...defaultTiming, ...options.timing };
    this.#clock = options.clock ?? systemClock;
    this.#lastWellAtMs = this.#clock.now();
    this.#alone = new AloneRounds({
      clock: this.#clock,
      concurrency: () => this.#concurrency(),
      gates: options.gates,
      work: gate => this.#work(gate),
    });
  }

  get isSharing(): boolean {
    return this.#state === 'sharing';
  }

  start(): void {
    this.#ticking ??= this.#tickUntilStopped();
  }

  async hint(gate: string, reason: RunReason): Promise<void> {
    this.#alone.hint(gate);
    this.#hints.set(gate, reason);
    if (this.#state !== 'sharing' || this.#isHandingOver) return;
    await this.#handOverHints().catch(error => this.#tell({ kind: 'fault', error }));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const { stopWithinMs } = this.#timing;
    const inHand = [
      this.#ticking,
      this.#sharing,
      this.#queue?.stop(stopWithinMs),
      this.#alone.settled(),
    ] as const;
    await within(this.#clock, stopWithinMs + closeWithinMs, Promise.all(inHand), () => undefined);
  }

  #concurrency(): number {
    return this.#options.concurrency?.() ?? defaultConcurrency;
  }

  /** Throws what the database throws; what is not handed over then is kept for the next tick. */
  async #handOverHints(): Promise<void> {
    this.#isHandingOver = true;
    try {
      // Those that come meanwhile are met too.
      for (const [gate, reason] of this.#hints) {
        this.#hints.delete(gate);
        try {
          await this.#queue?.due(gate, reason);
        } catch (error) {
          if (!this.#hints.has(gate)) this.#hints.set(gate, reason);
          throw error;
        }
      }
    } finally {
      this.#isHandingOver = false;
    }
  }

  async #tickUntilStopped(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#tick();
      await this.#clock.sleep(this.#timing.tickMs, this.#stopping.signal).catch(() => {});
    }
  }

  /** Never throws, and waits for no database: one that hangs is as far away as one that refuses. */
  async #tick(): Promise<void> {
    const { signal } = this.#stopping;
    this.#sharing ??= this.#share().finally(() => {
      this.#sharing = undefined;
    });
    const isShared = await within(this.#clock, this.#timing.tickMs, this.#sharing, () => false, signal);
    if (signal.aborted) return;
    if (!isShared) this.#judgeAbsence();
    if (this.#state === 'alone') this.#alone.startDue();
  }

  /** Whether the database was there. Never throws. */
  async #share(): Promise<boolean> {
    const askedAtMs = this.#clock.now();
    try {
      const queue = await this.#openQueue();
      await queue.grow(this.#concurrency());
      await queue.ensure(this.#options.gates());
      await this.#handOverHints();
    } catch (error) {
      this.#because = error instanceof Error ? error.message : String(error);
      this.#leaveIfRotated();
      return false;
    }
    if (this.#stopping.signal.aborted) return true;
    this.#lastWellAtMs = askedAtMs;
    this.#because = unanswered;
    if (this.#state !== 'sharing') this.#tell({ kind: 'shares' });
    this.#state = 'sharing';
    return true;
  }

  async #openQueue(): Promise<GateQueue> {
    if (this.#queue) return this.#queue;
    const database = this.#options.database();
    const queue = await openGateQueue({
      database,
      concurrency: this.#concurrency(),
      work: (gate, reason) => this.#workOn(gate, reason),
      onFault: error => this.#tell({ kind: 'fault', error }),
    });
    this.#queue = queue;
    this.#openedWith = database.reveal();
    // Whoever stopped this worker meanwhile could not stop what was not open yet.
    if (this.#stopping.signal.aborted) await queue.stop(this.#timing.stopWithinMs);
    return queue;
  }

  /** The queue makes its connections anew by itself, but with the password that it was opened with. */
  #leaveIfRotated(): void {
    const queue = this.#queue;
    if (!queue || !isRotated(this.#options.database, this.#openedWith)) return;
    this.#queue = undefined;
    void queue.stop(this.#timing.stopWithinMs);
  }

  #judgeAbsence(): void {
    const nowMs = this.#clock.now();
    // After a clock that was ahead.
    this.#lastWellAtMs = Math.min(this.#lastWellAtMs, nowMs);
    if (nowMs - this.#lastWellAtMs < this.#timing.aloneAfterMs || this.#state === 'alone') return;
    this.#state = 'alone';
    this.#tell({ kind: 'alone', because: this.#because });
  }

  /**
   * A job. That of a gate that this worker does not know ends: a worker that knows the gate gives it another within
   * a tick, and nobody does where it has left every config.
   */
  async #workOn(gate: string, reason: RunReason | undefined): Promise<number | undefined> {
    if (!this.#options.gates().includes(gate)) return undefined;
    return await this.#work(gate, reason);
  }

  async #work(gate: string, reason?: RunReason): Promise<number> {
    try {
      return (await this.#options.work(gate, reason)).nextInMs;
    } catch (error) {
      this.#tell({ kind: 'work-failed', gate, error });
      return this.#timing.afterFaultMs;
    }
  }

  #tell(event: FleetEvent): void {
    this.#options.onEvent?.(event);
  }
}
