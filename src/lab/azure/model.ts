/**
 * Azure Resource Manager's vaults, as far as their firewall goes. The rules stand in Microsoft's description of
 * `networkAcls` and in recorded traffic; where nobody has recorded what Azure does, `AzureBehaviour` lets a
 * test have it either way.
 */
import { isIPv4 } from 'node:net';
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, parseCidr, tryParseCidr } from '../../address/cidr.ts';
import type { Clock } from '../../clock.ts';

export interface AzureBehaviour {
  /** An ipRule such as 52.0.0.1/24: not documented. */
  readonly hostBits: 'refuse' | 'mask' | 'keep';
  readonly duplicates: 'keep' | 'dedupe' | 'refuse';
  /** Whether a PATCH whose networkAcls lacks virtualNetworkRules keeps or clears them: not documented. */
  readonly omittedVirtualNetworkRules: 'keep' | 'clear';
  readonly ruleOrder: 'preserved' | 'sorted';
  /** How long a change takes to be in force: 2 to 15 minutes have been reported. */
  readonly propagationMs: number;
}

export const defaultBehaviour: AzureBehaviour = {
  hostBits: 'refuse',
  duplicates: 'keep',
  omittedVirtualNetworkRules: 'keep',
  ruleOrder: 'preserved',
  propagationMs: 2 * 60_000,
};

export interface IpRule {
  value: string;
}
export interface NetworkAcls {
  bypass: 'AzureServices' | 'None';
  defaultAction: 'Allow' | 'Deny';
  ipRules: IpRule[];
  virtualNetworkRules: { id: string; ignoreMissingVnetServiceEndpoint?: boolean }[];
}

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

