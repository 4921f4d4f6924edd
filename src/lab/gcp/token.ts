/**
 * Google's OAuth token endpoint: the grants by which a service account's key file (RFC 7523, a signed JWT) and a
 * person's refresh token are turned into access tokens. The key is made by the lab and opens nothing else.
 */
import {
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  randomUUID,
  verify,
} from 'node:crypto';
import type { Answer, Incoming } from '../http.ts';

export interface GcpCredentials {
  /** The text of a service account's key file. */
  readonly serviceAccountKey: string;
  readonly serviceAccount: string;
  /** The text of what `gcloud auth application-default login` leaves behind. */
  readonly userCredentials: string;
}

export type TokenKind = 'service-account' | 'user';

/** The tokens that were given out. They do not end: libraries keep them by the real clock, which is not the lab's. */
export class TokenGrants {
  readonly #kinds = new Map<string, TokenKind>();

  give(kind: TokenKind): string {
    const token = `ya29.lab.${randomUUID()}`;
    this.#kinds.set(token, kind);
    return token;
  }

  kindOf(token: string): TokenKind | undefined {
    return this.#kinds.get(token);
  }
}

const projectId = 'postern-automation';
const email = `postern@${projectId}.iam.gserviceaccount.com`;
/** What every library signs for, wherever it sends it. */
const audience = 'https://oauth2.googleapis.com/token';
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const cloudPlatform = 'https://www.googleapis.com/auth/cloud-platform';
const lifetimeSeconds = 3_599;
const maxAssertionSeconds = 3_600;
const clockSkewSeconds = 300;

export const tokenPath = '/token';

/** @param tokenUrl where this lab gives out tokens; known only once it listens */
export function makeCredentials(tokenUrl: string): GcpCredentials & { readonly publicKey: KeyObject } {
  const { privateKey, publicKey } = labKeyPair();
  const key = {
    type: 'service_account',
    project_id: projectId,
    private_key_id: randomBytes(20).toString('hex'),
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: email,
    client_id: '104000000000000000001',
    auth_uri: 'https://accounts.google.com/o/oauth2/auth',
    token_uri: tokenUrl,
    universe_domain: 'googleapis.com',
  };
  const user = {
    type: 'authorized_user',
    client_id: '764086051850-lab.apps.googleusercontent.com',
    client_secret: 'lab-only-client-secret',
    refresh_token: '1//lab-only-refresh-token',
    token_uri: tokenUrl,
    universe_domain: 'googleapis.com',
  };
  return {
    serviceAccountKey: JSON.stringify(key, null, 2),
    serviceAccount: email,
    userCredentials: JSON.stringify(user, null, 2),
    publicKey,
  };
}

let keyPair: KeyPairKeyObjectResult | undefined;

/** One for all labs of a process: it takes a quarter of a second to make. */
function labKeyPair(): KeyPairKeyObjectResult {
  keyPair ??= generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return keyPair;
}

export function tokenHandler(credentials: () => ReturnType<typeof makeCredentials>, grants: TokenGrants) {
  return ({ method, path, body, headers }: Incoming): Answer => {
    if (method !== 'POST' || path !== tokenPath) return { status: 404, json: { error: 'not_found' } };
    if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] ?? '')) {
      return refuse('invalid_request', 'Could not determine client ID from request.');
    }
    const form = new URLSearchParams(body);
    switch (form.get('grant_type')) {
      case jwtBearer: {
        const fault = assertionFault(form.get('assertion') ?? '', credentials().publicKey);
        return fault === undefined ? give(grants, 'service-account') : refuse('invalid_grant', fault);
      }
      case 'refresh_token': {
        const known = JSON.parse(credentials().userCredentials);
        const names = ['client_id', 'client_secret', 'refresh_token'];
        return names.every(name => form.get(name) === known[name])
          ? give(grants, 'user')
          : refuse('invalid_grant', 'Token has been expired or revoked.');
      }
      default:
        return refuse('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type') ?? ''}`);
    }
  };
}

function assertionFault(assertion: string, publicKey: KeyObject): string | undefined {
  const [header = '', payload = '', signature = '', ...rest] = assertion.split('.');
  const { alg } = decode(header);
  if (rest.length > 0 || alg !== 'RS256') return 'Invalid JWT: Failed audience check.';
  const isSigned = verify(
    'RSA-SHA256',
    Buffer.from(`${header}.${payload}`),
    publicKey,
    Buffer.from(signature, 'base64url'),
  );
  if (!isSigned) return 'Invalid JWT Signature.';
  const { iss, aud, iat, exp, scope } = decode(payload);
  if (iss !== email) return 'Invalid grant: account not found';
  if (aud !== audience) return 'Invalid JWT: Failed audience check.';
  if (
    !String(scope ?? '')
      .split(' ')
      .includes(cloudPlatform)
  )
    return 'Invalid OAuth scope or ID token audience provided.';
  // By the real clock: what signs it knows no other.
  const nowSeconds = Date.now() / 1_000;
  const isTimely =
    exp - iat <= maxAssertionSeconds &&
    iat <= nowSeconds + clockSkewSeconds &&
    exp >= nowSeconds - clockSkewSeconds;
  return isTimely
    ? undefined
    : 'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.';
}

function decode(part: string): any {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) ?? {};
  } catch {
    return {};
  }
}

function give(grants: TokenGrants, kind: TokenKind): Answer {
  return {
    status: 200,
    json: {
      access_token: grants.give(kind),
      expires_in: lifetimeSeconds,
      scope: cloudPlatform,
      token_type: 'Bearer',
    },
  };
}

function refuse(error: string, error_description: string): Answer {
  return { status: 400, json: { error, error_description } };
}
