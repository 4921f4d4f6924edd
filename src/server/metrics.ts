/**
 * What Prometheus is told. Gauges are read from the daemon's state at each scrape, so that they cannot be
 * stale; counters and the histogram follow its events. The table of names and meanings in docs/metrics.md is
 * made of this file.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type Delivery, deliveryOutcomes } from '../notify/notifier.ts';
import { coverages } from '../reconcile/coverage.ts';
import { runStatuses } from '../reconcile/run.ts';
import type { WatchEvent } from '../watch/events.ts';
import type { WatchStatus } from '../watch/status.ts';

export interface MetricsOptions {
  status(): WatchStatus;
  /** How many alerts are open, by severity. */
  openAlerts(): Readonly<Record<string, number>>;
  /** The names of the channels that the config has now. */
  channels(): readonly string[];
  /** Node.js's own metrics too. Off in tests, where many registries live in one process. */
  readonly withProcess: boolean;
}

/** A gauge: its labels, and its values as of a state. `undefined` leaves the value out. */
interface GaugeRule {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  read(
    status: WatchStatus,
  ): readonly (readonly [labels: Record<string, string>, value: number | undefined])[];
}

const seconds = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1000);
const ofGates =
  (value: (gate: WatchStatus['gates'][number], nowMs: number) => number | undefined): GaugeRule['read'] =>
  ({ gates, nowMs }) =>
    gates.map(gate => [{ gate: gate.name }, value(gate, nowMs)] as const);
const ofFeeds =
  (
    value: (feed: WatchStatus['feeds'][number], status: WatchStatus) => number | undefined,
  ): GaugeRule['read'] =>
  status =>
    status.feeds.map(feed => [{ feed: feed.feed }, value(feed, status)] as const);
/** Always a value: prom-client shows 0 for a gauge without labels that has none, which is a moment in 1970. */
const whole =
  (value: (status: WatchStatus) => number): GaugeRule['read'] =>
  status => [[{}, value(status)]];

export const gauges: readonly GaugeRule[] = [
  {
    name: 'postern_gate_missing_addresses',
    help: 'Addresses that Atlas uses and the gate does not let in. Page above 0, and on coverage locked-out: a gate that lets in nobody may list them all, and then this is 0.',
    labels: ['gate'],
    read: ofGates(({ missing, coverage, lets }) => {
      if (coverage === undefined) return undefined;
      return lets === 'everyone' ? 0 : missing.length;
    }),
  },
  {
    name: 'postern_gate_coverage',
    help: '1 for what is so of the gate: let-in, locked-out (an address that Atlas uses is not let in, or nobody is), or cannot-tell. Page on locked-out.',
    labels: ['gate', 'coverage'],
    read: ({ gates }) =>
      gates.flatMap(({ name, coverage }) =>
        coverages.map(each => [{ gate: name, coverage: each }, coverage === each ? 1 : 0] as const),
      ),
  },
  {
    name: 'postern_gate_pending_removals',
    help: 'Entries that Atlas no longer lists, and that are still let in.',
    labels: ['gate'],
    read: ofGates(({ pendingRemovals }) => pendingRemovals.length),
  },
  {
    name: 'postern_gate_usage_ratio',
    help: "How much of the gate's limit is taken, from 0 to 1.",
    labels: ['gate'],
    read: ofGates(({ usage }) => usage && usage.used / usage.limit),
  },
  {
    name: 'postern_gate_consecutive_failures',
    help: 'Runs over the gate that failed, one after another.',
    labels: ['gate'],
    read: ofGates(({ consecutiveFailures }) => consecutiveFailures),
  },
  {
    name: 'postern_gate_last_good_run_timestamp_seconds',
    help: 'When a run last brought the gate in step, or found it so.',
    labels: ['gate'],
    read: ofGates(({ lastGoodRunAtMs }) => seconds(lastGoodRunAtMs)),
  },
  {
    name: 'postern_gate_tripped_guards',
    help: 'Guards that stop something in the newest plan of the gate.',
    labels: ['gate'],
    read: ofGates(({ guards }) => guards.length),
  },
  {
    name: 'postern_feed_addresses',
    help: 'Addresses that the newest reading of the feed lists.',
    labels: ['feed'],
    read: ofFeeds(({ addresses }) => addresses),
  },
  {
    name: 'postern_feed_complete_age_seconds',
    help: 'Seconds since the feed was last read completely; since the start where it never was.',
    labels: ['feed'],
    read: ofFeeds(({ lastCompleteAtMs }, { nowMs, startedAtMs }) =>
      seconds(nowMs - (lastCompleteAtMs ?? startedAtMs)),
    ),
  },
  {
    name: 'postern_journal_available',
    help: '1 while the journal can be used. Without it nothing is removed.',
    labels: [],
    read: whole(({ journal }) => (journal.available ? 1 : 0)),
  },
  {
    name: 'postern_config_refused',
    help: '1 while the newest config is wrong and the one before is in force.',
    labels: [],
    read: whole(({ config }) => (config.fault === undefined ? 0 : 1)),
  },
  {
    name: 'postern_last_healthy_cycle_timestamp_seconds',
    help: 'When every gate had last been looked at, and all was well; the start where that never was.',
    labels: [],
    read: whole(({ lastHealthyCycleAtMs, startedAtMs }) => (lastHealthyCycleAtMs ?? startedAtMs) / 1000),
  },
  {
    name: 'postern_api_rate_limit_remaining',
    help: "Requests that Atlas's rate limit had left, as its answer said.",
    labels: ['endpoint', 'scope'],
    read: ({ rateLimits }) =>
      rateLimits.map(({ endpoint, scope, remaining }) => [{ endpoint, scope }, remaining] as const),
  },
  {
    name: 'postern_api_requests',
    help: 'Requests to Atlas and the clouds since the start.',
    labels: [],
    read: whole(({ totals }) => totals.requests),
  },
  {
    name: 'postern_api_retries',
    help: 'Requests that were sent again since the start.',
    labels: [],
    read: whole(({ totals }) => totals.retries),
  },
  {
    name: 'postern_internal_faults',
    help: 'Faults of Postern itself that were not foreseen, since the start. Report them.',
    labels: [],
    read: whole(({ totals }) => totals.internalFaults),
  },
];

