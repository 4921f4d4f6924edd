/**
 * A session: what one command, or one cycle of the daemon, works with. It opens the journal, reads each feed
 * once for all gates, and hands each gate a `Run` of its own, so that one gate's fault stops no other.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import type { FeedId } from '../address/address.ts';
import {
  type AtlasClient,
  type AtlasCredentials,
  createAtlasClient,
  type Observation,
  observeControlPlane,
  observeNodes,
  type PreviousObservation,
  readEncryptionAtRest,
} from '../atlas/index.ts';
import { faultLines } from '../atlas/observation.ts';
import type { Clock } from '../clock.ts';
import type { Config, GateConfig, StaticAddress } from '../config/config.ts';
import type { Gate } from '../gates/gate.ts';
import type { Journal } from '../journal/journal.ts';
import { openJournalAt } from '../journal/open.ts';
import { appendToSpool, drainSpool, type SpooledWrite, spoolPaths } from '../journal/spool.ts';
import type { KeyVerdict } from '../plan/input.ts';
import type { Policy } from '../plan/plan.ts';
import { defaultRemovalPolicy, type RemovalPolicy } from '../plan/removal-policy.ts';
import type { Secret } from '../secret.ts';
import type { Transport } from '../transport/transport.ts';
import { FeedReader } from './feed-reader.ts';
import { Fence } from './fence.ts';
import { GuardedJournal } from './guarded-journal.ts';
import { keyVerdictOf } from './key-verdict.ts';
import { readAlerts } from './kms-alerts.ts';
import type { GateSettings, Run, RunEvent } from './run.ts';

export interface SessionOptions {
  readonly config: Config;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly credentials: AtlasCredentials;
  /** The journal's file, and where additions are spooled. */
  readonly statePath: string;
  /** The URL of a PostgreSQL database that holds the journal instead. */
  readonly database?: Secret | undefined;
  /** In place of both. */
  readonly store?: JournalStore;
  /** Such as `postern apply`, for the lock and the journal. */
  readonly command: string;
  /** Only these gates; default all. */
  readonly gateNames?: readonly string[];
  readonly overrides?: Overrides;
  /** How old another worker's complete reading of a feed may be to be used here; default: none is used. */
  readonly sharedReadingMaxAgeMs?: number;
  /** @param fence to be asked by the gate's transport before anything that can write is sent */
  openGate(gate: GateConfig, fence: Fence): Promise<Gate>;
  report(gateName: string | undefined, event: RunEvent): void;
}

/** Where the journal is, and where additions wait that it could not take. */
export interface JournalStore {
  /** Throws when it cannot be opened. */
  open(): Promise<Journal>;
  /** Keeps a write for a later run; throws when it cannot. */
  spool(write: SpooledWrite): void;
  /** Journals what was spooled; throws only what the journal throws. */
  drain(journal: Journal): Promise<unknown>;
}

/** What flags say over the config. */
export interface Overrides {
  readonly policy?: Policy;
  readonly graceMs?: number;
  readonly maxRemovals?: number;
  readonly acceptShrink?: boolean;
  readonly acceptFirstWrite?: boolean;
}

export interface Session {
  readonly gates: readonly SessionGate[];
  readonly journal: GuardedJournal;
  /** For what is asked of Atlas beside feeds and keys. */
  readonly atlas: AtlasClient;
  /** One feed, read once. */
  readFeed(feed: FeedId): ReturnType<FeedReader['read']>;
  close(): Promise<void>;
}

export interface SessionGate {
  readonly config: GateConfig;
  /** Throws when the gate cannot be had at all, its SDK or its credentials for instance. */
  open(): Promise<Run>;
}

/** Never throws for the journal: without it, additions go on. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, transport, clock, report } = options;
  const store = options.store ?? storeAt(options);
  const { journal, reason } = await tryToOpen(store);
  const guarded = new GuardedJournal({
    journal,
    ...(reason !== undefined && { reason }),
    spool: write => store.spool(write),
    onFailure: because => report(undefined, { kind: 'journal-unavailable', because }),
  });
  if (reason !== undefined) report(undefined, { kind: 'journal-unavailable', because: reason });
  await guarded.attempt(opened => store.drain(opened));

  const client = createAtlasClient({
    transport,
    clock,
    baseUrl: config.atlas.baseUrl,
    credentials: options.credentials,
    nonce: () => randomBytes(16).toString('hex'),
  });
  const feeds = new FeedReader({
    journal: guarded,
    clock,
    shrinkWindowMs: defaultRemovalPolicy.shrinkWindowMs,
    sharedMaxAgeMs: sharedMaxAgeMs(options),
    observe: (feed, previous) => observeFeed(feed, previous, { client, config, clock, id: randomUUID() }),
    onRead: ({ feed, newest }) =>
      report(undefined, {
        kind: 'feed-read',
        feed,
        addresses: new Set(newest.addresses.map(({ cidr }) => cidr)).size,
        faults: faultLines(newest),
      }),
  });
  const by = whoRuns();
  const chosen = config.gates.filter(({ name }) => options.gateNames?.includes(name) ?? true);
  return {
    journal: guarded,
    atlas: client,
    gates: chosen.map(gate => ({
      config: gate,
      open: async () => {
        const fence = new Fence();
        const opened = await options.openGate(gate, fence);
        return { ...runOf(gate, opened, { options, journal: guarded, feeds, client, by }), fence };
      },
    })),
    readFeed: feed => feeds.read(feed),
    close: async () => {
      await journal?.close();
    },
  };
}

function storeAt({ statePath, database, clock }: SessionOptions): JournalStore {
  const paths = spoolPaths(statePath);
  return {
    open: () => openJournalAt({ path: statePath, database, clock }),
    spool: write => appendToSpool(paths, write),
    drain: journal => drainSpool(paths, journal),
  };
}

async function tryToOpen(store: JournalStore): Promise<{ journal: Journal | undefined; reason?: string }> {
  try {
    return { journal: await store.open() };
  } catch (error) {
    return { journal: undefined, reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * A run's reading is as old as the oldest of its feeds. So that no reading is counted twice in a ledger, beside a
 * newer one of another feed, none is shared for longer than readings must be apart to count as two.
 */
