/** One test of a statement's Condition block: an operator, a key, and values. */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, tryParseCidr } from '../../address/cidr.ts';

export const sourceIpKey = 'aws:sourceip';

export interface ConditionTest {
  /** In lower case, without quantifier and `IfExists`: `notipaddress`. Operators and keys ignore case. */
  readonly operator: string;
  readonly quantifier: 'all' | 'any' | undefined;
  readonly ifExists: boolean;
  /** In lower case. */
  readonly key: string;
  readonly values: readonly string[];
  /** Of an address operator: its blocks. A bare address is a single one, host bits are cleared. */
  readonly blocks: AddressBlocks | undefined;
}

export interface AddressBlocks {
  readonly set: AddressSet;
  readonly cidrs: readonly Cidr[];
  /** Values that are no address block. */
  readonly unread: readonly string[];
}

/** A Condition block that is not as IAM's grammar has it. */
export class ConditionShapeError extends Error {}

/** Throws a ConditionShapeError. Values may be one or many; numbers and booleans count as their text. */
export function parseConditions(block: unknown): readonly ConditionTest[] {
  if (block === undefined) return [];
  return entriesOf(block, 'Condition').flatMap(([name, tests]) =>
    entriesOf(tests, name).map(([key, values]) => parseTest(name, key, values)),
  );
}

function parseTest(name: string, key: string, value: unknown): ConditionTest {
  const [, quantifier, operator = '', ifExists] =
    /^(?:(forallvalues|foranyvalue):)?(.*?)(ifexists)?$/.exec(name.toLowerCase()) ?? [];
  const values = (Array.isArray(value) ? value : [value]).map(textOf);
  return {
    operator,
    quantifier: quantifier && (quantifier === 'forallvalues' ? 'all' : 'any'),
    ifExists: ifExists !== undefined,
    key: key.toLowerCase(),
    values,
    blocks: operator === 'ipaddress' || operator === 'notipaddress' ? readBlocks(values) : undefined,
  } as ConditionTest;
}

/** What a list of addresses in a policy means. Pure. */
export function readBlocks(values: readonly string[]): AddressBlocks {
  const read = values.map(value => ({ value, block: readBlock(value) }));
  const cidrs = [...new Set(read.flatMap(({ block }) => block ?? []))];
  return {
    set: AddressSet.of(cidrs),
    cidrs,
    unread: read.filter(({ block }) => block === undefined).map(({ value }) => value),
  };
}

/** The block that a value of `aws:SourceIp` means; undefined when it is none. */
export function readBlock(value: string): Cidr | undefined {
  const parsed = tryParseCidr(value, { bare: 'host', hostBits: 'mask' });
  return parsed.ok ? parsed.cidr : undefined;
}

function entriesOf(value: unknown, what: string): readonly (readonly [string, unknown])[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new ConditionShapeError(`${what} is not an object`);
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ConditionShapeError('a value is neither a text, a number nor a boolean');
}
