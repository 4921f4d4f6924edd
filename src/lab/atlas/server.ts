/** The Atlas Admin API over HTTP, as far as Postern reads it. */
import type { Answer, Incoming } from '../http.ts';
import type { AtlasAuth } from './auth.ts';
import type { AtlasModel } from './model.ts';
import { type LimitName, limits, type RateLimits } from './rate-limit.ts';

export interface AtlasServerOptions {
  readonly model: AtlasModel;
  readonly auth: AtlasAuth;
  readonly rateLimits: RateLimits;
}

interface Route {
  readonly pattern: RegExp;
  /** The endpoint's versions, oldest first; a date in between is served by the one before it. */
  readonly versions: readonly string[];
  readonly limit: LimitName;
  readonly anonymous?: boolean;
  readonly paged?: boolean;
  answer(model: AtlasModel, id: string, query: URLSearchParams): unknown;
}

const base = '/api/atlas/v2';
const routes: readonly Route[] = [
  {
    pattern: new RegExp(`^${base}/unauth/controlPlaneIPAddresses$`),
    versions: ['2023-11-15'],
    limit: 'controlPlane',
    anonymous: true,
    answer: model => ({ ...model.controlPlane, ...(model.gateways && { gateways: model.gateways }) }),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/ipAddresses$`),
    versions: ['2023-01-01'],
    limit: 'ipAddresses',
    answer: (model, id) => model.ipAddresses(id),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/encryptionAtRest$`),
    versions: ['2023-01-01'],
    limit: 'encryptionAtRest',
    answer: (model, id) => model.encryptionAtRest(id),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/clusters$`),
    versions: ['2023-01-01', '2023-02-01', '2024-08-05'],
    limit: 'clusters',
    paged: true,
    answer: (model, id) => model.clusters(id),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/events$`),
    versions: ['2023-01-01'],
    limit: 'events',
    paged: true,
    answer: (model, id, query) => model.events.answer(id, query),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/alertConfigs$`),
    versions: ['2023-01-01'],
    limit: 'alertConfigs',
    paged: true,
    answer: (model, id) => model.alertConfigs(id),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/alerts$`),
    versions: ['2023-01-01'],
    limit: 'alerts',
    paged: true,
    answer: (model, id, query) => model.alertsOf(id, query),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/cloudProviderAccess$`),
    versions: ['2023-01-01'],
    limit: 'cloudProviderAccess',
    answer: (model, id) => model.cloudProviderAccess(id),
  },
  {
    pattern: new RegExp(`^${base}/groups/([0-9a-f]{24})/serviceAccounts/[\\w-]+$`),
    versions: ['2024-08-05'],
    limit: 'serviceAccounts',
    answer: model => model.serviceAccount(),
  },
  {
    pattern: new RegExp(`^${base}/groups$`),
    versions: ['2023-01-01'],
    limit: 'groups',
    paged: true,
    answer: model => projectsOf(model),
  },
  {
    pattern: new RegExp(`^${base}/orgs/([0-9a-f]{24})/groups$`),
    versions: ['2023-01-01'],
    limit: 'organizationGroups',
    paged: true,
    answer: (model, id) => projectsOf(model).filter(({ orgId }) => orgId === id),
  },
];

export function atlasHandler({ model, auth, rateLimits }: AtlasServerOptions) {
  return (request: Incoming): Answer => {
    if (request.path === '/api/oauth/token' && request.method === 'POST') return auth.token(request);
    const route = routes.find(({ pattern }) => pattern.test(request.path));
    if (!route)
      return apiError(404, 'RESOURCE_NOT_FOUND', `Cannot find resource ${request.path}.`, 'Not Found', [
        request.path,
      ]);
    if (request.method !== 'GET')
      return apiError(405, 'METHOD_NOT_ALLOWED', 'The method is not allowed.', 'Method Not Allowed', []);
    const refusal = route.anonymous ? undefined : auth.refuse(request);
    if (refusal) return refusal;

    const version = versionFor(route, request.headers.accept ?? '');
    if (version === undefined) {
      return apiError(
        406,
        'INVALID_VERSION_DATE',
        'The Accept header names no version of this resource.',
        'Not Acceptable',
        [],
      );
    }
    const id = route.pattern.exec(request.path)?.[1] ?? '';
    const bucket = rateLimits.take(route.limit, id || '127.0.0.1');
    const headers = {
      'content-type': `application/vnd.atlas.${version}+json;charset=utf-8`,
      'ratelimit-limit': String(bucket.limit.capacity),
      'ratelimit-remaining': String(bucket.remaining),
      ...(model.sunset !== undefined && {
        sunset: new Date(model.sunset).toUTCString(),
        deprecation: new Date(model.sunset).toUTCString(),
      }),
    };
    if (bucket.retrySeconds !== undefined) {
      const { capacity, refillPerMinute } = limits[route.limit];
      return {
        ...apiError(
          429,
          'RATE_LIMITED_TOKEN_BUCKET',
          'The rate limit of this resource is reached.',
          'Too Many Requests',
          [request.path, String(bucket.retrySeconds), String(capacity), String(refillPerMinute), '60'],
        ),
        headers: {
          'ratelimit-limit': headers['ratelimit-limit'],
          'ratelimit-remaining': headers['ratelimit-remaining'],
          'retry-after': String(bucket.retrySeconds),
          'x-error-code': 'RATE_LIMITED_TOKEN_BUCKET',
        },
      };
    }
    if (request.path.includes('/groups/') && !model.projects.has(id)) {
      return apiError(404, 'GROUP_NOT_FOUND', `No group with ID ${id} exists.`, 'Not Found', [id]);
    }
    if (request.path.includes('/orgs/') && !projectsOf(model).some(({ orgId }) => orgId === id)) {
      return apiError(404, 'RESOURCE_NOT_FOUND', `Cannot find resource ${request.path}.`, 'Not Found', [
        request.path,
      ]);
    }
    const body = route.answer(model, id, request.query);
    return { status: 200, headers, json: route.paged ? page(body as readonly unknown[], request) : body };
  };
}

/** The newest version that is not after the date asked for; undefined when the header has no such date. */
function versionFor(route: Route, accept: string): string | undefined {
  const asked = /application\/vnd\.atlas\.(\d{4}-\d{2}-\d{2})\+json/.exec(accept)?.[1];
  return asked === undefined ? undefined : route.versions.findLast(version => version <= asked);
}

function page(all: readonly unknown[], { path, query }: Incoming): unknown {
  const size = Math.min(500, Math.max(1, Number(query.get('itemsPerPage')) || 100));
  const number = Math.max(1, Number(query.get('pageNum')) || 1);
  const includeCount = query.get('includeCount') !== 'false';
  // Links name a host of Atlas's own choosing, not always the one that was called.
  const link = (rel: string, pageNum: number) => ({
    href: `http://localhost:8080${path}?includeCount=${includeCount}&itemsPerPage=${size}&pageNum=${pageNum}`,
    rel,
  });
  return {
    links: [link('self', number), ...(number * size < all.length ? [link('next', number + 1)] : [])],
    results: all.slice((number - 1) * size, number * size),
    // Without the count Atlas sends 0, as recorded.
    totalCount: includeCount ? all.length : 0,
  };
}

function projectsOf(model: AtlasModel) {
  return [...model.projects.values()].map(({ id, name, organizationId, created, clusters }) => ({
    id,
    name,
    orgId: organizationId,
    created,
    clusterCount: clusters.length,
    links: [],
    tags: [],
    withDefaultAlertsSettings: true,
  }));
}

function apiError(
  status: number,
  errorCode: string,
  detail: string,
  reason: string,
  parameters: readonly string[],
): Answer {
  return {
    status,
    headers: { 'x-error-code': errorCode },
    json: { detail, error: status, errorCode, parameters, reason },
  };
}
