/** The journal cannot be opened or used: which one, what happened, what to do. */
export class JournalError extends Error {
  override readonly name: string = 'JournalError';
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
  }
}

/** Another run has the gate's lock by now: what this one knows is old, and it must not write. */
export class LockLostError extends JournalError {
  override readonly name = 'LockLostError';

  constructor(gateId: string) {
    super(
      `The lock of ${gateId} was lost: this run was silent for longer than its lease, and another may carry on.`,
      'Nothing to do: nothing was sent, and the next run starts from what is there then.',
    );
  }
}
