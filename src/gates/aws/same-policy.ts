/**
 * When two policies mean the same. AWS gives a policy back written anew: other white space and order, one
 * value as a list or bare, an account's id as the ARN of its root. So policies are compared by meaning.
 */

import { wholeAccount } from './arn.ts';
import { type ConditionTest, readBlock, sourceIpKey } from './condition.ts';
import type { Patterns, PolicyDocument, Statement } from './policy-document.ts';

export function isSamePolicy(a: PolicyDocument, b: PolicyDocument): boolean {
  return meaningOf(a) === meaningOf(b);
}

export function isSameStatement(a: Statement, b: Statement): boolean {
  return meaningOfStatement(a) === meaningOfStatement(b);
}

/** A text that is equal for equal policies, in whatever order and form they are written. Pure. */
export function meaningOf({ raw, statements }: PolicyDocument): string {
  const { Statement: _, Version = '2008-10-17', ...rest } = raw;
  return JSON.stringify([sortMembers({ ...rest, Version }), statements.map(meaningOfStatement).sort()]);
}

/** Pure. Parts that are not understood count as they are written, but for the order of members. */
export function meaningOfStatement(statement: Statement): string {
  const { raw, principals, actions, resources, conditions, puzzles } = statement;
  if (puzzles.length > 0) return JSON.stringify(sortMembers(raw));
  return JSON.stringify([
    raw.Sid ?? null,
    raw.Effect,
    meaningOfPatterns(principals, sameAccount),
    meaningOfPatterns(actions, action => action.toLowerCase()),
    meaningOfPatterns(resources, resource => resource),
    conditions.map(meaningOfCondition).sort(),
  ]);
}

function meaningOfPatterns(patterns: Patterns | undefined, one: (value: string) => string): unknown {
  return patterns ? [patterns.not, distinct(patterns.values.map(one))] : null;
}

function sameAccount(principal: string): string {
  const [, name] = /^AWS:(.*)$/s.exec(principal) ?? [];
  const account = name === undefined ? undefined : wholeAccount(name);
  return account === undefined ? principal : `account:${account}`;
}

function meaningOfCondition({ operator, quantifier, ifExists, key, values }: ConditionTest): string {
  const one = (value: string): string => {
    if (key === sourceIpKey) return readBlock(value) ?? value;
    return operator === 'bool' || operator === 'null' ? value.toLowerCase() : value;
  };
  return JSON.stringify([quantifier ?? '', operator, ifExists, key, distinct(values.map(one))]);
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].sort();
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return members.map(([name, member]) => [name, sortMembers(member)]);
}
