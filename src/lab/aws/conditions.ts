/**
 * IAM's condition operators, those that the lab knows. Another one, another key, or a policy variable throws:
 * a lab that guesses would hide what it is there to show.
 */
import { AddressSet } from '../../address/address-set.ts';
import { parseCidr } from '../../address/cidr.ts';
import { type ConditionBlock, listOf, type OneOrMore } from './policy-document.ts';

/** What is known of a request under one key: texts, addresses that are judged alike, or nothing. */
export type ContextValue = readonly string[] | AddressSet | undefined;
/** By the key in lower case. Throws for a key that it does not know. */
export type Context = (key: string) => ContextValue;

/** Keys are AND-ed, the values of a key OR-ed. */
export function conditionsHold(conditions: ConditionBlock | undefined, context: Context): boolean {
  return Object.entries(conditions ?? {}).every(([operator, block]) =>
    Object.entries(block).every(([key, values]) => holds(operator, block, key, values, context)),
  );
}

/** Every list of addresses that the conditions compare with. */
export function addressListsOf(conditions: ConditionBlock | undefined): readonly AddressSet[] {
  return Object.entries(conditions ?? {}).flatMap(([operator, block]) =>
    /IpAddress/i.test(operator) ? Object.keys(block).map(key => addressesOf(block, key)) : [],
  );
}

function holds(
  operator: string,
  block: object,
  key: string,
  given: OneOrMore<string>,
  context: Context,
): boolean {
  const found = context(key.toLowerCase());
  const [, name = '', ifExists] = /^(.*?)(IfExists)?$/i.exec(operator)!;
  const test = name.toLowerCase();
  const negated = test.includes('not');
  if (test === 'null') {
    return listOf(given).some(value => (String(value).toLowerCase() === 'true') === (found === undefined));
  }
  // Without the key, what is negated holds, and nothing else does: IAM's guide, "condition operators".
  if (found === undefined) return negated || ifExists !== undefined;
  if (test === 'ipaddress' || test === 'notipaddress') {
    if (!(found instanceof AddressSet)) throw new Error(`the lab knows no address under ${key}`);
    return addressesOf(block, key).covers(found) !== negated;
  }
  if (found instanceof AddressSet) throw new Error(`the lab compares no address by ${operator}`);
  const values = listOf(given).map(String);
  const variable = values.find(value => value.includes('${'));
  if (variable !== undefined) throw new Error(`the lab knows no policy variables: ${variable}`);
  const matches = matcherOf(test.replace('not', ''), operator);
  return found.some(text => values.some(value => matches(value, text))) !== negated;
}

function matcherOf(test: string, operator: string): (value: string, text: string) => boolean {
  switch (test) {
    case 'stringequals':
      return (value, text) => value === text;
    case 'stringequalsignorecase':
    case 'bool':
      return (value, text) => value.toLowerCase() === text.toLowerCase();
    case 'stringlike':
      return isLike;
    case 'arnequals':
    case 'arnlike':
      return isArnLike;
    default:
      throw new Error(`the lab does not know the condition operator ${operator}`);
  }
}

/** `*` is any text, `?` any one character. */
export function isLike(pattern: string, text: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === text;
  const source = pattern
    .split(/([*?])/)
    .map(part => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')))
    .join('');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** Each of an ARN's six parts by itself, so that `*` does not run across a colon. */
function isArnLike(pattern: string, text: string): boolean {
  const split = (arn: string) => {
    const parts = arn.split(':');
    return [...parts.slice(0, 5), parts.slice(5).join(':')];
  };
  const parts = split(text);
  return pattern === '*' || split(pattern).every((part, index) => isLike(part, parts[index]!));
}

/** A stored document never changes; Atlas asks about hundreds of addresses each time. */
const lists = new WeakMap<object, Map<string, AddressSet>>();

function addressesOf(block: object, key: string): AddressSet {
  const known = lists.get(block) ?? new Map<string, AddressSet>();
  lists.set(block, known);
  let list = known.get(key);
  if (!list) {
    const values = listOf((block as Record<string, OneOrMore<string>>)[key]);
    list = AddressSet.of(values.map(value => parseCidr(value, { bare: 'host', hostBits: 'mask' })));
    known.set(key, list);
  }
  return list;
}
