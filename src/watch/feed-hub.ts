/**
 * Reads each feed once for all gates. Gates are handed the newest reading; one that is too old to be believed
 * is handed on as incomplete, so that it adds and never removes.
 */
import type { FeedId } from '../address/address.ts';
import type { Cidr } from '../address/cidr.ts';
import type { Observation, PreviousObservation } from '../atlas/index.ts';
import { faultLines } from '../atlas/observation.ts';
import type { Clock } from '../clock.ts';
import type { FeedReading } from '../plan/input.ts';
import { defaultRemovalPolicy } from '../plan/removal-policy.ts';
import { FeedReader } from '../reconcile/feed-reader.ts';
import { messageOf } from './emitter.ts';
import type { WatchHappening } from './events.ts';
import type { JournalLease } from './journal-keeper.ts';
import { feedDelayMs } from './schedule.ts';
import { Slots } from './slots.ts';
import type { FeedStatus } from './status.ts';
import { within } from './waker.ts';

export interface FeedHubOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly concurrency: number;
  intervalOf(feed: FeedId): number;
  /** Gives an incomplete observation for a fault; what it throws is met all the same. */
  observe(feed: FeedId, previous: PreviousObservation | undefined): Promise<Observation>;
  lease(): JournalLease;
  /** How old a complete reading that another worker made may be to be used instead of a new one; 0: none is. */
  sharedMaxAgeMs(feed: FeedId): number;
  /** What is left of the rate limit of the feed's endpoint, from 0 to 1. */
  shareLeft(feed: FeedId): number | undefined;
  emit(happening: WatchHappening): void;
  /** Called after each reading, when it is the newest one. */
  onRead(feed: FeedId, news: FeedNews): void;
  fault(where: string, error: unknown): void;
  newId(): string;
}

export interface FeedNews {
  /** What it lists is another set than before. */
  readonly isChanged: boolean;
  /** It is complete, and the reading before was not. */
  readonly isWholeAgain: boolean;
}

interface Feed {
  readonly id: FeedId;
  reading: FeedReading | undefined;
  /** When the newest reading was begun. */
  begunAtMs: number;
  lastComplete: Observation | undefined;
  /** When that was made; set back with the clock. */
  lastCompleteAtMs: number | undefined;
  faultsInARow: number;
  dueAtMs: number;
  /** A hint asks for a reading that is begun after it, and so long after the one before; undefined: none does. */
  hurriedGapMs: number | undefined;
  /** The reading that is under way, and when it was begun. */
  underway: { readonly atMs: number; readonly done: Promise<void> } | undefined;
}

/** A request with all its tries takes two minutes at most; a reading that takes longer hangs. */
const readLimitMs = 150_000;
/** A gate waits no longer than this for a newer reading than the one that there is, or for the first one. */
const patienceMs = 20_000;
const firstPatienceMs = readLimitMs + 10_000;

export class FeedHub {
  readonly #options: FeedHubOptions;
  readonly #feeds = new Map<FeedId, Feed>();
  readonly #slots: Slots;
  readonly #stop: AbortSignal;
  reads = 0;
  incompleteReads = 0;

