/**
 * The daemon's HTTP server: state, events, metrics, health, and Atlas's webhook. Everything that faces the
 * network is bounded: bodies, rates, connections, time. It answers from the daemon's state; it decides nothing.
 */
import rateLimit from '@fastify/rate-limit';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type onRequestAsyncHookHandler,
} from 'fastify';
import type { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { ServerConfig } from '../config/config.ts';
import { redactInJson, redactSecrets, type Secret } from '../secret.ts';
import type { WatchState } from '../watch/status.ts';
import type { Watch } from '../watch/watch.ts';
import { type AccessRight, accessOf, isExpectedHost } from './access.ts';
import { AtlasWebhook, maxAlertBytes } from './atlas-webhook.ts';
import { EventStream } from './events.ts';
import type { Metrics } from './metrics.ts';
import { openApi } from './openapi.ts';
import { ApiError, type ApiParts, type Route, routes } from './routes.ts';

export interface ServerOptions {
  readonly config: ServerConfig;
  readonly watch: Watch;
  readonly metrics: Metrics;
  readonly openAlerts: ApiParts['openAlerts'];
  readonly atlasWebhookSecret: Secret | undefined;
  readonly clock: Clock;
  readonly version: string;
  /** Told of what was not foreseen; the caller of the API is told nothing of it. */
  onFault(error: unknown): void;
}

export interface Server {
  /** Such as `http://127.0.0.1:8930`. */
  readonly url: string;
  close(): Promise<void>;
}

const maxBodyBytes = 16 * 1024;
const requestTimeoutMs = 15_000;
const requestsPerMinute = 600;
/** A wrong token or signature costs more than a right one. */
const webhooksPerMinute = 60;
const maxConnections = 200;
const stateAgeMs = 1_000;
const atlasWebhookPath = '/hooks/atlas';

const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** Listens, and resolves when it does. Throws what listening throws, a port that is taken for instance. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const app = await createServer(options);
  const { host, port } = options.config;
  const url = await app.listen({ host, port });
  return { url, close: () => app.close() };
}

/** Without listening: for tests, too. */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: requestTimeoutMs,
    keepAliveTimeout: 5_000,
    // Open event streams must not hold a stop up.
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
    frameworkErrors: (error, _, reply) => void fail(options, error, reply),
  });
  app.server.maxConnections = maxConnections;
  await app.register(rateLimit, { global: false, max: requestsPerMinute, timeWindow: 60_000 });
  app.setErrorHandler((error: FastifyError, _, reply) => fail(options, error, reply));
  app.setNotFoundHandler((_, reply) =>
    refuse(reply, 404, 'not-found', 'There is nothing here.', 'See /openapi.json.'),
  );
  // The last look at each answer: whatever is in it, no secret is.
  app.setReplySerializer(answer => JSON.stringify(answer, redactInJson));
  app.addHook('onRequest', async (_, reply) => void reply.headers(headers));
  // Before the name and the token are looked at: else whoever is refused could guess without end.
  app.addHook('onRequest', rateLimiter(app));
  app.addHook('onRequest', async (request, reply) => {
    if (isExpectedHost(options.config, request.headers.host)) return;
    return refuse(
      reply,
      421,
      'unexpected-host',
      'This server is not called by that name.',
      'Add the name to `server.hosts` in the config, if it is right.',
    );
  });
  const stream = new EventStream();
  const unsubscribe = options.watch.subscribe(event => stream.push(event));
  app.addHook('preClose', async () => {
    unsubscribe();
    stream.close();
  });

  addHealth(app, options);
  addEvents(app, options, stream);
  for (const route of routes) addRoute(app, options, route);
  if (options.atlasWebhookSecret) addAtlasWebhook(app, options, options.atlasWebhookSecret);
  return app;
}

/** One limit for each caller over all routes; Atlas's webhook has a lower one of its own, and health none. */
function rateLimiter(app: FastifyInstance): onRequestAsyncHookHandler {
  const ofAll = app.rateLimit();
  const ofWebhook = app.rateLimit({ max: webhooksPerMinute });
  return async function (request, reply) {
    const { url, config } = request.routeOptions;
    if (config.rateLimit === false) return;
    await (url === atlasWebhookPath ? ofWebhook : ofAll).call(this, request, reply);
  };
}

