/** An answer of a Google API that is an error: AIP-193. */
export class GoogleError extends Error {
  readonly httpStatus: number;
  readonly status: RpcStatus;
  readonly details: readonly object[];

  constructor(status: RpcStatus, message: string, details: readonly object[] = []) {
    super(message);
    this.status = status;
    this.httpStatus = rpcStatuses[status].http;
    this.details = details;
  }

  /** The body of an HTTP answer. */
  get body(): object {
    const { httpStatus: code, message, status, details } = this;
    return { error: { code, message, status, ...(details.length > 0 && { details }) } };
  }

  /** As an operation tells it: a `google.rpc.Status`, whose code is gRPC's own number. */
  get rpcStatus(): object {
    const { message, status, details } = this;
    return { code: rpcStatuses[status].rpc, message, ...(details.length > 0 && { details }) };
  }
}

/** https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const rpcStatuses = {
  INVALID_ARGUMENT: { http: 400, rpc: 3 },
  FAILED_PRECONDITION: { http: 400, rpc: 9 },
  UNAUTHENTICATED: { http: 401, rpc: 16 },
  PERMISSION_DENIED: { http: 403, rpc: 7 },
  NOT_FOUND: { http: 404, rpc: 5 },
  ALREADY_EXISTS: { http: 409, rpc: 6 },
  ABORTED: { http: 409, rpc: 10 },
  RESOURCE_EXHAUSTED: { http: 429, rpc: 8 },
  INTERNAL: { http: 500, rpc: 13 },
} as const;

export type RpcStatus = keyof typeof rpcStatuses;

export function invalid(message: string): GoogleError {
  return new GoogleError('INVALID_ARGUMENT', message);
}

/** Why a permission is lacking, as Google's APIs say it in `details`. */
export function permissionDenied(permission: string, resource: string): GoogleError {
  return new GoogleError(
    'PERMISSION_DENIED',
    `Permission '${permission}' denied on resource '//${service}/${resource}' (or it may not exist).`,
    [errorInfo('IAM_PERMISSION_DENIED', { permission, resource })],
  );
}

/** The API is switched off in the project that the call is counted to. */
export function apiNotUsed(project: string): GoogleError {
  return new GoogleError(
    'PERMISSION_DENIED',
    `Access Context Manager API has not been used in project ${project} before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/${service}/overview?project=${project} then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.`,
    [errorInfo('SERVICE_DISABLED', { consumer: `projects/${project}`, service })],
  );
}

/** A person's credentials, and no project to count the call to. */
export function needsQuotaProject(): GoogleError {
  return new GoogleError(
    'PERMISSION_DENIED',
    `Your application is authenticating by using local Application Default Credentials. The ${service} API requires a quota project, which is not set by default.`,
    [errorInfo('SERVICE_DISABLED', { consumer: 'projects/764086051850', service })],
  );
}

const service = 'accesscontextmanager.googleapis.com';

function errorInfo(reason: string, metadata: Record<string, string>): object {
  return {
    '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
    reason,
    domain: 'googleapis.com',
    metadata,
  };
}
