/** An answer of AWS that is an error: its code as the protocol of its service spells it, and its HTTP status. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** What the lab itself cannot answer is told in an answer, so that the sentence reaches whoever wrote the test. */
export function awsErrorOf(error: unknown, internalCode: string): AwsError {
  return error instanceof AwsError ? error : new AwsError(internalCode, String(error), 500);
}
