/** The lab's small HTTP server: one handler, faults around it, a log of what came. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { type DeliveryOptions, deliver } from './deliver.ts';

export type { Answer, Incoming, LabRequest } from './deliver.ts';

export interface ServerOptions extends Omit<DeliveryOptions, 'wait'> {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly port?: number;
}

export interface LabServer {
  readonly port: number;
  close(): Promise<void>;
}

const maxBodyBytes = 4 * 1024 * 1024;

/** Listens on loopback only. */
export async function startServer(options: ServerOptions): Promise<LabServer> {
  const listener: http.RequestListener = (request, response) => {
    serve(options, request, response).catch(error => response.destroy(error));
  };
  const server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(options: ServerOptions, request: http.IncomingMessage, response: http.ServerResponse) {
  const target = request.url ?? '/';
  const url = new URL(target, 'http://lab.invalid');
  const delivery = await deliver(
    { ...options, wait: ms => new Promise(resolve => setTimeout(resolve, ms)) },
    {
      method: request.method ?? 'GET',
      path: url.pathname,
      target,
      query: url.searchParams,
      headers: request.headers,
      body: await readBody(request),
    },
  );
  if (delivery.kind === 'cut') {
    request.socket.destroy();
    return;
  }
  const bytes = Buffer.from(delivery.body);
  // The lab's time is not this machine's.
  response.sendDate = false;
  response.writeHead(delivery.status, {
    ...(bytes.length > 0 && { 'content-length': bytes.length }),
    ...delivery.headers,
  });
  if (delivery.kind === 'half') {
    response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
    return;
  }
  response.end(bytes);
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > maxBodyBytes) throw new Error('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
