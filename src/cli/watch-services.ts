/**
 * What goes with the daemon in one process: who is told, and the HTTP server. They listen to it and ask it; it
 * does not know them, and none of their faults reaches it.
 */
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { ServerConfig } from '../config/config.ts';
import type { Config, SecretReference } from '../config/index.ts';
import { severities } from '../finding.ts';
import type { Journal } from '../journal/journal.ts';
import { openChannel } from '../notify/channels/index.ts';
import { FleetTelling } from '../notify/fleet-telling.ts';
import type { Delivery } from '../notify/notifier.ts';
import { Teller } from '../notify/teller.ts';
import type { Secret } from '../secret.ts';
import { Metrics } from '../server/metrics.ts';
import { type Server, startServer } from '../server/server.ts';
import { createTransport } from '../transport/index.ts';
import type { WatchEvent, WatchListener } from '../watch/events.ts';
import type { WatchStatus } from '../watch/status.ts';
import type { Watch } from '../watch/watch.ts';
import type { Told } from '../watch/words.ts';
import type { CommandContext } from './context.ts';
import { version } from './version.ts';
import { DeliveryTroubles } from './watch/deliveries.ts';

/** Under this name the journal keeps what was told. */
const memoryKey = 'told';

export interface WatchServices {
  /** Starts anew what another config changes, and leaves the rest. Never throws. */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

export interface WatchServicesOptions {
  readonly context: CommandContext;
  readonly config: Config;
  readonly watch: Watch;
  /** Throws a ConfigError when the secret is not there. */
  secretOf(reference: SecretReference): Secret;
  /** Told where the server listens. */
  onListening(url: string): void;
  /** Told where people did not get a message. */
  onUndelivered(told: Told): void;
}

/**
 * Throws a ConfigError when a secret is not there, and what listening throws: at the start a person is there to
 * mend it. Later, on a reload, a fault is told as one of the daemon's and the rest goes on.
 */
export async function startWatchServices(options: WatchServicesOptions): Promise<WatchServices> {
  const { watch, config } = options;
  const metrics = new Metrics({
    status: () => watch.status(),
    openAlerts: () =>
      Object.fromEntries(
        severities.map(severity => [
          severity,
          teller.alerts.filter(alert => alert.situation.severity === severity).length,
        ]),
      ),
    withProcess: true,
  });
  const unsubscribe = watch.subscribe(event => metrics.count(event));
  const troubles = new DeliveryTroubles();
  const onDelivery = (delivery: Delivery) => {
    metrics.countDelivery(delivery);
    const told = troubles.hear(delivery);
    if (told) options.onUndelivered(told);
  };
  let teller = openTeller(options, config, onDelivery, watch);
  await teller.start();
  const openAlerts = () => teller.alerts;
  let server = await startHttp(options, config.server, metrics, openAlerts);
  /** What each part runs with; what could not be started is tried again at the next reload. */
  let telling = config.notify;
  let serving = config.server;
  let reloading: Promise<void> = Promise.resolve();

  const tellAnew = async (next: Config) => {
    if (isDeepStrictEqual(telling, next.notify)) return;
    const relay = new Relay(watch);
    // Throws where a secret is not there: then the old one goes on.
    const fresh = openTeller(options, next, onDelivery, relay);
    relay.hold();
    try {
      await teller.stop();
    } finally {
      teller = fresh;
      telling = next.notify;
      await fresh.start();
    }
  };
  const serveAnew = async (next: Config) => {
    if (isDeepStrictEqual(serving, next.server)) return;
    // Throws where the secret is not there: then the old one goes on.
    webhookSecretOf(options, next.server);
    const before = serving;
    const serve = async (part: ServerConfig | undefined) => {
      server = await startHttp(options, part, metrics, openAlerts);
      serving = part;
    };
    serving = undefined;
    await server?.close();
    try {
      await serve(next.server);
    } catch (error) {
      // Both may want one port, so the old one had to go first.
      await serve(before).catch(again => watch.fault('the HTTP server', again));
      throw error;
    }
  };
  const attempt = (part: string, work: Promise<void>) =>
    work.catch(error => watch.fault(`the new \`${part}\` of the config`, error));
  const reload = async (next: Config) => {
    await attempt('notify', tellAnew(next));
    await attempt('server', serveAnew(next));
  };
  return {
    reload: next => {
      // One after another: two reloads in a row must not listen on one port.
      reloading = reloading.then(() => reload(next));
      return reloading;
    },
    close: async () => {
      await reloading;
      unsubscribe();
      await Promise.all([teller.stop(), server?.close()]);
    },
  };
}

/**
 * What a new teller hears of the daemon. What happens from `hold` until it listens, while the old one sends what it
 * has still, is kept for it.
 */
class Relay implements Pick<Watch, 'status' | 'subscribe'> {
  readonly #watch: Watch;
  readonly #held: WatchEvent[] = [];
  #release = () => {};

  constructor(watch: Watch) {
    this.#watch = watch;
  }

  status(): WatchStatus {
    return this.#watch.status();
  }

  hold(): void {
    this.#release = this.#watch.subscribe(event => this.#held.push(event));
  }

  subscribe(listener: WatchListener): () => void {
    this.#release();
    for (const event of this.#held.splice(0)) listener(event);
    return this.#watch.subscribe(listener);
  }
}

/** Tells nothing yet. Throws a ConfigError when a secret is not there. */
function openTeller(
  { context, watch, secretOf }: WatchServicesOptions,
  config: Config,
  onDelivery: (delivery: Delivery) => void,
  heard: Pick<Watch, 'status' | 'subscribe'>,
): Teller {
  const { clock } = context;
  const transport = createTransport({ clock, random: Math.random, mode: 'read-write', maxRetries: 1 });
  const source = hostname();
  return new Teller({
    watch: heard,
    channels: config.notify.map(channel => openChannel(channel, { transport, clock, source, secretOf })),
    clock,
    random: Math.random,
    recall: async () => await openJournal(watch).recall(memoryKey),
    remember: async memory => await openJournal(watch).remember(memoryKey, memory),
    onDelivery,
    onFault: error => watch.fault('the telling', error),
    ...(context.databaseOf(config) && {
      fleet: new FleetTelling({ journal: () => watch.journal, clock, worker: `${source}/${process.pid}` }),
    }),
  });
}

function openJournal({ journal }: Watch): Journal {
  if (!journal) throw new Error('The journal is not open.');
  return journal;
}

async function startHttp(
  options: WatchServicesOptions,
  config: ServerConfig | undefined,
  metrics: Metrics,
  openAlerts: () => Teller['alerts'],
): Promise<Server | undefined> {
  const { context, watch, onListening } = options;
  if (!config) return undefined;
  const server = await startServer({
    config,
    watch,
    metrics,
    openAlerts,
    atlasWebhookSecret: webhookSecretOf(options, config),
    clock: context.clock,
    version: version(),
    onFault: error => watch.fault('the HTTP server', error),
  });
  onListening(server.url);
  return server;
}

function webhookSecretOf({ secretOf }: WatchServicesOptions, config: ServerConfig | undefined) {
  return config?.atlasWebhookSecret && secretOf(config.atlasWebhookSecret);
}
