/**
 * Reads the events of each Atlas project: hints that its nodes may move, and signs that a key does not work.
 * No address comes from here; what an event says is always read from its own place.
 */
import type { AtlasEvent } from '../atlas/index.ts';
import type { Clock } from '../clock.ts';
import type { SignOfTrouble } from '../reconcile/run.ts';
import { messageOf } from './emitter.ts';
import type { Hint, WatchHappening } from './events.ts';
import { backOffMs, jittered } from './schedule.ts';
import { Slots } from './slots.ts';
import { within } from './waker.ts';

export interface EventWatchOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** 0: only when a removal is on probation. */
  intervalMs(): number;
  readEvents(projectId: string, sinceMs: number): Promise<readonly AtlasEvent[]>;
  emit(happening: WatchHappening): void;
  hint(hint: Hint): void;
}

interface Project {
  readonly id: string;
  dueAtMs: number;
  /** When the newest answer was asked for. */
  readAtMs: number;
  faultsInARow: number;
  underway: Promise<void> | undefined;
  /** Ids of events that were seen, with their times. */
  readonly seen: Map<string, number>;
  signs: readonly SignOfTrouble[];
}

/** How far back the first reading looks: a removal before a restart may be on probation still. */
const lookBackMs = 60 * 60_000;
/** Events may show late, and clocks differ. */
const overlapMs = 5 * 60_000;
const keepSignsMs = 24 * 60 * 60_000;
const readLimitMs = 150_000;
const retry = { firstMs: 15_000, maxMs: 10 * 60_000 };
/** Atlas's limit on events is tight (300, and 100 a minute, for each project), and hints are not worth more. */
const concurrency = 2;

export class EventWatch {
  readonly #options: EventWatchOptions;
  readonly #projects = new Map<string, Project>();
  readonly #slots = new Slots(concurrency);
  #startedAtMs: number;
  readonly #stop: AbortSignal;

  constructor(options: EventWatchOptions, stop: AbortSignal) {
    this.#options = options;
    this.#startedAtMs = options.clock.now();
    this.#stop = stop;
  }

  configure(projects: readonly string[]): void {
    const { clock, random } = this.#options;
    const kept = new Map(this.#projects);
    this.#projects.clear();
    for (const id of projects) {
      this.#projects.set(
        id,
        kept.get(id) ?? {
          id,
          dueAtMs: clock.now() + random() * this.#options.intervalMs(),
          readAtMs: Number.NEGATIVE_INFINITY,
          faultsInARow: 0,
          underway: undefined,
          seen: new Map(),
          signs: [],
        },
      );
    }
  }

  nextDueAtMs(): number {
    if (this.#options.intervalMs() === 0) return Number.POSITIVE_INFINITY;
    const due = [...this.#projects.values()].filter(({ underway }) => !underway).map(p => p.dueAtMs);
    return Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  /** Begins what is due. Returns at once, and never throws. */
  readDue(): void {
    if (this.#options.intervalMs() === 0) return;
    const nowMs = this.#options.clock.now();
    for (const project of this.#projects.values()) {
      if (!project.underway && project.dueAtMs <= nowMs) void this.#begin(project);
    }
  }

  shift(byMs: number): void {
    this.#startedAtMs += byMs;
    for (const project of this.#projects.values()) {
      project.dueAtMs += byMs;
      project.readAtMs += byMs;
    }
  }

  spread(overMs: number): void {
    const { clock, random } = this.#options;
    for (const project of this.#projects.values()) {
      if (project.dueAtMs <= clock.now()) project.dueAtMs = clock.now() + random() * overMs;
    }
  }

  /** What says, of these projects and since that time, that a key does not work; newest first. Never throws. */
  async signs(projects: readonly string[], sinceMs: number): Promise<readonly SignOfTrouble[]> {
    const { clock } = this.#options;
    const watched = projects.flatMap(id => this.#projects.get(id) ?? []);
    const maxAgeMs = this.#options.intervalMs() * 2;
    const old = watched.filter(({ readAtMs }) => clock.now() - readAtMs > maxAgeMs);
    await Promise.all(old.map(project => project.underway ?? this.#begin(project)));
    return watched
      .flatMap(({ signs }) => signs)
      .filter(({ atMs }) => atMs > sinceMs)
      .sort((a, b) => b.atMs - a.atMs);
  }

  #begin(project: Project): Promise<void> {
    const { clock, random, emit } = this.#options;
    const done = this.#read(project)
      .then(
        () => {
          project.faultsInARow = 0;
          project.dueAtMs = clock.now() + jittered(this.#options.intervalMs(), random);
        },
        error => {
          project.faultsInARow++;
          project.dueAtMs = clock.now() + backOffMs(project.faultsInARow, retry, random);
          // Told once: without events Postern is only as quick as its intervals.
          if (project.faultsInARow === 1 && !this.#stop.aborted)
            emit({ kind: 'events-read', projectId: project.id, fault: messageOf(error) });
        },
      )
      .finally(() => {
        project.underway = undefined;
      });
    project.underway = done;
    return done;
  }

  async #read(project: Project): Promise<void> {
    const { clock, readEvents } = this.#options;
    const giveBack = await this.#slots.take();
    try {
      const nowMs = clock.now();
      const isFirst = project.readAtMs === Number.NEGATIVE_INFINITY;
      const fromMs = isFirst ? nowMs - lookBackMs : Math.min(project.readAtMs, nowMs) - overlapMs;
      const events = await within(
        clock,
        readLimitMs,
        readEvents(project.id, fromMs),
        () => {
          throw new Error('No answer came.');
        },
        this.#stop,
      );
      project.readAtMs = nowMs;
      this.#take(project, events, nowMs);
    } finally {
      giveBack();
    }
  }

  #take(project: Project, events: readonly AtlasEvent[], nowMs: number): void {
    const news = events.filter(({ id }) => !project.seen.has(id));
    for (const { id, atMs } of events) project.seen.set(id, atMs);
    for (const [id, atMs] of project.seen) if (atMs < nowMs - keepSignsMs) project.seen.delete(id);
    const signs = news.filter(({ isTrouble }) => isTrouble);
    project.signs = [
      ...signs.map(({ type, atMs }) => ({ projectId: project.id, atMs, what: type })),
      ...project.signs,
    ].filter(({ atMs }) => atMs > nowMs - keepSignsMs);
    // At the start everything is read anyhow.
    const hinting = news.find(({ atMs }) => atMs >= this.#startedAtMs - overlapMs);
    if (hinting) this.#options.hint({ source: 'events', projectId: project.id, because: hinting.type });
  }
}
