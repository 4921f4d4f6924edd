/** Whether a fault looks as if it stayed until someone mends it: such a gate is tried less often. Pure. */

/** Codes by which clouds and Atlas say that a right, a thing or a credential is lacking. */
const lastingCodes =
  /^(Forbidden|AuthorizationFailed|AccessDenied(Exception)?|UnauthorizedOperation|Unauthorized|InvalidClientTokenId|UnrecognizedClient(Exception)?|SignatureDoesNotMatch|ResourceNotFound|ResourceGroupNotFound|SubscriptionNotFound|NoSuchEntity|NotFound(Exception)?|NOT_FOUND|PERMISSION_DENIED|UNAUTHENTICATED|MalformedPolicyDocument(Exception)?|LimitExceeded(Exception)?|invalid_client|unauthorized_client|invalid_grant)$/i;
const lastingStatuses = new Set([400, 401, 403, 404, 410]);
const lastingNames = new Set(['ConfigError', 'CredentialUnavailableError', 'CredentialsProviderError']);
const maxDepth = 6;

/** Looks at the error and at what caused it. */
export function isLasting(error: unknown): boolean {
  let current = error;
  for (let depth = 0; current !== undefined && current !== null && depth < maxDepth; depth++) {
    const { name, code, status, statusCode, isLasting: says, cause } = current as Record<string, unknown>;
    if (says === true || lastingNames.has(String(name))) return true;
    if (typeof code === 'string' && lastingCodes.test(code)) return true;
    if (lastingStatuses.has(Number(status ?? statusCode))) return true;
    current = cause;
  }
  return false;
}
