/** One gate under the daemon: when it is looked at, what came of it, and how it is tried again. */
import type { AtlasClient } from '../atlas/index.ts';
import type { Clock } from '../clock.ts';
import type { Config, GateConfig } from '../config/config.ts';
import type { Gate, GateKind } from '../gates/gate.ts';
import type { KeyVerdict, KmsAlerts } from '../plan/input.ts';
import type { Plan } from '../plan/plan.ts';
import { type After, afterRun } from '../reconcile/after-run.ts';
import { applyGate, planGate } from '../reconcile/apply.ts';
import { Fence } from '../reconcile/fence.ts';
import type { GuardedJournal } from '../reconcile/guarded-journal.ts';
import { readAlerts } from '../reconcile/kms-alerts.ts';
import type { Run, RunResult, SignOfTrouble } from '../reconcile/run.ts';
import { feedsOf, readVerdict, settingsOf } from '../reconcile/session.ts';
import { type Attributes, inSpan } from '../telemetry/span.ts';
import { messageOf } from './emitter.ts';
import type { RunReason, RunSummary, WatchHappening } from './events.ts';
import type { FeedHub } from './feed-hub.ts';
import { feedIntervalMs } from './intervals.ts';
import type { JournalLease } from './journal-keeper.ts';
import {
  type Ending,
  endingOf,
  mayLeaveRemoval,
  mayRemove,
  observedMessage,
  pendingOf,
  summaryOf,
} from './run-outcome.ts';
import { backOffMs, gateBackOffOf, jittered } from './schedule.ts';
import type { BackOff, GateStatus } from './status.ts';
import { within } from './waker.ts';

export interface GateWatchParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly feeds: FeedHub;
  readonly by: string;
  readonly command: string;
  readonly stop: AbortSignal;
  config(): Config;
  client(): AtlasClient;
  /** Opens the gate anew; throws when it cannot be had. */
  openGate(config: GateConfig, fence: Fence): Promise<Gate>;
  lease(): JournalLease;
  signs(projects: readonly string[], sinceMs: number): Promise<readonly SignOfTrouble[]>;
  emit(happening: WatchHappening): void;
  newRunId(): string;
  /** How soon a gate is looked at again that another process works on. */
  lockedRetryMs(): number;
}

/** Which limit on work at once a gate falls under. */
export type CloudName = 'aws' | 'azure' | 'gcp';
const clouds: Readonly<Record<GateKind, CloudName>> = {
  'aws-role-policy': 'aws',
  'aws-key-policy': 'aws',
  'azure-key-vault': 'azure',
  'gcp-access-level': 'gcp',
};

export function cloudOf(kind: GateKind): CloudName {
  return clouds[kind];
}

/** Between two runs of one gate, whatever asks for them: news of feeds come in bursts. */
const leastGapMs = 2_000;
/** While a removal, or a first write, is on probation its gate is looked at this often, or more often if the config says so. */
const soakIntervalMs = 60_000;
/** A reading that a removal rests on is at most this old. */
const freshForRemovalMs = 15_000;

/** Atlas is waited for no longer: an addition does not need its word, and without it nothing is removed. */
const verdictPatienceMs = 20_000;
const unanswered = (projectId: string): KeyVerdict => ({
  projectId,
  verdict: 'unknown',
  because: 'Atlas has not answered',
});
const alertsUnanswered = (projectId: string): KmsAlerts => ({
  projectId,
  known: false,
  because: 'Atlas has not answered',
  isRefused: false,
});

export class GateWatch {
  readonly config: GateConfig;
  readonly cloud: CloudName;
  readonly #parts: GateWatchParts;
  #gate: Gate | undefined;
  readonly #retired = new AbortController();
  /** Keeps a run that was paused, and lost its lock or its config, from writing when it wakes up. */
  readonly #fence = new Fence(this.#retired.signal);
  #dueAtMs: number;
  #reason: RunReason = 'start';
  /** Asked for while a run was under way. */
  #again: { readonly reason: RunReason; readonly freshSinceMs: number } | undefined;
  /** Readings that the next run uses were begun at this time or later. */
  #freshSinceMs = Number.NEGATIVE_INFINITY;
  #runningSinceMs: number | undefined;
  #runId: string | undefined;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  #plan: Plan | undefined;
  #pending: GateStatus['pendingRemovals'] = [];
  #lastRun: RunSummary | undefined;
  #lastGoodRunAtMs: number | undefined;
  #lastWrite: GateStatus['lastWrite'];
  #soakUntilMs: number | undefined;
  #failuresInARow = 0;
  /** The first of the newest runs that found somebody else at the gate. */
  #heldSinceMs: number | undefined;
  #backOff: BackOff | undefined;
  /** A feed lists something else than when the gate was last in step. */
  #hasNews = true;
  #hadNews = false;
  /** A removal, or a first write, that Atlas has not confirmed may stand still. */
  #isToBePutBack = false;
  /** How things stand after the newest run that came to a plan. */
  #after: After | undefined;

