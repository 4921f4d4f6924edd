/** Google's errors as a gate's: what happened, and what to do about it. */
import { TransportError } from '../../transport/errors.ts';
import { afterStrangeAnswer } from '../answer.ts';
import { GateError } from '../gate.ts';
import { GoogleAnswerError, GoogleApiError } from './http.ts';
import type { OperationAnswer } from './schema.ts';
import { GoogleTokenError } from './token-source.ts';

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto: what an operation ends with. */
const rpcCodes: Readonly<Record<number, string>> = {
  1: 'CANCELLED',
  2: 'UNKNOWN',
  3: 'INVALID_ARGUMENT',
  4: 'DEADLINE_EXCEEDED',
  5: 'NOT_FOUND',
  6: 'ALREADY_EXISTS',
  7: 'PERMISSION_DENIED',
  8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION',
  10: 'ABORTED',
  13: 'INTERNAL',
  14: 'UNAVAILABLE',
  16: 'UNAUTHENTICATED',
};

/** After these nobody knows whether a write was carried out. */
const vague = new Set(['CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE', undefined]);

export function operationError({ code, message }: NonNullable<OperationAnswer['error']>): GoogleApiError {
  return new GoogleApiError(undefined, rpcCodes[code], message ?? `code ${code}`);
}

/** Another operation is under way on the policy: the write was refused and may be tried again. */
export function isPassingConflict(error: unknown): boolean {
  if (!(error instanceof GoogleApiError) || error.status === 'ALREADY_EXISTS') return false;
  return error.status === 'ABORTED' || error.httpStatus === 409;
}

/** 50 writes a minute for the whole organization. */
export function isQuota(error: unknown): boolean {
  return (
    error instanceof GoogleApiError && (error.status === 'RESOURCE_EXHAUSTED' || error.httpStatus === 429)
  );
}

export function isAlreadyThere(error: unknown): boolean {
  return error instanceof GoogleApiError && error.status === 'ALREADY_EXISTS';
}

/** Whether a failed write may have been carried out all the same. */
export function mayHaveTakenEffect(error: unknown): boolean {
  if (error instanceof TransportError) return error.mayHaveBeenSent;
  if (error instanceof GoogleAnswerError) return true;
  if (!(error instanceof GoogleApiError)) return false;
  return error.httpStatus === undefined ? vague.has(error.status) : error.httpStatus >= 500;
}

/**
 * A GateError that says what Google said.
 *
 * @param permission what the call needs, such as `accesscontextmanager.accessLevels.get`
 */
export function explain(gate: string, what: string, error: unknown, permission: string): GateError {
  if (error instanceof GateError) return error;
  if (error instanceof GoogleTokenError) {
    return new GateError(gate, `${what}: no token from Google: ${error.message}`, {
      cause: error,
      code: /^[a-z_]+(?=:)/.exec(error.message)?.[0] ?? error.name,
      remedy: tokenRemedy(error),
    });
  }
  if (error instanceof TransportError) {
    const { remedy } = error;
    return new GateError(gate, `${what}: ${error.message}`, {
      cause: error,
      ...(remedy !== undefined && { remedy }),
    });
  }
  if (error instanceof GoogleApiError) {
    const { status, httpStatus } = error;
    const code = status ?? (httpStatus === undefined ? undefined : String(httpStatus));
    const remedy = remedyFor(error, permission);
    const said = [code, error.message].filter(Boolean).join(': ');
    return new GateError(gate, `${what}: ${firstLine(said)}`, {
      cause: error,
      ...(code !== undefined && { code }),
      ...(remedy !== undefined && { remedy }),
    });
  }
  return new GateError(gate, `${what}: ${error instanceof Error ? error.message : error}`, {
    cause: error,
    ...(error instanceof GoogleAnswerError && { remedy: afterStrangeAnswer }),
  });
}

function tokenRemedy({ message, cause }: GoogleTokenError): string {
  for (let inner: unknown = cause; inner instanceof Error; inner = inner.cause) {
    if (inner instanceof TransportError) {
      return inner.remedy ?? 'Check that Google’s token server can be reached from here.';
    }
  }
  if (/short-lived token|reasonable timeframe/.test(message)) return "Set this machine's clock.";
  if (/Invalid JWT Signature/.test(message)) {
    return 'The key of the service account was deleted or disabled: make a new one, or better, use workload identity federation, which has none.';
  }
  if (/account not found/.test(message))
    return 'The service account was deleted: make one, with the rights of docs/google-cloud.md.';
  if (/expired or revoked|invalid_rapt|reauth/.test(message)) {
    return 'Sign in again: gcloud auth application-default login. For anything that runs by itself use a service account.';
  }
  if (/credential file|private key/.test(message)) return 'Check `credentialFile` in the config.';
  return 'Check `credentialFile` in the config, or what Application Default Credentials find here: GOOGLE_APPLICATION_CREDENTIALS, gcloud auth application-default login, or the metadata server.';
}

function remedyFor(
  { status, httpStatus, reasons, message }: GoogleApiError,
  permission: string,
): string | undefined {
  if (/quota project|end user credentials/i.test(message)) {
    return "A person's credentials need a project that calls are counted to: set `quotaProject` on the gate, or use a service account.";
  }
  if (reasons.includes('SERVICE_DISABLED') || /has not been used in project|is disabled/.test(message)) {
    return 'Enable the API in that project: gcloud services enable accesscontextmanager.googleapis.com, and wait a few minutes.';
  }
  if (reasons.includes('USER_PROJECT_DENIED') || /serviceusage\.services\.use/.test(message)) {
    return 'Give the identity serviceusage.services.use on the quota project (roles/serviceusage.serviceUsageConsumer).';
  }
  switch (status ?? httpStatus) {
    case 'UNAUTHENTICATED':
    case 401:
      return 'Check the credentials, and that the endpoint in the config is the one they are for.';
    case 'PERMISSION_DENIED':
    case 403:
      return `Give the identity that Postern runs as ${permission} on the access policy, by a custom role; docs/google-cloud.md lists all that it needs.`;
    case 'NOT_FOUND':
    case 404:
      return 'Check the number of the access policy in the config: gcloud access-context-manager policies list --organization NUMBER.';
    case 'ALREADY_EXISTS':
      return 'Another access level of the policy has the title that Postern gives its own: rename that one.';
    case 'ABORTED':
    case 409:
      return 'Another change of the access policy is under way: try again.';
    case 'FAILED_PRECONDITION':
      return "Google will not take the change as the access policy stands: the message says what is in the way; see also the policy's audit log.";
    case 'RESOURCE_EXHAUSTED':
    case 429:
      return 'Access Context Manager takes 50 writes and 500 reads a minute from an organization: try again in a minute, or space the runs out.';
    default:
      return httpStatus !== undefined && httpStatus >= 500
        ? 'Google has trouble: try again later.'
        : undefined;
  }
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0]!;
}
