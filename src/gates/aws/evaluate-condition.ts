/**
 * Whether a condition holds for one call. IAM's rules (guide, "Condition operators" and "Evaluation logic for
 * multiple context keys or values"): the values of one test are OR-ed, those of a negated one NOR-ed; a key
 * that the call lacks makes a negated operator true, one with `IfExists` too, and any other false.
 */
import type { Cidr } from '../../address/cidr.ts';
import { type ConditionTest, sourceIpKey } from './condition.ts';
import { not, or, type Truth, truthOf } from './truth.ts';
import { arnFits, fits, hasVariable } from './wildcards.ts';

export interface CallContext {
  /** The address that the call comes from, or a block that no condition cuts; undefined over PrivateLink. */
  readonly source: Cidr | undefined;
  /** By key in lower case; null: the call certainly lacks the key. A key that is not in it is not known. */
  readonly keys: ReadonlyMap<string, string | null>;
}

type Compare = (value: string, actual: string) => Truth;

const text =
  (compare: (value: string, actual: string) => boolean): Compare =>
  (value, actual) =>
    hasVariable(value) ? 'unknown' : truthOf(compare(value, actual));

const isEqual = text((value, actual) => value === actual);
const isLike = text(fits);
const isEqualIgnoringCase = text((value, actual) => value.toLowerCase() === actual.toLowerCase());
const isSameBoolean: Compare = (value, actual) =>
  /^(true|false)$/i.test(value) ? truthOf(value.toLowerCase() === actual.toLowerCase()) : 'unknown';

/** The operators that compare a text. Numbers, dates and bytes are not known: no key of this call has them. */
const comparisons: ReadonlyMap<string, readonly [compare: Compare, negated: boolean]> = new Map([
  ['stringequals', [isEqual, false]],
  ['stringnotequals', [isEqual, true]],
  ['stringequalsignorecase', [isEqualIgnoringCase, false]],
  ['stringnotequalsignorecase', [isEqualIgnoringCase, true]],
  ['stringlike', [isLike, false]],
  ['stringnotlike', [isLike, true]],
  ['arnequals', [arnFits, false]],
  ['arnnotequals', [arnFits, true]],
  ['arnlike', [arnFits, false]],
  ['arnnotlike', [arnFits, true]],
  ['bool', [isSameBoolean, false]],
]);

/** Pure. */
export function evaluateCondition(test: ConditionTest, call: CallContext): Truth {
  if (test.operator === 'null') return evaluateNull(test, call);
  const [compare, negated] = comparisonOf(test, call) ?? [];
  if (compare === undefined) return 'unknown';
  if (isAbsent(test.key, call)) return truthOf(whenAbsent(test, negated!));
  // Every known key has one value, for which `ForAllValues` and `ForAnyValue` mean the same as no quantifier.
  const truth = compare();
  return negated ? not(truth) : truth;
}

/** `Null` asks whether the key is absent, and is the one operator that does not look at its value. */
function evaluateNull({ key, values, ifExists, quantifier }: ConditionTest, call: CallContext): Truth {
  if (ifExists || quantifier !== undefined || !isKnown(key, call)) return 'unknown';
  return or(values, value => isSameBoolean(value, String(isAbsent(key, call))));
}

function comparisonOf(
  { operator, key, values, blocks }: ConditionTest,
  call: CallContext,
): readonly [compare: () => Truth, negated: boolean] | undefined {
  if (!isKnown(key, call)) return undefined;
  if (blocks)
    return key === sourceIpKey ? [() => isIn(blocks, call.source!), operator === 'notipaddress'] : undefined;
  // An address as a text: how AWS would write it is not known.
  if (key === sourceIpKey && call.source !== undefined) return undefined;
  const [compare, negated] = comparisons.get(operator) ?? [];
  if (compare === undefined) return undefined;
  return [() => or(values, value => compare(value, call.keys.get(key)!)), negated!];
}

function isIn({ set, unread }: NonNullable<ConditionTest['blocks']>, source: Cidr): Truth {
  if (set.covers(source)) return 'yes';
  return set.overlaps(source) || unread.length > 0 ? 'unknown' : 'no';
}

function whenAbsent({ quantifier, ifExists }: ConditionTest, negated: boolean): boolean {
  if (quantifier === 'all') return true;
  if (quantifier === 'any') return ifExists;
  return negated || ifExists;
}

function isKnown(key: string, { keys }: CallContext): boolean {
  return key === sourceIpKey || keys.has(key);
}

function isAbsent(key: string, { keys, source }: CallContext): boolean {
  return key === sourceIpKey ? source === undefined : keys.get(key) === null;
}
