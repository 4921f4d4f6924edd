import type { HeldLock } from '../journal/journal.ts';

/**
 * Stands at the gate's way out of the process while a run holds the gate's lock. A run that was paused, and
 * wakes up when its lease is over, must not send what it was about to: another may be at work by then. Nor must
 * one that waited for a slow cloud while the operator changed the gate's config.
 */
export class Fence {
  readonly #retired: AbortSignal | undefined;
  #lock: HeldLock | undefined;
  /** Nothing of the write under way has been sent, and it only goes on if the config is still in force. */
  #mayBeDropped = false;

  /** @param retired aborted once the config that the gate is written by is no longer in force */
  constructor(retired?: AbortSignal) {
    this.#retired = retired;
  }

  get isRetired(): boolean {
    return this.#retired?.aborted ?? false;
  }

  hold(lock: HeldLock): void {
    this.#lock = lock;
  }

  /** Without a lock there is nothing to lose: without a journal additions go on all the same. */
  drop(): void {
    this.#lock = undefined;
  }

  /** Before each write. `isForward`: what the config asks for, and no putting back. */
  begin(isForward: boolean): void {
    this.#mayBeDropped = isForward;
  }

  /** Why nothing that writes may be sent now; undefined while it may. */
  readonly refusal = (): string | undefined => {
    if (this.#lock && !this.#lock.isCertain())
      return 'the lock of its gate is over, and another run may be at work';
    if (this.#mayBeDropped && this.isRetired) return 'the config of its gate has changed meanwhile';
    // Half a write is worse than one by the config of a moment ago.
    this.#mayBeDropped = false;
    return undefined;
  };
}
