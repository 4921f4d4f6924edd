/** Microsoft's SDKs, sent through our transport: so the read-only gate holds for them, tokens included. */
import type { HttpClient, PipelineResponse } from '@azure/core-rest-pipeline';
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import type { Transport } from '../../transport/transport.ts';

export function httpClientOver(transport: Transport): HttpClient {
  return {
    async sendRequest(request): Promise<PipelineResponse> {
      const { method, url, headers, body, abortSignal } = request;
      if (body !== undefined && body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) {
        throw new TypeError('The Azure SDK sent a body of a kind that Postern does not expect.');
      }
      const response = await transport.send({
        method,
        url,
        headers: headers.toJSON(),
        ...(body !== undefined && body !== null && { body }),
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
