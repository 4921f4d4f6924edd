/** Control of a lab that runs for itself: changing its world with curl. Loopback only, and no secret is needed. */
import type { LabCluster } from './atlas/model.ts';
import { type FaultAct, type LabService, labServices, poisons } from './faults.ts';
import type { Answer, Incoming } from './http.ts';
import type { Lab } from './index.ts';
import { countListed, takeOut } from './key-list.ts';
import { refusals } from './refusals.ts';

interface Controlled {
  readonly lab: Lab;
  readonly projectId: string;
  /** The lab's clock, where it can be moved. */
  readonly clock?: { advance(ms: number): void };
}

type Control = (controlled: Controlled, body: any) => unknown;

const controls: Readonly<Record<string, Control>> = {
  'GET /lab/state': ({ lab, projectId }) => ({
    keyValid: lab.atlas.isKeyValid(projectId),
    lockedOut: lab.atlas.lockedOut(projectId),
    rules: countListed(lab, lab.atlas.project(projectId).key),
    requests: lab.requests.length,
  }),
  'POST /lab/add': ({ lab }, { cidrs, cloud = 'aws', region = 'us-east-1', announced = false }) =>
    lab.atlas.addControlPlane(cloud, region, textsOf('cidrs', cidrs), { announced }),
  'POST /lab/use': ({ lab }, { cidrs }) => lab.atlas.use(textsOf('cidrs', cidrs)),
  'POST /lab/remove': ({ lab }, { cidrs }) => lab.atlas.removeControlPlane(textsOf('cidrs', cidrs)),
  'POST /lab/move': ({ lab, projectId }, { cluster }) =>
    lab.atlas.announceMove(clusterOf(lab, projectId, cluster)),
  'POST /lab/moved': ({ lab, projectId }, { cluster }) =>
    lab.atlas.finishMove(clusterOf(lab, projectId, cluster)),
  'POST /lab/poison': ({ lab }) => {
    for (const edit of [poisons.emptyCloud('gcp'), poisons.withAddress('0.0.0.0/0')]) {
      lab.faults.add({ on: 'atlas', path: 'controlPlane', act: { kind: 'edit', edit } });
    }
  },
  'POST /lab/outage': ({ lab }) => {
    lab.faults.add({ on: 'atlas', path: '/api/', act: refusals.unavailable() });
  },
  'POST /lab/fault': ({ lab }, { on, act, ...fault }) => {
    // Without a path of its own it would hit the control as well, and `heal` with it.
    const path = on === 'atlas' ? { path: '/api/' } : {};
    lab.faults.add({ ...path, ...fault, on: serviceOf(on), act: actOf(act) });
  },
  'POST /lab/heal': ({ lab }) => lab.faults.clear(),
  'POST /lab/meddle': ({ lab, projectId }, { cidr }) => takeOut(lab, lab.atlas.project(projectId).key, cidr),
  'POST /lab/advance': ({ clock }, { seconds }) => {
    if (!clock) throw new Error('the clock of this lab is the real one and cannot be moved');
    if (!(seconds > 0)) throw new Error('expected "seconds", a number above 0');
    clock.advance(seconds * 1_000);
  },
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

function textsOf(name: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every(text => typeof text === 'string')) return value;
  throw new Error(`expected "${name}", a list of texts`);
}

function clusterOf({ atlas }: Lab, projectId: string, name: unknown): LabCluster {
  const { clusters } = atlas.project(projectId);
  const cluster = clusters.find(cluster => cluster.name === name);
  if (cluster) return cluster;
  throw new Error(`expected "cluster", one of ${clusters.map(({ name }) => name).join(', ')}`);
}

function serviceOf(on: unknown): LabService {
  const service = labServices.find(known => known === on);
  if (service !== undefined) return service;
  throw new Error(`expected "on", one of ${labServices.join(', ')}`);
}

/** What can be said in JSON; an edit is a function, and `poison` has those. */
function actOf(act: any): FaultAct {
  switch (act?.kind) {
    case 'cut-before':
    case 'cut-after':
    case 'truncate':
      return { kind: act.kind };
    case 'latency':
      if (act.ms >= 0) return { kind: 'latency', ms: act.ms };
      break;
    case 'answer':
      if (act.status >= 200 && act.status <= 599) return act;
  }
  throw new Error(
    'expected "act": {"kind": "cut-before" | "cut-after" | "truncate"}, {"kind": "latency", "ms": 100}, or {"kind": "answer", "status": 503}',
  );
}
