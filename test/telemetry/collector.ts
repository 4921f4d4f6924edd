/** A real OTLP/HTTP receiver: it takes what a collector would take, and keeps the spans. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface ReceivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, any>>;
  /** 2: it failed. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, any>>;
}

export interface Collector {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Every request's body, as it came. */
  readonly bodies: readonly string[];
  readonly headers: readonly NodeJS.Dict<string | string[]>[];
  named(name: string): readonly ReceivedSpan[];
}

/** @param answers `swallow`: takes the connection and never answers */
export async function openCollector(answers: 'take' | 'refuse' | 'swallow' = 'take'): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const headers: NodeJS.Dict<string | string[]>[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    if (answers === 'swallow') return;
    if (answers === 'refuse' || request.url !== '/v1/traces') {
      response.writeHead(answers === 'refuse' ? 400 : 404).end();
      return;
    }
    bodies.push(text);
    headers.push(request.headers);
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      for (const { spans: sent } of scopeSpans) {
        for (const span of sent) {
          spans.push({
            ...span,
            attributes: valuesOf(span.attributes),
            resource: valuesOf(resource.attributes),
          });
        }
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    bodies,
    headers,
    named: name => spans.filter(span => span.name === name),
  };
}

function valuesOf(attributes: readonly { key: string; value: any }[]): Record<string, any> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plainOf(value)]));
}

function plainOf(value: any): any {
  if (value.arrayValue) return value.arrayValue.values.map(plainOf);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}
