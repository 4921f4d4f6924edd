/** Each try of a request is a span; a server sees nothing of it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { type Attributes, type Tracer, withTracer } from '../../src/telemetry/span.ts';
import { createTransport } from '../../src/transport/index.ts';

interface Told {
  readonly name: string;
  readonly attributes: Attributes;
  readonly failed?: string;
}

function listener() {
  const told: Told[] = [];
  const tracer: Tracer = {
    begin: (name, attributes) => {
      let all = attributes;
      let failed: string | undefined;
      return {
        set: more => {
          all = { ...all, ...more };
        },
        fail: type => {
          failed = type;
        },
        end: () => void told.push({ name, attributes: all, ...(failed !== undefined && { failed }) }),
      };
    },
  };
  return { told, tracer };
}

async function openServer(statuses: number[]) {
  const seen: (readonly string[])[] = [];
  const server = createServer((request, response) => {
    seen.push(Object.keys(request.headers));
    response.writeHead(statuses.shift() ?? 200, { 'retry-after': '0' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const send = (tracer: Tracer, url: string, headers: Record<string, string> = {}) => {
  const transport = createTransport({
    clock: systemClock,
    random: () => 0,
    mode: 'read-only',
    maxRetries: 1,
  });
  return withTracer(tracer, () => transport.send({ method: 'GET', url, headers }));
};

test('two tries are two spans, and no header of tracing is sent', async () => {
  const { told, tracer } = listener();
  const { seen, url } = await openServer([503, 200]);
  await send(tracer, `${url}/api/atlas/v2/groups?pageNum=1&secret=x`);
  const common = {
    'http.request.method': 'GET',
    'server.address': '127.0.0.1',
    'url.path': '/api/atlas/v2/groups',
  };
  expect(told).toMatchObject([
    { name: 'GET', attributes: { ...common, 'http.response.status_code': 503 }, failed: '503' },
    {
      name: 'GET',
      attributes: { ...common, 'http.response.status_code': 200, 'http.request.resend_count': 1 },
    },
  ]);
  expect(JSON.stringify(told)).not.toContain('secret');
  expect(seen.flat().filter(name => /^(traceparent|tracestate|baggage)$/.test(name))).toEqual([]);
});

test.each([
  '/services/T0/B0/token',
  '/ping/uuid',
  '/',
])('the path %s of a webhook is not told', async path => {
  const { told, tracer } = listener();
  const { url } = await openServer([]);
  await send(tracer, url + path);
  expect(told[0]?.attributes['url.path']).toBeUndefined();
});

test('no answer is a failure of its kind', async () => {
  const { told, tracer } = listener();
  await expect(send(tracer, 'http://127.0.0.1:9/')).rejects.toThrow();
  expect(told.map(({ failed }) => failed)).toEqual(['network', 'network']);
});
