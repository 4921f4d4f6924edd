/**
 * Postern itself, as it is: the session, the reconciler, the Atlas client, the gate, the transport's retries and
 * read-only gate. What it reaches of the outside (network, journal, clock) goes through a process that can die.
 */

import type { Clock } from '../../src/clock.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { applyGate } from '../../src/reconcile/apply.ts';
import { approveClosing, defaultApprovalMs } from '../../src/reconcile/approve.ts';
import type { RunEvent, RunResult } from '../../src/reconcile/run.ts';
import { type Overrides, openSession, type Session } from '../../src/reconcile/session.ts';
import { undoWrite } from '../../src/reconcile/undo.ts';
import { Secret } from '../../src/secret.ts';
import { DaemonLife } from './daemon-life.ts';
import { deadlinesOf } from './deadlines.ts';
import { SimulatedProcess } from './process.ts';
import { between, integer, type Random, randomFor } from './random.ts';
import { listenerOf, simulatedTransport } from './session-parts.ts';
import { storeOf } from './store.ts';
import { dayMs, hourMs, minuteMs, type Site, type World } from './world.ts';

/**
 * `daemon`: `postern watch`. `applies`: `postern apply` from a cron job, at each interval anew; it needs less
 * than half the time, and has no state of its own between two runs.
 */
export const ways = ['daemon', 'applies'] as const;
export type Way = (typeof ways)[number];

export interface DaemonCounts {
  cycles: number;
  /** Cycles that were left out because they could only have found what the one before them found. */
  skipped: number;
  kills: number;
  awaits: number;
  commands: number;
}

/** Runs the daemon in the world, starts it again when it dies, and runs the operator's commands beside it. */
export class Daemon {
  readonly #world: World;
  readonly #skips: boolean;
  readonly #way: Way;
  #life: DaemonLife | undefined;
  #process: SimulatedProcess | undefined;
  #nextRun = 1;
  readonly #guards = new Map<string | undefined, string>();
  /** What an operator was told of, and has not dealt with yet. */
  readonly #asked = new Set<string>();
  readonly #plans = new Map<string, Plan>();
  readonly counts: DaemonCounts = { cycles: 0, skipped: 0, kills: 0, awaits: 0, commands: 0 };

  /** @param skips whether cycles that provably change nothing are left out */
  constructor(world: World, { skips, way = 'daemon' }: { readonly skips: boolean; readonly way?: Way }) {
    this.#world = world;
    this.#skips = skips;
    this.#way = way;
    world.onChange = () => {
      this.#life?.lookAtConfig();
      if (world.hasWebhook) this.#alert();
    };
  }

  start(): void {
    const world = this.#world;
    const process = new SimulatedProcess(() => this.#died(process));
    this.#process = process;
    world.trace('postern starts');
    const living = this.#way === 'daemon' ? this.#watch(process) : this.#applyAgainAndAgain(process);
    // A daemon that ends by itself is a breach of invariant 8, whatever the reason.
    living.catch(error => world.judge.breach(`the daemon ended: ${error?.stack ?? error}`));
  }

  /** Until it is asked to stop, which is as good as a kill: it is started again. */
  async #watch(process: SimulatedProcess): Promise<void> {
    const run = this.#nextRun++;
    const life = new DaemonLife({
      world: this.#world,
      process,
      run,
      counts: this.counts,
      skips: this.#skips,
      report: (gate, event) => this.#trace(gate, event),
    });
    this.#life = life;
    await life.run();
    process.kill();
  }

  /** A SIGTERM, a webhook, or an operator who does not want to wait; the way `applies` knows none of them. */
  ask(what: 'stop' | 'hint' | 'syncNow'): void {
    this.#life?.[what]();
  }

