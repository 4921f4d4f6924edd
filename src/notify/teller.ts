/**
 * Watches the daemon and tells people: its state as alerts that open and end, its writes as events. It only
 * listens; nothing that it does, and no channel, can hold the daemon up.
 */
import type { Clock } from '../clock.ts';
import type { WatchEvent } from '../watch/events.ts';
import type { Watch } from '../watch/watch.ts';
import { type Alert, type AlertTiming, advanceAlerts } from './alerts.ts';
import type { Channel } from './channels/channel.ts';
import { noticeOfEvent } from './happenings.ts';
import { type Backlog, type Delivery, Notifier } from './notifier.ts';
import { situationsOf } from './situations.ts';

/** What outlives a restart: without it everything that lasts would be told anew. */
export interface TellerMemory {
  readonly alerts: readonly Alert[];
  readonly backlog: Backlog;
}

export interface TellerOptions {
  readonly watch: Pick<Watch, 'status' | 'subscribe'>;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly timing?: AlertTiming;
  /** Both may fail: then nothing is remembered, and the telling goes on. */
  recall(): Promise<TellerMemory | undefined>;
  remember(memory: TellerMemory): Promise<void>;
  onDelivery?(delivery: Delivery): void;
}

/** The daemon's state is looked at this often, also when nothing happens: time alone can make a situation. */
const lookMs = 30_000;
/** A look goes over all gates: where many runs end, not each of them has one of its own. */
const lookGapMs = 1_000;

export class Teller {
  readonly #options: TellerOptions;
  #alerts: readonly Alert[] = [];
  #notifier: Notifier;
  #remembered = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isLookDue = false;
  #unsubscribe = () => {};
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#notifier = this.#makeNotifier({});
  }

  /** What is open now, for the API and the metrics. */
  get alerts(): readonly Alert[] {
    return this.#alerts;
  }

  /** Starts listening. Never throws. */
  async start(): Promise<void> {
    const memory = await this.#options.recall().catch(() => undefined);
    this.#alerts = memory?.alerts ?? [];
    this.#notifier = this.#makeNotifier(memory?.backlog ?? {});
    this.#unsubscribe = this.#options.watch.subscribe(event => this.#onEvent(event));
    this.#running = this.#lookNowAndThen();
  }

  /** Tells what is to be told still, and stops. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await this.#running;
    await this.#look();
  }

  #makeNotifier(backlog: Backlog): Notifier {
    const { channels, clock, random, onDelivery } = this.#options;
    return new Notifier({ channels, clock, random, ...(onDelivery && { onDelivery }) }, backlog);
  }

  #onEvent(event: WatchEvent): void {
    const notice = noticeOfEvent(event);
    if (notice) this.#notifier.add([notice]);
    if (event.kind === 'removal-restored') void this.#look();
    // A run has ended: what it found is told now, not at the next look.
    if (event.kind === 'run-ended') void this.#lookSoon();
  }

  async #lookSoon(): Promise<void> {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    const { clock } = this.#options;
    const waitMs = this.#lookedAtMs + lookGapMs - clock.now();
    if (waitMs > 0) await clock.sleep(waitMs, this.#stopping.signal).catch(() => {});
    this.#isLookDue = false;
    await this.#look();
  }

  async #lookNowAndThen(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look();
      await clock.sleep(lookMs, signal).catch(() => {});
    }
  }

  /** Never throws. */
  async #look(): Promise<void> {
    const { watch, clock, timing } = this.#options;
    this.#lookedAtMs = clock.now();
    const { alerts, notices } = advanceAlerts(
      this.#alerts,
      situationsOf(watch.status()),
      clock.now(),
      timing,
    );
    this.#alerts = alerts;
    this.#notifier.add(notices);
    await this.#notifier.flush();
    await this.#keep();
  }

  async #keep(): Promise<void> {
    const memory = { alerts: this.#alerts, backlog: this.#notifier.backlog };
    const text = JSON.stringify(memory);
    if (text === this.#remembered) return;
    try {
      await this.#options.remember(memory);
      this.#remembered = text;
    } catch {
      // Tried again at the next look; the journal tells of its own troubles.
    }
  }
}
