/**
 * The daemon as it is, `createWatch`, in a process that can die at every await: its clock, network, journal and
 * randomness are the world's. It is looked at from outside by the events that it tells.
 */
import type { Clock } from '../../src/clock.ts';
import type { Config } from '../../src/config/config.ts';
import type { Plan } from '../../src/plan/plan.ts';
import type { RunEvent } from '../../src/reconcile/run.ts';
import { Secret } from '../../src/secret.ts';
import { createWatch } from '../../src/watch/create-watch.ts';
import type { WatchEvent } from '../../src/watch/events.ts';
import type { Watch } from '../../src/watch/watch.ts';
import { deadlinesOf } from './deadlines.ts';
import type { DaemonCounts } from './postern.ts';
import type { SimulatedProcess } from './process.ts';
import { between, type Random, randomFor } from './random.ts';
import { listenerOf, simulatedTransport } from './session-parts.ts';
import { storeOf } from './store.ts';
import { minuteMs, type World } from './world.ts';

export interface DaemonLifeOptions {
  readonly world: World;
  readonly process: SimulatedProcess;
  /** Which of the processes this is, for the judge. */
  readonly run: number;
  readonly counts: DaemonCounts;
  /** Whether it sleeps through times in which nothing can change. */
  readonly skips: boolean;
  report(gate: string | undefined, event: RunEvent): void;
}

/** A feed that is read every half minute is read a few times before a change. */
const strideMs = 100_000;

/**
 * How far ahead of a change it is awake again, in intervals: on its way from one look to the next, anywhere, and now
 * and then a few times around.
 */
function awakeIntervals(random: Random): number {
  return random() < 0.85 ? between(random, 0, 1.1) : between(random, 1.1, 3);
}

export class DaemonLife {
  readonly #options: DaemonLifeOptions;
  readonly #watch: Watch;
  readonly #clock: Clock;
  /** What it waits for at present: requests, the journal, the clock. */
  #waits = 0;
  /** When each feed and gate was last looked at and all was well there; the times are true ones. */
  readonly #wellSinceMs = new Map<string, number>();
  readonly #startedMs = new Map<string, number>();
  readonly #plans = new Map<string, Plan>();
  #config: Config;
  #isEnding = false;

  constructor(options: DaemonLifeOptions) {
    const { world, process, run } = options;
    this.#options = options;
    const { scheduler, seed } = world;
    world.network.random = randomFor(seed, 'network', scheduler.nowMs);
    this.#clock = {
      now: () => world.machineNow(),
      sleep: (ms, signal) => process.wait(() => this.#sleep(ms, signal)),
    };
    const clock = this.#clock;
    const listener = listenerOf(world, run, false);
    this.#config = world.config();
    this.#watch = createWatch({
      config: this.#config,
      clock,
      random: randomFor(seed, 'daemon', scheduler.nowMs),
      store: storeOf(world, process, work => this.#waiting(work)),
      transport: mode => {
        const transport = simulatedTransport(world, listener, clock, process, mode);
        return { ...transport, send: request => this.#waiting(() => transport.send(request)) };
      },
      credentials: () => ({
        kind: 'service-account',
        clientId: world.credentials.serviceAccount.clientId,
        clientSecret: new Secret(world.credentials.serviceAccount.clientSecret, 'the simulation'),
      }),
      openGate: async (gate, transport) => {
        const site = world.sites.find(({ name }) => name === gate.name)!;
        return await site.cloud.openGate(gate, { transport, clock, random: world.network.random });
      },
      by: 'postern@simulation',
      command: 'postern watch',
    });
    this.#watch.subscribe(event => this.#hear(event));
  }

