/** How Atlas knows its callers: service account tokens and API keys by digest. */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Answer, Incoming } from '../http.ts';

export interface AtlasLabCredentials {
  readonly serviceAccount: { readonly clientId: string; readonly clientSecret: string };
  readonly apiKey: { readonly publicKey: string; readonly privateKey: string };
}

const realm = 'MMS Public API';
const hashNames = { MD5: 'md5', 'SHA-256': 'sha256' } as const;
const tokenLifetimeMs = 3_600_000;
const nonceLifetimeMs = 5 * 60_000;

export class AtlasAuth {
  readonly #clock: Clock;
  readonly #credentials: AtlasLabCredentials;
  readonly #tokens = new Map<string, number>();
  readonly #nonces = new Map<string, { validUntilMs: number; counts: Set<string> }>();
  /** Which digest challenges are offered, in this order. */
  algorithms: readonly ('MD5' | 'SHA-256')[] = ['MD5'];

  constructor(clock: Clock, credentials: AtlasLabCredentials) {
    this.#clock = clock;
    this.#credentials = credentials;
  }

  /** POST /api/oauth/token. */
  token(request: Incoming): Answer {
    const { clientId, clientSecret } = this.#credentials.serviceAccount;
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
    const form = new URLSearchParams(request.body);
    if (request.headers.authorization !== basic || form.get('grant_type') !== 'client_credentials') {
      return {
        status: 401,
        json: { error: 'invalid_client', error_description: 'Client authentication failed' },
      };
    }
    const token = `lab-${randomUUID()}`;
    this.#tokens.set(token, this.#clock.now() + tokenLifetimeMs);
    return {
      status: 200,
      json: { access_token: token, expires_in: tokenLifetimeMs / 1_000, token_type: 'Bearer' },
    };
  }

  /** Ends every token, as a rotated secret would. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** The answer for a caller that is not known; undefined for one that is. */
  refuse(request: Incoming): Answer | undefined {
    const header = request.headers.authorization ?? '';
    if (header.startsWith('Bearer ')) {
      const validUntilMs = this.#tokens.get(header.slice('Bearer '.length));
      return validUntilMs !== undefined && validUntilMs > this.#clock.now() ? undefined : unauthorized({});
    }
    if (!header.startsWith('Digest ')) return this.#challenge(false);
    const stale = this.#checkDigest(request, header);
    return stale === undefined ? undefined : this.#challenge(stale);
  }

  /** Undefined when the digest is right; else whether only its nonce was too old. */
  #checkDigest(request: Incoming, header: string): boolean | undefined {
    const fields = Object.fromEntries(
      [...header.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)].map(([, name, a, b]) => [name!, a ?? b ?? '']),
    );
    const { publicKey, privateKey } = this.#credentials.apiKey;
    const algorithm = this.algorithms.find(offered => offered === (fields.algorithm ?? 'MD5'));
    if (!algorithm || fields.realm !== realm || fields.qop !== 'auth') return false;
    if (!/^[0-9a-f]{8}$/i.test(fields.nc ?? '') || !fields.cnonce) return false;
    const hash = (text: string) => createHash(hashNames[algorithm]).update(text).digest('hex');
    const expected = hash(
      `${hash(`${publicKey}:${realm}:${privateKey}`)}:${fields.nonce}:${fields.nc}:${fields.cnonce}:auth:${hash(`${request.method}:${fields.uri}`)}`,
    );
    if (fields.username !== publicKey || fields.response !== expected) return false;
    if (fields.uri !== request.target) return false;
    const nonce = this.#nonces.get(fields.nonce ?? '');
    if (!nonce || nonce.validUntilMs <= this.#clock.now()) return true;
    if (nonce.counts.has(fields.nc ?? '')) return false;
    nonce.counts.add(fields.nc ?? '');
    return undefined;
  }

  #challenge(stale: boolean): Answer {
    const nonce = randomUUID();
    this.#nonces.set(nonce, { validUntilMs: this.#clock.now() + nonceLifetimeMs, counts: new Set() });
    const offers = this.algorithms.map(
      algorithm =>
        `Digest realm="${realm}", domain="", nonce="${nonce}", algorithm=${algorithm}, qop="auth", stale=${stale}`,
    );
    return unauthorized({ 'www-authenticate': offers.join(', ') });
  }
}

function unauthorized(headers: Record<string, string>): Answer {
  return {
    status: 401,
    headers,
    json: {
      error: 401,
      reason: 'Unauthorized',
      detail: 'You are not authorized for this resource.',
      errorCode: 'UNEXPECTED_ERROR',
    },
  };
}
