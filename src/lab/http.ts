/** The lab's small HTTP server: one handler, faults around it, a log of what came. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../clock.ts';
import type { CannedAnswer, FaultAct, Faults, LabService } from './faults.ts';

export interface LabRequest {
  readonly atMs: number;
  readonly service: LabService;
  readonly method: string;
  /** With its query; of AWS, the operation: `/GetKeyPolicy`. */
  readonly path: string;
  readonly status: number;
}

export interface Incoming {
  readonly method: string;
  readonly path: string;
  /** The path with its query, as it came. */
  readonly target: string;
  readonly query: URLSearchParams;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; undefined sends no body. */
  readonly json?: unknown;
  /** Sent as it is, in place of JSON. */
  readonly text?: string;
}

export interface ServerOptions {
  readonly service: LabService | ((path: string) => LabService);
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: LabRequest[];
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly port?: number;
  /** What a request asks for, where its path does not tell: faults and the log take it for the path. */
  operationOf?(request: Pick<Incoming, 'headers' | 'body'>): string;
  handle(request: Incoming): Answer | Promise<Answer>;
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
  const { clock, faults, log } = options;
  const url = new URL(request.url ?? '/', 'http://lab.invalid');
  const method = request.method ?? 'GET';
  const service = typeof options.service === 'function' ? options.service(url.pathname) : options.service;
  const body = await readBody(request);
  const operation = options.operationOf?.({ headers: request.headers, body });
  const acts = faults.take(service, method, operation === undefined ? url.pathname : `/${operation}`);
  const loggedPath = operation === undefined ? (request.url ?? '/') : `/${operation}`;
  const note = (status: number) => log.push({ atMs: clock.now(), service, method, path: loggedPath, status });

  for (const act of acts) {
    if (act.kind === 'latency') await new Promise(resolve => setTimeout(resolve, act.ms));
    if (act.kind === 'cut-before') {
      note(0);
      request.socket.destroy();
      return;
    }
    if (act.kind === 'answer') {
      note(act.status);
      letHappen(acts);
      sendInstead(response, act);
      return;
    }
  }
  const answer = await options.handle({
    method,
    path: url.pathname,
    target: request.url ?? '/',
    query: url.searchParams,
    headers: request.headers,
    body,
  });
  note(answer.status);
  letHappen(acts);
  if (acts.some(({ kind }) => kind === 'cut-after')) {
    request.socket.destroy();
    return;
  }
  const instead = acts.find(act => act.kind === 'answer-after');
  if (instead) {
    sendInstead(response, instead);
    return;
  }
  let { json, text } = answer;
  // What is edited is the resource; a refusal or a challenge goes through as it is.
  if (answer.status === 200) {
    for (const act of acts) {
      if (act.kind !== 'edit') continue;
      if (text === undefined) json = act.edit(structuredClone(json));
      else text = String(act.edit(text));
    }
  }
  text ??= json === undefined ? '' : JSON.stringify(json);
  const bytes = Buffer.from(text);
  response.writeHead(answer.status, {
    date: new Date(clock.now()).toUTCString(),
    ...(text !== '' && { 'content-type': 'application/json', 'content-length': bytes.length }),
    ...answer.headers,
  });
  if (acts.some(({ kind }) => kind === 'truncate')) {
    response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
    return;
  }
  response.end(bytes);
}

function letHappen(acts: readonly FaultAct[]): void {
  for (const act of acts) if (act.kind === 'meanwhile') act.happens();
}

function sendInstead(response: http.ServerResponse, { status, headers, body }: CannedAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body ?? '');
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
