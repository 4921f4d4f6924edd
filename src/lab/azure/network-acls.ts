/** What Key Vault makes of `networkAcls` that is sent to it: what it refuses, and the form it stores. */
import { isIPv4 } from 'node:net';
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import { ArmError, badRequest } from './arm-error.ts';
import type { AzureBehaviour } from './behaviour.ts';

export interface IpRule {
  value: string;
}
export interface NetworkAcls {
  bypass: 'AzureServices' | 'None';
  defaultAction: 'Allow' | 'Deny';
  ipRules: IpRule[];
  virtualNetworkRules: { id: string; ignoreMissingVnetServiceEndpoint?: boolean }[];
}

const maxIpRules = 1_000;
const maxVirtualNetworkRules = 200;
const privateRanges = [
  ['10.0.0.0/8', '10.0.0.0–10.255.255.255'],
  ['172.16.0.0/12', '172.16.0.0–172.31.255.255'],
  ['192.168.0.0/16', '192.168.0.0-192.168.255.255'],
] as const;

/**
 * The network rules after a write that sends `given` to a vault that has `current`; members that are not sent
 * stay. Throws an ArmError.
 */
export function mergeNetworkAcls(
  behaviour: AzureBehaviour,
  current: NetworkAcls | undefined,
  given: Readonly<Record<string, unknown>>,
): NetworkAcls {
  refuseAmbiguousNames(given);
  const old = current ?? {
    bypass: 'AzureServices',
    defaultAction: 'Allow',
    ipRules: [],
    virtualNetworkRules: [],
  };
  const kept = behaviour.omittedVirtualNetworkRules === 'keep' ? old.virtualNetworkRules : [];
  const { ipRules, virtualNetworkRules } = given;
  return {
    bypass: oneOf('bypass', ['AzureServices', 'None'], given.bypass ?? old.bypass),
    defaultAction: oneOf('defaultAction', ['Allow', 'Deny'], given.defaultAction ?? old.defaultAction),
    ipRules: ipRules == null ? old.ipRules : storedIpRules(behaviour, listOf('ipRules', ipRules)),
    virtualNetworkRules:
      virtualNetworkRules == null
        ? kept
        : storedVirtualNetworkRules(listOf('virtualNetworkRules', virtualNetworkRules)),
  };
}

/** Azure does not choose between `ipRules` and `IpRules` (issues 22472 and 22488 of azure-powershell). */
function refuseAmbiguousNames(given: object): void {
  const names = Object.keys(given).map(name => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new ArmError(
    409,
    'AmbiguousPolicyEvaluationPaths',
    `The request content has ambiguous paths: properties.networkAcls.${twice} occurs more than once.`,
  );
}

function storedIpRules(behaviour: AzureBehaviour, given: readonly unknown[]): IpRule[] {
  if (given.length > maxIpRules) {
    throw badRequest(`The number of IP rules ${given.length} exceeds the maximum of ${maxIpRules}.`);
  }
  const values = given.map((rule, index) => storedIpRule(behaviour, rule, index));
  const distinct = [...new Set(values)];
  if (distinct.length < values.length && behaviour.duplicates === 'refuse') {
    throw badRequest('Duplicate values found at properties.networkAcls.ipRules.');
  }
  const kept = behaviour.duplicates === 'dedupe' ? distinct : values;
  return (behaviour.ruleOrder === 'sorted' ? kept.toSorted() : kept).map(value => ({ value }));
}

function storedIpRule(behaviour: AzureBehaviour, rule: unknown, index: number): string {
  const place = `properties.networkAcls.ipRules[${index}].value`;
  const value = (rule as Partial<IpRule> | null)?.value;
  const parsed =
    typeof value === 'string' ? tryParseCidr(value, { bare: 'host', hostBits: 'mask' }) : undefined;
  if (value === undefined || !parsed?.ok || parsed.cidr.includes(':')) {
    throw badRequest(`Invalid value found at ${place}: ${value} is not a valid IPv4 address or CIDR range.`);
  }
  // Only what lies inside is refused: 0.0.0.0/2 and 128.0.0.0/1 stand in a recorded vault.
  const range = privateRanges.find(([block]) => AddressSet.of([block as Cidr]).covers(parsed.cidr));
  if (range) {
    throw badRequest(
      `Invalid value found at ${place}: ${value} belongs to forbidden range ${range[1]} (private IP addresses)`,
    );
  }
  if (parsed.masked && behaviour.hostBits === 'refuse') {
    throw badRequest(`Invalid value found at ${place}: ${value} has host bits set.`);
  }
  if (parsed.masked && behaviour.hostBits === 'keep') return value;
  return isIPv4(value) ? `${value}/32` : parsed.cidr;
}

function storedVirtualNetworkRules(given: readonly unknown[]): NetworkAcls['virtualNetworkRules'] {
  if (given.length > maxVirtualNetworkRules) {
    throw badRequest(
      `The number of virtual network rules ${given.length} exceeds the maximum of ${maxVirtualNetworkRules}.`,
    );
  }
  return given.map((rule, index) => {
    const { id, ignoreMissingVnetServiceEndpoint } = (rule ?? {}) as Record<string, unknown>;
    if (typeof id !== 'string' || !id.startsWith('/subscriptions/')) {
      throw badRequest(
        `Invalid value found at properties.networkAcls.virtualNetworkRules[${index}].id: ${id}`,
      );
    }
    return {
      id: id.toLowerCase(),
      ...(typeof ignoreMissingVnetServiceEndpoint === 'boolean' && { ignoreMissingVnetServiceEndpoint }),
    };
  });
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw badRequest(`Invalid value found at properties.networkAcls.${name}: an array is expected.`);
}

function oneOf<Value extends string>(name: string, values: readonly Value[], value: unknown): Value {
  const known = values.find(known => known === value);
  if (known !== undefined) return known;
  throw badRequest(`Invalid value found at properties.networkAcls.${name}: ${value}`);
}
