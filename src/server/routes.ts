/** Every route of the API, as data: the server serves this table, and OpenAPI is made of it. */
import { z } from 'zod';
import type { FeedId } from '../address/address.ts';
import type { Journal } from '../journal/journal.ts';
import type { Alert } from '../notify/alerts.ts';
import { planSchema } from '../plan/render/plan-schema.ts';
import type { Watch } from '../watch/watch.ts';
import type { AccessRight } from './access.ts';
import {
  alertSchema,
  coverageSchema,
  feedSchema,
  gateSchema,
  observationSchema,
  statusSchema,
  writeSchema,
} from './schemas.ts';

/** What routes work with: readers, and the few things that a daemon can be asked for. */
export interface ApiParts {
  readonly watch: Pick<Watch, 'status' | 'planOf' | 'syncNow' | 'approve' | 'journal'>;
  openAlerts(): readonly Alert[];
}

/** A refusal with its status; everything else that is thrown is a 500 that says nothing. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(status: number, code: string, message: string, remedy?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.remedy = remedy;
  }
}

/** What was asked for, each part as its schema made it; `as` is the name of the token that was given. */
export interface Asked<Params = unknown, Query = unknown, Body = unknown> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly as: string | undefined;
}

interface RouteOf<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly method: 'GET' | 'POST';
  /** With `:name` for parameters. */
  readonly path: string;
  readonly summary: string;
  readonly right: AccessRight;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer: z.ZodType;
  /** The status of success. */
  readonly status: 200 | 202;
  handle(parts: ApiParts, asked: Asked<z.output<Params>, z.output<Query>, z.output<Body>>): unknown;
}

export type Route = RouteOf<z.ZodObject, z.ZodObject, z.ZodObject>;

/** Ties what a route is handed to its schemas. */
function route<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
>(one: RouteOf<Params, Query, Body>): Route {
  return one as unknown as Route;
}

const gateParams = z.object({ gate: z.string().min(1).max(63) });
const limit = z.coerce.number().int().min(1).max(500).default(50);
const done = z.object({ done: z.literal(true) });