  /** Atlas may tell of what happened: late, twice, or never. A webhook is never believed, only looked into. */
  #alert(): void {
    const { scheduler, seed } = this.#world;
    const random = randomFor(seed, 'webhook', scheduler.nowMs);
    if (random() < 0.6) return;
    const times = random() < 0.2 ? 2 : 1;
    for (let n = 0; n < times; n++) scheduler.after(between(random, 1_000, 90_000), () => this.ask('hint'));
  }

  kill(awaits: number): void {
    if (awaits === 0) this.#process?.kill();
    else this.#process?.dieAfter(awaits);
  }

  /** One command of the operator's, in a process of its own beside the daemon. */
  operate(what: 'apply' | 'undo', random: Random): void {
    const process = new SimulatedProcess(() => this.#world.trace('the command is killed'));
    if (random() < 0.2) process.dieAfter(integer(random, 1, 60));
    const overrides: Overrides =
      what === 'apply' ? { maxRemovals: 1_000, acceptShrink: true, acceptFirstWrite: true } : {};
    this.counts.commands++;
    this.#world.trace(`the operator runs ${what}`);
    this.#session(process, `postern ${what}`, overrides)
      .then(async session => {
        for (const gate of session.gates) {
          const run = await gate.open();
          this.#report(gate.config.name, await (what === 'apply' ? applyGate(run) : undoWrite(run)));
        }
        await session.close();
      })
      .catch(error => this.#world.trace(`the command failed: ${error?.message}`));
  }

  /**
   * An operator sees that a removal waits for approval, and says yes to it hours or days later, as it stands by then;
   * now and then nobody looks for weeks.
   */
  #askForApproval(gate: string): void {
    const { scheduler, seed, sites } = this.#world;
    const random = randomFor(seed, 'approval', gate, scheduler.nowMs);
    const waitMs =
      random() < 0.9 ? between(random, hourMs, 4 * dayMs) : between(random, 4 * dayMs, 30 * dayMs);
    this.#askOnce(`approval at ${gate}`, waitMs, () => {
      const plan = this.#plans.get(gate);
      if (!plan || plan.closing.length === 0) return;
      const site = sites.find(({ name }) => name === gate)!;
      const approving = this.#approve(site, plan, random);
      approving.catch(error => this.#world.trace(`the approval failed: ${error?.message}`));
    });
  }

  /** An operator is told that a first write was taken back, and has it done again hours or days later. */
  #askForFirstWrite(gate: string): void {
    const { scheduler, seed } = this.#world;
    const what = `first write at ${gate}`;
    const random = randomFor(seed, what, scheduler.nowMs);
    this.#askOnce(what, between(random, hourMs, 2 * dayMs), () => {
      this.operate('apply', random);
      this.#world.changed('an operator accepts a first write');
    });
  }

  /** What is asked already is dealt with when it was going to be. */
  #askOnce(what: string, waitMs: number, deal: () => void): void {
    if (this.#asked.has(what)) return;
    this.#asked.add(what);
    this.#world.scheduler.after(waitMs, () => {
      this.#asked.delete(what);
      deal();
    });
  }

  /** As `postern approve` does, in a process of its own. */
  async #approve(site: Site, plan: Plan, random: Random): Promise<void> {
    const world = this.#world;
    const process = new SimulatedProcess(() => world.trace('the command is killed'));
    if (random() < 0.1) process.dieAfter(integer(random, 1, 4));
    const atMs = world.machineNow();
    this.counts.commands++;
    world.trace(`the operator approves ${plan.closing.length} at ${site.name}`);
    world.judge.approves(site, plan.closing, atMs + defaultApprovalMs);
    const journal = await storeOf(world, process).open();
    try {
      await approveClosing(journal, plan, plan.closing, { by: 'operator', reason: 'they are gone', atMs });
    } finally {
      await journal.close();
    }
    world.changed(`the removal at ${site.name} is approved`);
  }

  #died(process: SimulatedProcess): void {
    const world = this.#world;
    const random = randomFor(world.seed, 'restart', world.scheduler.nowMs);
    this.counts.kills++;
    this.counts.awaits += process.awaits;
    this.#process = undefined;
    this.#life = undefined;
    world.trace(`postern is killed at await ${process.awaits}`);
    world.judge.died();
    const end = world.judge.obstruct();
    const downMs =
      random() < 0.9 ? between(random, 1_000, 10 * minuteMs) : between(random, hourMs, 60 * hourMs);
    world.scheduler.after(downMs, () => {
      end();
      this.start();
    });
  }

  async #applyAgainAndAgain(process: SimulatedProcess): Promise<void> {
    const { scheduler, intervalMs, seed, network } = this.#world;
    for (;;) {
      const startedMs = scheduler.nowMs;
      network.random = randomFor(seed, 'cycle', startedMs);
      this.counts.cycles++;
      const results = await this.#cycle(process);
      const wakeMs = this.#nextWakeMs(startedMs, results);
      const next = startedMs - (startedMs % intervalMs) + intervalMs;
      if (wakeMs > next) this.counts.skipped += Math.round((wakeMs - next) / intervalMs);
      await process.call(() => scheduler.sleep(wakeMs - scheduler.nowMs));
    }
  }

  async #cycle(process: SimulatedProcess): Promise<readonly RunResult[]> {
    const session = await this.#session(process, 'postern watch', {});
    const results = await Promise.all(
      session.gates.map(async gate => {
        const result = await applyGate(await gate.open());
        this.#report(gate.config.name, result);
        return result;
      }),
    );
    await session.close();
    return results;
  }

  /** One reading of the feeds and one run over each gate, as `openSession` makes them for any command. */
  async #session(process: SimulatedProcess, command: string, overrides: Overrides): Promise<Session> {
    const world = this.#world;
    const run = this.#nextRun++;
    const config = world.config();
    const clock: Clock = {
      now: () => world.machineNow(),
      sleep: ms => process.call(() => world.scheduler.sleep(ms)),
    };
    const listener = listenerOf(world, run, overrides.maxRemovals !== undefined);
    const isDry = config.gates.every(({ policy }) => policy === 'observe');
    const transport = simulatedTransport(world, listener, clock, process, isDry ? 'read-only' : 'read-write');
    return await openSession({
      config,
      transport,
      clock,
      credentials: {
        kind: 'service-account',
        clientId: world.credentials.serviceAccount.clientId,
        clientSecret: new Secret(world.credentials.serviceAccount.clientSecret, 'the simulation'),
      },
      statePath: '/nowhere',
      store: storeOf(world, process),
      command,
      overrides,
      openGate: async gate => {
        const site = world.sites.find(({ name }) => name === gate.name)!;
        return await site.cloud.openGate(gate, { transport, clock, random: world.network.random });
      },
      report: (name, event) => this.#trace(name, event),
    });
  }

  /**
   * When the daemon looks again. Cycles are left out only where the next one could but find the same: this one
   * wrote nothing, was told everything, by a world that has not changed since it began and in which nothing is
   * amiss; then nothing happens until the world changes or a grace period ends, and the daemon looks once more
   * just before that, and from then on at every interval again.
   */
  #nextWakeMs(startedMs: number, results: readonly RunResult[]): number {
    const { intervalMs, scheduler, changedAtMs, skewMs } = this.#world;
    const nextMs = startedMs - (startedMs % intervalMs) + intervalMs;
    const isStill =
      this.#skips &&
      changedAtMs < startedMs &&
      this.#world.isUntroubled() &&
      results.every(
        ({ status, plan, writes }) =>
          (status === 'unchanged' || (status === 'refused' && plan?.policy === 'observe')) &&
          writes.length === 0 &&
          plan?.feeds.every(({ complete }) => complete),
      );
    if (!isStill) return nextMs;
    const changeMs = Math.min(
      scheduler.nextMs,
      ...results.flatMap(({ plan }) => deadlinesOf(plan, skewMs, scheduler.nowMs)),
    );
    const beforeMs = changeMs - 1 - ((changeMs - 1) % intervalMs);
    return Math.max(nextMs, beforeMs);
  }

  #report(gate: string, { status, message }: RunResult): void {
    if (status !== 'unchanged') this.#world.trace(`${gate}: ${status}: ${message}`);
  }

  /** Only where they are others than before. */
  #traceGuards(gate: string | undefined, guards: string): void {
    if (this.#guards.get(gate) === guards) return;
    this.#guards.set(gate, guards);
    this.#world.trace(`${gate}: guards: ${guards || 'none'}`);
  }

  #trace(gate: string | undefined, event: RunEvent): void {
    const { kind } = event;
    if (kind === 'feed-read' && event.faults.length > 0)
      this.#world.trace(`${event.feed}: ${event.faults[0]}`);
    if (kind === 'planned') {
      const guards = event.plan.guards.map(({ guard }) => guard);
      this.#traceGuards(gate, guards.join(', '));
      if (gate !== undefined) this.#plans.set(gate, event.plan);
      if (gate !== undefined && guards.includes('not-approved')) this.#askForApproval(gate);
      if (gate !== undefined && guards.includes('first-write-withdrawn')) this.#askForFirstWrite(gate);
    }
    if (kind === 'writing') this.#world.trace(`${gate}: ${event.write} +${event.adds} -${event.removes}`);
    if (
      kind === 'recovered' ||
      kind === 'restoring' ||
      kind === 'conflict' ||
      kind === 'journal-unavailable'
    ) {
      this.#world.trace(`${gate ?? 'postern'}: ${JSON.stringify(event)}`);
    }
  }
}