  constructor(options: FeedHubOptions, stop: AbortSignal) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    this.#stop = stop;
  }

  get ids(): readonly FeedId[] {
    return [...this.#feeds.keys()];
  }

  /** From now on these feeds are read; those that stay keep their readings. */
  configure(feeds: readonly FeedId[], concurrency: number): void {
    this.#slots.limit = concurrency;
    const kept = new Map(this.#feeds);
    this.#feeds.clear();
    for (const id of feeds) {
      this.#feeds.set(id, kept.get(id) ?? emptyFeed(id, this.#options.clock.now()));
    }
  }

  /** The earliest time at which a feed is to be read. */
  nextDueAtMs(): number {
    const due = [...this.#feeds.values()].filter(({ underway }) => !underway).map(({ dueAtMs }) => dueAtMs);
    return Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  /** Begins to read every feed that is due. Returns at once, and never throws. */
  readDue(): void {
    const nowMs = this.#options.clock.now();
    for (const feed of this.#feeds.values()) {
      if (!feed.underway && feed.dueAtMs <= nowMs) void this.#begin(feed, this.#sharedMaxAgeMs(feed));
    }
  }

  /**
   * Takes over what other workers have read of these feeds since this one did, so that a change that one of them
   * saw is met by whoever looks after the gate. Never throws.
   */
  async adopt(ids: readonly FeedId[]): Promise<void> {
    await Promise.all(ids.map(id => this.#adopt(id)));
  }

  async #adopt(id: FeedId): Promise<void> {
    const feed = this.#feeds.get(id);
    const maxAgeMs = feed && id !== 'static' ? this.#sharedMaxAgeMs(feed) : 0;
    if (!feed || maxAgeMs <= 0) return;
    const { clock, lease } = this.#options;
    const { journal, done } = lease();
    const newest = await journal.attempt(opened => opened.lastComplete(id)).finally(done);
    const ageMs = newest ? clock.now() - newest.atMs : Number.POSITIVE_INFINITY;
    if (ageMs >= 0 && ageMs < maxAgeMs && !feed.underway) await this.#begin(feed, maxAgeMs);
  }

  /** Only what is newer than what there is: else none of the workers would read anew. */
  #sharedMaxAgeMs({ id, hurriedGapMs, begunAtMs, reading }: Feed): number {
    if (hurriedGapMs !== undefined) return 0;
    const sinceMs = Math.max(begunAtMs, reading?.newest.atMs ?? Number.NEGATIVE_INFINITY);
    return Math.min(this.#options.sharedMaxAgeMs(id), this.#options.clock.now() - sinceMs);
  }

  /** A hint: the feed is read soon, and not more often than the gap allows. */
  hurry(id: FeedId, minGapMs: number): boolean {
    const feed = this.#feeds.get(id);
    if (!feed) return false;
    feed.hurriedGapMs = Math.min(minGapMs, feed.hurriedGapMs ?? minGapMs);
    const atMs = Math.max(this.#options.clock.now(), feed.begunAtMs + minGapMs);
    if (feed.dueAtMs <= atMs) return false;
    feed.dueAtMs = atMs;
    return true;
  }

  dueBy(id: FeedId, atMs: number): void {
    const feed = this.#feeds.get(id);
    if (feed) feed.dueAtMs = Math.min(feed.dueAtMs, atMs);
  }

  /** After the clock was set, or the machine slept. */
  shift(byMs: number): void {
    for (const feed of this.#feeds.values()) {
      feed.dueAtMs += byMs;
      if (feed.lastCompleteAtMs !== undefined) feed.lastCompleteAtMs += byMs;
    }
  }

  /** Delays what is overdue, all but the control plane, by up to `overMs`. */
  spread(overMs: number): void {
    const { clock, random } = this.#options;
    for (const feed of this.#feeds.values()) {
      if (feed.dueAtMs <= clock.now() && feed.id !== 'control-plane') {
        feed.dueAtMs = clock.now() + random() * overMs;
      }
    }
  }

  /** Forgets what was read of a feed, so that it is read anew: its place in the config has changed. */
  forget(id: FeedId): void {
    const feed = this.#feeds.get(id);
    if (feed) this.#feeds.set(id, emptyFeed(id, this.#options.clock.now()));
  }

  /**
   * The newest reading of a feed that was begun at `notBeforeMs` or later, read now if need be. When it does
   * not come in time, what there is is given as incomplete: it adds, and removes nothing. Never throws.
   */
  async read(id: FeedId, notBeforeMs: number): Promise<FeedReading> {
    const { clock } = this.#options;
    const feed = this.#feeds.get(id) ?? emptyFeed(id, clock.now());
    if (!isBegunSince(feed, notBeforeMs, clock.now())) {
      const waitMs = feed.reading ? patienceMs : firstPatienceMs;
      await within(clock, waitMs, this.#readSince(feed, notBeforeMs), () => undefined, this.#stop);
    }
    return this.#handOn(feed, notBeforeMs);
  }

  status(): readonly FeedStatus[] {
    return [...this.#feeds.values()].map(feed => {
      const newest = feed.reading?.newest;
      return {
        feed: feed.id,
        addresses: newest && countOf(newest),
        complete: newest?.complete,
        faults: newest ? faultLines(newest) : [],
        lastReadAtMs: newest?.atMs,
        lastCompleteAtMs: feed.lastCompleteAtMs,
        nextAtMs: feed.dueAtMs,
        consecutiveFaults: feed.faultsInARow,
        isChanging: (newest?.changing?.length ?? 0) > 0,
      };
    });
  }

  async #readSince(feed: Feed, notBeforeMs: number): Promise<void> {
    // One that was begun before may have been answered before: it is no answer to this question.
    if (feed.underway && feed.underway.atMs < notBeforeMs) await feed.underway.done;
    await (feed.underway?.done ?? this.#begin(feed, 0));
  }

  /** Never rejects. */
  #begin(feed: Feed, sharedMaxAgeMs: number): Promise<void> {
    const { clock, random, intervalOf, shareLeft } = this.#options;
    feed.hurriedGapMs = undefined;
    const done = this.#readNow(feed, sharedMaxAgeMs)
      .catch(error => this.#options.fault(`reading ${feed.id}`, error))
      .then(() => {
        feed.underway = undefined;
        const given = {
          intervalMs: intervalOf(feed.id),
          faultsInARow: feed.faultsInARow,
          isChanging: (feed.reading?.newest.changing?.length ?? 0) > 0,
          shareLeft: shareLeft(feed.id),
        };
        const fromMs = isShared(feed.reading) ? feed.begunAtMs : clock.now();
        feed.dueAtMs = fromMs + feedDelayMs(given, random);
        // A hint that came meanwhile: this reading may have been answered before what it hints at.
        if (feed.hurriedGapMs !== undefined) this.hurry(feed.id, feed.hurriedGapMs);
      });
    feed.underway = { atMs: clock.now(), done };
    return done;
  }

  async #readNow(feed: Feed, sharedMaxAgeMs: number): Promise<void> {
    const { clock } = this.#options;
    const giveBack = await this.#slots.take();
    const begunAtMs = clock.now();
    const lease = this.#options.lease();
    let reading: FeedReading;
    try {
      const hangs = () => this.#unreadReading(feed, 'no answer came, and none is waited for any more.');
      reading = await within(
        clock,
        readLimitMs,
        this.#readOnce(feed, lease, sharedMaxAgeMs),
        hangs,
        this.#stop,
      );
    } finally {
      lease.done();
      giveBack();
    }
    if (this.#stop.aborted) return;
    this.#keep(feed, reading, isShared(reading) ? reading.newest.atMs : begunAtMs);
  }

  async #readOnce(feed: Feed, { journal }: JournalLease, sharedMaxAgeMs: number): Promise<FeedReading> {
    const { clock, observe, fault } = this.#options;
    const reader = new FeedReader({
      journal,
      clock,
      shrinkWindowMs: defaultRemovalPolicy.shrinkWindowMs,
      sharedMaxAgeMs,
      // Without the journal, what is remembered of the last complete reading serves.
      observe: async (id, base) => {
        try {
          return await observe(id, base ?? feed.lastComplete);
        } catch (error) {
          fault(`reading ${id}`, error);
          return this.#unread(id, `it could not be read: ${messageOf(error)}`);
        }
      },
    });
    const reading = await reader.read(feed.id);
    return reading.base ? reading : { ...reading, base: feed.lastComplete };
  }

  #keep(feed: Feed, reading: FeedReading, begunAtMs: number): void {
    const before = feed.reading?.newest;
    const { newest } = reading;
    // After an outage what counts is what was listed before it.
    const known = newest.complete && !feed.lastComplete ? [] : [before, feed.lastComplete];
    feed.reading = reading;
    feed.begunAtMs = begunAtMs;
    feed.faultsInARow = newest.complete ? 0 : feed.faultsInARow + 1;
    if (newest.complete) {
      feed.lastComplete = newest;
      feed.lastCompleteAtMs = newest.atMs;
    }
    if (!isShared(reading)) this.reads++;
    if (!newest.complete) this.incompleteReads++;
    if (!this.#feeds.has(feed.id)) return;
    this.#options.emit({
      kind: 'feed-read',
      feed: feed.id,
      complete: newest.complete,
      addresses: countOf(newest),
      faults: faultLines(newest),
      ...deltaOf(known, newest),
      tookMs: this.#options.clock.now() - begunAtMs,
    });
    const { added, gone } = deltaOf([before], newest);
    this.#options.onRead(feed.id, {
      isChanged: before === undefined || added.length > 0 || gone.length > 0,
      isWholeAgain: newest.complete && before !== undefined && !before.complete,
    });
  }

  #handOn(feed: Feed, notBeforeMs: number): FeedReading {
    if (!feed.reading) return this.#unreadReading(feed, 'it has not been read yet.');
    if (isBegunSince(feed, notBeforeMs, this.#options.clock.now())) return feed.reading;
    const message = `the newest reading is of ${new Date(feed.reading.newest.atMs).toISOString()}, and a newer one has not come.`;
    return {
      ...feed.reading,
      newest: {
        ...feed.reading.newest,
        complete: false,
        faults: [...feed.reading.newest.faults, { kind: 'unreachable', place: feed.id, message }],
      },
    };
  }

  #unreadReading({ id, lastComplete }: Feed, message: string): FeedReading {
    return { feed: id, newest: this.#unread(id, message), base: lastComplete, peakCount: undefined };
  }

  #unread(feed: FeedId, message: string): Observation {
    return {
      id: this.#options.newId(),
      feed,
      atMs: this.#options.clock.now(),
      complete: false,
      faults: [{ kind: 'unreachable', place: feed, message }],
      addresses: [],
      sections: {},
      findings: [],
    };
  }
}

