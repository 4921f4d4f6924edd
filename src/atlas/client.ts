/**
 * The client of the Atlas Admin API. It only reads: there is no way to make it send anything but GET, and a
 * request for a token.
 */
import type { Clock } from '../clock.ts';
import type { Transport, TransportResponse } from '../transport/transport.ts';
import type { AtlasCredentials, Auth } from './auth/auth.ts';
import { digestAuth } from './auth/digest.ts';
import { serviceAccountAuth } from './auth/service-account.ts';
import { AtlasAnswerError, AtlasError, atlasErrorOf, quote } from './errors.ts';

export const atlasBaseUrls = {
  commercial: 'https://cloud.mongodb.com',
  government: 'https://cloud.mongodbgov.com',
} as const;

/** The version of each endpoint that Postern was written for; Atlas answers 406 without one. */
export const apiVersions = {
  controlPlaneIPAddresses: '2023-11-15',
  ipAddresses: '2023-01-01',
  encryptionAtRest: '2023-01-01',
  clusters: '2024-08-05',
  groups: '2023-01-01',
  events: '2023-01-01',
  alertConfigs: '2023-01-01',
  alerts: '2023-01-01',
  cloudProviderAccess: '2023-01-01',
  serviceAccounts: '2024-08-05',
} as const;

export interface GetOptions {
  readonly anonymous?: boolean;
  /**
   * Told before `get` gives an answer whose `Date` is minutes away from this machine's clock: the clock is wrong, or
   * the answer an old one, out of a cache on the way. What it throws, `get` throws.
   */
  readonly onOtherTime?: (error: AtlasAnswerError) => void;
}

/** For what must be so now, such as that a key works: an answer of another time is thrown as a fault. */
export const onlyOfNow: GetOptions = {
  onOtherTime: error => {
    throw error;
  },
};

export interface AtlasClient {
  /** The JSON of one answer. `path` begins with a slash. Throws AtlasError, AtlasAnswerError, TransportError. */
  get(path: string, version: string, options?: GetOptions): Promise<unknown>;
  /** Every result of a paged answer, by following `rel: next`, of those that `query` asks for. Throws like `get`. */
  getAll(
    path: string,
    version: string,
    query?: Readonly<Record<string, string>>,
    options?: GetOptions,
  ): Promise<readonly unknown[]>;
  urlOf(path: string): string;
}

export interface AtlasClientOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly baseUrl: string;
  readonly credentials: AtlasCredentials;
  readonly nonce: () => string;
  /** Told of each answer's `RateLimit-*` headers, where it has them. */
  readonly onRateLimit?: (left: RateLimitLeft) => void;
}

/** How much of a rate limit is left (Atlas docs, "API rate limits"). The headers may be missing at any time. */
export interface RateLimitLeft {
  /** The path without its query. */
  readonly path: string;
  readonly limit: number | undefined;
  readonly remaining: number;
}

/** Far more than any organization has; a server that links on for ever is stopped. */
const maxPages = 200;
const maxResults = maxPages * 500;
const itemsPerPage = 500;
/**
 * How far an answer's `Date` (RFC 9110, 6.6.1) may be from this machine's clock. A request that is signed by a clock
 * which is off by more is refused by AWS as well.
 */
const maxClockDifferenceMs = 5 * 60_000;

