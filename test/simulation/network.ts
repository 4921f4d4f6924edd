/**
 * A simulated network: requests reach the lab's own handlers without a socket, through the lab's own faults,
 * and every way takes simulated time. It stands below the real transport, whose retries, limits and read-only
 * gate are the production ones.
 */
import { type Answer, type Delivery, deliver, type Incoming } from '../../src/lab/deliver.ts';
import type { LabService } from '../../src/lab/faults.ts';
import type { Exchange, TransportRequest, TransportResponse } from '../../src/transport/index.ts';
import type { InjectedFault, WorldFaults } from './faults.ts';
import { between, type Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface Service {
  readonly name: LabService;
  readonly origin: string;
  handle(request: Incoming): Answer | Promise<Answer>;
  /** What a request asks for, where its path does not tell. */
  operationOf?(request: Pick<Incoming, 'headers' | 'body'>): string;
}

/** One answer as the caller got it, for the judge. */
export interface Delivered {
  readonly service: LabService;
  readonly method: string;
  readonly path: string;
  readonly fault: InjectedFault | undefined;
  readonly delivery: Delivery;
}

/** Told of each request of one caller. */
export interface Listener {
  /** Just before the request reaches its service. */
  onArrival?(): void;
  onDelivered?(delivered: Delivered): void;
  onFault?(delivered: Delivered): void;
}

export class SimulatedNetwork {
  readonly #scheduler: Scheduler;
  readonly #faults: WorldFaults;
  readonly #isDated: boolean;
  readonly #services: readonly Service[];
  /** Services that nobody reaches at present. */
  readonly down = new Set<LabService>();
  random: Random;
  requests = 0;

  /** @param isDated whether answers say when they were made */
  constructor(
    scheduler: Scheduler,
    faults: WorldFaults,
    isDated: boolean,
    services: readonly Service[],
    random: Random,
  ) {
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#isDated = isDated;
    this.#services = services;
    this.random = random;
  }

  /**
   * One try of one request, as `fetch` would end it.
   *
   * @param expire waits until the signal's time is over, and aborts it
   */
  exchangeFor(listener: Listener, expire: (signal: AbortSignal) => Promise<void>): Exchange {
    return async (request, { signal, maxBodyBytes, count }) => {
      const { delivered, hangs } = await this.#send(request, listener);
      const { delivery } = delivered;
      if (hangs) {
        await expire(signal);
        throw signal.reason;
      }
      if (delivery.kind === 'cut') throw reset(this.down.has(delivered.service));
      if (delivery.kind === 'half')
        throw new TypeError('terminated', { cause: new Error('other side closed') });
      const body = Buffer.from(delivery.body);
      if (body.length > maxBodyBytes) throw new Error('the lab sends no such answers');
      count(body.length);
      const { date: _, ...undated } = delivery.headers;
      const headers = this.#isDated ? delivery.headers : undated;
      return { status: delivery.status, headers, body } satisfies TransportResponse;
    };
  }

  async #send(
    request: TransportRequest,
    listener: Listener,
  ): Promise<{ delivered: Delivered; hangs: boolean }> {
    this.requests++;
    const url = new URL(request.url);
    const service = this.#services.find(({ origin }) => url.origin === origin);
    if (!service) throw new Error(`the simulated network has no ${url.origin}`);
    const about = { service: service.name, method: request.method, path: url.pathname };
    await this.#scheduler.sleep(this.#latencyMs());
    if (this.down.has(service.name)) {
      const delivered: Delivered = { ...about, fault: undefined, delivery: { kind: 'cut' } };
      return { delivered, hangs: false };
    }
    listener.onArrival?.();
    const answering = deliver(
      {
        service: service.name,
        clock: { now: () => this.#scheduler.nowMs, sleep: ms => this.#scheduler.sleep(ms) },
        faults: this.#faults,
        log: { push: () => 0 } as never,
        handle: service.handle,
        ...(service.operationOf && { operationOf: service.operationOf }),
        wait: async () => {},
      },
      {
        method: request.method,
        path: url.pathname,
        target: url.pathname + url.search,
        query: url.searchParams,
        headers: request.headers,
        body: typeof request.body === 'string' ? request.body : '',
      },
    );
    const fault = this.#faults.last;
    const delivered = { ...about, fault, delivery: await answering };
    if (fault) listener.onFault?.(delivered);
    await this.#scheduler.sleep(this.#latencyMs());
    listener.onDelivered?.(delivered);
    return { delivered, hangs: fault?.hangs ?? false };
  }

  #latencyMs(): number {
    // Mostly quick, now and then slow.
    return this.random() < 0.97 ? between(this.random, 5, 120) : between(this.random, 120, 4_000);
  }
}

function reset(isDown: boolean): TypeError {
  const cause = isDown
    ? Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
    : Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  return new TypeError('fetch failed', { cause });
}
