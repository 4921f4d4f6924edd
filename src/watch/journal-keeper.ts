/**
 * Keeps the journal open for a long-running process. A journal that fails is closed and opened again, with
 * back-off, and what was added meanwhile is journalled then. A file that is deleted under the daemon is noticed.
 */
import type { Clock } from '../clock.ts';
import type { Journal } from '../journal/journal.ts';
import type { SpooledWrite } from '../journal/spool.ts';
import { GuardedJournal } from '../reconcile/guarded-journal.ts';
import { messageOf } from './emitter.ts';
import type { WatchHappening } from './events.ts';
import { backOffMs } from './schedule.ts';
import type { JournalStatus } from './status.ts';
import type { JournalStore } from './watch.ts';

const reopening = { firstMs: 1_000, maxMs: 60_000 };
/** A run that uses a failed journal ends in seconds; one that hangs does not keep it from being opened anew. */
const usersWaitMs = 60_000;
/** So many additions that no file would take are kept in memory; each is a list before and after. */
const mostKept = 1_000;
/** Lost sooner than this after it was opened, it is lost still: a full disk lets itself be read, and so opened. */
const steadyMs = 60_000;

export interface JournalKeeperOptions {
  readonly store: JournalStore;
  readonly clock: Clock;
  readonly random: () => number;
  emit(happening: WatchHappening): void;
}

/** The journal for one piece of work; `done` gives it back. */
export interface JournalLease {
  readonly journal: GuardedJournal;
  done(): void;
}

interface Opened {
  readonly journal: Journal;
  users: number;
}

export class JournalKeeper {
  readonly #options: JournalKeeperOptions;
  #opened: Opened | undefined;
  /** Failed or moved, and not closed yet because someone uses it still. */
  #leaving: { readonly opened: Opened; readonly sinceMs: number; readonly isMoved: boolean } | undefined;
  #because: string | undefined = 'it is not open yet';
  #sinceMs: number;
  #dueAtMs = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #wasOpen = false;
  #isStopped = false;
  /** Additions wait in the spool of an open journal: the fault was in one run only. */
  #hasSpooled = false;
  /** Additions that the spool would not take, as where one full disk holds both: the journal gets them from here. */
  #kept: readonly SpooledWrite[] = [];
  failures = 0;

  constructor(options: JournalKeeperOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.now();
  }

  get current(): Journal | undefined {
    return this.#opened?.journal;
  }

  get dueAtMs(): number {
    if (this.#opened) return this.#hasSpooled ? this.#dueAtMs : Number.POSITIVE_INFINITY;
    return this.#dueAtMs;
  }

  status(): JournalStatus {
    return {
      location: this.#options.store.location,
      available: this.#opened !== undefined,
      because: this.#opened ? undefined : `${this.#because}${this.#keptWords()}`,
      sinceMs: this.#sinceMs,
    };
  }

  #keptWords(): string {
    const count = this.#kept.length;
    if (count === 0) return '';
    const what = count === 1 ? '1 addition is' : `${count} additions are`;
    return `; ${what} kept in memory until it is back: do not stop Postern before`;
  }

