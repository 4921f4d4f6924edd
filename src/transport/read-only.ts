/**
 * The read-only gate: in a dry run no request that could write leaves the process (DESIGN.md §3, invariant 7).
 * It stands in the one transport that every request goes through, so no gate and no SDK needs good manners.
 * What is not known to be a read is refused.
 */
import type { TransportRequest } from './transport.ts';

const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Requests that are sent with another method and change nothing that matters: getting a token. */
const readingRequests: readonly { readonly name: string; matches(method: string, path: string): boolean }[] =
  [
    {
      name: 'a token of an Atlas service account',
      matches: (method, path) => method === 'POST' && path === '/api/oauth/token',
    },
    {
      name: 'a token of Microsoft Entra',
      // A tenant is an id or a domain name; nothing else may stand there, an encoded slash least of all.
      matches: (method, path) => method === 'POST' && /^\/[\w.-]+\/oauth2(\/v2\.0)?\/token$/.test(path),
    },
  ];

/** Headers by which some servers take a GET for something else. */
const overridingHeaders = ['x-http-method-override', 'x-http-method', 'x-method-override'];

/** Why a request may not leave in a dry run; undefined when it only reads. Pure. */
export function writeReason({ method, url, headers }: TransportRequest): string | undefined {
  const override = Object.keys(headers).find(name => overridingHeaders.includes(name.toLowerCase()));
  if (override !== undefined) return `it carries ${override.toLowerCase()}`;
  return onlyReads({ method, url }) ? undefined : `${method.toUpperCase()} can write`;
}

/** Whether a request changes nothing, so that sending it twice is the same as sending it once. Pure. */
export function onlyReads({ method, url }: Pick<TransportRequest, 'method' | 'url'>): boolean {
  const verb = method.toUpperCase();
  if (readingMethods.has(verb)) return true;
  const path = URL.parse(url)?.pathname ?? '';
  return readingRequests.some(({ matches }) => matches(verb, path));
}
