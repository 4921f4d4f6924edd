/**
 * Azure Resource Manager's vaults, as far as their firewall goes. The rules stand in Microsoft's description of
 * `networkAcls` and in recorded traffic; where nobody has recorded what Azure does, `AzureBehaviour` lets a
 * test have it either way.
 */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, parseCidr, tryParseCidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';
import { ArmError, badRequest } from './arm-error.ts';
import { type AzureBehaviour, defaultBehaviour } from './behaviour.ts';
import { mergeNetworkAcls, type NetworkAcls } from './network-acls.ts';

export { ArmError } from './arm-error.ts';
export { type AzureBehaviour, defaultBehaviour } from './behaviour.ts';
export type { IpRule, NetworkAcls } from './network-acls.ts';

export interface Vault {
  id: string;
  name: string;
  type: string;
  location: string;
  tags: Record<string, string>;
  systemData: Record<string, string>;
  properties: {
    tenantId: string;
    networkAcls?: NetworkAcls;
    publicNetworkAccess?: string;
    [name: string]: unknown;
  };
}

export interface Permission {
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
}

/** What ARM itself decides, whatever a write sends; it answers every vault with these. */
const serverOwned = ['vaultUri', 'provisioningState', 'hsmPoolResourceId', 'privateEndpointConnections'];
const keptByPut = ['networkAcls', 'publicNetworkAccess', 'enableSoftDelete', 'softDeleteRetentionInDays'];

export class AzureModel {
  readonly #clock: Clock;
  readonly #vaults = new Map<string, { versions: { fromMs: number; vault: Vault }[] }>();
  behaviour: AzureBehaviour;
  /** What the caller's role allows. */
  rights = { read: true, write: true };
  /** What it allows beyond them, as `permissions` shows it; a test can have anything shown. */
  roles: readonly Partial<Permission>[] = [{ actions: ['Microsoft.Authorization/permissions/read'] }];
  /** The locks on the vault and above it; undefined where the caller may not read them. */
  locks: readonly { readonly name: string; readonly level: string }[] | undefined;
  /** A lock on the vault, or a policy of the organization, that refuses every write. */
  refusesWrites: 'ScopeLocked' | 'RequestDisallowedByPolicy' | undefined;
  /** How many of the next reads show the version before the newest. */
  staleReads = 0;

  constructor(clock: Clock, behaviour: Partial<AzureBehaviour> = {}) {
    this.#clock = clock;
    this.behaviour = { ...defaultBehaviour, ...behaviour };
  }

  addVault(id: string, acls: NetworkAcls, tenantId: string): void {
    const vault = this.#newVault(id, 'eastus2', tenantId, 'owner@example.com');
    vault.properties.networkAcls = structuredClone(acls);
    this.#vaults.set(id.toLowerCase(), { versions: [{ fromMs: Number.NEGATIVE_INFINITY, vault }] });
  }

