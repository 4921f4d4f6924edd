/** Microsoft's SDKs, sent through our transport: so the read-only gate holds for them, tokens included. */
import type { HttpClient, PipelineResponse } from '@azure/core-rest-pipeline';
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import { onlyReads } from '../../transport/read-only.ts';
import type { Transport } from '../../transport/transport.ts';

export function httpClientOver(transport: Transport): HttpClient {
  return {
    async sendRequest(request): Promise<PipelineResponse> {
      const { method, url, headers, body, abortSignal } = request;
      if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
        throw new TypeError('The Azure SDK sent a body of a kind that Postern does not expect.');
      }
      const sent = {
        method,
        url,
        headers: headers.toJSON(),
        ...(body !== undefined && body !== null && { body }),
      };
      const response = await transport.send({
        ...sent,
        // A write holds what a read just before it showed: sent again, it needs that read again.
        ...(!onlyReads(sent) && { maxRetries: 0 }),
        ...(abortSignal && { signal: abortSignal as AbortSignal }),
      });
      return {
        request,
        status: response.status,
        headers: createHttpHeaders({ ...response.headers }),
        bodyAsText: Buffer.from(response.body).toString('utf8'),
      };
    },
  };
}
