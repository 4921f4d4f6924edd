/** Azure Resource Manager and Microsoft Entra over HTTPS, as far as Postern meets them. */
import { randomUUID } from 'node:crypto';
import type { Answer, Incoming } from '../http.ts';
import { ArmError, type AzureModel } from './model.ts';

export interface AzureCredentials {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const tokenLifetimeSeconds = 3_599;
const vaultPath =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+$/i;
const listPath =
  /^(\/subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?)\/providers\/Microsoft\.KeyVault\/vaults$/i;

/** Answers both services; their paths do not meet. */
export function azureHandler(model: AzureModel, credentials: AzureCredentials, origin: () => string) {
  const tokens = new Set<string>();
  return (request: Incoming): Answer =>
    isEntra(request.path)
      ? entra(request, credentials, origin(), tokens)
      : resourceManager(request, model, tokens, credentials.clientId);
}

export function isEntra(path: string): boolean {
  return !path.toLowerCase().startsWith('/subscriptions/');
}

function resourceManager(request: Incoming, model: AzureModel, tokens: Set<string>, by: string): Answer {
  try {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !tokens.has(token)) {
      throw new ArmError(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
    }
    if (!request.query.has('api-version')) {
      throw new ArmError(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    return { status: 200, headers: armHeaders(request.method), json: route(request, model, by) };
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    const { status, code, message } = error;
    const headers: Record<string, string> = status === 404 ? { 'x-ms-failure-cause': 'gateway' } : {};
    return { status, headers, json: { error: { code, message } } };
  }
}

function route({ method, path, body }: Incoming, model: AzureModel, by: string): unknown {
  if (vaultPath.test(path)) {
    if (method === 'GET') return model.get(path);
    if (method === 'PATCH') return model.patch(path, JSON.parse(body), by);
    if (method === 'PUT') return model.put(path, JSON.parse(body), by);
  }
  const scope = listPath.exec(path)?.[1]?.toLowerCase();
  if (scope !== undefined && method === 'GET') {
    return {
      value: model.vaultIds.filter(id => id.toLowerCase().startsWith(`${scope}/`)).map(id => model.get(id)),
    };
  }
  throw new ArmError(404, 'InvalidResourceType', `The resource type could not be found: ${method} ${path}`);
}

function armHeaders(method: string): Record<string, string> {
  const bucket = method === 'GET' ? 'reads' : 'writes';
  return {
    'content-type': 'application/json; charset=utf-8',
    'x-ms-keyvault-service-version': '1.5.1292.0',
    [`x-ms-ratelimit-remaining-subscription-global-${bucket}`]: method === 'GET' ? '3749' : '2999',
    'x-ms-request-id': randomUUID(),
  };
}

function entra(
  request: Incoming,
  credentials: AzureCredentials,
  origin: string,
  tokens: Set<string>,
): Answer {
  const { tenantId, clientId, clientSecret } = credentials;
  if (request.path === `/${tenantId}/v2.0/.well-known/openid-configuration`) {
    return {
      status: 200,
      json: {
        token_endpoint: `${origin}/${tenantId}/oauth2/v2.0/token`,
        authorization_endpoint: `${origin}/${tenantId}/oauth2/v2.0/authorize`,
        issuer: `${origin}/${tenantId}/v2.0`,
        jwks_uri: `${origin}/${tenantId}/discovery/v2.0/keys`,
        end_session_endpoint: `${origin}/${tenantId}/oauth2/v2.0/logout`,
      },
    };
  }
  if (request.method === 'POST' && request.path === `/${tenantId}/oauth2/v2.0/token`) {
    const form = new URLSearchParams(request.body);
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
      return {
        status: 401,
        json: {
          error: 'invalid_client',
          error_description: `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${form.get('client_id')}'.`,
          error_codes: [7000215],
        },
      };
    }
    const token = `lab.${randomUUID()}`;
    tokens.add(token);
    return {
      status: 200,
      json: {
        token_type: 'Bearer',
        expires_in: tokenLifetimeSeconds,
        ext_expires_in: tokenLifetimeSeconds,
        access_token: token,
      },
    };
  }
  return {
    status: 404,
    json: { error: 'not_found', error_description: `${request.method} ${request.path}` },
  };
}
