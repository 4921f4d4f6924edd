import { atlasCredentialsOf, type Config, resolveSecret, systemFiles } from '../../config/index.ts';
import type { SecretReference } from '../../config/secret-reference.ts';
import { openGate } from '../../gates/index.ts';
import { daemonStore } from '../../journal/daemon-store.ts';
import { isSameDatabase } from '../../journal/postgres/address.ts';
import { createLogger, type LogLevel } from '../../log/logger.ts';
import { whoRuns } from '../../reconcile/session.ts';
import { rememberSecret, type Secret } from '../../secret.ts';
import { createTransport, useProxyFromEnvironment } from '../../transport/index.ts';
import { watchConfigFile } from '../../watch/config-file.ts';
import { createWatch } from '../../watch/create-watch.ts';
import type { WatchEvent, WatchListener } from '../../watch/events.ts';
import { budgetedTransport, createFleet, keptRateBudgets } from '../../watch/fleet/index.ts';
import { cloudOf } from '../../watch/gate-watch.ts';
import type { WatchStatus } from '../../watch/status.ts';
import type { Watch, WatchOptions } from '../../watch/watch.ts';
import { type Told, tell } from '../../watch/words.ts';
import type { CommandAction, CommandContext } from '../context.ts';
import { reportError } from '../errors.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { UsageError } from '../failures.ts';
import { Terminal } from '../watch/terminal.ts';
import { startWatchServices, type WatchServices } from '../watch-services.ts';

export interface WatchCommandOptions {
  readonly once?: boolean;
  /** Milliseconds: instead of every interval of the config. */
  readonly interval?: number;
  readonly logLevel?: LogLevel;
  /** Whether to tell as to a person at a terminal; default: whether stderr is one. */
  readonly inSentences?: boolean;
  /** Told of each event too. */
  readonly onEvent?: WatchListener;
}

/** How often the config's file is looked at. */
const configLookMs = 1_000;

/** Runs until it is told to stop: SIGTERM or SIGINT ends it in order, SIGHUP reads the config anew. */
export const run: CommandAction<WatchCommandOptions> = async (context, _, options) => {
  const { signal } = context;
  const load = () => withInterval(context.loadConfig(), options.interval);
  const config = load();
  if (config.gates.length === 0) {
    throw new UsageError(
      'There is no gate to watch.',
      'Write a postern.yaml (see docs/postern.example.yaml), or name one with --config.',
    );
  }
  const secretOf = secretsOf(context);
  let newest = config;
  const watch = createWatch(watchOptionsOf(context, config, () => newest));
  const told = tellTo(context, config, watch, options);
  watch.subscribe(event => told.tell(event));
  if (options.onEvent) watch.subscribe(options.onEvent);
  let hasJournal = true;
  watch.subscribe(({ kind }) => {
    if (kind === 'journal-lost') hasJournal = false;
    if (kind === 'journal-back') hasJournal = true;
  });
  let services: WatchServices | undefined;
  const ends: (() => void)[] = [];
  try {
    // One look tells nobody and serves nothing: its exit code and its output do.
    if (options.once !== true) {
      const onListening = (url: string) => told.listening(url);
      const onUndelivered = (what: Told) => told.undelivered(what);
      services = await startWatchServices({ context, config, watch, secretOf, onListening, onUndelivered });
    }
    ends.push(
      onProcessFaults(watch),
      onReload(
        context,
        config.path,
        load,
        reloaded => {
          newest = reloaded;
          watch.reload(reloaded);
          void services?.reload(reloaded);
        },
        message => watch.refuseConfig(message),
      ),
      onAbort(signal, () => watch.stop(reasonOf(signal))),
    );
    await watch.run({ once: options.once === true });
  } finally {
    for (const end of ends) end();
    await services?.close();
    told.end();
  }
  // A daemon that was told to stop has done what it should; one look is judged like `apply`.
  return options.once === true ? exitCodeOf(watch.status(), hasJournal) : exitCodes.ok;
};

/** Read anew each time, so that a rotated secret is noticed. */
function secretsOf({ env }: CommandContext): (reference: SecretReference) => Secret {
  return reference => resolveSecret(reference, env, systemFiles).secret;
}

/**
 * What the daemon is given in a real process.
 *
 * @param newest the config as it is after the last reload
 */
