/** What Access Context Manager makes of a level that is sent to it: what it refuses, and the form it stores. */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr, tryParseCidr } from '../../address/cidr.ts';
import type { GcpBehaviour } from './behaviour.ts';
import { invalid } from './google-error.ts';
import type { AccessLevel, BasicLevel, Condition } from './resources.ts';

/** https://cloud.google.com/access-context-manager/quotas */
const maxConditions = 40;
const maxListItems = 200;
const levelId = /^[A-Za-z][A-Za-z0-9_]{0,49}$/;
const privateSet = AddressSet.of(
  ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'].map(block => parseCidr(block)),
);

const lists = [
  'ipSubnetworks',
  'requiredAccessLevels',
  'members',
  'regions',
  'vpcNetworkSources',
] as const satisfies readonly (keyof Condition)[];
const conditionMembers: readonly string[] = [...lists, 'negate', 'devicePolicy'];

/**
 * The level as it is stored. Throws a GoogleError.
 *
 * @param isLevel whether a level of that name exists, for `requiredAccessLevels`
 */
export function storedLevel(
  behaviour: GcpBehaviour,
  given: AccessLevel,
  isLevel: (name: string) => boolean,
): AccessLevel {
  const { name, title, description, basic, custom, ...others } = given as AccessLevel &
    Record<string, unknown>;
  refuseUnknown('access_level', others);
  const id = name.split('/').at(-1)!;
  if (!levelId.test(id)) {
    throw invalid(
      `Invalid access level name '${id}': it must begin with a letter, hold letters, digits and '_' only, and be at most 50 characters long.`,
    );
  }
  if (typeof title !== 'string' || title === '') throw invalid('The access level must have a title.');
  if (description !== undefined && typeof description !== 'string') {
    throw invalid("Invalid value at 'access_level.description' (TYPE_STRING)");
  }
  if ((basic === undefined) === (custom === undefined)) {
    throw invalid('Exactly one of basic and custom must be set in an access level.');
  }
  return {
    name,
    title,
    ...(description && { description }),
    ...(basic && { basic: storedBasic(behaviour, basic, name, isLevel) }),
    ...(custom && { custom }),
  };
}

function storedBasic(
  behaviour: GcpBehaviour,
  { combiningFunction, conditions, ...others }: BasicLevel,
  self: string,
  isLevel: (name: string) => boolean,
): BasicLevel {
  refuseUnknown('access_level.basic', others);
  if (!['AND', 'OR', undefined].includes(combiningFunction)) {
    throw invalid(
      `Invalid value at 'access_level.basic.combining_function' (TYPE_ENUM): ${combiningFunction}`,
    );
  }
  if (!Array.isArray(conditions) || conditions.length === 0) {
    throw invalid('A basic access level must have at least one condition.');
  }
  if (conditions.length > maxConditions) {
    throw invalid(`A basic access level has ${conditions.length} conditions; the most is ${maxConditions}.`);
  }
  const stored = conditions.map((condition, index) => {
    const place = `access_level.basic.conditions[${index}]`;
    return storedCondition(behaviour, condition, place, name => name !== self && isLevel(name));
  });
  const function_ = combiningFunction ?? 'AND';
  return {
    ...((function_ === 'OR' || behaviour.defaults === 'shown') && { combiningFunction: function_ }),
    conditions: behaviour.listOrder === 'reordered' ? stored.toReversed() : stored,
  };
}

function storedCondition(
  behaviour: GcpBehaviour,
  condition: Condition,
  place: string,
  isOtherLevel: (name: string) => boolean,
): Condition {
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    throw invalid(`Invalid value at '${place}'`);
  }
  refuseUnknown(
    place,
    Object.fromEntries(Object.entries(condition).filter(([name]) => !conditionMembers.includes(name))),
  );
  for (const name of lists) {
    const list = condition[name];
    if (list === undefined) continue;
    if (!Array.isArray(list)) throw invalid(`Invalid value at '${place}.${name}': a list is expected.`);
    if (list.length > maxListItems) {
      throw invalid(`${place}.${name} has ${list.length} items; the most is ${maxListItems}.`);
    }
  }
  const { ipSubnetworks = [], vpcNetworkSources = [], requiredAccessLevels = [], members = [] } = condition;
  if (ipSubnetworks.length > 0 && vpcNetworkSources.length > 0) {
    throw invalid(`${place} has both ip_subnetworks and vpc_network_sources; only one may be given.`);
  }
  const missing = requiredAccessLevels.find(name => !isOtherLevel(name));
  if (missing !== undefined)
    throw invalid(`${place} requires access level '${missing}', which does not exist.`);
  const odd = members.find(member => !/^(user|serviceAccount):[^\s@]+@[^\s@]+$/.test(member));
  if (odd !== undefined) throw invalid(`${place}.members: '${odd}' is not a user or a service account.`);
  const subnetworks = ipSubnetworks.map((text, index) =>
    storedSubnetwork(behaviour, text, `${place}.ip_subnetworks[${index}]`),
  );
  // Lists that are empty are not stored: they mean the same as none.
  const filled = Object.entries(condition).filter(
    ([, value]) => value !== false && !(Array.isArray(value) && value.length === 0),
  );
  return {
    ...Object.fromEntries(filled),
    ...(subnetworks.length > 0 && {
      ipSubnetworks: behaviour.listOrder === 'reordered' ? subnetworks.toSorted() : subnetworks,
    }),
  };
}

function storedSubnetwork(behaviour: GcpBehaviour, text: unknown, place: string): string {
  const parsed =
    typeof text === 'string' ? tryParseCidr(text, { bare: 'host', hostBits: 'mask' }) : undefined;
  const refuse = (why: string) => invalid(`Invalid value at '${place}': '${text}' ${why}.`);
  if (typeof text !== 'string' || !parsed?.ok) throw refuse('is not a valid CIDR block');
  if (parsed.masked) throw refuse('is malformed: its host bits must be zero');
  if (privateSet.covers(parsed.cidr) && behaviour.privateRanges === 'refuse') {
    throw refuse('is a private range');
  }
  if (text.includes('/') || behaviour.bareAddresses === 'keep') return text;
  if (behaviour.bareAddresses === 'complete') return parsed.cidr;
  throw refuse('has no prefix length');
}

function refuseUnknown(place: string, others: object): void {
  const [name] = Object.keys(others);
  if (name === undefined) return;
  throw invalid(`Invalid JSON payload received. Unknown name "${name}" at '${place}': Cannot find field.`);
}