function addHealth(app: FastifyInstance, options: ServerOptions): void {
  const { metrics, version } = options;
  const description = openApi(version);
  const stateNow = stateOf(options);
  // Kubelet asks from an address that others may have too: at a limit by address, they could have the daemon killed.
  // It is cheap to answer instead, and the limits on bodies, time and connections hold here as everywhere.
  const unlimited = { config: { rateLimit: false } } as const;
  const answers = (isGood: boolean, state: string, reply: FastifyReply) =>
    reply.code(isGood ? 200 : 503).send({ status: isGood ? 'ok' : 'not-ok', state });
  // Alive as long as it answers and has not given up; ready once it works.
  app.get('/healthz', unlimited, (_, reply) => {
    const state = stateNow();
    return answers(state !== 'stopped', state, reply);
  });
  app.get('/readyz', unlimited, (_, reply) => {
    const state = stateNow();
    return answers(state === 'running', state, reply);
  });
  app.get('/openapi.json', () => description);
  app.get('/metrics', guarded(options, 'read'), async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}

/** The daemon's state, put together once a second at most: that of a thousand gates is work. */
function stateOf({ watch, clock }: ServerOptions): () => WatchState {
  let known: { readonly state: WatchState; readonly atMs: number } | undefined;
  return () => {
    const now = clock.now();
    // A clock that was set back must not keep what is known for ever.
    if (!known || now < known.atMs || now - known.atMs >= stateAgeMs) {
      known = { state: watch.status().state, atMs: now };
    }
    return known.state;
  };
}

function addEvents(app: FastifyInstance, options: ServerOptions, stream: EventStream): void {
  app.get('/api/v1/events', guarded(options, 'read'), (request, reply) => {
    if (stream.isFull) return refuse(reply, 503, 'too-many-streams', 'Too many clients listen already.');
    const last = request.headers['last-event-id'];
    reply.hijack();
    stream.serve(reply.raw, typeof last === 'string' ? last : undefined);
  });
}

function addRoute(app: FastifyInstance, options: ServerOptions, route: Route): void {
  app.route({
    method: route.method,
    url: route.path,
    ...guarded(options, route.right),
    handler: async (request, reply) => {
      const asked = {
        params: parsed('path', route.params, request.params),
        query: parsed('query', route.query, request.query),
        body: parsed('body', route.body, request.body),
        as: request.headers.authorization && accessName(options, route.right, request),
      };
      return reply.code(route.status).send(await route.handle(options, asked as never));
    },
  });
}

function addAtlasWebhook(app: FastifyInstance, { watch, clock }: ServerOptions, secret: Secret): void {
  const webhook = new AtlasWebhook(secret);
  // The signature is over the bytes, so here, and here only, a body is not parsed before it is looked at.
  app.register(async hooks => {
    hooks.removeAllContentTypeParsers();
    hooks.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxAlertBytes }, (_, body, done) =>
      done(null, body),
    );
    hooks.post(atlasWebhookPath, { bodyLimit: maxAlertBytes }, (request, reply) => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const signature = request.headers['x-mms-signature'];
      const verdict = webhook.take(body, typeof signature === 'string' ? signature : undefined, clock.now());
      if (!verdict.taken) return refuse(reply, verdict.status, 'alert-refused', verdict.message);
      watch.hint(verdict.hint);
      return reply.code(202).send({ done: true });
    });
  });
}

/** Looks at the token before anything else of the request is read. */
function guarded({ config }: ServerOptions, right: AccessRight) {
  return {
    onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
      const access = accessOf(config, right, request.headers.authorization);
      if (access.granted) return;
      if (access.status === 401) reply.header('www-authenticate', 'Bearer realm="postern"');
      return refuse(
        reply,
        access.status,
        access.status === 401 ? 'unauthorized' : 'forbidden',
        access.message,
      );
    },
  };
}

function accessName(
  { config }: ServerOptions,
  right: AccessRight,
  request: FastifyRequest,
): string | undefined {
  const access = accessOf(config, right, request.headers.authorization);
  return access.granted ? access.as : undefined;
}

function parsed(place: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [place, ...(issue?.path ?? [])].join('.');
  throw new ApiError(400, 'invalid', `${where}: ${issue?.message}.`, 'See /openapi.json.');
}

function fail({ onFault }: ServerOptions, error: FastifyError, reply: FastifyReply): FastifyReply {
  if (error instanceof ApiError) return refuse(reply, error.status, error.code, error.message, error.remedy);
  const status = error.statusCode ?? 500;
  if (status < 500) return refuse(reply, status, error.code ?? 'refused', error.message);
  onFault(error);
  return refuse(reply, 500, 'fault', 'This was not foreseen; the log says more.');
}

function refuse(
  reply: FastifyReply,
  status: number,
  code: string,
  message: string,
  remedy?: string,
): FastifyReply {
  const error = { code, message: redactSecrets(message), ...(remedy !== undefined && { remedy }) };
  return reply.code(status).send({ error });
}