/** An answer of ARM that is an error. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const maxIpRules = 1_000;
const maxVirtualNetworkRules = 200;
const privateRanges = [
  ['10.0.0.0/8', '10.0.0.0–10.255.255.255'],
  ['172.16.0.0/12', '172.16.0.0–172.31.255.255'],
  ['192.168.0.0/16', '192.168.0.0-192.168.255.255'],
] as const;

export class AzureModel {
  readonly #clock: Clock;
  readonly #vaults = new Map<string, { versions: { fromMs: number; vault: Vault }[] }>();
  behaviour: AzureBehaviour;
  /** What the caller's role allows. */
  rights = { read: true, write: true };
  /** How many of the next reads show the version before the newest. */
  staleReads = 0;

  constructor(clock: Clock, behaviour: Partial<AzureBehaviour> = {}) {
    this.#clock = clock;
    this.behaviour = { ...defaultBehaviour, ...behaviour };
  }

  addVault(id: string, acls: NetworkAcls, tenantId: string): void {
    const at = new Date(this.#clock.now()).toISOString();
    const [, , , , resourceGroup, , , , name] = id.split('/');
    if (!resourceGroup || !name) throw new Error(`not a vault's id: ${id}`);
    const vault: Vault = {
      id,
      name,
      type: 'Microsoft.KeyVault/vaults',
      location: 'eastus2',
      tags: {},
      systemData: {
        createdBy: 'owner@example.com',
        createdByType: 'User',
        createdAt: at,
        lastModifiedBy: 'owner@example.com',
        lastModifiedByType: 'User',
        lastModifiedAt: at,
      },
      properties: {
        sku: { family: 'A', name: 'premium' },
        tenantId,
        networkAcls: acls,
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
    this.#vaults.set(id.toLowerCase(), { versions: [{ fromMs: Number.NEGATIVE_INFINITY, vault }] });
  }

  get vaultIds(): readonly string[] {
    return [...this.#vaults.values()].map(({ versions }) => versions.at(-1)!.vault.id);
  }

  /** The vault as ARM shows it. Throws an ArmError. */
  get(id: string): Vault {
    if (!this.rights.read) throw this.#forbidden(id, 'read');
    const { versions } = this.#find(id);
    if (this.staleReads > 0 && versions.length > 1) {
      this.staleReads--;
      return structuredClone(versions.at(-2)!.vault);
    }
    return structuredClone(versions.at(-1)!.vault);
  }

  /** Changes what `body` names and leaves the rest: VaultPatchParameters. Throws an ArmError. */
  patch(id: string, body: any, by: string): Vault {
    if (!this.rights.write) throw this.#forbidden(id, 'write');
    const next = structuredClone(this.#find(id).versions.at(-1)!.vault);
    const { networkAcls, ...properties } = body?.properties ?? {};
    if (body?.tags) next.tags = body.tags;
    Object.assign(next.properties, properties);
    if (networkAcls) next.properties.networkAcls = this.#mergeAcls(next.properties.networkAcls, networkAcls);
    return this.#store(id, next, by);
  }

  /** Replaces the vault: VaultCreateOrUpdateParameters. Omitted networkAcls stay as they are, as in Azure. */
  put(id: string, body: any, by: string): Vault {
    if (!this.rights.write) throw this.#forbidden(id, 'write');
    const next = structuredClone(this.#find(id).versions.at(-1)!.vault);
    const { networkAcls, ...properties } = body?.properties ?? {};
    next.tags = body?.tags ?? {};
    next.properties = {
      ...properties,
      ...(next.properties.networkAcls && { networkAcls: next.properties.networkAcls }),
    };
    if (networkAcls) next.properties.networkAcls = this.#mergeAcls(next.properties.networkAcls, networkAcls);
    return this.#store(id, next, by);
  }

  /** Someone else changes the vault, in the portal say. */
  edit(id: string, by: string, change: (vault: Vault) => void): void {
    const next = structuredClone(this.#find(id).versions.at(-1)!.vault);
    change(next);
    this.#store(id, next, by);
  }

  /** Whether the vault's data plane answers a call from this address, by what is in force by now. */
  letsIn(id: string, address: string): boolean {
    const { versions } = this.#find(id);
    const inForce = versions.findLast(({ fromMs }) => fromMs <= this.#clock.now())!.vault.properties;
    if (inForce.publicNetworkAccess === 'Disabled' || inForce.publicNetworkAccess === 'SecuredByPerimeter')
      return false;
    if (!inForce.networkAcls || inForce.networkAcls.defaultAction === 'Allow') return true;
    const rules = inForce.networkAcls.ipRules.flatMap(({ value }) => {
      const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
      return parsed.ok ? [parsed.cidr] : [];
    });
    return AddressSet.of(rules).covers(parseCidr(address, { bare: 'host' }));
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

  #mergeAcls(current: NetworkAcls | undefined, given: Partial<NetworkAcls>): NetworkAcls {
    const old = current ?? {
      bypass: 'AzureServices',
      defaultAction: 'Allow',
      ipRules: [],
      virtualNetworkRules: [],
    };
    const kept = this.behaviour.omittedVirtualNetworkRules === 'keep' ? old.virtualNetworkRules : [];
    return {
      bypass: given.bypass ?? old.bypass,
      defaultAction: given.defaultAction ?? old.defaultAction,
      ipRules: given.ipRules ? this.#ipRules(given.ipRules) : old.ipRules,
      virtualNetworkRules: given.virtualNetworkRules ? virtualNetworkRules(given.virtualNetworkRules) : kept,
    };
  }

  #ipRules(given: readonly IpRule[]): IpRule[] {
    if (given.length > maxIpRules) {
      throw badRequest(`The number of IP rules ${given.length} exceeds the maximum of ${maxIpRules}.`);
    }
    const values = given.map(({ value }, index) => this.#ipRule(value, index));
    const distinct = [...new Set(values)];
    if (distinct.length < values.length && this.behaviour.duplicates === 'refuse') {
      throw badRequest('Duplicate values found at properties.networkAcls.ipRules.');
    }
    const kept = this.behaviour.duplicates === 'dedupe' ? distinct : values;
    return (this.behaviour.ruleOrder === 'sorted' ? kept.sort() : kept).map(value => ({ value }));
  }

  #ipRule(value: unknown, index: number): string {
    const place = `properties.networkAcls.ipRules[${index}].value`;
    const masked =
      typeof value === 'string' ? tryParseCidr(value, { bare: 'host', hostBits: 'mask' }) : undefined;
    if (!masked?.ok || masked.cidr.includes(':')) {
      throw badRequest(
        `Invalid value found at ${place}: ${value} is not a valid IPv4 address or CIDR range.`,
      );
    }
    const range = privateRanges.find(([block]) => AddressSet.of([block as Cidr]).overlaps(masked.cidr));
    if (range) {
      const [block, span] = range;
      const shown = AddressSet.of([block as Cidr]).covers(masked.cidr) ? value : block;
      throw badRequest(
        `Invalid value found at ${place}: ${shown} belongs to forbidden range ${span} (private IP addresses)`,
      );
    }
    if (masked.masked && this.behaviour.hostBits === 'refuse') {
      throw badRequest(`Invalid value found at ${place}: ${value} has host bits set.`);
    }
    if (masked.masked && this.behaviour.hostBits === 'keep') return value as string;
    return isIPv4(value as string) ? `${value}/32` : masked.cidr;
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

  #forbidden(id: string, right: string): ArmError {
    return new ArmError(
      403,
      'AuthorizationFailed',
      `The client 'postern' does not have authorization to perform action 'Microsoft.KeyVault/vaults/${right}' over scope '${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    );
  }
}

function virtualNetworkRules(given: NetworkAcls['virtualNetworkRules']): NetworkAcls['virtualNetworkRules'] {
  if (given.length > maxVirtualNetworkRules) throw badRequest('Too many virtual network rules.');
  return given.map(rule => ({ ...rule, id: rule.id.toLowerCase() }));
}

function badRequest(message: string): ArmError {
  return new ArmError(400, 'BadRequest', message);
}
