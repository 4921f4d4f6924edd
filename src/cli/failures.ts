/** The command line is wrong. Ends with exit code 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Something said no, and nothing was written. Ends with exit code 4. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string) {
    super(message);
    this.remedy = remedy;
  }
}
