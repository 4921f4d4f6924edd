/** Amazon's SDKs, sent through our transport: so the read-only gate holds for them, tokens included. */
import type { Transport } from '../../transport/transport.ts';

/** The part of the SDK's request that is used; `HttpRequest` of `@smithy/types`. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface RequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: unknown },
  ): Promise<{
    response: { statusCode: number; headers: Record<string, string>; body: Uint8Array };
  }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

export function requestHandlerOver(transport: Transport): RequestHandler {
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request, { abortSignal } = {}) {
      const { method, headers, body } = request;
      if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
        throw new TypeError('The AWS SDK sent a body of a kind that Postern does not expect.');
      }
      const response = await transport.send({
        method,
        url: urlOf(request),
        headers: headersOf(headers),
        ...(body !== undefined && body !== null && { body }),
        ...(abortSignal instanceof AbortSignal && { signal: abortSignal }),
      });
      return {
        response: { statusCode: response.status, headers: { ...response.headers }, body: response.body },
      };
    },
    // The transport has its own limits; there is nothing that the SDK could set.
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function urlOf({ protocol, hostname, port, path, query }: SdkRequest): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, one ?? '');
  }
  const authority = port === undefined ? hostname : `${hostname}:${port}`;
  return `${protocol}//${authority}${path}${search.size > 0 ? `?${search}` : ''}`;
}

/** Lower case, and without those that `fetch` makes itself, the same as they were signed. */
function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(lowered.filter(([name]) => name !== 'host' && name !== 'content-length'));
}
