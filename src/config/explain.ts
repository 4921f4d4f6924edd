/** Puts zod's issues into Postern's words: what was expected, what came, what to do. */
import { z } from 'zod';
import { nearest } from './nearest.ts';

export interface Explained {
  readonly message: string;
  readonly remedy: string | undefined;
  /** Set when the fault is a key of the map at the path. */
  readonly key?: string;
}

/** What stands at the issue's path in the file. */
export interface Came {
  readonly value: unknown;
  /** As it is written in the file. */
  readonly source: string | undefined;
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
};

/** @param root the whole value: which member of a union is meant, its `kind` tells */
export function explainIssue(
  issue: z.core.$ZodIssue,
  came: Came,
  schema: z.ZodType,
  root: unknown,
): readonly Explained[] {
  const at = (path: readonly PropertyKey[]) => schemaAt(schema, path, root);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map(key => unknownKey(key, keysOf(at(issue.path))));
    case 'invalid_type':
      return [unquoted(came, issue.expected, at(issue.path)) ?? wrongType(issue.expected, came)];
    case 'invalid_value':
      return [notOneOf(issue.values.map(String), came)];
    case 'invalid_union':
      return [notOneOf(discriminatorsOf(at(issue.path.slice(0, -1))), came)];
    case 'too_small':
    case 'too_big':
      return [outOfBounds(issue, came)];
    case 'custom':
      return [{ message: issue.message, remedy: issue.params?.remedy }];
    default:
      return [{ message: issue.message, remedy: undefined }];
  }
}

function unknownKey(key: string, known: readonly string[]): Explained {
  const suggestion = nearest(key, known);
  return {
    message: `unknown key ${JSON.stringify(key)}; expected one of ${known.join(', ')}.`,
    remedy: suggestion === undefined ? 'Take it out.' : `Did you mean ${suggestion}?`,
    key,
  };
}

/** YAML takes some texts for numbers, project ids of digits for one. What is wrong as a text too is told at once. */
function unquoted(
  { value, source }: Came,
  type: string,
  expected: z.core.$ZodType | undefined,
): Explained | undefined {
  if (type !== 'string' || (typeof value !== 'number' && typeof value !== 'boolean')) return undefined;
  const written = source ?? String(value);
  const fault = expected && z.safeParse(expected, written).error?.issues[0];
  if (fault?.code === 'custom') return { message: fault.message, remedy: fault.params?.remedy };
  return {
    message: `expected a text; YAML reads ${written} as ${typeof value === 'boolean' ? 'true or false' : 'a number'}.`,
    remedy: `Put it in quotes: "${written}".`,
  };
}

function wrongType(expected: string, { value }: Came): Explained {
  const wanted = kinds[expected] ?? expected;
  if (value === undefined) return { message: `missing; expected ${wanted}.`, remedy: 'Add it.' };
  if (expected === 'array' && value !== null) {
    return { message: `expected a list; got ${kindOf(value)}.`, remedy: 'Begin each item with "- ".' };
  }
  return { message: `expected ${wanted}; got ${kindOf(value)}.`, remedy: undefined };
}

function notOneOf(values: readonly string[], { value }: Came): Explained {
  const wanted = values.length === 1 ? values[0] : `one of ${values.join(', ')}`;
  if (value === undefined) return { message: `missing; expected ${wanted}.`, remedy: 'Add it.' };
  if (typeof value !== 'string') {
    return { message: `expected ${wanted}; got ${kindOf(value)}.`, remedy: undefined };
  }
  const suggestion = nearest(value, values);
  return {
    message: `expected ${wanted}; got ${JSON.stringify(value)}.`,
    remedy: suggestion === undefined ? undefined : `Did you mean ${suggestion}?`,
  };
}

function outOfBounds(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, { value }: Came): Explained {
  if (issue.origin === 'array') {
    return { message: 'expected at least one item; the list is empty.', remedy: 'Add one.' };
  }
  if (issue.origin === 'string') {
    return { message: 'expected a text; it is empty.', remedy: 'Write one, or take the key out.' };
  }
  const least = issue.code === 'too_small';
  const bound = least ? issue.minimum : issue.maximum;
  const words = least
    ? issue.inclusive
      ? 'at least'
      : 'more than'
    : issue.inclusive
      ? 'at most'
      : 'less than';
  return { message: `expected ${words} ${bound}; got ${String(value)}.`, remedy: undefined };
}

/** Says nothing of a text's content: it may be a secret that was put in the wrong place. */
function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'boolean') return 'true or false';
  return `the number ${String(value)}`;
}

function schemaAt(
  schema: z.core.$ZodType,
  path: readonly PropertyKey[],
  root: unknown,
): z.core.$ZodType | undefined {
  let current: z.core.$ZodType | undefined = unwrap(schema);
  let value = root;
  for (const step of path) {
    value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
    if (current instanceof z.ZodArray) current = unwrap(current.element);
    else if (current instanceof z.ZodObject) current = unwrap(current.shape[String(step)]);
    else return undefined;
    if (current instanceof z.ZodDiscriminatedUnion) current = memberOf(current, value) ?? current;
  }
  return current;
}

/** The member of the union that the value says it is. */
function memberOf(union: z.ZodDiscriminatedUnion, value: unknown): z.core.$ZodType | undefined {
  const { discriminator } = union.def;
  const said = (value as Record<string, unknown> | null | undefined)?.[discriminator];
  return union.options.find(option => discriminatorOf(option, discriminator) === said);
}

function discriminatorsOf(schema: z.core.$ZodType | undefined): readonly string[] {
  if (!(schema instanceof z.ZodDiscriminatedUnion)) return [];
  return schema.options.map(option => String(discriminatorOf(option, schema.def.discriminator)));
}

function discriminatorOf(option: z.core.$ZodType, discriminator: string): unknown {
  const literal = option instanceof z.ZodObject ? option.shape[discriminator] : undefined;
  return literal instanceof z.ZodLiteral ? literal.value : undefined;
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}

function keysOf(schema: z.core.$ZodType | undefined): readonly string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.keys(schema.shape).filter(key => !key.startsWith('$'));
}