function sharedMaxAgeMs({ config, sharedReadingMaxAgeMs = 0 }: SessionOptions): number {
  return Math.min(sharedReadingMaxAgeMs, ...config.gates.map(({ removal }) => removal.minReadGapMs));
}

interface Parts {
  readonly options: SessionOptions;
  readonly journal: GuardedJournal;
  readonly feeds: FeedReader;
  readonly client: AtlasClient;
  readonly by: string;
}

function runOf(config: GateConfig, gate: Gate, { options, journal, feeds, client, by }: Parts): Run {
  const { clock, command, overrides = {} } = options;
  const wantedFeeds = feedsOf(options.config, config);
  return {
    gate,
    settings: settingsOf(config, overrides),
    clock,
    journal,
    readFeeds: () => Promise.all(wantedFeeds.map(feed => feeds.read(feed))),
    readVerdicts: () => Promise.all(config.projects.map(id => readVerdict(client, id, gate))),
    readAlerts: () => Promise.all(config.projects.map(id => readAlerts(client, id))),
    by,
    command,
    report: event => options.report(config.name, event),
  };
}

/** The feeds whose addresses a gate wants. */
export function feedsOf(config: Pick<Config, 'static'>, gate: GateConfig): readonly FeedId[] {
  return [
    'control-plane',
    ...gate.projects.map((id): FeedId => `nodes:${id}`),
    ...(config.static.length > 0 ? (['static'] as const) : []),
  ];
}

/** For the journal: `alice@host (pid 42)`. */
export function whoRuns(): string {
  return `${userName()}@${hostname()} (pid ${process.pid})`;
}

export function settingsOf(config: GateConfig, overrides: Overrides): GateSettings {
  return {
    projects: config.projects,
    pinned: config.pinned,
    adopt: config.adopt,
    policy: overrides.policy ?? config.policy,
    removal: removalOf(config.removal, overrides),
    acceptShrink: overrides.acceptShrink ?? false,
    acceptFirstWrite: overrides.acceptFirstWrite ?? false,
  };
}

/** A count that the operator names stands for the share as well. */
function removalOf(removal: RemovalPolicy, { graceMs, maxRemovals }: Overrides): RemovalPolicy {
  return {
    ...removal,
    ...(graceMs !== undefined && { graceMs }),
    ...(maxRemovals !== undefined && { maxCount: maxRemovals, maxShare: 1 }),
  };
}

/** One reading of one feed. `id` is unique for each reading. */
export function observeFeed(
  feed: FeedId,
  previous: PreviousObservation | undefined,
  { client, config, clock, id }: { client: AtlasClient; config: Config; clock: Clock; id: string },
): Promise<Observation> {
  const reading = { id, previous, now: () => clock.now() };
  if (feed === 'control-plane') {
    return observeControlPlane(client, { ...reading, includeGateways: config.atlas.includeGateways });
  }
  if (feed === 'static') return Promise.resolve(observeStatic(config.static, reading.id, clock.now()));
  return observeNodes(client, { ...reading, projectId: feed.slice('nodes:'.length) });
}

/** The config is always there whole: it was parsed before anything else was done. */
function observeStatic(addresses: readonly StaticAddress[], id: string, atMs: number): Observation {
  return {
    id,
    feed: 'static',
    atMs,
    complete: true,
    faults: [],
    addresses: addresses.map(({ cidr, note }) => ({
      cidr,
      provenance: {
        feed: 'static',
        direction: 'outbound',
        future: false,
        ...(note !== undefined && { note }),
      },
    })),
    sections: { config: addresses.length },
    findings: [],
  };
}

/** Never throws: not to be told is an answer of its own. */
export async function readVerdict(client: AtlasClient, projectId: string, gate: Gate): Promise<KeyVerdict> {
  try {
    return keyVerdictOf(projectId, await readEncryptionAtRest(client, projectId), gate);
  } catch (error) {
    return { projectId, verdict: 'unknown', because: error instanceof Error ? error.message : String(error) };
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run a user that has no name.
    return `uid ${process.getuid?.() ?? '?'}`;
  }
}
