/** Answers by which Atlas, Azure and AWS refuse on a bad day, each an act for `faults.add`. */
import type { FaultAct } from './faults.ts';

type AnswerAct = Extract<FaultAct, { kind: 'answer' }>;

export const refusals = {
  /** The version that the Accept header names is past its sunset. */
  versionGone: () =>
    atlas(410, 'VERSION_GONE', 'The requested version of this resource is no longer available.', 'Gone'),
  /** The organization's API access list does not hold the caller's address. */
  notOnAccessList: (address: string) =>
    atlas(
      403,
      'IP_ADDRESS_NOT_ON_ACCESS_LIST',
      `IP address ${address} is not allowed to access this resource.`,
      'Forbidden',
      [address],
    ),
  forbidden: () =>
    atlas(403, 'USER_UNAUTHORIZED', 'Current user is not authorized to perform this action.', 'Forbidden'),
  atlasRateLimited: (retrySeconds: number) => {
    const act = atlas(429, 'RATE_LIMITED_TOKEN_BUCKET', 'The rate limit is reached.', 'Too Many Requests');
    return { ...act, headers: { ...act.headers, 'retry-after': String(retrySeconds) } };
  },
  atlasUnexpected: () => atlas(500, 'UNEXPECTED_ERROR', 'Unexpected error.', 'Internal Server Error'),
  /** What stands before Atlas answers in plain text, as recorded in May 2025. */
  unavailable: (): AnswerAct => ({
    kind: 'answer',
    status: 503,
    headers: { 'content-type': 'text/plain' },
    body: 'upstream connect error or disconnect/reset before headers',
  }),
  armThrottled: (retrySeconds: number): AnswerAct => ({
    ...arm(429, 'TooManyRequests', 'The request is being throttled.'),
    headers: { 'retry-after': String(retrySeconds) },
  }),
  armConflict: () =>
    arm(409, 'ConflictError', 'A conflict occurred that prevented the operation from completing.'),
  /** Azure checks every subnet that a write sends, those that stood there before too. */
  subnetWithoutEndpoint: (subnetId: string) =>
    arm(
      400,
      'SubnetsHaveNoServiceEndpointsConfigured',
      `Subnets ${subnetId} do not have ServiceEndpoints for Microsoft.KeyVault resources configured.`,
    ),
  kmsThrottled: () => kms(400, 'ThrottlingException', 'Rate exceeded'),
  kmsInternal: () => kms(500, 'KMSInternalException', 'The request failed because of an internal error.'),
  kmsDependencyTimeout: () =>
    kms(503, 'DependencyTimeoutException', 'The request timed out while waiting for a dependency.'),
  iamThrottled: () => iam(400, 'Throttling', 'Rate exceeded'),
  iamFailure: () =>
    iam(500, 'ServiceFailure', 'The request processing has failed because of an unknown error.'),
} as const;

function atlas(
  status: number,
  errorCode: string,
  detail: string,
  reason: string,
  parameters: readonly string[] = [],
): AnswerAct {
  return {
    kind: 'answer',
    status,
    headers: { 'x-error-code': errorCode },
    body: JSON.stringify({ detail, error: status, errorCode, parameters, reason }),
  };
}

function kms(status: number, __type: string, message: string): AnswerAct {
  return {
    kind: 'answer',
    status,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-requestid': '6f2c1a7e-0b1d-4c3f-9a58-2e4d7c9b1f03',
    },
    body: JSON.stringify({ __type, message }),
  };
}

function iam(status: number, code: string, message: string): AnswerAct {
  const type = status < 500 ? 'Sender' : 'Receiver';
  const requestId = '6f2c1a7e-0b1d-4c3f-9a58-2e4d7c9b1f03';
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body: `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
  };
}

function arm(status: number, code: string, message: string): AnswerAct {
  return { kind: 'answer', status, body: JSON.stringify({ error: { code, message } }) };
}
