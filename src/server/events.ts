/**
 * Server-sent events: what the daemon tells, as it happens. A client that comes back names the last event that
 * it had (`Last-Event-ID`) and gets what it missed, as far as it is still kept.
 */
import type { ServerResponse } from 'node:http';
import type { Plan } from '../plan/plan.ts';
import { redactInJson } from '../secret.ts';
import type { WatchEvent } from '../watch/events.ts';

const keptEvents = 500;
const maxClients = 50;
/** More often than the server's time limit on a silent connection, which would cut a stream on which nothing happens. */
export const heartbeatMs = 5_000;
/** A client that does not read is let go before it fills the memory. */
const maxBufferedBytes = 1024 * 1024;

export class EventStream {
  /** As they are sent: a plan takes the room of a hundred events, and each gate has one of its own. */
  readonly #kept: { readonly sequence: number; readonly text: string }[] = [];
  readonly #clients = new Set<ServerResponse>();
  #heartbeat: NodeJS.Timeout | undefined;

  /** For `Watch.subscribe`. */
  push(event: WatchEvent): void {
    const text = textOf(event);
    this.#kept.push({ sequence: event.sequence, text });
    if (this.#kept.length > keptEvents) this.#kept.shift();
    for (const client of this.#clients) this.#send(client, text);
  }

  get isFull(): boolean {
    return this.#clients.size >= maxClients;
  }

  /** Takes the response over until the client goes or `close`. */
  serve(response: ServerResponse, lastEventId: string | undefined): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // A proxy that buffers would hold events back.
      'x-accel-buffering': 'no',
    });
    response.write('retry: 3000\n\n');
    const last = Number(lastEventId);
    if (lastEventId !== undefined && Number.isSafeInteger(last)) {
      // One that has not been sent yet is of the process before: of this one the client has nothing.
      const newest = this.#kept.at(-1)?.sequence ?? 0;
      for (const { sequence, text } of this.#kept) if (sequence > last || last > newest) response.write(text);
    }
    this.#clients.add(response);
    response.on('close', () => this.#clients.delete(response));
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatMs).unref();
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }

  #beat(): void {
    for (const client of this.#clients) this.#send(client, ': still here\n\n');
  }

  #send(client: ServerResponse, text: string): void {
    if (client.writableLength > maxBufferedBytes) {
      this.#clients.delete(client);
      client.destroy();
      return;
    }
    client.write(text);
  }
}

function textOf(event: WatchEvent): string {
  const data = JSON.stringify(event, asTold);
  return `id: ${event.sequence}\nevent: ${event.kind}\ndata: ${data}\n\n`;
}

/** Without secrets. Whose checksum is news to a client asks for the plan: `GET /api/v1/gates/:gate/plan`. */
function asTold(key: string, value: unknown): unknown {
  return key === 'plan' && value !== null && typeof value === 'object'
    ? { checksum: (value as Partial<Plan>).checksum }
    : redactInJson(key, value);
}
