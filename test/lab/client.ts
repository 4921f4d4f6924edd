/** A lab with plain HTTP clients around it: what a caller sees, byte for byte, with no library of ours between. */
import https from 'node:https';
import { onTestFinished } from 'vitest';
import { defaultWorld, labVaultId } from '../../src/lab/default-world.ts';
import { type AzureBehaviour, ManualClock, startLab } from '../../src/lab/index.ts';

export const apiVersion = '2026-02-01';
export const startMs = Date.parse('2026-11-24T12:00:00Z');
export const accept = (date: string) => `application/vnd.atlas.${date}+json`;

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body read as JSON. */
  readonly json: any;
}

interface Send {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Rejects when the connection ends before the whole answer is there. */
export type Client = (path: string, request?: Send) => Promise<Reply>;

export async function openLab(azure: Partial<AzureBehaviour> = {}) {
  const clock = new ManualClock(startMs);
  const lab = await startLab({ clock, azure });
  onTestFinished(() => lab.close());
  const project = defaultWorld(lab);

  const plainAtlas: Client = async (path, request = {}) => {
    const response = await fetch(lab.urls.atlas + path, request);
    const text = await response.text();
    return reply(response.status, Object.fromEntries(response.headers), text);
  };
  const { clientId, clientSecret } = lab.credentials.atlas.serviceAccount;
  const tokenOf = (basic: string, body = 'grant_type=client_credentials') =>
    plainAtlas('/api/oauth/token', {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body,
    });
  const bearer = (await tokenOf(`${clientId}:${clientSecret}`)).json.access_token as string;
  const atlas = (path: string, date = '2024-08-05') =>
    plainAtlas(path, { headers: { accept: accept(date), authorization: `Bearer ${bearer}` } });

  const plainAzure = overTls(lab.urls.azureResourceManager, lab.caCertificatePem);
  const { azure: azureCredentials } = lab.credentials;
  const entraToken = (fields: Record<string, string> = {}) =>
    plainAzure(`/${azureCredentials.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: azureCredentials.clientId,
        client_secret: azureCredentials.clientSecret,
        scope: 'https://management.azure.com/.default',
        ...fields,
      }).toString(),
    });
  const armToken = (await entraToken()).json.access_token as string;
  const arm = (method: string, path: string, body?: unknown) =>
    plainAzure(`${path}?api-version=${apiVersion}`, {
      method,
      headers: { authorization: `Bearer ${armToken}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  return {
    lab,
    clock,
    project,
    vaultId: labVaultId,
    plainAtlas,
    tokenOf,
    atlas,
    plainAzure,
    entraToken,
    armToken,
    arm,
    getVault: () => arm('GET', labVaultId),
    /** PATCHes the vault's network rules. */
    patchAcls: (networkAcls: unknown) => arm('PATCH', labVaultId, { properties: { networkAcls } }),
  };
}

export type OpenLab = Awaited<ReturnType<typeof openLab>>;

export const values = (vault: Reply): readonly string[] =>
  vault.json.properties.networkAcls.ipRules.map(({ value }: { value: string }) => value);

function overTls(origin: string, ca: string): Client {
  return (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const request = https.request(origin + path, { method, headers, ca }, response => {
        const chunks: Buffer[] = [];
        response.on('data', chunk => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve(
            reply(
              response.statusCode ?? 0,
              response.headers as Record<string, string>,
              Buffer.concat(chunks).toString(),
            ),
          ),
        );
      });
      request.once('error', reject);
      request.end(body);
    });
}

function reply(status: number, headers: Record<string, string>, text: string): Reply {
  return {
    status,
    headers,
    text,
    get json() {
      return JSON.parse(text);
    },
  };
}
