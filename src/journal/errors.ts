/** The journal cannot be opened or used: which one, what happened, what to do. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly remedy: string;

  constructor(message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.remedy = remedy;
  }
}