  /** Resolves when it was asked to stop and has stopped; anything else is a breach of invariant 8. */
  async run(): Promise<void> {
    await this.#watch.run();
    if (!this.#isEnding) throw new Error('the loop ended by itself');
  }

  /** SIGTERM. */
  stop(): void {
    this.#isEnding = true;
    void this.#watch.stop('SIGTERM');
  }

  hint(): void {
    this.#watch.hint({ source: 'webhook', because: 'an alert' });
  }

  syncNow(): void {
    this.#watch.syncNow();
  }

  /** The file may have changed. */
  lookAtConfig(): void {
    const config = this.#options.world.config();
    if (JSON.stringify(config) === JSON.stringify(this.#config)) return;
    this.#config = config;
    this.#watch.reload(config);
  }

  #hear(event: WatchEvent): void {
    const { world, run, counts, report } = this.#options;
    switch (event.kind) {
      case 'feed-read':
        world.answers.readingEnded(event.feed, run);
        if (event.complete && event.added.length + event.gone.length === 0) {
          this.#wellSinceMs.set(event.feed, world.scheduler.nowMs - event.tookMs);
        } else this.#wellSinceMs.delete(event.feed);
        if (event.faults.length > 0) world.trace(`${event.feed}: ${event.faults[0]}`);
        break;
      case 'run-started':
        counts.cycles++;
        world.judge.runBegins(event.gate, run);
        this.#startedMs.set(event.gate, world.scheduler.nowMs);
        break;
      case 'run-ended': {
        const { status, writes, message } = event.summary;
        const isWell = status === 'unchanged' && writes.length === 0;
        if (isWell) this.#wellSinceMs.set(event.gate, this.#startedMs.get(event.gate)!);
        else this.#wellSinceMs.delete(event.gate);
        if (event.plan) this.#plans.set(event.gate, event.plan);
        if (status !== 'unchanged') world.trace(`${event.gate}: ${status}: ${message}`);
        break;
      }
      case 'run-step':
        report(event.gate, event.step);
        break;
      case 'internal-fault':
        world.judge.breach(`an internal fault in ${event.where}: ${event.message}`);
        break;
      case 'journal-lost':
      case 'journal-back':
      case 'journal-moved':
      case 'config-reloaded':
      case 'run-hangs':
        world.trace(JSON.stringify(event));
        break;
    }
  }

  async #waiting<T>(work: () => Promise<T>): Promise<T> {
    this.#waits++;
    try {
      return await work();
    } finally {
      this.#waits--;
    }
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    // Who sleeps while nothing else is waited for is the loop, and nothing is under way.
    const isLoop = this.#waits === 0 && this.#options.skips;
    const longMs = isLoop ? this.#longSleepMs() : 0;
    await this.#waiting(() => this.#options.world.scheduler.sleep(Math.max(ms, longMs), signal));
  }

  /**
   * How long nothing can come of what the loop does. That is until something is due or happens, for which it need not
   * wake up every half minute; and longer where all that is due was looked at since the world last changed, and was
   * well. Until shortly before the next change, or the end of a grace period, the machine is asleep then, as a
   * laptop's is; the daemon meets that as a clock that went ahead.
   */
  #longSleepMs(): number {
    const { world, counts } = this.#options;
    const { scheduler, intervalMs, changedAtMs } = world;
    const { feeds, gates, journal } = this.#watch.status();
    if (!journal.available) return 0;
    const isUntroubled = world.isUntroubled();
    const nowMs = scheduler.nowMs;
    const changeMs = Math.min(
      scheduler.nextMs,
      ...gates.flatMap(({ name }) => deadlinesOf(this.#plans.get(name), world.skewMs, nowMs)),
    );
    const areFeedsUntroubled = world.areFeedsUntroubled();
    const isWell = (name: string) => this.#wellSinceMs.get(name)! > changedAtMs;
    const looks = [
      ...feeds.map(({ feed, nextAtMs, isChanging }) => {
        const dueMs = nextAtMs - world.skewMs;
        // Read every half minute while a cluster changes: it is in its stride again when something happens.
        const isIdle = isChanging && areFeedsUntroubled && isWell(feed);
        return { name: feed, atMs: isIdle ? Math.max(dueMs, changeMs - strideMs) : dueMs };
      }),
      ...gates.map(({ name, nextAtMs }) => ({ name, atMs: nextAtMs - world.skewMs })),
    ];
    const dueMs = Math.min(...looks.map(({ atMs }) => atMs));
    const restMs = Math.min(dueMs, changeMs, scheduler.nextMs) - 1 - nowMs;
    // What is about to be looked at is looked at.
    if (!isUntroubled || dueMs < nowMs + Math.min(minuteMs, intervalMs / 3)) return restMs;
    const news = looks.filter(({ name }) => !isWell(name));
    const newsMs = Math.min(...news.map(({ atMs }) => atMs));
    const aheadMs = awakeIntervals(randomFor(world.seed, 'awake', changeMs)) * intervalMs;
    const idleMs = Math.min(changeMs - aheadMs, newsMs - 1) - nowMs;
    if (idleMs < intervalMs / 4) return restMs;
    counts.skipped += Math.round((gates.length * idleMs) / intervalMs);
    return idleMs;
  }
}
