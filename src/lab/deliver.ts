/** What becomes of one request: the handler's answer with the faults around it, whatever carries the bytes. */
import type { IncomingHttpHeaders } from 'node:http';
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
  readonly headers: IncomingHttpHeaders;
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

export interface DeliveryOptions {
  readonly service: LabService | ((path: string) => LabService);
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: LabRequest[];
  /** What a request asks for, where its path does not tell: faults and the log take it for the path. */
  operationOf?(request: Pick<Incoming, 'headers' | 'body'>): string;
  handle(request: Incoming): Answer | Promise<Answer>;
  /** Waits out a fault's latency. */
  wait(ms: number): Promise<void>;
}

/** What the caller sees: the whole answer, its headers and half of its body, or a connection that is cut. */
export type Delivery =
  | {
      readonly kind: 'whole' | 'half';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      /** The whole body, also where only half of it is to arrive. */
      readonly body: string;
    }
  | { readonly kind: 'cut' };

export async function deliver(options: DeliveryOptions, request: Incoming): Promise<Delivery> {
  const { clock, faults, log } = options;
  const { method, path, target } = request;
  const service = typeof options.service === 'function' ? options.service(path) : options.service;
  const operation = options.operationOf?.(request);
  const acts = faults.take(service, method, operation === undefined ? path : `/${operation}`);
  const logged = operation === undefined ? target : `/${operation}`;
  const note = (status: number) => log.push({ atMs: clock.now(), service, method, path: logged, status });

  for (const act of acts) {
    if (act.kind === 'latency') await options.wait(act.ms);
    if (act.kind === 'cut-before') {
      note(0);
      return { kind: 'cut' };
    }
    if (act.kind === 'answer') {
      note(act.status);
      letHappen(acts);
      return canned(act);
    }
  }
  const answer = await options.handle(request);
  note(answer.status);
  letHappen(acts);
  if (acts.some(({ kind }) => kind === 'cut-after')) return { kind: 'cut' };
  const instead = acts.find(act => act.kind === 'answer-after');
  if (instead) return canned(instead);
  const body = bodyOf(answer, acts);
  return {
    kind: acts.some(({ kind }) => kind === 'truncate') ? 'half' : 'whole',
    status: answer.status,
    headers: {
      date: new Date(clock.now()).toUTCString(),
      ...(body !== '' && { 'content-type': 'application/json' }),
      ...answer.headers,
    },
    body,
  };
}

function letHappen(acts: readonly FaultAct[]): void {
  for (const act of acts) if (act.kind === 'meanwhile') act.happens();
}

function canned({ status, headers, body = '' }: CannedAnswer): Delivery {
  return { kind: 'whole', status, headers: { 'content-type': 'application/json', ...headers }, body };
}

/** What is edited is the resource; a refusal or a challenge goes through as it is. */
function bodyOf({ status, json, text }: Answer, acts: readonly FaultAct[]): string {
  const edits = status === 200 ? acts.filter(act => act.kind === 'edit') : [];
  if (text !== undefined) return edits.reduce((body, { edit }) => String(edit(body)), text);
  const edited = edits.reduce((body, { edit }) => edit(structuredClone(body)), json);
  return edited === undefined ? '' : JSON.stringify(edited);
}