export const counters = {
  runs: {
    name: 'postern_runs_total',
    help: 'Runs over gates, by how they ended.',
    labels: ['gate', 'status'],
  },
  writes: {
    name: 'postern_writes_total',
    help: 'Writes that were carried out: add, remove, restore, undo, enforce, withdraw.',
    labels: ['gate', 'kind'],
  },
  written: {
    name: 'postern_written_addresses_total',
    help: 'Entries that writes put in or took out.',
    labels: ['gate', 'direction'],
  },
  guardTrips: {
    name: 'postern_guard_trips_total',
    help: 'How often a guard stopped something, once for each run.',
    labels: ['gate', 'guard'],
  },
  feedReads: {
    name: 'postern_feed_reads_total',
    help: 'Readings of feeds, complete or not.',
    labels: ['feed', 'complete'],
  },
  restores: {
    name: 'postern_removals_restored_total',
    help: 'Removals and first writes that were taken back because Atlas did not confirm them.',
    labels: ['gate'],
  },
  deliveries: {
    name: 'postern_notifications_total',
    help: 'Messages to channels: delivered, failed, given-up.',
    labels: ['channel', 'outcome'],
  },
} as const;

export const histograms = {
  runDuration: {
    name: 'postern_run_duration_seconds',
    help: 'How long a run over a gate took.',
    labels: ['gate'],
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  },
} as const;

/** Gauges of what the daemon's state does not hold. */
export const otherGauges = {
  openAlerts: {
    name: 'postern_open_alerts',
    help: 'Situations that people were told about and that last.',
    labels: ['severity'],
  },
  restoredAge: {
    name: 'postern_removal_restored_age_seconds',
    help: 'Seconds since a removal or a first write was last taken back; not there where none was since the start. Page below 900.',
    labels: ['gate'],
  },
} as const;

const directions = ['in', 'out'] as const;

