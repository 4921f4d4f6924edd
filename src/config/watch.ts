/** How often `postern watch` looks, and whom it pings: the config's section `watch`. */
import type { SecretReference } from './secret-reference.ts';

export interface WatchConfig {
  /** How often the control plane is read. Atlas refills 100 reads a minute for each address that calls. */
  readonly controlPlaneMs: number;
  /** How often the nodes of each project are read, and their state of change. */
  readonly nodesMs: number;
  /** How often each gate is read, so that drift is noticed; news of a feed makes it sooner. */
  readonly gatesMs: number;
  /** How often the events of each project are read, for hints and signs of trouble; 0: never. */
  readonly eventsMs: number;
  /** Hints closer together than this make one read. */
  readonly minGapMs: number;
  /** How many requests' worth of work go on at once in one cloud: feeds of Atlas, gates of each cloud. */
  readonly concurrency: number;
  /** Where the secret URL is that is asked after each healthy cycle; undefined: nowhere. */
  readonly ping: SecretReference | undefined;
}

export const defaultWatchConfig: WatchConfig = {
  controlPlaneMs: 60_000,
  nodesMs: 3 * 60_000,
  gatesMs: 2 * 60_000,
  eventsMs: 60_000,
  minGapMs: 10_000,
  /** So that a change is in a thousand lists within minutes: a write of one takes a second or two, nearly all of it waiting. */
  concurrency: 16,
  ping: undefined,
};

/** Shorter intervals than this gain nothing and eat up Atlas's rate limits. */
export const minIntervalMs = 1_000;