export function createAtlasClient(options: AtlasClientOptions): AtlasClient {
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  const auth = authOf({ ...options, baseUrl });
  const anonymous: Auth = { send: request => options.transport.send(request) };
  const urlOf = (path: string) => `${baseUrl}${path}`;

  const tellRateLimit = (path: string, headers: TransportResponse['headers']) => {
    const remaining = countIn(headers['ratelimit-remaining']);
    if (remaining === undefined) return;
    options.onRateLimit?.({
      path: path.split('?', 1)[0]!,
      limit: countIn(headers['ratelimit-limit']),
      remaining,
    });
  };

  const get: AtlasClient['get'] = async (path, version, getOptions = {}) => {
    const { anonymous: isAnonymous = false, onOtherTime } = getOptions;
    const url = urlOf(path);
    const headers = { accept: `application/vnd.atlas.${version}+json`, 'user-agent': 'postern' };
    const response = await (isAnonymous ? anonymous : auth).send({ method: 'GET', url, headers });
    tellRateLimit(path, response.headers);
    if (response.status !== 200) throw atlasErrorOf(url, response);
    const otherTime = otherTimeOf(url, response.headers, options.clock.now());
    if (otherTime) onOtherTime?.(otherTime);
    const text = Buffer.from(response.body).toString('utf8');
    const mediaType = response.headers['content-type'] ?? '';
    if (!/json/i.test(mediaType)) {
      throw new AtlasAnswerError(
        'not-json',
        url,
        `the answer is ${mediaType || 'of no media type'}, not JSON. ${quote(text)}`,
      );
    }
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new AtlasAnswerError('not-json', url, `the answer is no JSON. ${quote(text)}`, cause);
    }
  };

  const getAll: AtlasClient['getAll'] = async (path, version, query = {}, getOptions = {}) => {
    const all: unknown[] = [];
    const seen = new Set<string>();
    const asked = new URLSearchParams({ itemsPerPage: String(itemsPerPage), pageNum: '1', ...query });
    let next: string | undefined = `${path}?${asked}`;
    while (next !== undefined) {
      if (seen.has(next) || seen.size >= maxPages) {
        throw new AtlasAnswerError('malformed', urlOf(path), 'its pages link in a circle, or without end.');
      }
      seen.add(next);
      const page = (await get(next, version, getOptions)) as { results?: unknown; links?: unknown } | null;
      if (!Array.isArray(page?.results)) {
        throw new AtlasAnswerError('malformed', urlOf(path), '`results` is not a list.');
      }
      // Not spread into a call: a list of millions would overflow the stack.
      for (const result of page.results as unknown[]) all.push(result);
      if (all.length > maxResults) {
        throw new AtlasAnswerError(
          'malformed',
          urlOf(path),
          `its pages hold more than ${maxResults} results.`,
        );
      }
      next = nextPath(page.links, path, urlOf(path), query);
    }
    return all;
  };

  return { get, getAll, urlOf };
}

/** An answer that does not say when it was made is believed: no source says that Atlas's always do. */
function otherTimeOf(
  url: string,
  { date }: TransportResponse['headers'],
  nowMs: number,
): AtlasAnswerError | undefined {
  const atMs = Date.parse(date ?? '');
  if (Number.isNaN(atMs) || Math.abs(nowMs - atMs) <= maxClockDifferenceMs) return undefined;
  const [theirs, ours] = [atMs, nowMs].map(ms => new Date(ms).toISOString());
  return new AtlasAnswerError(
    'other-time',
    url,
    `the answer is of ${theirs}, and this machine's clock shows ${ours}: the clock is wrong, or something on the way gave out an old answer.`,
  );
}

/**
 * The query of the next page on our own path. Links may name a host that is not the one we call, and must not
 * lead anywhere else; the count beside them is an estimate and is not used. A link that cannot be followed is
 * never taken for the end of the list: that would be a list without its rest. What was asked for is asked for again,
 * since the second page of everything is not that of a part.
 */
function nextPath(
  links: unknown,
  path: string,
  url: string,
  query: Readonly<Record<string, string>>,
): string | undefined {
  if (links === undefined || links === null) return undefined;
  if (!Array.isArray(links)) throw new AtlasAnswerError('malformed', url, '`links` is not a list.');
  const link: unknown = links.find(each => each?.rel === 'next');
  if (link === undefined) return undefined;
  const { href } = link as { href?: unknown };
  const target = typeof href === 'string' ? URL.parse(href, 'http://atlas.invalid') : null;
  if (target?.pathname.endsWith(path) && target.search !== '') {
    for (const [name, value] of Object.entries(query)) target.searchParams.set(name, value);
    return `${path}${target.search}`;
  }
  throw new AtlasAnswerError('malformed', url, 'its link to the next page leads to no page of this list.');
}

function countIn(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header.trim()) ? Number(header) : undefined;
}

function authOf(options: AtlasClientOptions): Auth {
  const { credentials } = options;
  switch (credentials.kind) {
    case 'service-account':
      return serviceAccountAuth(options, credentials);
    case 'api-key':
      return digestAuth(options, credentials);
    case 'none':
      return {
        send: async ({ url }) => {
          throw new AtlasError(url, 401, 'NO_CREDENTIALS', 'No Atlas credentials are configured.');
        },
      };
  }
}
