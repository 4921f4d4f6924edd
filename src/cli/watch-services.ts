/**
 * What goes with the daemon in one process: who is told, and the HTTP server. They listen to it and ask it; it
 * does not know them, and none of their faults reaches it.
 */
import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import type { Config, SecretReference } from '../config/index.ts';
import { severities } from '../finding.ts';
import type { Journal } from '../journal/journal.ts';
import { openChannel } from '../notify/channels/index.ts';
import { FleetTelling } from '../notify/fleet-telling.ts';
import { Teller } from '../notify/teller.ts';
import type { Secret } from '../secret.ts';
import { Metrics } from '../server/metrics.ts';
import { type Server, startServer } from '../server/server.ts';
import { createTransport } from '../transport/index.ts';
import type { Watch } from '../watch/watch.ts';
import type { CommandContext } from './context.ts';
import { version } from './version.ts';

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
}

/**
 * Throws a ConfigError when a secret is not there, and what listening throws: at the start a person is there to
 * mend it. Later, on a reload, a fault is told as one of the daemon's and the rest goes on.
 */
export async function startWatchServices(options: WatchServicesOptions): Promise<WatchServices> {
  const { watch } = options;
  let { config } = options;
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
  let teller = await startTeller(options, config, metrics);
  const openAlerts = () => teller.alerts;
  let server = await startHttp(options, config, metrics, openAlerts);
  let reloading: Promise<void> = Promise.resolve();

  const reload = async (next: Config) => {
    const before = config;
    config = next;
    if (!isDeepStrictEqual(before.notify, next.notify)) {
      await teller.stop();
      teller = await startTeller(options, next, metrics);
    }
    if (!isDeepStrictEqual(before.server, next.server)) {
      await server?.close();
      server = undefined;
      server = await startHttp(options, next, metrics, openAlerts);
    }
  };
  return {
    reload: next => {
      // One after another: two reloads in a row must not listen on one port.
      reloading = reloading
        .then(() => reload(next))
        .catch(error => watch.fault('the new `notify` or `server` of the config', error));
      return reloading;
    },
    close: async () => {
      await reloading;
      unsubscribe();
      await Promise.all([teller.stop(), server?.close()]);
    },
  };
}

async function startTeller(
  { context, watch, secretOf }: WatchServicesOptions,
  config: Config,
  metrics: Metrics,
): Promise<Teller> {
  const { clock } = context;
  const transport = createTransport({ clock, random: Math.random, mode: 'read-write', maxRetries: 1 });
  const source = hostname();
  const teller = new Teller({
    watch,
    channels: config.notify.map(channel => openChannel(channel, { transport, clock, source, secretOf })),
    clock,
    random: Math.random,
    recall: async () => await openJournal(watch).recall(memoryKey),
    remember: async memory => await openJournal(watch).remember(memoryKey, memory),
    onDelivery: delivery => metrics.countDelivery(delivery),
    onFault: error => watch.fault('the telling', error),
    ...(context.databaseOf(config) && {
      fleet: new FleetTelling({ journal: () => watch.journal, clock, worker: `${source}/${process.pid}` }),
    }),
  });
  await teller.start();
  return teller;
}

function openJournal({ journal }: Watch): Journal {
  if (!journal) throw new Error('The journal is not open.');
  return journal;
}

async function startHttp(
  { context, watch, secretOf, onListening }: WatchServicesOptions,
  { server: config }: Config,
  metrics: Metrics,
  openAlerts: () => Teller['alerts'],
): Promise<Server | undefined> {
  if (!config) return undefined;
  const server = await startServer({
    config,
    watch,
    metrics,
    openAlerts,
    atlasWebhookSecret: config.atlasWebhookSecret && secretOf(config.atlasWebhookSecret),
    clock: context.clock,
    version: version(),
    onFault: error => watch.fault('the HTTP server', error),
  });
  onListening(server.url);
  return server;
}