  /** The clock was set back by so much: what is waited for comes as soon as it would have. */
  shift(byMs: number): void {
    this.#dueAtMs += byMs;
    this.#sinceMs += byMs;
    if (this.#leaving) this.#leaving = { ...this.#leaving, sinceMs: this.#leaving.sinceMs + byMs };
  }

  /** Opens it, or opens it anew, where that is due. Never throws. */
  async tend(): Promise<void> {
    this.#lookAtFile();
    const { clock } = this.#options;
    if (this.#isStopped || clock.now() < this.dueAtMs) return;
    if (this.#opened) {
      await this.#drain(this.#opened);
      return;
    }
    if (this.#leaving) {
      const { opened, sinceMs } = this.#leaving;
      if (opened.users > 0 && clock.now() - sinceMs < usersWaitMs) {
        this.#dueAtMs = clock.now() + reopening.firstMs;
        return;
      }
      await this.#leave(this.#leaving);
      this.#leaving = undefined;
    }
    await this.#open();
  }

  /** Never throws; without a journal the lease says why. */
  lease(): JournalLease {
    this.#lookAtFile();
    const opened = this.#opened;
    if (opened) opened.users++;
    let isDone = false;
    return {
      journal: new GuardedJournal({
        journal: opened?.journal,
        reason: this.#because ?? 'it is being opened',
        spool: write => {
          this.#hasSpooled = true;
          this.#dueAtMs = Math.min(this.#dueAtMs, this.#options.clock.now() + reopening.firstMs);
          this.#spool(write);
        },
        onFailure: because => this.#failed(opened, because),
      }),
      done: () => {
        if (!isDone && opened) opened.users--;
        isDone = true;
      },
    };
  }

  /** Waits for nobody. Never throws. */
  async close(): Promise<void> {
    this.#isStopped = true;
    this.#spoolKept();
    const journals = [this.#opened?.journal, this.#leaving?.opened.journal];
    this.#opened = undefined;
    this.#leaving = undefined;
    this.#because = 'Postern is stopping';
    for (const journal of journals) await journal?.close().catch(() => {});
  }

  #spool(write: SpooledWrite): void {
    try {
      this.#options.store.spool(write);
    } catch (error) {
      if (this.#kept.length >= mostKept) throw error;
      this.#kept = [...this.#kept, write];
    }
  }

  /** The last chance of what is kept. */
  #spoolKept(): void {
    const { store, emit } = this.#options;
    for (const write of this.#kept) {
      try {
        store.spool(write);
      } catch (error) {
        const because = `${messageOf(error)}; the entries just added will look like someone else's (see \`adopt\`)`;
        emit({ kind: 'journal-lost', because });
        return;
      }
    }
    this.#kept = [];
  }

  #failed(opened: Opened | undefined, because: string): void {
    // A run that began with an earlier journal says nothing of this one.
    if (!opened || opened !== this.#opened) return;
    this.failures++;
    this.#lose(opened, because, false);
  }

  #lose(opened: Opened, because: string, isMoved: boolean): void {
    const { clock, random, emit } = this.#options;
    if (clock.now() - this.#sinceMs >= steadyMs) this.#failuresInARow = 0;
    this.#opened = undefined;
    this.#leaving = { opened, sinceMs: clock.now(), isMoved };
    this.#because = because;
    this.#sinceMs = clock.now();
    this.#failuresInARow++;
    this.#dueAtMs = clock.now() + (isMoved ? 0 : backOffMs(this.#failuresInARow, reopening, random));
    emit({ kind: 'journal-lost', because });
  }

  #lookAtFile(): void {
    const { store } = this.#options;
    if (!this.#opened) return;
    try {
      if (store.isInPlace?.() ?? true) return;
    } catch {
      // That it cannot be looked at shows when it is used.
      return;
    }
    this.#lose(this.#opened, `${store.location} was deleted or replaced while Postern had it open`, true);
  }

  async #leave({ opened, isMoved }: { opened: Opened; isMoved: boolean }): Promise<void> {
    const { store, emit } = this.#options;
    const rescued = isMoved ? (store.rescue?.() ?? false) : false;
    await opened.journal.close().catch(() => {});
    if (!isMoved) return;
    emit({
      kind: 'journal-moved',
      rescued,
      message: rescued
        ? `The journal ${store.location} was deleted while Postern ran. What it held has been written back.`
        : `The journal ${store.location} was deleted or replaced while Postern ran, and another one counts from now on. Entries that the new one does not know are taken for someone else's and never removed.`,
    });
  }

  async #open(): Promise<void> {
    const { store, clock, random, emit } = this.#options;
    try {
      const journal = await store.open();
      if (this.#isStopped) {
        await journal.close().catch(() => {});
        return;
      }
      const opened = { journal, users: 0 };
      const drained = await this.#tryDrain(opened);
      this.#opened = opened;
      this.#because = undefined;
      this.#sinceMs = clock.now();
      if (this.#wasOpen || drained > 0) emit({ kind: 'journal-back', location: journal.location, drained });
      this.#wasOpen = true;
    } catch (error) {
      const because = messageOf(error);
      this.#failuresInARow++;
      this.#dueAtMs = clock.now() + backOffMs(this.#failuresInARow, reopening, random);
      if (because === this.#because) return;
      this.failures++;
      this.#because = because;
      emit({ kind: 'journal-lost', because });
    }
  }

  async #drain(opened: Opened): Promise<void> {
    try {
      const drained = await this.#tryDrain(opened);
      if (drained > 0)
        this.#options.emit({ kind: 'journal-back', location: opened.journal.location, drained });
    } catch (error) {
      this.#failed(opened, messageOf(error));
    }
  }

  async #tryDrain({ journal }: Opened): Promise<number> {
    const { store, emit } = this.#options;
    const kept = this.#kept;
    const onFault = (message: string) => emit({ kind: 'internal-fault', where: 'the spool', message });
    // What is spooled meanwhile is drained by and by.
    this.#hasSpooled = false;
    this.#dueAtMs = Number.POSITIVE_INFINITY;
    const drained = await store.drain(journal, onFault, kept);
    this.#kept = this.#kept.filter(write => !kept.includes(write));
    return drained;
  }
}
