/**
 * Server-sent events: what the daemon tells, as it happens. A client that comes back names the last event that
 * it had (`Last-Event-ID`) and gets what it missed, as far as it is still kept.
 */
import type { ServerResponse } from 'node:http';
import { redactSecrets } from '../secret.ts';
import type { WatchEvent } from '../watch/events.ts';

const keptEvents = 500;
const maxClients = 50;
const heartbeatMs = 20_000;
/** A client that does not read is let go before it fills the memory. */
const maxBufferedBytes = 1024 * 1024;

export class EventStream {
  #kept: readonly WatchEvent[] = [];
  readonly #clients = new Set<ServerResponse>();
  #heartbeat: NodeJS.Timeout | undefined;

  /** For `Watch.subscribe`. */
  push(event: WatchEvent): void {
    this.#kept = [...this.#kept, event].slice(-keptEvents);
    for (const client of this.#clients) this.#send(client, textOf(event));
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
      for (const event of this.#kept) if (event.sequence > last) response.write(textOf(event));
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
  return `id: ${event.sequence}\nevent: ${event.kind}\ndata: ${redactSecrets(JSON.stringify(event))}\n\n`;
}
