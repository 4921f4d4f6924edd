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
import type { Channel } from '../notify/channels/channel.ts';
import { openChannel } from '../notify/channels/index.ts';
import { reopened } from '../notify/channels/reopened.ts';
import { FleetTelling } from '../notify/fleet-telling.ts';
import type { Delivery } from '../notify/notifier.ts';
import { Teller } from '../notify/teller.ts';
import type { Secret } from '../secret.ts';
import { Metrics } from '../server/metrics.ts';
import { type Server, startServer } from '../server/server.ts';
import { createTransport } from '../transport/index.ts';
import type { Watch } from '../watch/watch.ts';
import type { Told } from '../watch/words.ts';
import type { CommandContext } from './context.ts';
import { version } from './version.ts';
import { DeliveryTroubles } from './watch/deliveries.ts';

/** Under this name the journal keeps what was told. */
const memoryKey = 'told';

export interface WatchServices {
  /** Takes the config and the secrets as they are now; what they do not change goes on. Never throws. */
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
    channels: () => teller.channels,
    withProcess: true,
  });
  const unsubscribe = watch.subscribe(event => metrics.count(event));
  const troubles = new DeliveryTroubles();
  const onDelivery = (delivery: Delivery) => {
    metrics.countDelivery(delivery);
    const told = troubles.hear(delivery);
    if (told) options.onUndelivered(told);
  };
  const teller = openTeller(options, onDelivery);
  const openAlerts = () => teller.alerts;
  /** Throws where a secret is not there: then the old ones go on. */
  const tellAnew = async ({ notify }: Config) => teller.use(openChannels(options, notify));
  /** What the server runs with; what could not be started is tried again at the next reload. */
  let serving = servingOf(options, config.server);
  let server = await startHttp(options, serving, metrics, openAlerts);
  // Not before: where the server cannot be started, nothing goes on that would keep the process.
  await teller.start();
  let reloading: Promise<void> = Promise.resolve();

  const serveAnew = async ({ server: part }: Config) => {
    // Throws where the secret is not there: then the old one goes on.
    const next = servingOf(options, part);
    if (isSame(serving, next)) return;
    const before = serving;
    const serve = async (part: Serving | undefined) => {
      server = await startHttp(options, part, metrics, openAlerts);
      serving = part;
    };
    serving = undefined;
    await server?.close();
    try {
      await serve(next);
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

function openTeller(options: WatchServicesOptions, onDelivery: (delivery: Delivery) => void): Teller {
  const { context, config, watch } = options;
  const { clock } = context;
  return new Teller({
    watch,
    channels: openChannels(options, config.notify),
    clock,
    random: Math.random,
    recall: async () => await openJournal(watch).recall(memoryKey),
    remember: async memory => await openJournal(watch).remember(memoryKey, memory),
    onDelivery,
    onFault: error => watch.fault('the telling', error),
    ...(context.databaseOf(config) && {
      fleet: new FleetTelling({
        journal: () => watch.journal,
        clock,
        worker: `${hostname()}/${process.pid}`,
      }),
    }),
  });
}

/** With the secrets as they are now. Throws a ConfigError when one is not there. */
function openChannels(
  { context: { clock }, secretOf }: WatchServicesOptions,
  notify: Config['notify'],
): readonly Channel[] {
  const transport = createTransport({ clock, random: Math.random, mode: 'read-write', maxRetries: 1 });
  const source = hostname();
  const parts = { transport, clock, source, secretOf };
  return notify.map(channel => reopened(() => openChannel(channel, parts)));
}

function openJournal({ journal }: Watch): Journal {
  if (!journal) throw new Error('The journal is not open.');
  return journal;
}

/** What the HTTP server runs with. */
interface Serving {
  readonly config: ServerConfig;
  readonly atlasWebhookSecret: Secret | undefined;
}

/** With the secret as it is now. Throws a ConfigError when it is not there. */
function servingOf(
  { secretOf }: WatchServicesOptions,
  config: ServerConfig | undefined,
): Serving | undefined {
  return (
    config && {
      config,
      atlasWebhookSecret: config.atlasWebhookSecret && secretOf(config.atlasWebhookSecret),
    }
  );
}

function isSame(one: Serving | undefined, other: Serving | undefined): boolean {
  return (
    isDeepStrictEqual(one?.config, other?.config) &&
    one?.atlasWebhookSecret?.reveal() === other?.atlasWebhookSecret?.reveal()
  );
}

async function startHttp(
  { context, watch, onListening }: WatchServicesOptions,
  serving: Serving | undefined,
  metrics: Metrics,
  openAlerts: () => Teller['alerts'],
): Promise<Server | undefined> {
  if (!serving) return undefined;
  const server = await startServer({
    ...serving,
    watch,
    metrics,
    openAlerts,
    clock: context.clock,
    version: version(),
    onFault: error => watch.fault('the HTTP server', error),
  });
  onListening(server.url);
  return server;
}
