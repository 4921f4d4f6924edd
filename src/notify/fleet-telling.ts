/**
 * Who of a fleet tells people: one worker at a time, by a lease in the shared journal, so that a situation is one
 * alert however many workers see it. The others hand it what they see. What is open, and what is not delivered yet,
 * is in the journal, so that the next one goes on where the last one ended.
 */
import { hostname } from 'node:os';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { HeldLock, Journal } from '../journal/journal.ts';
import type { Alert } from './alerts.ts';
import type { Situation } from './situation.ts';

const lockName = 'fleet:telling';
const prefix = 'situations/';
/** A worker that has not said for so long what it sees has ended, or sees nothing. */
const freshMs = 2 * 60_000;
const forgetMs = 24 * 60 * 60_000;

/** What a worker that does not tell hands to the one that does. */
export interface Seen {
  readonly atMs: number;
  readonly situations: readonly Situation[];
  /** Told by itself, while it could not know of the others: for the one that tells to end. */
  readonly opened: readonly Alert[];
}

/** `ours`: we tell. `theirs`: another does. `alone`: the journal is away, so nobody knows. */
export type Turn = 'ours' | 'theirs' | 'alone';

export interface FleetTellingOptions {
  journal(): Journal | undefined;
  readonly clock: Clock;
  /** Tells this worker from the others. */
  readonly worker: string;
}

const seen = z.looseObject({
  atMs: z.number(),
  situations: z.array(z.looseObject({ key: z.string(), severity: z.string() })),
  opened: z.array(z.looseObject({ situation: z.looseObject({ key: z.string() }) })),
});

export class FleetTelling {
  readonly #options: FleetTellingOptions;
  #lock: HeldLock | undefined;
  /** What each worker has handed over, by its clock, and when we saw that change. */
  readonly #handed = new Map<string, { readonly atMs: number; readonly seenAtMs: number | undefined }>();

  constructor(options: FleetTellingOptions) {
    this.#options = options;
  }

  /** Whose turn it is now. Never throws. */
  async turn(): Promise<Turn> {
    const { journal: current, clock } = this.#options;
    const journal = current();
    if (!journal) return 'alone';
    if (this.isOurs) return 'ours';
    try {
      const holder = { pid: process.pid, host: hostname(), command: 'telling', sinceMs: clock.now() };
      const lock = await journal.lock(lockName, holder, journal.lockLeaseMs);
      // The row may be our own, past its certain share: it is renewed still, and then ours again for certain.
      if (!lock.acquired) return this.isOurs ? 'ours' : 'theirs';
      const before = this.#lock;
      this.#lock = lock;
      await before?.release().catch(() => {});
      return 'ours';
    } catch {
      return 'alone';
    }
  }

  /** As far as this process can tell without asking: asked just before something is told. */
  get isOurs(): boolean {
    return this.#lock?.isCertain() === true;
  }

  /** Hands over what this worker sees. Throws what the journal throws. */
  async share(what: Seen): Promise<void> {
    await this.#options.journal()?.remember(prefix + this.#options.worker, what);
  }

  /** What the others see. Throws what the journal throws. */
  async others(): Promise<readonly Seen[]> {
    const { clock, worker } = this.#options;
    const journal = this.#options.journal();
    const all = (await journal?.recallAll(prefix)) ?? new Map<string, unknown>();
    const fresh: Seen[] = [];
    for (const [key, value] of all) {
      const { data } = seen.safeParse(value);
      const ageMs = data ? this.#ageOf(key, data.atMs, clock.now()) : Number.POSITIVE_INFINITY;
      if (ageMs > forgetMs) await journal?.forget(key);
      else if (key !== prefix + worker && ageMs <= freshMs) fresh.push(value as Seen);
    }
    return fresh;
  }

  /**
   * How long ago a worker handed something over: by its clock, or by when we saw that it had handed over anew, since
   * its clock or ours may be wrong.
   */
  #ageOf(key: string, atMs: number, nowMs: number): number {
    const known = this.#handed.get(key);
    if (known?.atMs !== atMs) this.#handed.set(key, { atMs, seenAtMs: known ? nowMs : undefined });
    const seenAtMs = this.#handed.get(key)?.seenAtMs ?? Number.NEGATIVE_INFINITY;
    return Math.min(Math.abs(nowMs - atMs), Math.abs(nowMs - seenAtMs));
  }

  /** Another worker may tell from now on. Never throws. */
  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.release().catch(() => {});
  }
}
