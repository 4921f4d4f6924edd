/**
 * The nodes' addresses of one project: GET groups/{id}/ipAddresses, checked against GET groups/{id}/clusters.
 * All four lists of a cluster are wanted, config servers included (Atlas docs, "configure AWS KMS / Azure Key
 * Vault over public network"). They arrive as bare addresses.
 */
import type { Address, Direction } from '../address/address.ts';
import { type AtlasClient, apiVersions } from './client.ts';
import type { Observation, PreviousObservation } from './observation.ts';
import { fieldOf, isObject, kindOf, Reading, type ReadingOptions } from './reading.ts';

/** Each list of a cluster, and what is known of its addresses. */
const lists: readonly (readonly [name: string, direction: Direction, future: boolean])[] = [
  ['outbound', 'outbound', false],
  ['inbound', 'inbound', false],
  ['futureOutbound', 'outbound', true],
  ['futureInbound', 'inbound', true],
];

export interface NodesOptions extends ReadingOptions {
  readonly projectId: string;
  readonly previous: PreviousObservation | undefined;
}

/** What Atlas's list of clusters says: the second opinion on a cluster without addresses. */
export interface ClusterState {
  readonly name: string;
  readonly stateName: string;
}

/** One reading of a project's nodes. A fault of the feed gives an incomplete observation, never an exception. */
export async function observeNodes(
  client: AtlasClient,
  options: Omit<NodesOptions, 'atMs'> & { readonly now: () => number },
): Promise<Observation> {
  const { projectId } = options;
  const [addresses, clusters] = await Promise.allSettled([
    client.get(`/api/atlas/v2/groups/${projectId}/ipAddresses`, apiVersions.ipAddresses),
    client.getAll(`/api/atlas/v2/groups/${projectId}/clusters`, apiVersions.clusters),
  ]);
  const reading = new Reading(`nodes:${projectId}`);
  if (addresses.status === 'rejected') reading.failed(addresses.reason);
  else readClusters(reading, addresses.value, options);
  if (clusters.status === 'rejected') reading.failed(clusters.reason);
  else if (addresses.status === 'fulfilled') compareClusters(reading, clusters.value);
  return reading.done({ id: options.id, atMs: options.now() });
}

/** Parses both answers. Pure. */
export function toNodesObservation(
  body: unknown,
  clusters: readonly unknown[],
  options: NodesOptions,
): Observation {
  const reading = new Reading(`nodes:${options.projectId}`);
  readClusters(reading, body, options);
  compareClusters(reading, clusters);
  return reading.done(options);
}

/** Every address of an answer, malformed ones left out: for `postern ips`. Pure. */
export function listNodes(body: unknown, projectId: string): readonly Address[] {
  return toNodesObservation(body, [], { projectId, previous: undefined, id: '', atMs: 0 }).addresses;
}

function readClusters(
  reading: Reading,
  body: unknown,
  { projectId, previous }: Pick<NodesOptions, 'projectId' | 'previous'>,
): void {
  const services = isObject(body) ? fieldOf(body, 'services') : undefined;
  const clusters = isObject(services) ? fieldOf(services, 'clusters') : undefined;
  if (!Array.isArray(clusters)) {
    reading.fault(
      'missing-section',
      'services.clusters',
      `expected a list of clusters, got ${kindOf(clusters)}.`,
    );
    return;
  }
  for (const [index, cluster] of clusters.entries()) {
    readCluster(reading, cluster, `services.clusters[${index}]`, projectId);
  }
  const before = Object.values(previous?.sections ?? {}).reduce((sum, count) => sum + count, 0);
  const now = reading.sections.reduce((sum, section) => sum + reading.countOf(section), 0);
  if (now === 0 && before > 0) {
    reading.fault(
      'emptied-section',
      'services.clusters',
      `no cluster of the project has an address any more; ${before} were listed before. If the project really is empty, take it out of the gate's projects.`,
    );
  }
}

function readCluster(reading: Reading, cluster: unknown, place: string, projectId: string): void {
  const name = isObject(cluster) ? fieldOf(cluster, 'clusterName') : undefined;
  if (!isObject(cluster) || typeof name !== 'string' || name === '') {
    reading.fault('malformed', place, 'expected a cluster with its `clusterName`.');
    return;
  }
  reading.section(name);
  for (const [list, direction, future] of lists) {
    const value = fieldOf(cluster, list);
    // No list of a cluster is required by the API's description; one that is absent has no address.
    if (value === undefined || value === null) continue;
    reading.list(value, `${place}.${list}`, name, { direction, future, projectId, cluster: name }, 'host');
  }
}

/**
 * A cluster that Atlas has and `ipAddresses` lacks, or shows without addresses though it runs, makes the
 * reading incomplete. While it is being created, having none is normal (terraform-provider-mongodbatlas #2533).
 */
function compareClusters(reading: Reading, clusters: readonly unknown[]): void {
  for (const [index, cluster] of clusters.entries()) {
    const name = isObject(cluster) ? fieldOf(cluster, 'name') : undefined;
    if (!isObject(cluster) || typeof name !== 'string') {
      reading.fault('malformed', `clusters.results[${index}]`, 'expected a cluster with its `name`.');
      continue;
    }
    const state = String(fieldOf(cluster, 'stateName') ?? 'unknown');
    if (reading.countOf(name) > 0 || state === 'DELETING' || state === 'DELETED') continue;
    const listed = reading.sections.includes(name);
    if (state === 'CREATING') {
      reading.finding({
        id: 'cluster-being-created',
        severity: 'info',
        message: `Cluster ${name} is being created and has no addresses yet; its nodes cannot reach the key until they are let in.`,
        remedy:
          'Run Postern again, or often, until it is created: provisioning waits up to three days for access.',
      });
    } else if (listed) {
      reading.fault('emptied-section', name, `cluster ${name} is ${state} and has no address.`);
    } else {
      reading.fault(
        'missing-section',
        name,
        `cluster ${name} is ${state}, and the project's addresses do not list it.`,
      );
    }
  }
}
