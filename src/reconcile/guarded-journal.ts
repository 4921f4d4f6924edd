/**
 * The journal as the reconciler uses it: when it fails, urgent additions go on without it and removals stop
 * (DESIGN.md §3, invariant 8). Once it has failed it counts as unavailable for the rest of the run, because
 * half a record is worse than none.
 */
import { LockLostError } from '../journal/errors.ts';
import type { Journal } from '../journal/journal.ts';
import type { SpooledWrite } from '../journal/spool.ts';

export class GuardedJournal {
  readonly #journal: Journal | undefined;
  readonly #spool: (write: SpooledWrite) => void;
  readonly #onFailure: (reason: string) => void;
  #reason: string | undefined;

  /** @param journal undefined when it could not be opened; `reason` says why */
  constructor(options: {
    readonly journal: Journal | undefined;
    readonly reason?: string;
    /** Keeps a write for a later run; throws when it cannot. */
    readonly spool: (write: SpooledWrite) => void;
    readonly onFailure?: (reason: string) => void;
  }) {
    this.#journal = options.journal;
    this.#reason = options.journal ? undefined : (options.reason ?? 'it could not be opened');
    this.#spool = options.spool;
    this.#onFailure = options.onFailure ?? (() => {});
  }

  /** Why the journal cannot be used; undefined while it can. */
  get unavailable(): string | undefined {
    return this.#reason;
  }

  /**
   * Does `work` with the journal; undefined when the journal is, or turns out to be, unavailable.
   *
   * @throws LockLostError when another run has the gate's lock by now
   */
  async attempt<T>(work: (journal: Journal) => Promise<T>): Promise<T | undefined> {
    if (!this.#journal || this.#reason !== undefined) return undefined;
    try {
      return await work(this.#journal);
    } catch (error) {
      // The journal is well: it is this run that has to end.
      if (error instanceof LockLostError) throw error;
      this.#reason = error instanceof Error ? error.message : String(error);
      this.#onFailure(this.#reason);
      return undefined;
    }
  }

  /** Keeps a finished addition for a later run; when even that fails, the addition stands all the same. */
  spool(write: SpooledWrite): void {
    try {
      this.#spool(write);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#onFailure(`${reason}; the entries just added will look like someone else's (see \`adopt\`)`);
    }
  }
}
