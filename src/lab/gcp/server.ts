/** Access Context Manager's REST interface, as far as Postern and its users' tools meet it. */
import type { Answer, Incoming } from '../http.ts';
import { invalid, needsQuotaProject } from './google-error.ts';
import { type GcpModel, GoogleError } from './model.ts';
import type { TokenGrants } from './token.ts';

const policy = /^\/v1\/(accessPolicies\/[^/:]+)$/;
const levels = /^\/v1\/(accessPolicies\/[^/:]+)\/accessLevels$/;
const level = /^\/v1\/(accessPolicies\/[^/:]+\/accessLevels\/[^/:]+)$/;
const replaceAll = /^\/v1\/(accessPolicies\/[^/:]+)\/accessLevels:replaceAll$/;
const perimeters = /^\/v1\/(accessPolicies\/[^/:]+)\/servicePerimeters$/;
const perimeter = /^\/v1\/(accessPolicies\/[^/:]+\/servicePerimeters\/[^/:]+)$/;
const operation = /^\/v1\/(operations\/[^:]+)$/;
const testPermissions =
  /^\/v1\/(accessPolicies\/[^/:]+(?:\/(?:accessLevels|servicePerimeters)\/[^/:]+)?):testIamPermissions$/;

const defaultPageSize = 50;
const maxPageSize = 100;

type Handle = (model: GcpModel, name: string, request: Incoming) => unknown;

const routes: readonly (readonly [method: string, path: RegExp, handle: Handle])[] = [
  [
    'GET',
    /^\/v1\/accessPolicies$/,
    (model, _, { query }) => page('accessPolicies', model.listPolicies(query.get('parent')), query),
  ],
  ['GET', policy, (model, name) => model.getPolicy(name)],
  [
    'GET',
    levels,
    (model, name, { query }) => {
      checkFormat(query);
      return page('accessLevels', model.listLevels(name), query);
    },
  ],
  ['POST', levels, (model, name, { body }) => model.createLevel(name, parse(body))],
  [
    'GET',
    level,
    (model, name, { query }) => {
      checkFormat(query);
      return model.getLevel(name);
    },
  ],
  [
    'PATCH',
    level,
    (model, name, { body, query }) => model.patchLevel(name, parse(body), query.get('updateMask')),
  ],
  [
    'POST',
    replaceAll,
    (model, name, { body }) => {
      const { accessLevels, etag } = parse(body);
      if (!Array.isArray(accessLevels)) throw invalid('The access_levels must be given.');
      return model.replaceLevels(name, accessLevels, etag);
    },
  ],
  [
    'GET',
    perimeters,
    (model, name, { query }) => page('servicePerimeters', model.listPerimeters(name), query),
  ],
  ['GET', perimeter, (model, name) => model.getPerimeter(name)],
  ['GET', operation, (model, name) => model.getOperation(name)],
  [
    'POST',
    testPermissions,
    (model, name, { body }) => {
      const { permissions } = parse(body);
      if (!Array.isArray(permissions)) throw invalid('The permissions must be given.');
      const held = model.testPermissions(name, permissions);
      return held.length === 0 ? {} : { permissions: held };
    },
  ],
];

export function accessContextManagerHandler(model: GcpModel, grants: TokenGrants) {
  return (request: Incoming): Answer => {
    try {
      authorize(request, grants);
      for (const [method, path, handle] of routes) {
        const name = request.method === method ? path.exec(request.path) : null;
        if (name) return { status: 200, json: handle(model, name[1] ?? '', request) };
      }
      throw new GoogleError('NOT_FOUND', `The requested URL ${request.path} was not found on this server.`);
    } catch (error) {
      if (!(error instanceof GoogleError)) throw error;
      return { status: error.httpStatus, json: error.body };
    }
  };
}

function authorize({ headers }: Incoming, grants: TokenGrants): void {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
  const kind = token === undefined ? undefined : grants.kindOf(token);
  if (kind === undefined) {
    throw new GoogleError(
      'UNAUTHENTICATED',
      'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
    );
  }
  if (kind === 'user' && !headers['x-goog-user-project']) throw needsQuotaProject();
}

function checkFormat(query: URLSearchParams): void {
  const format = query.get('accessLevelFormat');
  if (format === null || ['LEVEL_FORMAT_UNSPECIFIED', 'AS_DEFINED'].includes(format)) return;
  if (format === 'CEL') throw invalid('The lab does not translate access levels into CEL.');
  throw invalid(`Invalid value at 'access_level_format' (TYPE_ENUM), "${format}"`);
}

function page(member: string, items: readonly unknown[], query: URLSearchParams): object {
  const size = Number(query.get('pageSize') ?? defaultPageSize);
  if (!Number.isInteger(size) || size < 0) throw invalid(`Invalid value at 'page_size' (TYPE_INT32)`);
  const from = Number(query.get('pageToken') ?? 0);
  if (!Number.isInteger(from) || from < 0) throw invalid('The page_token is not valid.');
  const to = from + Math.min(size || defaultPageSize, maxPageSize);
  return { [member]: items.slice(from, to), ...(to < items.length && { nextPageToken: String(to) }) };
}

function parse(body: string): any {
  try {
    const value = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  throw invalid('Invalid JSON payload received.');
}
