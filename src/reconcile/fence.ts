import type { HeldLock } from '../journal/journal.ts';

/**
 * Stands at the gate's way out of the process while a run holds the gate's lock. A run that was paused, and
 * wakes up when its lease is over, must not send what it was about to: another may be at work by then.
 */
export class Fence {
  #lock: HeldLock | undefined;

  hold(lock: HeldLock): void {
    this.#lock = lock;
  }

  /** Without a lock there is nothing to lose: without a journal additions go on all the same. */
  drop(): void {
    this.#lock = undefined;
  }

  /** Why nothing that writes may be sent now; undefined while it may. */
  readonly refusal = (): string | undefined =>
    this.#lock && !this.#lock.isCertain()
      ? 'the lock of its gate is over, and another run may be at work'
      : undefined;
}
