/**
 * Who comes in: the lab's own reading of levels and perimeters. It shares nothing with the gate, so that a
 * misunderstanding there is seen here.
 */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';
import type { Condition, IngressPolicy, Snapshot } from './resources.ts';

/** One call of Cloud KMS, from outside every perimeter. */
export interface Call {
  readonly address: Cidr;
  /** As IAM writes it: `serviceAccount:name@project.iam.gserviceaccount.com`. */
  readonly identity: string;
  /** `projects/NUMBER`: the project of the key. */
  readonly project: string;
}

const kms = 'cloudkms.googleapis.com';
/** What Atlas does with a key. */
const neededPermissions = [
  'cloudkms.cryptoKeyVersions.useToEncrypt',
  'cloudkms.cryptoKeyVersions.useToDecrypt',
];
const sufficientRoles = ['roles/cloudkms.cryptoKeyEncrypterDecrypter', 'roles/cloudkms.admin'];

/** Whether Cloud KMS answers. Without a perimeter that restricts it, everyone's call is answered. */
export function letsThrough(snapshot: Snapshot, call: Call): boolean {
  const status = [...snapshot.perimeters.values()].find(
    ({ perimeterType, status }) =>
      perimeterType !== 'PERIMETER_TYPE_BRIDGE' && status?.resources?.includes(call.project),
  )?.status;
  if (!status?.restrictedServices?.includes(kms)) return true;
  return (
    (status.accessLevels ?? []).some(name => isGranted(snapshot, name, call)) ||
    (status.ingressPolicies ?? []).some(policy => comesInBy(snapshot, policy, call))
  );
}

function comesInBy(snapshot: Snapshot, { ingressFrom, ingressTo }: IngressPolicy, call: Call): boolean {
  const { identities = [], identityType, sources = [] } = ingressFrom ?? {};
  const isCaller =
    identityType === 'ANY_IDENTITY' ||
    (identityType === 'ANY_SERVICE_ACCOUNT' && call.identity.startsWith('serviceAccount:')) ||
    identities.includes(call.identity);
  const { resources = [], operations = [], roles = [] } = ingressTo ?? {};
  const isTarget = resources.includes('*') || resources.includes(call.project);
  const mayDo =
    roles.some(role => sufficientRoles.includes(role)) ||
    operations.some(
      ({ serviceName, methodSelectors = [] }) =>
        serviceName === '*' ||
        (serviceName === kms &&
          (methodSelectors.some(({ method }) => method === '*') ||
            neededPermissions.every(needed =>
              methodSelectors.some(({ permission }) => permission === needed),
            ))),
    );
  return (
    isCaller &&
    isTarget &&
    mayDo &&
    sources.some(({ accessLevel }) => accessLevel === '*' || isGranted(snapshot, accessLevel, call))
  );
}

function isGranted(
  snapshot: Snapshot,
  name: string | undefined,
  call: Call,
  seen: readonly string[] = [],
): boolean {
  const level = name === undefined ? undefined : snapshot.levels.get(name);
  // CEL is not evaluated here: a level of it grants nothing.
  if (!level?.basic || seen.includes(level.name)) return false;
  const { combiningFunction = 'AND', conditions } = level.basic;
  const holds = (condition: Condition) => isMet(snapshot, condition, call, [...seen, level.name]);
  return combiningFunction === 'OR' ? conditions.some(holds) : conditions.every(holds);
}

/** AND over the fields that are given, or NAND when negated. An empty list is as one that is not given. */
function isMet(snapshot: Snapshot, condition: Condition, call: Call, seen: readonly string[]): boolean {
  const { ipSubnetworks, requiredAccessLevels, members, negate = false } = condition;
  const criteria: boolean[] = [];
  if (ipSubnetworks?.length) criteria.push(setOf(ipSubnetworks).covers(call.address));
  if (members?.length) criteria.push(members.includes(call.identity));
  if (requiredAccessLevels?.length) {
    criteria.push(requiredAccessLevels.every(name => isGranted(snapshot, name, call, seen)));
  }
  // Where Atlas calls from is no VPC of the customer's and no device, and its country is nobody's promise.
  if (condition.regions?.length || condition.devicePolicy || condition.vpcNetworkSources?.length) {
    criteria.push(false);
  }
  return criteria.every(Boolean) !== negate;
}

/** A stored list never changes; Atlas asks about hundreds of addresses each time. */
const sets = new WeakMap<readonly string[], AddressSet>();

function setOf(ipSubnetworks: readonly string[]): AddressSet {
  let set = sets.get(ipSubnetworks);
  if (!set) {
    const blocks = ipSubnetworks.flatMap(text => {
      const parsed = tryParseCidr(text, { bare: 'host', hostBits: 'mask' });
      return parsed.ok ? [parsed.cidr] : [];
    });
    set = AddressSet.of(blocks);
    sets.set(ipSubnetworks, set);
  }
  return set;
}
