/** The span of one try of a request (OpenTelemetry's semantic conventions, "HTTP client"). Nothing is added to the request. */
import { type Attributes, inSpan, type Span } from '../telemetry/span.ts';
import { TransportError } from './errors.ts';
import type { TransportRequest, TransportResponse } from './transport.ts';

/**
 * The paths of the APIs that Postern works with. That of a webhook, or of a dead man's switch, is a secret as a whole;
 * so is any query.
 */
const shownPaths = /^\/(api\/(atlas|oauth)|subscriptions|v1\/(accessPolicies|operations|projects))\//;

export function inRequestSpan(
  request: TransportRequest,
  attempt: number,
  work: () => Promise<TransportResponse | TransportError>,
): Promise<TransportResponse | TransportError> {
  return inSpan(
    request.method,
    attributesOf(request, attempt),
    async span => {
      const outcome = await work();
      tell(span, outcome);
      return outcome;
    },
    'client',
  );
}

function attributesOf({ method, url, headers }: TransportRequest, attempt: number): Attributes {
  const { hostname, port, pathname = '' } = URL.parse(url) ?? {};
  return {
    'http.request.method': method,
    'server.address': hostname,
    'server.port': port ? Number(port) : undefined,
    'url.path': shownPaths.test(pathname) ? pathname : undefined,
    'http.request.resend_count': attempt > 0 ? attempt : undefined,
    // All of KMS's calls have one path.
    'rpc.method': headers['x-amz-target'],
  };
}

function tell(span: Span, outcome: TransportResponse | TransportError): void {
  if (outcome instanceof TransportError) {
    span.fail(outcome.kind);
    return;
  }
  span.set({ 'http.response.status_code': outcome.status });
  if (outcome.status >= 400) span.fail(String(outcome.status));
}
