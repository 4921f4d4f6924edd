/** What went wrong with one call of AWS: its code, and the right that the call needs. */
import { TransportError } from '../../transport/errors.ts';

/** The right that a call needs, and on what, for the sentence when it is lacking. */
export interface Right {
  readonly action: string;
  readonly on: string;
}

export class AwsError extends Error {
  override readonly name = 'AwsError';
  /** AWS's code without its ending: KMS says `AccessDeniedException` where IAM says `AccessDenied`. */
  readonly code: string;
  readonly status: number | undefined;
  readonly right: Right;

  constructor(code: string, message: string, status: number | undefined, right: Right, cause: unknown) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.right = right;
  }
}

/** An answer of AWS is not of its documented shape. */
export class AwsAnswerError extends Error {
  override readonly name = 'AwsAnswerError';
}

/** What the SDK throws for an answer that is an error. */
interface ServiceExceptionLike {
  readonly name: string;
  readonly message: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** The error of a call, so that the rest of Postern knows what to say of it. */
export function toAwsError(error: unknown, right: Right): Error {
  const transportError = causeOf(error, TransportError);
  if (transportError) return transportError;
  if (error instanceof AwsAnswerError) return error;
  const { name, message, $metadata } = error as ServiceExceptionLike;
  const code = String(name ?? 'Error').replace(/(Exception|Fault)$/, '');
  return new AwsError(
    code,
    String(message ?? error)
      .replace(/\s+/g, ' ')
      .trim(),
    $metadata?.httpStatusCode,
    right,
    error,
  );
}

/** The SDK wraps what its credential providers met. */
function causeOf<Kind>(error: unknown, kind: new (...args: never[]) => Kind): Kind | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof kind) return cause;
  }
  return undefined;
}

export function isAwsError(error: unknown, ...codes: readonly string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}

const throttlingCodes = new Set([
  'Throttling',
  'Throttled',
  'TooManyRequests',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
]);

/** AWS turned the call away unread, because there were too many: it can be sent again, a write as well. */
export function isThrottled(error: unknown): boolean {
  return error instanceof AwsError && (throttlingCodes.has(error.code) || error.status === 429);
}

/** No credentials could be had: nothing was sent. */
export function isCredentialError(error: unknown): boolean {
  return error instanceof AwsError && /^(CredentialsProviderError|TokenProviderError)$/.test(error.code);
}

export function isAccessDenied(error: unknown): boolean {
  return isAwsError(error, 'AccessDenied');
}

/**
 * Whether a write that failed may have been carried out all the same. An answer that could not be read is no
 * refusal; only one of 400 to 499 is.
 */
export function mayHaveTakenEffect(error: unknown): boolean {
  if (error instanceof TransportError) return error.mayHaveBeenSent;
  if (!(error instanceof AwsError)) return true;
  if (isCredentialError(error)) return false;
  return error.status === undefined || error.status < 400 || error.status >= 500;
}
