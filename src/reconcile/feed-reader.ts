/**
 * Reads each feed once per run, however many gates want it, and journals what was read. A complete reading
 * that the journal cannot take is used all the same.
 */
import type { FeedId } from '../address/address.ts';
import type { Observation, PreviousObservation } from '../atlas/observation.ts';
import type { Clock } from '../clock.ts';
import type { FeedReading } from '../plan/input.ts';
import type { GuardedJournal } from './guarded-journal.ts';

export interface FeedReaderOptions {
  /** Reads one feed; a fault gives an incomplete observation, never an exception. */
  observe(feed: FeedId, previous: PreviousObservation | undefined): Promise<Observation>;
  readonly journal: GuardedJournal;
  readonly clock: Clock;
  /** How far back the peak of a feed is looked for. */
  readonly shrinkWindowMs: number;
  onRead?(reading: FeedReading): void;
}

export class FeedReader {
  readonly #options: FeedReaderOptions;
  readonly #readings = new Map<FeedId, Promise<FeedReading>>();

  constructor(options: FeedReaderOptions) {
    this.#options = options;
  }

  /** The same reading for every caller of this run. */
  read(feed: FeedId): Promise<FeedReading> {
    const known = this.#readings.get(feed);
    if (known) return known;
    const reading = this.#read(feed);
    this.#readings.set(feed, reading);
    return reading;
  }

  async #read(feed: FeedId): Promise<FeedReading> {
    const { observe, journal, clock, shrinkWindowMs, onRead } = this.#options;
    const base = await journal.attempt(j => j.lastComplete(feed));
    const peak = await journal.attempt(j => j.peakCount(feed, clock.now() - shrinkWindowMs));
    const newest = await observe(feed, base);
    await journal.attempt(j => j.recordObservation(newest));
    const reading = { feed, newest, base, peakCount: peak ?? 0 };
    onRead?.(reading);
    return reading;
  }
}
