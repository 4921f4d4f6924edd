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
/** What Microsoft.Authorization tells of a vault; its versions are its own. */
const authorizationPath =
  /^(\/subscriptions\/.+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+)\/providers\/Microsoft\.Authorization\/(permissions|locks)$/i;
const authorizationVersions: Readonly<Record<string, readonly string[]>> = {
  permissions: ['2015-07-01', '2018-07-01', '2022-04-01'],
  locks: ['2015-01-01', '2016-09-01', '2017-04-01', '2020-05-01'],
};
const listPath =
  /^(\/subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?)\/providers\/Microsoft\.KeyVault\/vaults$/i;

/** `Microsoft.KeyVault` in Resource Manager: its stable versions. */
const apiVersions = [
  '2015-06-01',
  '2016-10-01',
  '2018-02-14',
  '2019-09-01',
  '2021-10-01',
  '2022-07-01',
  '2022-11-01',
  '2023-02-01',
  '2023-07-01',
  '2024-11-01',
  '2025-05-01',
  '2026-02-01',
  '2026-04-01',
];
const writesPerBucket = 200;

/** Answers both services; their paths do not meet. */
export function azureHandler(model: AzureModel, credentials: AzureCredentials, origin: () => string) {
  const tokens = new Set<string>();
  const arm: ArmState = { model, tokens, by: credentials.clientId, beingWritten: new Set(), writes: 0 };
  return (request: Incoming): Answer | Promise<Answer> =>
    isEntra(request.path) ? entra(request, credentials, origin(), tokens) : resourceManager(request, arm);
}

interface ArmState {
  readonly model: AzureModel;
  readonly tokens: ReadonlySet<string>;
  /** The caller, as `systemData` names it. */
  readonly by: string;
  /** Ids of the vaults that a write is under way on. */
  readonly beingWritten: Set<string>;
  writes: number;
}

export function isEntra(path: string): boolean {
  return !path.toLowerCase().startsWith('/subscriptions/');
}

async function resourceManager(request: Incoming, arm: ArmState): Promise<Answer> {
  try {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || !arm.tokens.has(token)) {
      throw token === undefined
        ? new ArmError(
            401,
            'AuthenticationFailed',
            "Authentication failed. The 'Authorization' header is missing.",
          )
        : new ArmError(401, 'InvalidAuthenticationToken', 'The access token is invalid.');
    }
    const apiVersion = request.query.get('api-version');
    if (!apiVersion) {
      throw new ArmError(
        400,
        'MissingApiVersionParameter',
        'The api-version query parameter (?api-version=) is required for all requests.',
      );
    }
    const versions = authorizationVersions[authorizationPath.exec(request.path)?.[2] ?? ''] ?? apiVersions;
    if (!versions.includes(apiVersion)) {
      throw new ArmError(
        400,
        'InvalidResourceType',
        `The resource type 'vaults' could not be found in the namespace 'Microsoft.KeyVault' for api version '${apiVersion}'. The supported api-versions are '${versions.join(',')}'.`,
      );
    }
    const json = await route(request, arm);
    return { status: 200, headers: armHeaders(request.method, arm), json };
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    const { status, code, message } = error;
    const headers: Record<string, string> = status === 404 ? { 'x-ms-failure-cause': 'gateway' } : {};
    return { status, headers, json: { error: { code, message } } };
  }
}

async function route({ method, path, body }: Incoming, arm: ArmState): Promise<unknown> {
  const { model, by } = arm;
  if (vaultPath.test(path)) {
    if (method === 'GET') return model.get(path);
    if (method === 'PATCH') return oneAtATime(path, arm, () => model.patch(path, parseBody(body), by));
    if (method === 'PUT') return oneAtATime(path, arm, () => model.put(path, parseBody(body), by));
  }
  const [, vaultId, about] = authorizationPath.exec(path) ?? [];
  if (vaultId !== undefined && method === 'GET') {
    return { value: about === 'locks' ? model.locksOf(vaultId) : model.permissions(vaultId) };
  }
  const scope = listPath.exec(path)?.[1]?.toLowerCase();
  if (scope !== undefined && method === 'GET') {
    return {
      value: model.vaultIds.filter(id => id.toLowerCase().startsWith(`${scope}/`)).map(id => model.get(id)),
    };
  }
  throw new ArmError(404, 'InvalidResourceType', `The resource type could not be found: ${method} ${path}`);
}

async function oneAtATime(path: string, arm: ArmState, write: () => unknown): Promise<unknown> {
  const id = path.toLowerCase();
  if (arm.beingWritten.has(id)) {
    throw new ArmError(
      409,
      'ConflictError',
      `A conflict occurred: another operation on '${path}' is in progress.`,
    );
  }
  arm.beingWritten.add(id);
  arm.writes++;
  try {
    const { writeMs } = arm.model.behaviour;
    if (writeMs > 0) await new Promise(resolve => setTimeout(resolve, writeMs));
    return write();
  } finally {
    arm.beingWritten.delete(id);
  }
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new ArmError(
      400,
      'InvalidRequestContent',
      'The request content was invalid and could not be deserialized.',
    );
  }
}

function armHeaders(method: string, { writes }: ArmState): Record<string, string> {
  const remaining: Record<string, string> =
    method === 'GET'
      ? { 'x-ms-ratelimit-remaining-subscription-global-reads': '3749' }
      : {
          'x-ms-ratelimit-remaining-subscription-global-writes': '2999',
          'x-ms-ratelimit-remaining-subscription-writes': String(Math.max(0, writesPerBucket - writes)),
        };
  return {
    'content-type': 'application/json; charset=utf-8',
    'x-ms-keyvault-service-version': '1.5.1292.0',
    ...remaining,
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
    const missing = ['grant_type', 'client_id', 'scope'].find(name => !form.get(name));
    if (missing !== undefined) {
      return {
        status: 400,
        json: {
          error: 'invalid_request',
          error_description: `AADSTS900144: The request body must contain the following parameter: '${missing}'.`,
          error_codes: [900144],
        },
      };
    }
    if (form.get('grant_type') !== 'client_credentials') {
      return {
        status: 400,
        json: {
          error: 'unsupported_grant_type',
          error_description: `AADSTS70003: The app requested an unsupported grant type '${form.get('grant_type')}'.`,
          error_codes: [70003],
        },
      };
    }
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
