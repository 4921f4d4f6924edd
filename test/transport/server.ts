/** Real servers on loopback, closed with the test, and a clock on which waiting takes no time. */
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/clock.ts';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface TestAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Gives an answer, or writes one to `response` itself and gives undefined. */
export type Handler = (request: Seen, response: http.ServerResponse, count: number) => TestAnswer | undefined;

/** An HTTP server; `seen` holds each request that reached it, in order. */
export async function serve(handler: Handler): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const one = { method: request.method!, url: request.url!, headers: request.headers, body };
    seen.push(one);
    const answer = handler(one, response, seen.length);
    // Tests have a clock of their own.
    response.sendDate = false;
    if (answer) response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '');
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, seen };
}

/** A server that answers each connection with these bytes, whatever was asked, and then ends or resets it. */
export async function serveBytes(bytes: string, ending: 'end' | 'reset' = 'end') {
  let connections = 0;
  const server = net.createServer(socket => {
    connections++;
    socket.on('error', () => {});
    socket.once('data', () => {
      const finish = () => (ending === 'end' ? socket.end() : socket.resetAndDestroy());
      if (bytes === '') finish();
      else socket.write(bytes, finish);
    });
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, connections: () => connections };
}

/** A port where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = net.createServer();
  const port = await new Promise<number>(resolve =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
  await new Promise(resolve => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

async function listen(server: net.Server): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on('connection', socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export interface TestClock extends Clock {
  readonly slept: number[];
  advance(ms: number): void;
}

export function testClock(startMs = Date.UTC(2026, 0, 1)): TestClock {
  let nowMs = startMs;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    advance: ms => {
      nowMs += ms;
    },
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      slept.push(ms);
      nowMs += ms;
    },
  };
}
