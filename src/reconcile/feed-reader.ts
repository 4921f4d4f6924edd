/**
 * Reads each feed once per run, however many gates want it, and journals what was read. A complete reading
 * that the journal cannot take is used all the same. Where workers share a journal, a young enough complete
 * reading that another one made is used instead: it is the same reading, with the time at which it was made, so
 * that a ledger counts it once.
 */
import type { FeedId } from '../address/address.ts';
import type { Observation, PreviousObservation } from '../atlas/observation.ts';
import type { Clock } from '../clock.ts';
import type { FeedReading } from '../plan/input.ts';
import { inSpan } from '../telemetry/span.ts';
import type { GuardedJournal } from './guarded-journal.ts';

export interface FeedReaderOptions {
  /** Reads one feed; a fault gives an incomplete observation, never an exception. */
  observe(feed: FeedId, previous: PreviousObservation | undefined): Promise<Observation>;
  readonly journal: GuardedJournal;
  readonly clock: Clock;
  /** How far back the peak of a feed is looked for. */
  readonly shrinkWindowMs: number;
  /** How old a complete reading in the journal may be to be used instead of a new one; default: none is. */
  readonly sharedMaxAgeMs?: number;
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
    const reading = this.#readInSpan(feed);
    this.#readings.set(feed, reading);
    return reading;
  }

  #readInSpan(feed: FeedId): Promise<FeedReading> {
    return inSpan('feed.read', { 'postern.feed': feed }, async span => {
      const reading = await this.#read(feed);
      const { complete, addresses, faults } = reading.newest;
      span.set({
        'postern.complete': complete,
        'postern.addresses': addresses.length,
        'postern.faults': faults.length,
        'postern.shared': reading.newest === reading.base,
      });
      return reading;
    });
  }

  async #read(feed: FeedId): Promise<FeedReading> {
    const { observe, journal, clock, shrinkWindowMs, onRead } = this.#options;
    const base = await journal.attempt(j => j.lastComplete(feed));
    const peak = await journal.attempt(j => j.peakCount(feed, clock.now() - shrinkWindowMs));
    const newest = (this.#isYoung(base) && base) || (await observe(feed, base));
    if (newest !== base) await journal.attempt(j => j.recordObservation(newest, clock.now()));
    const reading = { feed, newest, base, peakCount: peak };
    onRead?.(reading);
    return reading;
  }

  /** What the config says is always at hand, and one from the future is by a clock that is wrong. */
  #isYoung(base: Observation | undefined): boolean {
    const { clock, sharedMaxAgeMs = 0 } = this.#options;
    if (!base || base.feed === 'static') return false;
    const ageMs = clock.now() - base.atMs;
    return ageMs >= 0 && ageMs < sharedMaxAgeMs;
  }
}
