/** Faults on request: what a real network and a real cloud do on a bad day. */
export const labServices = [
  'atlas',
  'azure',
  'entra',
  'gcp',
  'google',
  'kms',
  'iam',
  'sts',
  'channel',
] as const;
export type LabService = (typeof labServices)[number];

export interface CannedAnswer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export type FaultAct =
  /** Real time, for tests that end a process while a request is under way. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** This answer instead of the real one; the request has no effect. */
  | ({ readonly kind: 'answer' } & CannedAnswer)
  /** The request takes effect, and this answer comes instead of the real one: a gateway's time-out, say. */
  | ({ readonly kind: 'answer-after' } & CannedAnswer)
  /** The connection is cut; the request has no effect. */
  | { readonly kind: 'cut-before' }
  /** The request takes effect, and the connection is cut before the answer. */
  | { readonly kind: 'cut-after' }
  /** The request takes effect, and half of the answer's body arrives. */
  | { readonly kind: 'truncate' }
  /** Something that happens right after the request was dealt with, before its answer leaves. */
  | { readonly kind: 'meanwhile'; happens(): void }
  /** The answer's JSON, or its XML as a text, is changed on its way. */
  | { readonly kind: 'edit'; edit(body: any): unknown };

export interface Fault {
  readonly on: LabService;
  readonly method?: string;
  /** Matched anywhere in the path; where AWS has one path for everything, the operation: `/PutKeyPolicy`. */
  readonly path?: string;
  /** How many requests it hits; default: until it is removed. */
  readonly times?: number;
  /** How many matching requests pass first. */
  readonly after?: number;
  readonly act: FaultAct;
}

export class Faults {
  /** Every request that a fault hit, as it came. */
  readonly hits: { readonly service: LabService; readonly method: string; readonly path: string }[] = [];
  readonly #faults: { fault: Fault; left: number; skip: number }[] = [];

  /** @returns a function that removes it */
  add(fault: Fault): () => void {
    const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY, skip: fault.after ?? 0 };
    this.#faults.push(entry);
    return () => {
      entry.left = 0;
    };
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /** The acts that hit this request, in the order in which they were added. */
  take(service: LabService, method: string, path: string): readonly FaultAct[] {
    const hits = this.#faults.filter(
      ({ fault, left }) =>
        left > 0 &&
        fault.on === service &&
        (fault.method ?? method) === method &&
        path.toLowerCase().includes((fault.path ?? '').toLowerCase()),
    );
    const due = hits.filter(entry => entry.skip-- <= 0);
    for (const entry of due) entry.left--;
    if (due.length > 0) this.hits.push({ service, method, path });
    return due.map(({ fault }) => fault.act);
  }
}

/** Ways in which Atlas's answers have been, or could be, wrong. */
export const poisons = {
  withoutOutbound: ({ outbound: _, ...rest }: any) => rest,
  withoutCloud: (cloud: string) => (body: any) => {
    const { [cloud]: _, ...outbound } = body.outbound;
    return { ...body, outbound };
  },
  emptyCloud: (cloud: string) => (body: any) => ({ ...body, outbound: { ...body.outbound, [cloud]: {} } }),
  emptyRegion: (cloud: string, region: string) => (body: any) => ({
    ...body,
    outbound: { ...body.outbound, [cloud]: { ...body.outbound[cloud], [region]: [] } },
  }),
  withAddress: (text: string) => (body: any) => {
    const [region = 'us-east-1'] = Object.keys(body.outbound.aws);
    const aws = { ...body.outbound.aws, [region]: [...body.outbound.aws[region], text] };
    return { ...body, outbound: { ...body.outbound, aws } };
  },
  shrunken: (keep: number) => (body: any) => ({
    ...body,
    outbound: Object.fromEntries(
      Object.entries<Record<string, string[]>>(body.outbound).map(([cloud, regions]) => [
        cloud,
        Object.fromEntries(
          Object.entries(regions).map(([region, list]) => [
            region,
            list.slice(0, Math.max(1, list.length * keep)),
          ]),
        ),
      ]),
    ),
  }),
  maintenancePage: {
    kind: 'answer',
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<html><body>We will be back soon.</body></html>',
  },
} as const;