export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  readonly #counters: Readonly<Record<keyof typeof counters, Counter>>;
  readonly #runDuration: Histogram;
  readonly #begun = new Set<string>();
  readonly #restoredAtMs = new Map<string, number>();
  /** All gauges of a page are of one moment, and the state of many gates is put together once. */
  #scraped: WatchStatus | undefined;

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    const statusOfScrape = () => {
      this.#scraped ??= options.status();
      return this.#scraped;
    };
    for (const { name, help, labels, read } of gauges) {
      const gauge: Gauge = new Gauge({
        name,
        help,
        labelNames: [...labels],
        registers,
        collect() {
          gauge.reset();
          for (const [given, value] of read(statusOfScrape()))
            if (value !== undefined) gauge.set(given, value);
        },
      });
    }
    const alerts: Gauge = new Gauge({
      name: otherGauges.openAlerts.name,
      help: otherGauges.openAlerts.help,
      labelNames: [...otherGauges.openAlerts.labels],
      registers,
      collect() {
        for (const [severity, count] of Object.entries(options.openAlerts())) alerts.set({ severity }, count);
      },
    });
    const restored = this.#restoredAtMs;
    const restoredAge: Gauge = new Gauge({
      name: otherGauges.restoredAge.name,
      help: otherGauges.restoredAge.help,
      labelNames: [...otherGauges.restoredAge.labels],
      registers,
      collect() {
        const { nowMs } = statusOfScrape();
        for (const [gate, atMs] of restored) restoredAge.set({ gate }, (nowMs - atMs) / 1000);
      },
    });
    const counter = (key: keyof typeof counters) => {
      const { name, help, labels } = counters[key];
      return new Counter({ name, help, labelNames: [...labels], registers });
    };
    this.#counters = {
      runs: counter('runs'),
      writes: counter('writes'),
      written: counter('written'),
      guardTrips: counter('guardTrips'),
      feedReads: counter('feedReads'),
      restores: counter('restores'),
      deliveries: counter('deliveries'),
    };
    const { name, help, labels, buckets } = histograms.runDuration;
    this.#runDuration = new Histogram({
      name,
      help,
      labelNames: [...labels],
      buckets: [...buckets],
      registers,
    });
    if (options.withProcess) collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** For `Watch.subscribe`. */
  count(event: WatchEvent): void {
    if (event.kind === 'feed-read') {
      this.#counters.feedReads.inc({ feed: event.feed, complete: String(event.complete) });
    }
    if (event.kind === 'removal-restored' || event.kind === 'first-write-withdrawn') {
      this.#counters.restores.inc({ gate: event.gate });
      this.#restoredAtMs.set(event.gate, event.atMs);
    }
    if (event.kind !== 'run-ended') return;
    const { gate, summary, plan } = event;
    this.#beginGate(gate);
    this.#counters.runs.inc({ gate, status: summary.status });
    this.#runDuration.observe({ gate }, (summary.endedAtMs - summary.startedAtMs) / 1000);
    for (const { guard } of plan?.guards ?? []) this.#counters.guardTrips.inc({ gate, guard });
    for (const { kind, adds, removes } of summary.writes) {
      this.#counters.writes.inc({ gate, kind });
      this.#counters.written.inc({ gate, direction: 'in' }, adds.length);
      this.#counters.written.inc({ gate, direction: 'out' }, removes.length);
    }
  }

  countDelivery({ channel, outcome }: Delivery): void {
    this.#counters.deliveries.inc({ channel, outcome });
  }

  text(): Promise<string> {
    this.#scraped = this.#options.status();
    for (const { name } of this.#scraped.gates) this.#beginGate(name);
    for (const channel of this.#options.channels())
      for (const outcome of deliveryOutcomes) this.#counters.deliveries.inc({ channel, outcome }, 0);
    return this.#registry.metrics();
  }

  /**
   * What a series has when Prometheus first sees it is no increase to it, so each is to be seen at 0 before it counts.
   * Those of a gate that left the config stay: it may come back, and must not begin anew.
   */
  #beginGate(gate: string): void {
    if (this.#begun.has(gate)) return;
    this.#begun.add(gate);
    const { runs, written, restores } = this.#counters;
    restores.inc({ gate }, 0);
    for (const status of runStatuses) runs.inc({ gate, status }, 0);
    for (const direction of directions) written.inc({ gate, direction }, 0);
    this.#runDuration.zero({ gate });
  }
}
