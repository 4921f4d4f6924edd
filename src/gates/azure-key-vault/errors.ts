/** Azure's errors as a gate's: what happened, and what to do about it. */
import { TransportError } from '../../transport/errors.ts';
import { retryAfterMs } from '../../transport/retry.ts';
import { afterStrangeAnswer } from '../answer.ts';
import { GateError } from '../gate.ts';

export interface ArmErrorBody {
  readonly code?: unknown;
  readonly message?: unknown;
}

/** Resource Manager's answer to a request that it refuses, read no further than its documented error. */
export class ArmRefusal extends Error {
  override readonly name = 'ArmRefusal';
  readonly statusCode: number;
  readonly code: string | undefined;
  readonly retryAfter: string | undefined;

  constructor(statusCode: number, body: ArmErrorBody | undefined, retryAfter: string | undefined) {
    super(typeof body?.message === 'string' ? body.message : 'It gave no reason.');
    this.statusCode = statusCode;
    this.code = typeof body?.code === 'string' ? body.code : undefined;
    this.retryAfter = retryAfter;
  }
}

/** An `ArmRefusal`, or what Azure's SDK throws for an answer that is an error. */
interface RestErrorLike {
  readonly statusCode?: number;
  readonly code?: string;
  readonly message: string;
}

const remedies: Readonly<Record<string, string>> = {
  AuthorizationFailed:
    'Give the identity that Postern runs as a role on this vault with Microsoft.KeyVault/vaults/read and …/write, nothing more.',
  ResourceNotFound:
    'Check the vault, resource group and subscription in the config, and that the identity may see them.',
  SubscriptionNotFound: 'Check the subscription in the config, and the tenant of the identity.',
  ScopeLocked:
    'A resource lock forbids changes: take the ReadOnly lock off the vault, its group or subscription.',
  RequestDisallowedByPolicy: 'An Azure Policy forbids this change: exempt the vault, or change the policy.',
  SubnetsHaveNoServiceEndpointsConfigured:
    'A virtual network rule of the vault names a subnet without the Microsoft.KeyVault service endpoint, and Azure refuses every write until that is mended: add the endpoint, or take the rule out.',
  InvalidAuthenticationToken:
    'Check the credentials, and that the authority belongs to the same cloud as the endpoint.',
};

const conflictCodes = new Set(['ConflictError', 'Conflict', 'AnotherOperationInProgress']);

/** A longer wait is answered with the refusal itself. */
const maxAskedWaitMs = 60_000;

/**
 * How long to wait at least, in milliseconds, before a write that was certainly not carried out may be tried
 * again: another operation is under way on the vault, Azure is busy, or the write never left. Undefined when
 * trying again is no use, or not safe.
 */
export function retryWaitMs(error: unknown, nowMs: number): number | undefined {
  if (error instanceof TransportError) return error.mayHaveBeenSent || error.isLasting ? undefined : 0;
  if (!(error instanceof ArmRefusal)) return undefined;
  const { statusCode, code, retryAfter } = error;
  if (statusCode === 409) return code === undefined || conflictCodes.has(code) ? 0 : undefined;
  const askedMs = retryAfterMs(retryAfter, nowMs);
  if (statusCode !== 429 && !(statusCode === 503 && askedMs !== undefined)) return undefined;
  return (askedMs ?? 0) <= maxAskedWaitMs ? (askedMs ?? 0) : undefined;
}

/**
 * Whether a failed write may have been carried out all the same. Only a refusal by Azure, or that it never left,
 * says that it was not: an answer that cannot be read, a gateway's page say, may hide a write that took effect.
 */
export function mayHaveTakenEffect(error: unknown): boolean {
  if (error instanceof TransportError) return error.mayHaveBeenSent;
  if (isNoToken(error)) return false;
  const { statusCode } = error as RestErrorLike;
  return statusCode === undefined || statusCode < 400 || statusCode >= 500 || statusCode === 408;
}

/** No token was to be had, so the request itself was not sent. */
export function isNoToken(error: unknown): error is Error {
  return error instanceof Error && /Credential|Authentication/.test(error.name);
}

/** Microsoft's identity library does not say what went wrong on the way to Entra; the transport does. */
export class TokenRequestError extends Error {
  override readonly name = 'TokenAuthenticationError';
  override readonly cause: TransportError;

  constructor(cause: TransportError) {
    super(cause.message, { cause });
    this.cause = cause;
  }
}

/** The answer of Azure is not of its documented shape. */
export class AzureAnswerError extends Error {
  override readonly name = 'AzureAnswerError';
}

/** A GateError that says what Azure said. */
export function explain(gate: string, what: string, error: unknown): GateError {
  if (error instanceof GateError) return error;
  if (error instanceof TransportError) {
    const { remedy } = error;
    return new GateError(gate, `${what}: ${error.message}`, {
      cause: error,
      ...(remedy !== undefined && { remedy }),
    });
  }
  const { statusCode, code, message } = error as RestErrorLike;
  if (statusCode !== undefined) {
    const remedy = (code !== undefined && remedies[code]) || remedyFor(statusCode);
    return new GateError(
      gate,
      `${what}: Azure answered ${[statusCode, code].filter(Boolean).join(' ')}. ${message}`,
      {
        cause: error,
        ...(code !== undefined && { code }),
        ...(remedy && { remedy }),
      },
    );
  }
  if (isNoToken(error)) {
    return new GateError(gate, `${what}: no token from Microsoft Entra. ${firstLine(message)}`, {
      cause: error,
      code: error.name,
      remedy:
        (error instanceof TokenRequestError && error.cause.remedy) ||
        'Check the credential in the config, or what DefaultAzureCredential finds here: environment variables, workload or managed identity, az login.',
    });
  }
  return new GateError(gate, `${what}: ${message}`, {
    cause: error,
    ...(error instanceof AzureAnswerError && { remedy: afterStrangeAnswer }),
  });
}

function remedyFor(status: number): string | undefined {
  if (status === 401) return remedies.InvalidAuthenticationToken;
  if (status === 403) return remedies.AuthorizationFailed;
  if (status === 404) return remedies.ResourceNotFound;
  if (status === 429) return "Azure's rate limit is reached: try again later.";
  return status >= 500 ? 'Azure has trouble: try again later.' : undefined;
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0]!;
}