  constructor(config: GateConfig, parts: GateWatchParts) {
    this.config = config;
    this.cloud = cloudOf(config.kind);
    this.#parts = parts;
    this.#dueAtMs = parts.clock.now();
  }

  get name(): string {
    return this.config.name;
  }

  get isRunning(): boolean {
    return this.#runningSinceMs !== undefined;
  }

  /** Its config is no longer in force: a run under way writes no more by it. */
  retire(): void {
    this.#retired.abort(new Error('the config of the gate has changed'));
  }

  get running(): { readonly runId: string; readonly sinceMs: number } | undefined {
    return this.#runId === undefined || this.#runningSinceMs === undefined
      ? undefined
      : { runId: this.#runId, sinceMs: this.#runningSinceMs };
  }

  /** Infinite while it is running: it sets its next time when it ends. */
  get dueAtMs(): number {
    return this.isRunning ? Number.POSITIVE_INFINITY : this.#dueAtMs;
  }

  /** Something is, or may be, to be added or put back: such a gate goes before the others. */
  get isUrgent(): boolean {
    if (this.#after === undefined || this.#after.missing.length > 0) return true;
    return this.#hasNews || this.#isToBePutBack;
  }

  get plan(): Plan | undefined {
    return this.#plan;
  }

  get endedAtMs(): number {
    return this.#endedAtMs;
  }

  get lastRun(): RunSummary | undefined {
    return this.#lastRun;
  }

  uses(feed: string): boolean {
    return (feedsOf(this.#parts.config(), this.config) as readonly string[]).includes(feed);
  }

  /** Asks for a run soon, back-off or not. `freshSinceMs`: with readings begun no earlier. */
  request(reason: RunReason, freshSinceMs = Number.NEGATIVE_INFINITY): void {
    if (reason === 'feed-changed') this.#hasNews = true;
    if (this.isRunning) {
      this.#again = {
        reason,
        freshSinceMs: Math.max(freshSinceMs, this.#again?.freshSinceMs ?? freshSinceMs),
      };
      return;
    }
    this.#freshSinceMs = Math.max(this.#freshSinceMs, freshSinceMs);
    const atMs = Math.max(this.#parts.clock.now(), this.#endedAtMs + leastGapMs);
    if (this.#dueAtMs <= atMs) return;
    this.#dueAtMs = atMs;
    this.#reason = reason;
  }

  /** But for a back-off, which is no interval. */
  dueBy(atMs: number): void {
    if (!this.#backOff) this.#dueAtMs = Math.min(this.#dueAtMs, atMs);
  }

  /** After the clock was set, or the machine slept. */
  shift(byMs: number): void {
    this.#dueAtMs += byMs;
    this.#endedAtMs += byMs;
    this.#freshSinceMs += byMs;
    if (this.#runningSinceMs !== undefined) this.#runningSinceMs += byMs;
    if (this.#heldSinceMs !== undefined) this.#heldSinceMs += byMs;
    if (this.#backOff) this.#backOff = { ...this.#backOff, untilMs: this.#backOff.untilMs + byMs };
  }

  spread(overMs: number): void {
    const { clock, random } = this.#parts;
    if (!this.isUrgent && this.#dueAtMs <= clock.now()) this.#dueAtMs = clock.now() + random() * overMs;
  }

  /** Looks at the gate once. Never rejects. */
  async run(): Promise<void> {
    const { clock, emit, newRunId } = this.#parts;
    const runId = newRunId();
    const startedAtMs = clock.now();
    this.#runId = runId;
    this.#runningSinceMs = startedAtMs;
    this.#hadNews = this.#hasNews;
    this.#hasNews = false;
    emit({ kind: 'run-started', runId, gate: this.name, because: this.#reason });
    const lease = this.#parts.lease();
    const result = await inSpan('run', this.#attributes(runId), async span => {
      try {
        return await this.#work(runId, lease.journal);
      } catch (error) {
        const failed = this.#failed(error);
        span.set({ 'postern.status': failed.status });
        span.fail(failed.status, failed.message);
        return failed;
      } finally {
        lease.done();
      }
    });
    this.#settle(runId, startedAtMs, result);
  }

  #attributes(runId: string): Attributes {
    const { name, kind, policy, projects } = this.config;
    return {
      'postern.run_id': runId,
      'postern.gate': name,
      'postern.gate_kind': kind,
      'postern.policy': policy,
      'postern.projects': projects,
      'postern.because': this.#reason,
    };
  }

  async #work(runId: string, journal: GuardedJournal): Promise<RunResult> {
    // After a fault it is opened anew, since a credential may have been rotated.
    this.#gate ??= await this.#parts.openGate(this.config, this.#fence);
    const run = this.#runOf(this.#gate, runId, journal);
    if (this.config.policy !== 'observe') return await applyGate(run);
    const plan = await planGate(run);
    const gate = { id: run.gate.id, name: run.gate.name };
    return { gate, status: 'unchanged', message: observedMessage(plan), plan, writes: [] };
  }

  #runOf(gate: Gate, runId: string, journal: GuardedJournal): Run {
    const { clock, feeds, by, command, emit, signs } = this.#parts;
    const signal = AbortSignal.any([this.#parts.stop, this.#retired.signal]);
    const config = this.#parts.config();
    const client = this.#parts.client();
    const notBeforeMs = this.#freshness(clock.now());
    // What Atlas says after a removal is waited for also when Postern is asked to stop.
    let hasWritten = false;
    const ask = <T>(read: (projectId: string) => Promise<T>, otherwise: (projectId: string) => T) =>
      Promise.all(
        this.config.projects.map(id =>
          within(clock, verdictPatienceMs, read(id), () => otherwise(id), hasWritten ? undefined : signal),
        ),
      );
    return {
      gate,
      settings: settingsOf(this.config, {}),
      clock,
      journal,
      readFeeds: () =>
        Promise.all(
          feedsOf(config, this.config).map(feed =>
            feeds.read(feed, notBeforeMs(feedIntervalMs(feed, config))),
          ),
        ),
      readVerdicts: () => ask(id => readVerdict(client, id, gate), unanswered),
      readAlerts: () => ask(id => readAlerts(client, id), alertsUnanswered),
      readSigns: sinceMs => signs(this.config.projects, sinceMs),
      fence: this.#fence,
      signal,
      by,
      command,
      report: step => {
        hasWritten ||= step.kind === 'writing';
        // Taken back once a run ends well: until then nobody knows that it was.
        this.#isToBePutBack ||= step.kind === 'restoring';
        emit({ kind: 'run-step', runId, gate: this.name, step });
      },
    };
  }

  /** From when on a feed's reading counts for this run, by the feed's interval. */
  #freshness(nowMs: number): (intervalMs: number) => number {
    const sinceMs =
      this.#plan && mayRemove(this.#plan, nowMs)
        ? Math.max(this.#freshSinceMs, nowMs - freshForRemovalMs)
        : this.#freshSinceMs;
    return intervalMs => Math.max(sinceMs, nowMs - intervalMs * 2);
  }

  #failed(error: unknown): RunResult {
    return {
      gate: { id: this.#gate?.id ?? '', name: this.name },
      status: 'failed',
      message: messageOf(error),
      writes: [],
      error,
    };
  }

  #settle(runId: string, startedAtMs: number, result: RunResult): void {
    const { clock, emit } = this.#parts;
    const nowMs = clock.now();
    this.#runningSinceMs = undefined;
    this.#runId = undefined;
    this.#endedAtMs = nowMs;
    this.#freshSinceMs = Number.NEGATIVE_INFINITY;
    this.#remember(result, nowMs);
    const ending = endingOf(result, this.#parts.stop.aborted || this.#retired.signal.aborted);
    const run = { runId, gate: this.name, startedAtMs, endedAtMs: nowMs };
    this.#lastRun = summaryOf(run, result, result.plan && this.#after);
    this.#schedule(ending, result, nowMs);
    emit({
      kind: 'run-ended',
      runId,
      gate: this.name,
      summary: this.#lastRun,
      plan: result.plan,
      consecutiveFailures: this.#failuresInARow,
      nextAtMs: this.#dueAtMs,
    });
    const restored = result.writes.filter(({ kind }) => kind === 'restore').flatMap(({ adds }) => adds);
    if (result.writes.some(({ kind }) => kind === 'withdraw')) {
      emit({ kind: 'first-write-withdrawn', runId, gate: this.name, message: result.message });
    } else if (restored.length > 0 || result.status === 'restored') {
      emit({
        kind: 'removal-restored',
        runId,
        gate: this.name,
        message: result.message,
        addresses: restored,
      });
    }
  }

  #remember(result: RunResult, nowMs: number): void {
    if (result.plan) {
      this.#plan = result.plan;
      this.#pending = pendingOf(result.plan);
      this.#after = afterRun(result.plan, result);
    }
    const last = result.writes.at(-1);
    if (!last) return;
    this.#lastWrite = { atMs: nowMs, kind: last.kind, addresses: last.adds.length + last.removes.length };
    if (last.kind === 'remove' || last.kind === 'enforce')
      this.#soakUntilMs = nowMs + this.config.removal.soakMs;
  }

  #schedule(ending: Ending, result: RunResult, nowMs: number): void {
    const { random, lockedRetryMs } = this.#parts;
    const { gatesMs } = this.#parts.config().watch;
    this.#backOff = undefined;
    this.#heldSinceMs = ending.kind === 'held' ? (this.#heldSinceMs ?? nowMs) : undefined;
    switch (ending.kind) {
      case 'good':
        this.#failuresInARow = 0;
        this.#isToBePutBack = false;
        this.#lastGoodRunAtMs = nowMs;
        if (this.#soakUntilMs !== undefined && nowMs < this.#soakUntilMs) {
          this.#reason = 'soak';
          this.#dueAtMs = nowMs + jittered(Math.min(gatesMs, soakIntervalMs), random);
        } else {
          this.#reason = 'interval';
          this.#dueAtMs = nowMs + jittered(gatesMs, random);
        }
        break;
      case 'held':
        this.#hasNews ||= this.#hadNews;
        this.#reason = 'retry';
        this.#dueAtMs = nowMs + jittered(Math.min(gatesMs, lockedRetryMs()), random);
        break;
      case 'failed': {
        this.#failuresInARow++;
        this.#gate = undefined;
        // Whatever news this run was for, it has not been dealt with.
        this.#hasNews ||= this.#hadNews;
        this.#isToBePutBack ||= mayLeaveRemoval(result);
        const options = gateBackOffOf({ isLasting: ending.isLasting, isUrgent: this.isUrgent });
        this.#reason = 'retry';
        this.#dueAtMs = nowMs + backOffMs(this.#failuresInARow, options, random);
        this.#backOff = { untilMs: this.#dueAtMs, isLasting: ending.isLasting, because: result.message };
        break;
      }
    }
    const again = this.#again;
    this.#again = undefined;
    if (again) this.request(again.reason, again.freshSinceMs);
  }

  status(): GateStatus {
    const plan = this.#plan;
    const nowMs = this.#parts.clock.now();
    return {
      name: this.name,
      kind: this.config.kind,
      id: this.#gate?.id ?? plan?.gate.id,
      policy: this.config.policy,
      projects: this.config.projects,
      isRunning: this.isRunning,
      coverage: this.#after?.coverage,
      lets: plan?.gate.lets,
      missing: this.#after?.missing ?? [],
      plannedAtMs: plan?.atMs,
      planChecksum: plan?.checksum,
      pendingRemovals: this.#pending,
      closing: this.#after?.closing ?? [],
      guards: plan?.guards ?? [],
      findings: plan?.findings ?? [],
      usage: plan?.usage.now,
      lastRun: this.#lastRun,
      lastGoodRunAtMs: this.#lastGoodRunAtMs,
      lastWrite: this.#lastWrite,
      nextAtMs: this.#dueAtMs,
      consecutiveFailures: this.#failuresInARow,
      backOff: this.#backOff,
      unseenSinceMs: this.#heldSinceMs ?? this.#runningSinceMs,
      soakUntilMs:
        this.#soakUntilMs !== undefined && this.#soakUntilMs > nowMs ? this.#soakUntilMs : undefined,
    };
  }
}