export const routes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'The whole state of the daemon',
    right: 'read',
    answer: statusSchema,
    status: 200,
    handle: ({ watch }) => watch.status(),
  }),
  route({
    method: 'GET',
    path: '/api/v1/feeds',
    summary: 'Each feed: how it was read last, and when it was complete',
    right: 'read',
    answer: z.array(feedSchema),
    status: 200,
    handle: ({ watch }) => watch.status().feeds,
  }),
  route({
    method: 'GET',
    path: '/api/v1/feeds/:feed/addresses',
    summary: 'What the newest complete reading of a feed lists',
    right: 'read',
    params: z.object({ feed: z.string().regex(/^(control-plane|static|nodes:[0-9a-f]{24})$/) }),
    answer: z.object({
      feed: z.string(),
      atMs: z.int(),
      addresses: z.array(z.object({ cidr: z.string(), provenance: z.record(z.string(), z.unknown()) })),
    }),
    status: 200,
    handle: async ({ watch }, { params }) => {
      const observation = await journalOf(watch).lastComplete(params.feed as FeedId);
      if (!observation)
        throw new ApiError(404, 'not-found', `No complete reading of ${params.feed} is known.`);
      const { feed, atMs, addresses } = observation;
      return { feed, atMs, addresses };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/gates',
    summary: 'Each gate: whom it lets in, what is missing, what is pending',
    right: 'read',
    answer: z.array(gateSchema),
    status: 200,
    handle: ({ watch }) => watch.status().gates,
  }),
  route({
    method: 'GET',
    path: '/api/v1/gates/:gate',
    summary: 'One gate',
    right: 'read',
    params: gateParams,
    answer: gateSchema,
    status: 200,
    handle: ({ watch }, { params }) => gateOf(watch, params.gate),
  }),
  route({
    method: 'GET',
    path: '/api/v1/gates/:gate/plan',
    summary: 'The newest plan of a gate',
    right: 'read',
    params: gateParams,
    answer: planSchema,
    status: 200,
    handle: async ({ watch }, { params }) => {
      const { name } = gateOf(watch, params.gate);
      const plan = await watch.planOf(name);
      if (!plan) throw new ApiError(404, 'not-found', `There is no plan for gate ${name} yet.`);
      return plan;
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/gates/:gate/coverage',
    summary: 'When Atlas was let in by a gate, and when not: each change, oldest first',
    right: 'read',
    params: gateParams,
    query: z.object({ sinceMs: z.coerce.number().int().min(0).default(0) }),
    answer: z.array(coverageSchema),
    status: 200,
    handle: ({ watch }, { params, query }) => {
      const { id } = gateOf(watch, params.gate);
      return id === undefined ? [] : journalOf(watch).coverage({ gateId: id, sinceMs: query.sinceMs });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/sync',
    summary: 'Look at one gate, or at all, now',
    right: 'sync',
    body: z.strictObject({ gate: z.string().min(1).max(63).optional() }),
    answer: done,
    status: 202,
    handle: ({ watch }, { body }) => {
      if (body.gate !== undefined) gateOf(watch, body.gate);
      watch.syncNow(body.gate);
      return { done: true };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/gates/:gate/approve',
    summary: 'Approve the removal of exactly what the newest plan would remove',
    right: 'approve',
    params: gateParams,
    body: z.strictObject({
      reason: z.string().trim().min(1).max(500),
      checksum: z
        .string()
        .regex(/^[0-9a-f]{12,64}$/)
        .meta({ description: 'The plan that was looked at, or its first 12 digits.' }),
    }),
    answer: done,
    status: 200,
    handle: async ({ watch }, { params, body, as }) => {
      const { name, planChecksum } = gateOf(watch, params.gate);
      if (!planChecksum?.startsWith(body.checksum)) {
        throw new ApiError(
          409,
          'plan-moved',
          `The newest plan of gate ${name} is another one (${planChecksum?.slice(0, 12) ?? 'none'}).`,
          'Look at the newest plan and approve that.',
        );
      }
      await refusable(() => watch.approve(name, { by: `${as} (token)`, reason: body.reason }));
      return { done: true };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/writes',
    summary: 'Every write with before and after, newest first',
    right: 'read',
    query: z.object({ gate: z.string().max(63).optional(), limit }),
    answer: z.array(writeSchema),
    status: 200,
    handle: ({ watch }, { query }) => {
      const gateId = query.gate === undefined ? undefined : gateOf(watch, query.gate).id;
      if (query.gate !== undefined && gateId === undefined) return [];
      return journalOf(watch).writes({ ...(gateId !== undefined && { gateId }), limit: query.limit });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/observations',
    summary: 'Readings of feeds, newest first',
    right: 'read',
    query: z.object({ feed: z.string().max(64).optional(), limit }),
    answer: z.array(observationSchema),
    status: 200,
    handle: ({ watch }, { query }) =>
      journalOf(watch).observations({
        ...(query.feed !== undefined && { feed: query.feed as FeedId }),
        limit: query.limit,
      }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/alerts',
    summary: 'What people were told about and lasts',
    right: 'read',
    answer: z.array(alertSchema),
    status: 200,
    handle: parts => parts.openAlerts(),
  }),
];

function gateOf(watch: ApiParts['watch'], name: string) {
  const gate = watch.status().gates.find(each => each.name === name);
  if (!gate) throw new ApiError(404, 'not-found', `There is no gate ${JSON.stringify(name)}.`);
  return gate;
}

function journalOf(watch: ApiParts['watch']): Journal {
  if (watch.journal) return watch.journal;
  throw new ApiError(
    503,
    'journal-unavailable',
    `The journal cannot be used: ${watch.status().journal.because ?? 'it is not open yet'}.`,
    'Mend the journal; the daemon opens it again by itself.',
  );
}

/** What the daemon refuses is the caller's to know. */
async function refusable(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RangeError) throw new ApiError(409, 'nothing-to-approve', error.message);
    if (error instanceof Error && error.name === 'JournalError') {
      throw new ApiError(503, 'journal-unavailable', error.message);
    }
    throw error;
  }
}
