/**
 * A policy of IAM or KMS, parsed as far as Postern must understand it and kept as AWS gave it. What is not
 * understood is a `puzzle` of its statement: it decides nothing, and is written back as it was.
 *
 * Grammar: IAM guide, "Grammar of the IAM JSON policy language".
 */
import { type ConditionTest, parseConditions } from './condition.ts';

export interface PolicyDocument {
  /** Every member as AWS gave it, `Statement` included. */
  readonly raw: Readonly<Record<string, unknown>>;
  readonly statements: readonly Statement[];
}

/** `not`: `NotAction` and its like, which mean everything but. */
export interface Patterns {
  readonly not: boolean;
  readonly values: readonly string[];
}

export interface Statement {
  /** As AWS gave it. */
  readonly raw: Readonly<Record<string, unknown>>;
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny' | undefined;
  /** Each as `AWS:arn…`, `Service:…`; `*` alone is `AWS:*`. Undefined where the statement names none. */
  readonly principals: Patterns | undefined;
  readonly actions: Patterns | undefined;
  readonly resources: Patterns | undefined;
  readonly conditions: readonly ConditionTest[];
  /** What Postern does not understand of it, in words. */
  readonly puzzles: readonly string[];
}

/** The text is no policy at all. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
}

/** Throws a PolicyError when the text is no JSON object with statements, or cannot be written back as it was. */
export function parsePolicy(text: string): PolicyDocument {
  const raw = parseJson(text);
  if (!isObject(raw)) throw new PolicyError('The policy is not a JSON object.');
  const { Statement: given } = raw;
  const list = Array.isArray(given) ? given : [given];
  if (!list.every(isObject)) throw new PolicyError('The policy has a Statement that is not an object.');
  return { raw, statements: list.map(parseStatement) };
}

/** One statement of a policy, from the object that JSON gives. Pure. */
export function parseStatement(raw: Readonly<Record<string, unknown>>): Statement {
  const puzzles = Object.keys(raw)
    .filter(name => !knownMembers.has(name))
    .map(name => `its member ${JSON.stringify(name)}`);
  const attempt = <Value>(what: string, read: () => Value): Value | undefined => {
    try {
      return read();
    } catch {
      puzzles.push(`its ${what}`);
      return undefined;
    }
  };
  const effect = raw.Effect === 'Allow' || raw.Effect === 'Deny' ? raw.Effect : undefined;
  if (effect === undefined) puzzles.push('its Effect');
  const patterns = (name: string, read: (value: unknown) => readonly string[]) =>
    attempt(name, () => patternsOf(raw, name, read));
  return {
    raw,
    sid: typeof raw.Sid === 'string' ? raw.Sid : undefined,
    effect,
    principals: patterns('Principal', principalsOf),
    actions: patterns('Action', textsOf),
    resources: patterns('Resource', textsOf),
    conditions: attempt('Condition', () => parseConditions(raw.Condition)) ?? [],
    puzzles,
  };
}

/** Compact, and in the characters that KMS takes: `[\t\n\r\u0020-\u00FF]` (its API model, PolicyType). */
export function compactJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\u0020-\u00FF]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const knownMembers = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

function patternsOf(
  raw: Readonly<Record<string, unknown>>,
  name: string,
  read: (value: unknown) => readonly string[],
): Patterns | undefined {
  const plain = raw[name];
  const negated = raw[`Not${name}`];
  if (plain !== undefined && negated !== undefined) throw new PolicyError(`both ${name} and Not${name}`);
  if (plain === undefined && negated === undefined) return undefined;
  return { not: plain === undefined, values: read(plain ?? negated) };
}

function textsOf(value: unknown): readonly string[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.every(item => typeof item === 'string')) return list;
  throw new PolicyError('not a text');
}

function principalsOf(value: unknown): readonly string[] {
  if (value === '*') return ['AWS:*'];
  if (!isObject(value)) throw new PolicyError('not a principal');
  return Object.entries(value).flatMap(([type, names]) => textsOf(names).map(name => `${type}:${name}`));
}

/** Refuses a number that JavaScript would write back as another one. */
function parseJson(text: string): unknown {
  const keepNumbers = (_key: string, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value === 'number' && context?.source !== undefined && context.source !== String(value)) {
      throw new PolicyError(`The policy holds the number ${context.source}, which cannot be kept as it is.`);
    }
    return value;
  };
  try {
    return JSON.parse(text, keepNumbers);
  } catch (error) {
    if (error instanceof PolicyError) throw error;
    throw new PolicyError('The policy is not JSON.', { cause: error });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