export function watchOptionsOf(
  context: CommandContext,
  config: Config,
  newest: () => Config = () => config,
): WatchOptions {
  const { clock, env } = context;
  const secretOf = secretsOf(context);
  const warning = useProxyFromEnvironment(env);
  if (warning !== undefined) context.output.warn(warning);
  const database = databaseNow(context, config, newest);
  const budgets = database && keptRateBudgets({ database, clock });
  return {
    config,
    clock,
    random: Math.random,
    store: daemonStore({
      path: context.statePathOf(config),
      database,
      clock,
    }),
    ...(database && {
      fleet: tasks => createFleet({ ...tasks, database, clock, concurrency: () => placesOf(newest()) }),
    }),
    transport: (mode, { atlas }) => {
      const transport = createTransport({ clock, random: Math.random, mode, tryTimeoutMs: atlas.timeoutMs });
      return budgets
        ? budgetedTransport({ transport, budgets, atlasBaseUrl: atlas.baseUrl, clock })
        : transport;
    },
    credentials: ({ atlas }) => atlasCredentialsOf(atlas, env, systemFiles).credentials,
    openGate: (gate, transport) => openGate(gate, { transport, clock, random: Math.random, secretOf }),
    pingUrl: ({ watch: { ping } }) => {
      if (!ping) return undefined;
      const url = secretOf(ping).reveal();
      // A message may show a part of it.
      rememberSecret(URL.parse(url)?.pathname ?? '');
      return url;
    },
    by: whoRuns(),
    command: 'postern watch',
  };
}

/** Where the database of the journal is, with its user and password as they are now. */
function databaseNow(
  context: CommandContext,
  config: Config,
  newest: () => Config,
): (() => Secret) | undefined {
  const first = context.databaseOf(config);
  if (!first) return undefined;
  return () => {
    const now = context.databaseOf(newest());
    // Another database is another journal, which a daemon does not change in the middle of its work.
    return now && isSameDatabase(first, now) ? now : first;
  };
}

/** The clouds are worked on side by side, each with its own limit. */
function placesOf({ gates, watch }: Config): number {
  return watch.concurrency * new Set(gates.map(({ kind }) => cloudOf(kind))).size;
}

function withInterval(config: Config, intervalMs: number | undefined): Config {
  if (intervalMs === undefined) return config;
  const every = { controlPlaneMs: intervalMs, nodesMs: intervalMs, gatesMs: intervalMs };
  const minGapMs = Math.min(config.watch.minGapMs, intervalMs);
  return { ...config, watch: { ...config.watch, ...every, minGapMs } };
}

/** A terminal is told in sentences, everything else in JSON; both on stderr. */
function tellTo(context: CommandContext, config: Config, watch: Watch, options: WatchCommandOptions) {
  const { output, clock } = context;
  const { logLevel = 'info', inSentences = process.stderr.isTTY && !output.isJson } = options;
  if (inSentences) {
    const journal = context.databaseOf(config) ? 'PostgreSQL' : context.statePathOf(config);
    return new Terminal({ output, logLevel, config, journal, clock, status: () => watch.status() });
  }
  const logger = createLogger({ level: logLevel, destination: process.stderr, now: clock.now });
  const log = ({ level, fields, message }: Told) => logger.log(level, fields, message);
  return {
    tell: (event: WatchEvent) => log(tell(event)),
    undelivered: log,
    listening(url: string) {
      logger.log('info', { event: 'listening', url }, `The API, metrics and health are at ${url}`);
    },
    end() {},
  };
}

/** Whatever a library lets slip: it is counted and told, and does not end the process. */
function onProcessFaults(watch: Watch): () => void {
  const rejected = (error: unknown) => watch.fault('a promise that nobody awaited', error);
  const thrown = (error: unknown) => watch.fault('something outside of any run', error);
  process.on('unhandledRejection', rejected);
  process.on('uncaughtException', thrown);
  return () => {
    process.off('unhandledRejection', rejected);
    process.off('uncaughtException', thrown);
  };
}

function onReload(
  { clock }: CommandContext,
  path: string | undefined,
  load: () => Config,
  take: (config: Config) => void,
  refuse: (message: string) => void,
): () => void {
  const stop = new AbortController();
  const reload = () => {
    try {
      const config = load();
      if (config.gates.length === 0) throw new UsageError('The new config names no gate.');
      take(config);
    } catch (error) {
      const { message, remedy } = reportError(error);
      // The faults of a file stand on lines of their own.
      refuse([message, remedy].filter(Boolean).join(message.includes('\n') ? '\n' : ' '));
    }
  };
  process.on('SIGHUP', reload);
  if (path !== undefined) {
    const read = () => systemFiles.readText(path);
    void watchConfigFile({ clock, everyMs: configLookMs, read, onChange: reload }, stop.signal);
  }
  return () => {
    process.off('SIGHUP', reload);
    stop.abort();
  };
}

function onAbort(signal: AbortSignal, work: () => unknown): () => void {
  const listener = () => void work();
  if (signal.aborted) listener();
  signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}

function reasonOf({ reason }: AbortSignal): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function exitCodeOf({ gates, feeds }: WatchStatus, hasJournal: boolean): ExitCode {
  if (gates.some(({ lastRun }) => !lastRun || lastRun.status === 'failed' || lastRun.status === 'restored'))
    return exitCodes.failed;
  if (gates.some(({ lastRun }) => lastRun?.status === 'refused')) return exitCodes.refused;
  if (gates.some(({ coverage }) => coverage === 'locked-out')) return exitCodes.pending;
  if (!hasJournal) return exitCodes.failed;
  return feeds.every(({ complete }) => complete) ? exitCodes.ok : exitCodes.unsure;
}
