/** Amazon's SDKs, sent through our transport: so the read-only gate holds for them, tokens included. */
import { onlyReads } from '../../transport/read-only.ts';
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
      const url = urlOf(request);
      const sent = headersOf(headers);
      // The SDK's own kind of bytes warns on stderr when it is looked at as anything else.
      const plain = body instanceof Uint8Array ? Uint8Array.from(body) : body;
      const content = plain === undefined || plain === null ? {} : { body: plain };
      const response = await transport.send({
        method,
        url,
        headers: sent,
        ...content,
        // A gate looks again before it sends a write once more: someone may have written meanwhile.
        ...(!onlyReads({ method, url, headers: sent, ...content }) && { maxRetries: 0 }),
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
