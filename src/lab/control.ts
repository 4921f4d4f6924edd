/** Control of a lab that runs for itself: changing its world with curl. Loopback only, and no secret is needed. */
import { poisons } from './faults.ts';
import type { Answer, Incoming } from './http.ts';
import type { Lab } from './index.ts';

interface Controlled {
  readonly lab: Lab;
  readonly projectId: string;
  readonly vaultId: string;
}

type Control = (controlled: Controlled, body: any) => unknown;

const controls: Readonly<Record<string, Control>> = {
  'GET /lab/state': ({ lab, projectId, vaultId }) => ({
    keyValid: lab.atlas.isKeyValid(projectId),
    lockedOut: lab.atlas.lockedOut(projectId),
    rules: lab.azure.get(vaultId).properties.networkAcls?.ipRules.length,
    requests: lab.requests.length,
  }),
  'POST /lab/add': ({ lab }, { cidrs }) => lab.atlas.addControlPlane('aws', 'us-east-1', cidrs),
  'POST /lab/remove': ({ lab }, { cidrs }) => lab.atlas.removeControlPlane(cidrs),
  'POST /lab/poison': ({ lab }) => {
    for (const edit of [poisons.emptyCloud('gcp'), poisons.withAddress('0.0.0.0/0')]) {
      lab.faults.add({ on: 'atlas', path: 'controlPlane', act: { kind: 'edit', edit } });
    }
  },
  'POST /lab/outage': ({ lab }) => {
    lab.faults.add({
      on: 'atlas',
      path: '/api/',
      act: { kind: 'answer', status: 503, body: 'upstream connect error' },
    });
  },
  'POST /lab/heal': ({ lab }) => lab.faults.clear(),
  'POST /lab/meddle': ({ lab, vaultId }, { cidr }) =>
    lab.azure.edit(vaultId, 'terraform@example.com', ({ properties: { networkAcls } }) => {
      if (networkAcls) networkAcls.ipRules = networkAcls.ipRules.filter(({ value }) => value !== cidr);
    }),
};

export function controlHandler(controlled: Controlled): (request: Incoming) => Answer {
  return ({ method, path, body }) => {
    const control = controls[`${method} ${path}`];
    if (!control) return { status: 404, json: { error: `known: ${Object.keys(controls).join(', ')}` } };
    try {
      return {
        status: 200,
        json: control(controlled, body === '' ? {} : JSON.parse(body)) ?? { done: true },
      };
    } catch (error) {
      return { status: 400, json: { error: error instanceof Error ? error.message : String(error) } };
    }
  };
}