  get vaultIds(): readonly string[] {
    return [...this.#vaults.values()].map(({ versions }) => versions.at(-1)!.vault.id);
  }

  /** The vault as it is stored, whatever a read shows; not to be changed. Throws an ArmError. */
  newest(id: string): Readonly<Vault> {
    return this.#find(id).versions.at(-1)!.vault;
  }

  /** The vault as ARM shows it. Throws an ArmError. */
  get(id: string): Vault {
    if (!this.rights.read) throw this.#forbidden(id, 'read');
    const { versions } = this.#find(id);
    const isStale = this.staleReads > 0 && versions.length > 1;
    if (isStale) this.staleReads--;
    const shown = structuredClone(versions.at(isStale ? -2 : -1)!.vault);
    const acls: Partial<NetworkAcls> | undefined = shown.properties.networkAcls;
    if (acls?.ipRules?.length === 0 && this.behaviour.emptyIpRules === 'omitted') delete acls.ipRules;
    return shown;
  }

  /** Changes what `body` names and leaves the rest: VaultPatchParameters. Throws an ArmError. */
  patch(id: string, body: unknown, by: string): Vault {
    this.#refuseWrite(id, by);
    const next = structuredClone(this.#find(id).versions.at(-1)!.vault);
    const { tags, properties = {} } = objectOf('', body) as Record<string, any>;
    const { networkAcls, ...others } = objectOf('properties', properties) as Record<string, any>;
    if (tags) next.tags = tags;
    for (const [name, value] of Object.entries(others)) {
      if (!serverOwned.includes(name) && value != null) next.properties[name] = value;
    }
    this.#setAcls(next, networkAcls);
    return this.#store(id, next, by);
  }

  /**
   * Makes or replaces the vault: VaultCreateOrUpdateParameters. Omitted networkAcls stay as they are, as in
   * Azure. Throws an ArmError.
   */
  put(id: string, body: unknown, by: string): Vault {
    this.#refuseWrite(id, by);
    const { location, tags, properties } = objectOf('', body) as Record<string, any>;
    if (typeof location !== 'string') {
      throw new ArmError(400, 'LocationRequired', 'The location property is required for this definition.');
    }
    const { networkAcls, ...others } = objectOf('properties', properties) as Record<string, any>;
    for (const name of ['tenantId', 'sku']) {
      if (others[name] == null) throw badRequest(`The parameter ${name} is not specified.`);
    }
    const old = this.#vaults.get(id.toLowerCase())?.versions.at(-1)?.vault;
    if (old && old.location !== location) {
      throw new ArmError(
        409,
        'InvalidResourceLocation',
        `The resource '${old.name}' already exists in location '${old.location}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`,
      );
    }
    const next = old ? structuredClone(old) : this.#newVault(id, location, others.tenantId, by);
    next.tags = tags ?? {};
    for (const name of Object.keys(next.properties)) {
      if (![...serverOwned, ...keptByPut].includes(name)) delete next.properties[name];
    }
    for (const [name, value] of Object.entries(others)) {
      if (!serverOwned.includes(name) && value != null) next.properties[name] = value;
    }
    this.#setAcls(next, networkAcls);
    if (!old)
      this.#vaults.set(id.toLowerCase(), { versions: [{ fromMs: Number.NEGATIVE_INFINITY, vault: next }] });
    return this.#store(id, next, by);
  }

  /** Someone else changes the vault, in the portal say. */
  edit(id: string, by: string, change: (vault: Vault) => void): void {
    const next = structuredClone(this.#find(id).versions.at(-1)!.vault);
    change(next);
    this.#store(id, next, by);
  }

  /** What the caller may do: Microsoft.Authorization/permissions. Throws an ArmError. */
  permissions(id: string): readonly Permission[] {
    this.#find(id);
    const rights = (['read', 'write'] as const)
      .filter(right => this.rights[right])
      .map(right => `Microsoft.KeyVault/vaults/${right}`);
    const none = { actions: [], notActions: [], dataActions: [], notDataActions: [] };
    return [{ actions: rights }, ...this.roles].map(role => ({ ...none, ...role }));
  }

  /** Microsoft.Authorization/locks. Throws an ArmError. */
  locksOf(id: string): readonly object[] {
    this.#find(id);
    if (!this.locks) {
      throw new ArmError(
        403,
        'AuthorizationFailed',
        `The client 'postern' does not have authorization to perform action 'Microsoft.Authorization/locks/read' over scope '${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      );
    }
    return this.locks.map(({ name, level }) => ({
      id: `${id}/providers/Microsoft.Authorization/locks/${name}`,
      type: 'Microsoft.Authorization/locks',
      name,
      properties: { level },
    }));
  }

  /** Whether the vault's data plane answers a call from this address or whole block, by what is in force now. */
  letsIn(id: string, address: string): boolean {
    const { versions } = this.#find(id);
    const nowMs = this.#clock.now();
    const newest = versions.findLastIndex(({ fromMs }) => fromMs <= nowMs);
    const asked = parseCidr(address, { bare: 'host' });
    const judges = this.behaviour.removals === 'at-once' ? versions.slice(newest) : [versions[newest]!];
    return judges.every(({ vault }) => lets(vault, asked));
  }

  #store(id: string, next: Vault, by: string): Vault {
    const { versions } = this.#find(id);
    const nowMs = this.#clock.now();
    // Two writes in one millisecond still differ, as they do in Azure.
    const before = Date.parse(versions.at(-1)!.vault.systemData.lastModifiedAt!);
    const at = new Date(Math.max(nowMs, before + 1)).toISOString();
    Object.assign(next.systemData, {
      lastModifiedBy: by,
      lastModifiedByType: 'Application',
      lastModifiedAt: at,
    });
    versions.push({ fromMs: nowMs + this.behaviour.propagationMs, vault: next });
    return structuredClone(next);
  }

  #setAcls(vault: Vault, given: unknown): void {
    if (given == null) return;
    const { networkAcls } = vault.properties;
    vault.properties.networkAcls = mergeNetworkAcls(
      this.behaviour,
      networkAcls,
      objectOf('properties.networkAcls', given),
    );
  }

  #newVault(id: string, location: string, tenantId: string, by: string): Vault {
    const at = new Date(this.#clock.now()).toISOString();
    const [, , , , resourceGroup, , , , name] = id.split('/');
    if (!resourceGroup || !name) throw new Error(`not a vault's id: ${id}`);
    return {
      id,
      name,
      type: 'Microsoft.KeyVault/vaults',
      location,
      tags: {},
      systemData: {
        createdBy: by,
        createdByType: 'User',
        createdAt: at,
        lastModifiedBy: by,
        lastModifiedByType: 'User',
        lastModifiedAt: at,
      },
      properties: {
        sku: { family: 'A', name: 'premium' },
        tenantId,
        accessPolicies: [],
        enabledForDeployment: false,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        enableRbacAuthorization: true,
        vaultUri: `https://${name}.vault.azure.net/`,
        provisioningState: 'Succeeded',
        publicNetworkAccess: 'Enabled',
      },
    };
  }

  #find(id: string) {
    const known = this.#vaults.get(id.toLowerCase());
    if (known) return known;
    const [, , , , resourceGroup, , , , name] = id.split('/');
    throw new ArmError(
      404,
      'ResourceNotFound',
      `The Resource 'Microsoft.KeyVault/vaults/${name}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    );
  }

  #refuseWrite(id: string, by: string): void {
    if (!this.rights.write) throw this.#forbidden(id, 'write');
    if (this.refusesWrites === 'ScopeLocked') {
      throw new ArmError(
        409,
        'ScopeLocked',
        `The scope '${id}' cannot perform write operation because following scope(s) are locked: '${id}'. Please remove the lock and try again.`,
      );
    }
    if (this.refusesWrites === 'RequestDisallowedByPolicy') {
      throw new ArmError(
        403,
        'RequestDisallowedByPolicy',
        `Resource '${id.split('/').at(-1)}' was disallowed by policy. The request was made by ${by}.`,
      );
    }
  }

  #forbidden(id: string, right: string): ArmError {
    return new ArmError(
      403,
      'AuthorizationFailed',
      `The client 'postern' does not have authorization to perform action 'Microsoft.KeyVault/vaults/${right}' over scope '${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }
}

/** A stored version never changes; Atlas asks about hundreds of addresses each time. */
const listedOf = new WeakMap<NetworkAcls, AddressSet>();

function lets({ properties }: Vault, asked: Cidr): boolean {
  const { publicNetworkAccess, networkAcls } = properties;
  if (publicNetworkAccess === 'Disabled' || publicNetworkAccess === 'SecuredByPerimeter') return false;
  if (!networkAcls || networkAcls.defaultAction === 'Allow') return true;
  let listed = listedOf.get(networkAcls);
  if (!listed) {
    const rules = networkAcls.ipRules.flatMap(({ value }) => {
      const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
      return parsed.ok ? [parsed.cidr] : [];
    });
    listed = AddressSet.of(rules);
    listedOf.set(networkAcls, listed);
  }
  return listed.covers(asked);
}

function objectOf(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as any;
  throw badRequest(`Invalid value found at ${place || 'the body'}: an object is expected.`);
}
