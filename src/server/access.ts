/**
 * Who may do what over HTTP. Reading needs no token unless the config says so; anything that makes Postern act
 * needs one. Only hashes of tokens are kept, so who reads the config cannot use them.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { ServerConfig, TokenConfig } from '../config/config.ts';

export const accessRights = ['public', 'read', 'sync', 'approve'] as const;
/** `public`: health and the like, never asked for a token. */
export type AccessRight = (typeof accessRights)[number];

/** A token that cannot be guessed: 256 random bits, so a plain hash of it is enough to keep. */
export function makeToken(): { readonly token: string; readonly hash: string } {
  const token = `postern_${randomBytes(32).toString('base64url')}`;
  return { token, hash: hashToken(token) };
}

export function hashToken(token: string): string {
  return `sha256:${createHash('sha256').update(token).digest('hex')}`;
}

/** `granted`, with the token's name where one was needed; or the status and the sentence to refuse with. */
export type Access =
  | { readonly granted: true; readonly as: string | undefined }
  | { readonly granted: false; readonly status: 401 | 403; readonly message: string };

export function accessOf(
  { anonymousRead, tokens }: Pick<ServerConfig, 'anonymousRead' | 'tokens'>,
  right: AccessRight,
  authorization: string | undefined,
): Access {
  const isFree = right === 'public' || (right === 'read' && anonymousRead);
  const given = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) {
    if (isFree) return { granted: true, as: undefined };
    return { granted: false, status: 401, message: 'A token is needed: Authorization: Bearer TOKEN.' };
  }
  const token = findToken(tokens, given);
  if (!token) {
    // A wrong token where none is needed is a mistake of the caller's, and better told than passed over.
    return { granted: false, status: 401, message: 'The token is not known here.' };
  }
  if (isFree || token.may.includes(right as TokenConfig['may'][number])) {
    return { granted: true, as: token.name };
  }
  return { granted: false, status: 403, message: `The token ${token.name} may not ${right}.` };
}

/** Compares with every token, each in constant time, so that how long it takes tells nothing. */
function findToken(tokens: readonly TokenConfig[], given: string): TokenConfig | undefined {
  const hash = Buffer.from(hashToken(given));
  let found: TokenConfig | undefined;
  for (const token of tokens) {
    const known = Buffer.from(token.hash);
    if (known.length === hash.length && timingSafeEqual(known, hash)) found = token;
  }
  return found;
}

/**
 * Whether the server may be called by this name. A web page that has its own name lead to this machine (DNS
 * rebinding) would otherwise read what only this machine may read.
 */
export function isExpectedHost({ hosts }: Pick<ServerConfig, 'hosts'>, header: string | undefined): boolean {
  const name = hostName(header ?? '');
  if (name === '') return false;
  return isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost') || hosts.includes(name);
}

function hostName(header: string): string {
  const [, v6, name] = /^(?:\[([0-9a-f:.]+)\]|([^:]*))(?::\d+)?$/i.exec(header.toLowerCase()) ?? [];
  return v6 ?? name ?? '';
}
