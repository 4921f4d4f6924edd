/**
 * A small world for the reconciler: a gate in memory that obeys the interface's contract and breaks on
 * request, a feed, a key, and the real journal. The real protocols are tested against the lab elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Cidr } from '../../src/address/cidr.ts';
import type { Observation } from '../../src/atlas/observation.ts';
import type { Clock } from '../../src/clock.ts';
import {
  type Gate,
  GateConflictError,
  GateError,
  type GateLimits,
  type GateState,
  GateUnverifiedError,
  type Revision,
} from '../../src/gates/gate.ts';
import type { Journal } from '../../src/journal/journal.ts';
import type { SpooledWrite } from '../../src/journal/spool.ts';
import { openJournal } from '../../src/journal/sqlite/open.ts';
import type { FeedReading, KeyVerdict, KmsAlerts } from '../../src/plan/input.ts';
import { defaultRemovalPolicy } from '../../src/plan/removal-policy.ts';
import { FeedReader } from '../../src/reconcile/feed-reader.ts';
import { GuardedJournal } from '../../src/reconcile/guarded-journal.ts';
import type { GateSettings, Run, RunEvent } from '../../src/reconcile/run.ts';
import {
  dayMs,
  incomplete,
  limitsOf,
  nowMs,
  observation,
  projectId,
  stateInForce,
} from '../plan/fixtures.ts';

export type WriteFault =
  | 'refused' // the cloud says no, nothing is written
  | 'conflict' // someone changed the list just before
  | 'cut-before' // the answer never comes, and nothing was written
  | 'cut-after' // the answer never comes, and the write took effect
  | 'others-changed' // the write took effect, and something else is not as it was
  | 'unreadable-after' // the write took effect, and the list cannot be read back
  | 'dies-before' // the process ends just before
  | 'dies-after'; // the process ends just after

/** Thrown where the process would have ended: nothing after it runs, as after a SIGKILL. */
export class ProcessDied extends Error {}

export class ModelGate implements Gate {
  readonly kind = 'azure-key-vault';
  readonly name = 'vault';
  readonly id = 'azure-key-vault:/vault';
  readonly key = '/vault';
  limits: GateLimits;
  entries: readonly Cidr[];
  /** False: the list is not there yet, everyone is let in, and the next write shuts out. */
  inForce = true;
  readonly writes: (readonly Cidr[])[] = [];
  /** One for each write that is to come; undefined lets it through. */
  readonly faults: (WriteFault | undefined)[] = [];
  readFault: Error | undefined;
  /** What the state shows in place of what is so. */
  shows: Partial<GateState> = {};
  /** What someone else does to the list just before a write that conflicts. */
  meddle: (entries: readonly Cidr[]) => readonly Cidr[] = entries => entries;

  constructor(entries: readonly Cidr[], limits: GateLimits = limitsOf(1000)) {
    this.entries = entries;
    this.limits = limits;
  }

  async read(): Promise<GateState> {
    if (this.readFault) throw this.readFault;
    return this.#state();
  }

  async diagnose(): Promise<readonly []> {
    return [];
  }

  write(next: readonly Cidr[], expected: Revision): Promise<GateState> {
    return this.#change(next, true, expected);
  }

  withdraw(expected: Revision): Promise<GateState> {
    return this.#change([], false, expected);
  }

  async #change(next: readonly Cidr[], inForce: boolean, expected: Revision): Promise<GateState> {
    const fault = this.faults.shift();
    if (fault === 'dies-before') throw new ProcessDied();
    if (fault === 'refused') throw new GateError(this.name, 'The vault says no.', { code: 'Forbidden' });
    if (fault === 'conflict') this.entries = this.meddle(this.entries);
    if (this.#state().revision !== expected)
      throw new GateConflictError(this.name, 'The list was changed by bob.');
    if (fault === 'cut-before') {
      throw new GateUnverifiedError(this.name, 'No answer; the list is as it was.', { state: this.#state() });
    }
    this.entries = next;
    this.inForce = inForce;
    this.writes.push(next);
    if (fault === 'dies-after') throw new ProcessDied();
    if (fault === 'others-changed')
      throw new GateUnverifiedError(this.name, 'Other settings changed.', { state: this.#state() });
    if (fault === 'unreadable-after')
      throw new GateUnverifiedError(this.name, 'The list cannot be read back.');
    // A gate finds out by itself that a write whose answer was lost took effect, so `cut-after` succeeds.
    return this.#state();
  }

  #state(): GateState {
    return { ...stateInForce(this.entries, this.inForce), ...this.shows };
  }
}

export class World implements Clock {
  nowMs = nowMs;
  readonly gate: ModelGate;
  listed: readonly Cidr[];
  feedComplete = true;
  verdicts: KeyVerdict['verdict'][] = [];
  /** What each question for alerts is answered with; then that there is none. */
  readonly alerts: KmsAlerts[] = [];
  settings: GateSettings;
  readonly events: RunEvent[] = [];
  readonly spooled: SpooledWrite[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), 'postern-'));
  /** Replaces the journal's parts, to make it fail. */
  breakJournal: (journal: Journal) => Journal | undefined = journal => journal;
  #journal: Journal | undefined;

  constructor(
    listed: readonly Cidr[],
    gate: readonly Cidr[],
    settings: Partial<GateSettings> = {},
    settleMs = 0,
  ) {
    this.gate = new ModelGate(gate, limitsOf(1000, settleMs));
    this.listed = listed;
    this.settings = {
      projects: [projectId],
      pinned: [],
      adopt: false,
      policy: 'sync',
      removal: { ...defaultRemovalPolicy, maxShare: 1 },
      acceptShrink: true,
      acceptFirstWrite: false,
      ...settings,
    };
    onTestFinished(async () => {
      await this.#journal?.close();
      rmSync(this.#directory, { recursive: true, force: true });
    });
  }

  now = (): number => this.nowMs;
  sleep = async (ms: number): Promise<void> => {
    this.nowMs += ms;
  };
  passDays(days: number): void {
    this.nowMs += days * dayMs;
  }

  /** A new process: nothing is left but the journal's file and the gate. */
  async run(): Promise<Run> {
    await this.#journal?.close();
    const opened = await openJournal({ path: join(this.#directory, 'journal.db') });
    this.#journal = opened;
    const broken = this.breakJournal(opened);
    const journal = new GuardedJournal({
      journal: broken,
      reason: 'disk full',
      spool: write => this.spooled.push(write),
    });
    const feeds = new FeedReader({
      journal,
      clock: this,
      shrinkWindowMs: this.settings.removal.shrinkWindowMs,
      observe: async feed => this.#observe(feed),
    });
    return {
      gate: this.gate,
      settings: this.settings,
      clock: this,
      journal,
      readFeeds: async (): Promise<readonly FeedReading[]> => [await feeds.read('control-plane')],
      readVerdicts: async () => [{ projectId, verdict: this.verdicts.shift() ?? 'valid' }],
      readAlerts: async () => [this.alerts.shift() ?? { projectId, known: true, open: [] }],
      by: 'alice@host',
      command: 'postern apply',
      report: event => this.events.push(event),
    };
  }

  async journal(): Promise<Journal> {
    if (!this.#journal) await this.run();
    return this.#journal!;
  }

  #observe(feed: Observation['feed']): Observation {
    const more = { atMs: this.nowMs, id: randomUUID() };
    return this.feedComplete
      ? observation(feed, this.listed, more)
      : { ...incomplete(feed, this.listed), ...more };
  }
}
