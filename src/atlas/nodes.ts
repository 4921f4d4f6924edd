/**
 * The nodes' addresses of one project: GET groups/{id}/ipAddresses, checked against GET groups/{id}/clusters.
 * All four lists of a cluster are wanted, config servers included (Atlas docs, "configure AWS KMS / Azure Key
 * Vault over public network"). They arrive as bare addresses.
 */
import type { Address, Direction } from '../address/address.ts';
import { type AtlasClient, apiVersions } from './client.ts';
import type { Observation, PreviousObservation } from './observation.ts';
import { fieldOf, isObject, kindOf, Reading, type ReadingOptions, shorten } from './reading.ts';

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
  const path = `/api/atlas/v2/groups/${encodeURIComponent(projectId)}`;
  const reading = new Reading(`nodes:${projectId}`);
  const onOtherTime = (error: unknown) => reading.failed(error);
  const [addresses, clusters] = await Promise.allSettled([
    client.get(`${path}/ipAddresses`, apiVersions.ipAddresses, { onOtherTime }),
    client.getAll(`${path}/clusters`, apiVersions.clusters, {}, { onOtherTime }),
  ]);
  const calling =
    addresses.status === 'fulfilled' ? readClusters(reading, addresses.value, options) : new Set<string>();
  if (addresses.status === 'rejected') reading.failed(addresses.reason);
  if (clusters.status === 'rejected') reading.failed(clusters.reason);
  else if (addresses.status === 'fulfilled') compareClusters(reading, clusters.value, calling, options);
  return reading.done({ id: options.id, atMs: options.now() });
}

/** Parses both answers. Pure. */
export function toNodesObservation(
  body: unknown,
  clusters: readonly unknown[],
  options: NodesOptions,
): Observation {
  const reading = new Reading(`nodes:${options.projectId}`);
  const calling = readClusters(reading, body, options);
  compareClusters(reading, clusters, calling, options);
  return reading.done(options);
}

/** Every address of an answer, malformed ones left out: for `postern ips`. Pure. */
export function listNodes(body: unknown, projectId: string): readonly Address[] {
  return toNodesObservation(body, [], { projectId, previous: undefined, id: '', atMs: 0 }).addresses;
}

/** @returns the names of the clusters that list an address to call from */
function readClusters(
  reading: Reading,
  body: unknown,
  { projectId, previous }: Pick<NodesOptions, 'projectId' | 'previous'>,
): ReadonlySet<string> {
  const calling = new Set<string>();
  if (!isObject(body)) {
    reading.fault('malformed', '$', `expected an object, got ${kindOf(body)}.`);
    return calling;
  }
  const groupId = fieldOf(body, 'groupId');
  if (typeof groupId === 'string' && groupId.toLowerCase() !== projectId.toLowerCase()) {
    reading.fault('malformed', 'groupId', 'the answer is that of another project; nothing of it is read.');
    return calling;
  }
  const services = fieldOf(body, 'services');
  const clusters = isObject(services) ? fieldOf(services, 'clusters') : undefined;
  if (!Array.isArray(clusters)) {
    reading.fault(
      clusters === undefined ? 'missing-section' : 'malformed',
      'services.clusters',
      `expected a list of clusters, got ${kindOf(clusters)}.`,
    );
    return calling;
  }
  for (const [index, cluster] of clusters.entries()) {
    const name = readCluster(reading, cluster, `services.clusters[${index}]`, projectId);
    if (name !== undefined) calling.add(name);
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
  return calling;
}

/** @returns the cluster's name if it lists an address to call from */
function readCluster(
  reading: Reading,
  cluster: unknown,
  place: string,
  projectId: string,
): string | undefined {
  const name = isObject(cluster) ? fieldOf(cluster, 'clusterName') : undefined;
  if (!isObject(cluster) || typeof name !== 'string' || name === '') {
    reading.fault('malformed', place, 'expected a cluster with its `clusterName`.');
    return undefined;
  }
  reading.section(name);
  for (const [list, direction, future] of lists) {
    const value = fieldOf(cluster, list);
    // The lists of the future came later than the others, and documented answers lack them.
    if ((value === undefined || value === null) && future) continue;
    if (value === undefined || value === null) {
      reading.fault('missing-section', `${place}.${list}`, `cluster ${shorten(name)} lists no ${list}.`);
      continue;
    }
    if (future && Array.isArray(value) && value.length > 0) reading.changing(name);
    reading.list(value, `${place}.${list}`, name, { direction, future, projectId, cluster: name }, 'host');
  }
  const outbound = fieldOf(cluster, 'outbound');
  return Array.isArray(outbound) && outbound.length > 0 ? name : undefined;
}

/**
 * A cluster that Atlas has and `ipAddresses` lacks, or shows without addresses though it runs, makes the
 * reading incomplete. While it is being created, having none is normal (terraform-provider-mongodbatlas #2533),
 * unless it had some before. `calling` are those that list an address to call from: a KMS must let that in.
 */
function compareClusters(
  reading: Reading,
  clusters: readonly unknown[],
  calling: ReadonlySet<string>,
  { previous }: Pick<NodesOptions, 'previous'>,
): void {
  const listed = new Set(reading.sections);
  for (const [index, cluster] of clusters.entries()) {
    const name = isObject(cluster) ? fieldOf(cluster, 'name') : undefined;
    if (!isObject(cluster) || typeof name !== 'string') {
      reading.fault('malformed', `clusters.results[${index}]`, 'expected a cluster with its `name`.');
      continue;
    }
    const stateName = fieldOf(cluster, 'stateName');
    const state = typeof stateName === 'string' ? shorten(stateName) : 'in an unknown state';
    if (state === 'CREATING' || state === 'UPDATING' || state === 'REPAIRING') reading.changing(name);
    if (calling.has(name) || state === 'DELETING' || state === 'DELETED') continue;
    const before = fieldOf(previous?.sections ?? {}, name);
    const who = `cluster ${shorten(name)} is ${state}`;
    if (state === 'CREATING' && reading.countOf(name) === 0 && !before) {
      reading.finding({
        id: 'cluster-being-created',
        severity: 'info',
        message: `Cluster ${shorten(name)} is being created and has no addresses yet; its nodes cannot reach the key until they are let in.`,
        remedy:
          'Run Postern again, or often, until it is created: provisioning waits up to three days for access.',
      });
    } else if (listed.has(name)) {
      reading.fault('emptied-section', name, `${who} and lists no address that it calls from.`);
    } else {
      reading.fault('missing-section', name, `${who}, and the project's addresses do not list it.`);
    }
  }
}
