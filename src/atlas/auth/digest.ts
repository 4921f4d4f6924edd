/**
 * HTTP digest authentication, RFC 7616, as far as Atlas's API keys need it: MD5 and SHA-256, `qop=auth`. The
 * challenge is kept, so that only the first request, or one after the nonce expired, takes two round trips.
 */
import { createHash } from 'node:crypto';
import type { Secret } from '../../secret.ts';
import type { TransportRequest } from '../../transport/transport.ts';
import type { Auth, AuthContext } from './auth.ts';

export interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: 'MD5' | 'SHA-256';
  readonly opaque?: string;
}

export function digestAuth(
  context: AuthContext,
  credentials: { publicKey: string; privateKey: Secret },
): Auth {
  let challenge: Challenge | undefined;
  let count = 0;

  const signed = (request: TransportRequest): TransportRequest => {
    if (!challenge) return request;
    // Up by one for each request, so that no header can be sent twice.
    count++;
    const { pathname, search } = new URL(request.url);
    const authorization = digestHeader(challenge, {
      username: credentials.publicKey,
      password: credentials.privateKey.reveal(),
      method: request.method,
      uri: pathname + search,
      cnonce: context.nonce(),
      count,
    });
    return { ...request, headers: { ...request.headers, authorization } };
  };

  return {
    async send(request) {
      const answered = challenge;
      const response = await context.transport.send(signed(request));
      if (response.status !== 401) return response;
      const next = parseChallenges(response.headers['www-authenticate'] ?? '');
      if (!next) return response;
      // What this request answered is what counts: others under way at the same time may have brought the
      // same challenge already. Refused with the nonce that it brought is a wrong key, and asking on locks it.
      const mustAnswer = answered === undefined || next.stale || next.challenge.nonce !== answered.nonce;
      if (next.challenge.nonce !== challenge?.nonce || next.challenge.algorithm !== challenge.algorithm) {
        challenge = next.challenge;
        count = 0;
      }
      return mustAnswer ? await context.transport.send(signed(request)) : response;
    },
  };
}

/** The value of `Authorization` for one request. Pure. RFC 7616 §3.4. */
export function digestHeader(
  challenge: Challenge,
  request: { username: string; password: string; method: string; uri: string; cnonce: string; count: number },
): string {
  const { realm, nonce, algorithm, opaque } = challenge;
  const { username, password, method, uri, cnonce } = request;
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text)
      .digest('hex');
  const nc = request.count.toString(16).padStart(8, '0');
  const secret = hash(`${username}:${realm}:${password}`);
  const response = hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${uri}`)}`);
  const fields = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
    `cnonce=${quoted(cnonce)}`,
    'qop=auth',
    `nc=${nc}`,
    opaque !== undefined && `opaque=${quoted(opaque)}`,
  ];
  return `Digest ${fields.filter(Boolean).join(', ')}`;
}

/** The strongest challenge of a `WWW-Authenticate` value that we can answer; undefined when there is none. Pure. */
export function parseChallenges(header: string): { challenge: Challenge; stale: boolean } | undefined {
  const offers = splitChallenges(header)
    .filter(({ scheme }) => scheme === 'digest')
    .flatMap(({ fields }) => {
      const algorithm = (fields.get('algorithm') ?? 'MD5').toUpperCase();
      const qops = (fields.get('qop') ?? '').split(',').map(text => text.trim().toLowerCase());
      const realm = fields.get('realm');
      const nonce = fields.get('nonce');
      if (algorithm !== 'MD5' && algorithm !== 'SHA-256') return [];
      if (!qops.includes('auth') || realm === undefined || nonce === undefined) return [];
      const opaque = fields.get('opaque');
      const challenge: Challenge = { realm, nonce, algorithm, ...(opaque !== undefined && { opaque }) };
      return [{ challenge, stale: fields.get('stale')?.toLowerCase() === 'true' }];
    });
  return offers.find(({ challenge }) => challenge.algorithm === 'SHA-256') ?? offers[0];
}

/** RFC 9110 §11.6.1: schemes and their parameters in one list, told apart by the `=` after a name. */
function splitChallenges(header: string): readonly { scheme: string; fields: Map<string, string> }[] {
  const challenges: { scheme: string; fields: Map<string, string> }[] = [];
  const tokens = header.matchAll(
    /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+)))?|"(?:[^"\\]|\\.)*"/g,
  );
  for (const [, name, quotedValue, token] of tokens) {
    if (name === undefined) continue;
    const value = quotedValue?.replace(/\\(.)/g, '$1') ?? token;
    const fields = challenges.at(-1)?.fields;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), fields: new Map() });
    else if (fields && !fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), value);
  }
  return challenges;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
