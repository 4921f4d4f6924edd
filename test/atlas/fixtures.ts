/** Answers of Atlas in the documented shape, with public addresses, and an observation's usual options. */
import { toControlPlaneObservation } from '../../src/atlas/control-plane.ts';
import { toNodesObservation } from '../../src/atlas/nodes.ts';
import type { Observation } from '../../src/atlas/observation.ts';

export const projectId = '64f0c1a2b3d4e5f601234567';
export const atMs = Date.UTC(2026, 0, 1);

export const controlPlane = () => ({
  inbound: { aws: { 'us-east-1': ['3.92.113.1/32'] }, azure: {}, gcp: {} },
  outbound: {
    aws: { 'us-east-1': ['3.92.113.229/32', '3.208.110.31/32'], 'eu-west-1': ['34.248.1.1/32'] },
    azure: { eastus: ['20.62.134.9/32'] },
    gcp: { 'us-central1': ['34.72.1.1/32'] },
  },
});

export const cluster = (
  clusterName: string,
  addresses: readonly string[] = ['3.92.113.229', '3.208.110.31'],
) => ({
  clusterName,
  inbound: [...addresses],
  outbound: [...addresses],
  futureInbound: [] as string[],
  futureOutbound: [] as string[],
});

export const nodes = (...clusters: readonly unknown[]) => ({ groupId: projectId, services: { clusters } });

export const listed = (name: string, stateName = 'IDLE') => ({ name, stateName, paused: false });

export function readControlPlane(
  body: unknown,
  { includeGateways = false, previous }: { includeGateways?: boolean; previous?: Observation } = {},
): Observation {
  return toControlPlaneObservation(body, { id: 'o1', atMs, previous, includeGateways });
}

export function readNodes(body: unknown, clusters: readonly unknown[], previous?: Observation): Observation {
  return toNodesObservation(body, clusters, { id: 'o1', atMs, projectId, previous });
}

export const cidrsOf = ({ addresses }: Pick<Observation, 'addresses'>) => addresses.map(({ cidr }) => cidr);
export const kindsOf = ({ faults }: Pick<Observation, 'faults'>) => faults.map(({ kind }) => kind);