function emptyFeed(id: FeedId, nowMs: number): Feed {
  return {
    id,
    reading: undefined,
    begunAtMs: Number.NEGATIVE_INFINITY,
    lastComplete: undefined,
    lastCompleteAtMs: undefined,
    faultsInARow: 0,
    dueAtMs: nowMs,
    hurriedGapMs: undefined,
    underway: undefined,
  };
}

/** Another worker made it, and it was found in the journal. */
function isShared(reading: FeedReading | undefined): boolean {
  return reading?.base !== undefined && reading.newest === reading.base;
}

/** A reading of the future is one from before the clock was set back. */
function isBegunSince({ reading, begunAtMs }: Feed, notBeforeMs: number, nowMs: number): boolean {
  return reading !== undefined && begunAtMs >= notBeforeMs && begunAtMs <= nowMs;
}

function countOf({ addresses }: Observation): number {
  return new Set(addresses.map(({ cidr }) => cidr)).size;
}

/** Against what earlier readings listed; without any there is nothing to compare with. */
function deltaOf(readings: readonly (Observation | undefined)[], now: Observation) {
  const before = readings.filter(reading => reading !== undefined);
  if (before.length === 0) return { added: [], gone: [] };
  const was = new Set(before.flatMap(({ addresses }) => addresses.map(({ cidr }) => cidr)));
  const is = new Set(now.addresses.map(({ cidr }) => cidr));
  return {
    added: [...is].filter(cidr => !was.has(cidr)),
    // What an incomplete reading lacks is not gone.
    gone: now.complete ? ([...was].filter(cidr => !is.has(cidr)) as readonly Cidr[]) : [],
  };
}
