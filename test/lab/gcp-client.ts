/** Access Context Manager of a lab, met with plain HTTP. */
import { onTestFinished } from 'vitest';
import type { LabKey } from '../../src/lab/atlas/model.ts';
import { labOrganizationId } from '../../src/lab/default-world.ts';
import { gcpWorld, labLevel } from '../../src/lab/gcp/world.ts';
import { type GcpBehaviour, ManualClock, startLab } from '../../src/lab/index.ts';
import { startMs } from './client.ts';
import { signedAssertion } from './google-assertion.ts';

export interface Reply {
  readonly status: number;
  readonly json: any;
}

export async function openGcpLab(behaviour: Partial<GcpBehaviour> = {}) {
  const clock = new ManualClock(startMs);
  const lab = await startLab({ clock, gcp: behaviour });
  onTestFinished(() => lab.close());
  const project = gcpWorld(lab, labOrganizationId);
  const token = (form: Record<string, string>, headers: Record<string, string> = {}): Promise<Reply> =>
    send(lab.urls.googleToken, 'POST', headers, new URLSearchParams(form));
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const assertion = signedAssertion(lab.credentials.gcp.serviceAccountKey);
  const bearer = (await token({ grant_type, assertion })).json.access_token as string;
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    send(
      `${lab.urls.accessContextManager}/v1/${path}`,
      method,
      { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
      body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    );
  /** Sends a write and waits for its operation. */
  const write = async (method: string, path: string, body: unknown): Promise<Reply> => {
    const begun = await call(method, path, body);
    if (begun.status !== 200) return begun;
    await clock.sleep(lab.gcp.behaviour.operationMs);
    return call('GET', begun.json.name);
  };
  const key = project.key as Extract<LabKey, { cloud: 'gcp' }>;
  return {
    lab,
    clock,
    project,
    key,
    token,
    call,
    write,
    patchBasic: (basic: unknown) => write('PATCH', `${labLevel}?updateMask=basic`, { basic }),
    letsIn: (address: string) => lab.gcp.letsIn(key, address),
  };
}

export type OpenGcpLab = Awaited<ReturnType<typeof openGcpLab>>;

async function send(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | URLSearchParams,
): Promise<Reply> {
  const response = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
  return { status: response.status, json: await response.json() };
}
