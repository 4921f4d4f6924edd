/**
 * The read-only gate: in a dry run no request that could write leaves the process (DESIGN.md §3, invariant 7).
 * It stands in the one transport that every request goes through, so no gate and no SDK needs good manners.
 * What is not known to be a read is refused.
 */
import { isAwsQueryRead, isIdentityCenterToken, isKmsRead } from './aws-reads.ts';
import type { TransportRequest } from './transport.ts';

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What a rule may look at: a service that takes every call as a POST says in a header or the body what it is. */
interface Asked {
  readonly verb: string;
  readonly host: string;
  readonly path: string;
  readonly search: string;
  /** Undefined when it is lacking, or there more than once. */
  header(name: string): string | undefined;
  readonly body: TransportRequest['body'];
}

/** Requests that are sent with another method and change nothing that matters. */
const readingRequests: readonly { readonly name: string; matches(asked: Asked): boolean }[] = [
  {
    name: 'a token of an Atlas service account',
    matches: ({ verb, path }) => verb === 'POST' && path === '/api/oauth/token',
  },
  {
    name: 'a token of Microsoft Entra',
    // A tenant is an id or a domain name; nothing else may stand there, an encoded slash least of all.
    matches: ({ verb, path }) => verb === 'POST' && /^\/[\w.-]+\/oauth2(\/v2\.0)?\/token$/.test(path),
  },
  { name: 'a read of AWS KMS', matches: isKmsRead },
  { name: 'a read of AWS IAM, or a question to AWS STS', matches: isAwsQueryRead },
  { name: 'a token of AWS IAM Identity Center', matches: asked => isIdentityCenterToken(asked, asked.host) },
  {
    name: 'a token of Google, for a key file or for a person',
    matches: ({ verb, host, path }) => verb === 'POST' && path === '/token' && isHost(host, 'oauth2'),
  },
  {
    name: 'a token of Google, for an identity of elsewhere',
    matches: ({ verb, host, path }) => verb === 'POST' && path === '/v1/token' && isHost(host, 'sts'),
  },
  {
    name: 'a token of Google, for a service account that the caller may stand for',
    matches: ({ verb, host, path }) =>
      verb === 'POST' &&
      /^\/v1\/projects\/-\/serviceAccounts\/[\w.@-]+:generateAccessToken$/.test(path) &&
      isHost(host, 'iamcredentials'),
  },
  {
    name: 'a session with the metadata server of an EC2 machine, whose identity Google may trust',
    matches: ({ verb, host, path }) =>
      verb === 'PUT' &&
      path === '/latest/api/token' &&
      (host === '169.254.169.254' || host === '[fd00:ec2::254]'),
  },
  {
    name: 'which rights the caller has on an access policy, level or perimeter',
    matches: ({ verb, host, path }) =>
      verb === 'POST' &&
      /^\/v1\/accessPolicies\/\d+(\/(accessLevels|servicePerimeters)\/\w+)?:testIamPermissions$/.test(path) &&
      isHost(host, 'accesscontextmanager'),
  },
];

/** A service of Google's, over its own port; or the lab, which is on this machine. */
function isHost(host: string, service: string): boolean {
  return host === `${service}.googleapis.com` || /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
}

/** Headers by which some servers take a GET for something else. */
const overridingHeaders = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** Why a request may not leave in a dry run; undefined when it only reads. Pure. */
export function writeReason(request: TransportRequest): string | undefined {
  const override = Object.keys(request.headers).find(name => overridingHeaders.includes(name.toLowerCase()));
  if (override !== undefined) return `it carries ${override.toLowerCase()}`;
  return onlyReads(request) ? undefined : `${request.method.toUpperCase()} can write`;
}

/** Whether a request changes nothing, so that sending it twice is the same as sending it once. Pure. */
export function onlyReads({ method, url, headers, body }: TransportRequest): boolean {
  const verb = method.toUpperCase();
  if (readingMethods.has(verb)) return true;
  const target = URL.parse(url);
  if (!target) return false;
  const asked: Asked = {
    verb,
    host: target.host,
    path: target.pathname,
    search: target.search,
    header: name => onlyHeader(headers, name),
    body,
  };
  return readingRequests.some(({ matches }) => matches(asked));
}

/** Names in another case are the same header. */
function onlyHeader(headers: TransportRequest['headers'], name: string): string | undefined {
  const values = Object.entries(headers).filter(([other]) => other.toLowerCase() === name);
  return values.length === 1 ? values[0]![1] : undefined;
}
