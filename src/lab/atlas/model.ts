/**
 * Atlas, as far as keys and addresses go: the control plane, projects with clusters, customer keys. What Atlas
 * lists and what it calls from are kept apart, since it lists addresses ahead of using them; `valid` is found
 * by asking the KMS's own model whether every address in use is let in.
 */
import { readFileSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { LabAlerts } from './alerts.ts';
import { LabEvents } from './events.ts';

export type Regions = Record<string, string[]>;
export type ControlPlane = Record<'inbound' | 'outbound', Record<string, Regions>>;

export type ClusterStateName = 'CREATING' | 'IDLE' | 'UPDATING' | 'DELETING' | 'REPAIRING';

export interface LabCluster {
  readonly id: string;
  readonly name: string;
  readonly clusterType: 'REPLICASET' | 'SHARDED';
  stateName: ClusterStateName;
  /** Listed and in use. */
  nodes: string[];
  /** Listed as future, not in use. */
  future: string[];
  /** Listed as outbound only: what Atlas calls the KMS from need not be what drivers connect to. */
  outboundOnly: string[];
  /** In use and not listed any more: nodes that call the KMS from where Atlas no longer says. */
  unlisted?: string[];
  /** Where it is not that of the project's key: what Atlas says the cluster is encrypted with. */
  keyProvider?: 'NONE' | 'AWS' | 'AZURE' | 'GCP';
  /** Where its nodes run; default AWS alone. */
  clouds?: readonly ('AWS' | 'AZURE' | 'GCP')[];
}

export interface LabProject {
  readonly id: string;
  readonly name: string;
  readonly organizationId: string;
  readonly created: string;
  readonly clusters: LabCluster[];
  /** Where the project's key is; undefined while the project uses no customer key. */
  key: LabKey | undefined;
  /** The key itself is switched off: `valid` is false whatever the network lets in. */
  keyDisabled: boolean;
  /** Atlas reaches the key by private endpoints only. */
  requirePrivateNetworking?: boolean;
  enabledForSearchNodes?: boolean;
  /** The alert on a KMS that refuses Atlas's addresses; default on, as in new projects. */
  networkDeniedAlert?: 'on' | 'off' | 'missing';
}

/** What Atlas is told of a customer's key, for each cloud. */
export type LabKey =
  | { readonly cloud: 'azure'; readonly vaultId: string }
  | {
      readonly cloud: 'aws';
      readonly keyArn: string;
      /** The role that Atlas assumes, and Atlas's own id for it. */
      readonly roleArn: string;
      readonly roleId: string;
    }
  | {
      readonly cloud: 'gcp';
      /** `projects/…/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/…` */
      readonly keyVersion: string;
      /** The service account that Atlas calls as. */
      readonly serviceAccount: string;
    };

export interface AtlasModelOptions {
  readonly clock: Clock;
  /** Whether the key's KMS answers Atlas when it calls from an address, or a whole block, now. */
  letsIn(key: LabKey, address: string): boolean;
  readonly tenantId: string;
}

/** Nodes get addresses from a block that MongoDB does not use; what counts is that they are public. */
const firstNode = 0x2c_40_00_05; // 44.64.0.5

export class AtlasModel {
  readonly #options: AtlasModelOptions;
  readonly projects = new Map<string, LabProject>();
  controlPlane: ControlPlane = JSON.parse(readFileSync(dataFile(), 'utf8'));
  /** Announced: listed, and not called from yet. */
  readonly announced = new Set<string>();
  /** Called from, though it is not listed (any more). */
  readonly unlisted = new Set<string>();
  /** Groups of addresses beside the control plane's own, as the API has them since August 2026. */
  gateways: { name: string; ips: ControlPlane }[] | undefined;
  readonly events: LabEvents;
  readonly alerts: LabAlerts;
  /** Whether `valid` speaks of the control plane's calls alone, or of those of the nodes too; no source tells. */
  validSees: 'all' | 'control-plane' = 'all';
  /** What the last validation of each project's key found, since only changes are events. */
  readonly #wasValid = new Map<string, boolean>();
  /** When every version of the API that is asked for ends, in epoch milliseconds; told in headers. */
  sunset: number | undefined;
  /** When the secret of the service account ends, in epoch milliseconds. */
  secretExpiresAtMs: number | undefined;
  #nextNode = firstNode;
  #nextId = 1;

  constructor(options: AtlasModelOptions) {
    this.#options = options;
    this.events = new LabEvents(options.clock);
    this.alerts = new LabAlerts(options.clock);
  }

  addProject(name: string, organizationId: string, key?: LabKey): LabProject {
    const created = new Date(this.#options.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const project = {
      id: this.#id(),
      name,
      organizationId,
      created,
      clusters: [],
      key,
      keyDisabled: false,
    };
    this.projects.set(project.id, project);
    return project;
  }

  /** A new cluster has no addresses until it is provisioned. */
  createCluster(
    projectId: string,
    name: string,
    clusterType: LabCluster['clusterType'] = 'REPLICASET',
  ): LabCluster {
    const cluster: LabCluster = {
      id: this.#id(),
      name,
      clusterType,
      stateName: 'CREATING',
      nodes: [],
      future: [],
      outboundOnly: [],
    };
    this.project(projectId).clusters.push(cluster);
    this.#emit(cluster, 'CLUSTER_CREATED');
    return cluster;
  }

  /** Gives the cluster its nodes' addresses; they are listed before the nodes come up. */
  provision(cluster: LabCluster, nodeCount: number): void {
    cluster.nodes = this.#newNodes(nodeCount);
  }

  finishCreating(cluster: LabCluster): void {
    cluster.stateName = 'IDLE';
    this.#emit(cluster, 'CLUSTER_READY');
  }

  /** Announces other addresses for the cluster's nodes; `finishMove` has them used and drops the old ones. */
  announceMove(cluster: LabCluster): void {
    cluster.stateName = 'UPDATING';
    cluster.future = this.#newNodes(cluster.nodes.length);
    this.#emit(cluster, 'CLUSTER_IP_MIGRATED_FIRST_ROUND');
  }

  finishMove(cluster: LabCluster): void {
    cluster.nodes = cluster.future;
    cluster.future = [];
    cluster.stateName = 'IDLE';
    this.#emit(cluster, 'CLUSTER_IP_MIGRATED_FINAL_ROUND');
  }

  /** Announces more nodes beside those that stay; `finishScaling` has them used. */
  announceScaling(cluster: LabCluster, nodeCount: number): void {
    cluster.stateName = 'UPDATING';
    cluster.future = this.#newNodes(nodeCount);
    this.#emit(cluster, 'CLUSTER_UPDATE_STARTED');
  }

  finishScaling(cluster: LabCluster): void {
    cluster.nodes = [...cluster.nodes, ...cluster.future];
    cluster.future = [];
    cluster.stateName = 'IDLE';
    this.#emit(cluster, 'CLUSTER_UPDATE_COMPLETED');
  }

  /** The cluster is on its way out: still listed, still calling its KMS, until `deleteCluster`. */
  beginDeleting(cluster: LabCluster): void {
    cluster.stateName = 'DELETING';
  }

  deleteCluster(projectId: string, name: string): void {
    const { clusters } = this.project(projectId);
    if (clusters.some(cluster => cluster.name === name)) this.events.emit(projectId, 'CLUSTER_DELETED', name);
    clusters.splice(0, clusters.length, ...clusters.filter(cluster => cluster.name !== name));
  }

  /** Lists new addresses; they are called from at once unless `announced`. */
  addControlPlane(cloud: string, region: string, cidrs: readonly string[], { announced = false } = {}): void {
    this.controlPlane.outbound[cloud] ??= {};
    const regions = this.controlPlane.outbound[cloud];
    regions[region] = [...(regions[region] ?? []), ...cidrs];
    for (const cidr of cidrs) {
      if (announced) this.announced.add(cidr);
      else this.announced.delete(cidr);
    }
  }

  /** Begins to call from addresses that were announced. */
  use(cidrs: readonly string[]): void {
    for (const cidr of cidrs) this.announced.delete(cidr);
  }

  removeControlPlane(cidrs: readonly string[]): void {
    for (const regions of Object.values(this.controlPlane.outbound)) {
      for (const region of Object.keys(regions)) {
        regions[region] = regions[region]!.filter(cidr => !cidrs.includes(cidr));
      }
    }
  }

  /** Every address that Atlas really calls the project's KMS from at present: bare, or a block where it is one. */
  addressesInUse(projectId: string): readonly string[] {
    const { clusters } = this.project(projectId);
    return [
      ...this.#controlPlaneInUse(),
      ...clusters.flatMap(({ nodes, outboundOnly, unlisted = [] }) => [
        ...nodes,
        ...outboundOnly,
        ...unlisted,
      ]),
    ];
  }

  #controlPlaneInUse(): readonly string[] {
    return Object.values(this.controlPlane.outbound)
      .flatMap(regions => Object.values(regions).flat())
      .filter(cidr => !this.announced.has(cidr))
      .concat(...this.unlisted)
      .map(cidr => cidr.replace(/\/32$/, ''));
  }

  /** Those of them that the KMS does not let in. */
  lockedOut(projectId: string): readonly string[] {
    return this.#refusedOf(projectId, this.addressesInUse(projectId));
  }

  #refusedOf(projectId: string, addresses: readonly string[]): readonly string[] {
    const { key } = this.project(projectId);
    if (key === undefined) return [];
    return addresses.filter(address => !this.#options.letsIn(key, address));
  }

  isKeyValid(projectId: string): boolean {
    if (this.project(projectId).keyDisabled) return false;
    if (this.validSees === 'all') return this.lockedOut(projectId).length === 0;
    return this.#refusedOf(projectId, this.#controlPlaneInUse()).length === 0;
  }

  /** A node that its KMS refuses is an alert, where the project has one for it. */
  #lookForAlerts(projectId: string): void {
    const { networkDeniedAlert = 'on' } = this.project(projectId);
    const isDenied = networkDeniedAlert === 'on' && this.lockedOut(projectId).length > 0;
    this.alerts.look(projectId, 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED', isDenied);
  }

  alertsOf(projectId: string, query: URLSearchParams): readonly unknown[] {
    this.#lookForAlerts(projectId);
    return this.alerts.answer(projectId, query);
  }

  ipAddresses(projectId: string): unknown {
    return {
      groupId: projectId,
      services: {
        clusters: this.project(projectId).clusters.map(({ name, nodes, future, outboundOnly }) => ({
          clusterName: name,
          inbound: nodes,
          outbound: [...nodes, ...outboundOnly],
          futureInbound: future,
          futureOutbound: future,
        })),
      },
    };
  }

  /** What Atlas does every 15 minutes and at each GET encryptionAtRest: a change of what it finds is an event. */
  validateKey(projectId: string): boolean {
    const { key } = this.project(projectId);
    if (key === undefined) return false;
    const isValid = this.isKeyValid(projectId);
    const wasValid = this.#wasValid.get(projectId) ?? true;
    this.#wasValid.set(projectId, isValid);
    this.#lookForAlerts(projectId);
    const isDenied = this.lockedOut(projectId).length > 0;
    if (wasValid && !isValid) {
      this.events.emit(
        projectId,
        isDenied
          ? 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED'
          : `${key.cloud.toUpperCase()}_ENCRYPTION_KEY_INVALID`,
      );
    }
    if (!wasValid && isValid) this.events.emit(projectId, 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_RESTORED');
    return isValid;
  }

  encryptionAtRest(projectId: string): unknown {
    const { key, requirePrivateNetworking = false, enabledForSearchNodes = false } = this.project(projectId);
    const answer = {
      awsKms: { enabled: false, valid: false } as object,
      azureKeyVault: { enabled: false, valid: false } as object,
      googleCloudKms: { enabled: false, valid: false } as object,
      enabledForSearchNodes,
    };
    const state = { enabled: true, valid: this.validateKey(projectId) };
    switch (key?.cloud) {
      case 'aws':
        return {
          ...answer,
          awsKms: {
            ...state,
            customerMasterKeyID: key.keyArn,
            region: key.keyArn.split(':')[3]!.toUpperCase().replaceAll('-', '_'),
            roleId: key.roleId,
            requirePrivateNetworking,
          },
        };
      case 'azure': {
        const [, , subscriptionID, , resourceGroupName, , , , keyVaultName] = key.vaultId.split('/');
        return {
          ...answer,
          azureKeyVault: {
            ...state,
            azureEnvironment: 'AZURE',
            clientID: '11111111-2222-3333-4444-555555555555',
            tenantID: this.#options.tenantId,
            subscriptionID,
            resourceGroupName,
            keyVaultName,
            keyIdentifier: `https://${keyVaultName}.vault.azure.net/keys/atlas/0123456789abcdef0123456789abcdef`,
            requirePrivateNetworking,
          },
        };
      }
      case 'gcp':
        return { ...answer, googleCloudKms: { ...state, keyVersionResourceID: key.keyVersion } };
      default:
        return answer;
    }
  }

  clusters(projectId: string): readonly unknown[] {
    const { key, clusters } = this.project(projectId);
    return clusters.map(({ id, name, clusterType, stateName, keyProvider, clouds = ['AWS'] }) => ({
      id,
      name,
      groupId: projectId,
      clusterType,
      stateName,
      paused: false,
      encryptionAtRestProvider: keyProvider ?? key?.cloud.toUpperCase() ?? 'NONE',
      replicationSpecs: [
        {
          regionConfigs: clouds.map(providerName => ({ providerName, regionName: 'US_EAST_1', priority: 7 })),
        },
      ],
      // Live answers hold fields that no description has.
      effectiveDatabaseEdition: 'CORE',
    }));
  }

  /** One alert that every project has, and the one that matters to a key. */
  alertConfigs(projectId: string): readonly unknown[] {
    const { created, networkDeniedAlert = 'on' } = this.project(projectId);
    const config = (id: string, eventTypeName: string, enabled: boolean) => ({
      created,
      enabled,
      eventTypeName,
      groupId: projectId,
      id,
      links: [],
      matchers: [],
      notifications: [
        {
          delayMin: 0,
          emailEnabled: true,
          intervalMin: 60,
          notifierId: '63698b66955c5b772dcf27d9',
          roles: ['GROUP_OWNER'],
          smsEnabled: false,
          typeName: 'GROUP',
        },
      ],
      updated: created,
    });
    return [
      config('5efda6aea3f2ed2e7dd6ce07', 'NO_PRIMARY', true),
      ...(networkDeniedAlert === 'missing'
        ? []
        : [
            config(
              '5efda6aea3f2ed2e7dd6ce08',
              'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
              networkDeniedAlert === 'on',
            ),
          ]),
    ];
  }

  /** Who Atlas is in the project's clouds. */
  cloudProviderAccess(projectId: string): unknown {
    const { key, created } = this.project(projectId);
    const featureUsages = [{ featureType: 'ENCRYPTION_AT_REST', featureId: projectId }];
    return {
      awsIamRoles:
        key?.cloud === 'aws'
          ? [
              {
                atlasAWSAccountArn: 'arn:aws:iam::536727724300:root',
                atlasAssumedRoleExternalId: '5c1d2b8e-7a64-4a0e-9f5b-000000000001',
                authorizedDate: created,
                createdDate: created,
                featureUsages,
                iamAssumedRoleArn: key.roleArn,
                providerName: 'AWS',
                roleId: key.roleId,
              },
            ]
          : [],
      azureServicePrincipals: [],
      gcpServiceAccounts:
        key?.cloud === 'gcp'
          ? [
              {
                createdDate: created,
                featureUsages,
                gcpServiceAccountForAtlas: key.serviceAccount,
                providerName: 'GCP',
                roleId: '6a793f60c0eb9e7a17714d01',
                status: 'COMPLETE',
              },
            ]
          : [],
    };
  }

  serviceAccount(): unknown {
    return {
      clientId: 'mdb_sa_id_lab',
      name: 'lab',
      secrets:
        this.secretExpiresAtMs === undefined
          ? []
          : [{ id: '6a793f60c0eb9e7a17714e01', expiresAt: new Date(this.secretExpiresAtMs).toISOString() }],
    };
  }

  /** Throws when there is no such project; the server answers 404 before it comes to that. */
  project(projectId: string): LabProject {
    const project = this.projects.get(projectId);
    if (!project) throw new Error(`no project ${projectId}`);
    return project;
  }

  #emit(cluster: LabCluster, type: string): void {
    const project = [...this.projects.values()].find(({ clusters }) => clusters.includes(cluster));
    if (project) this.events.emit(project.id, type, cluster.name);
  }

  #newNodes(count: number): string[] {
    return Array.from({ length: count }, () => {
      // Not adjacent, as real nodes are not.
      this.#nextNode += 7;
      const node = this.#nextNode;
      return [node >>> 24, (node >>> 16) & 255, (node >>> 8) & 255, node & 255].join('.');
    });
  }

  #id(): string {
    return (this.#nextId++).toString(16).padStart(24, '6a793f60c0eb9e7a17714c00');
  }
}

function dataFile(): URL {
  return new URL('./control-plane-2026.json', import.meta.url);
}
