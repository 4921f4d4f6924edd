/** Blocks for property tests, made from numbers and printed here, so that no test rests on the printer it tests. */
import fc from 'fast-check';
import { type Cidr, type Family, parseCidr } from '../../src/address/index.ts';

export interface Block {
  readonly family: Family;
  readonly network: bigint;
  readonly prefixLength: number;
}

/** Every group written out, which is valid but not canonical. */
export function longText({ family, network, prefixLength }: Block): string {
  const parts = family === 4 ? 4 : 8;
  const bits = family === 4 ? 8n : 16n;
  const values = Array.from(
    { length: parts },
    (_, part) => (network >> (bits * BigInt(parts - 1 - part))) & ((1n << bits) - 1n),
  );
  return `${values.map(value => value.toString(family === 4 ? 10 : 16)).join(family === 4 ? '.' : ':')}/${prefixLength}`;
}

export const toCidr = (block: Block): Cidr => parseCidr(longText(block));

const bitsOf = (family: Family) => (family === 4 ? 32 : 128);

function blockIn(family: Family, base: bigint, basePrefixLength: number): fc.Arbitrary<Block> {
  const bits = bitsOf(family);
  return fc
    .record({
      host: fc.bigInt({ min: 0n, max: (1n << BigInt(bits - basePrefixLength)) - 1n }),
      prefixLength: fc.integer({ min: basePrefixLength, max: bits }),
    })
    .map(({ host, prefixLength }) => {
      const hostBits = BigInt(bits - prefixLength);
      return { family, prefixLength, network: ((base + host) >> hostBits) << hostBits };
    });
}

const top = (family: Family, prefixLength: number) =>
  ((1n << BigInt(prefixLength)) - 1n) << BigInt(bitsOf(family) - prefixLength);

/** So close together that they nest, touch and merge; the second reaches the last address of the family. */
export const dense = (family: Family): fc.Arbitrary<Block> =>
  fc.oneof(
    blockIn(family, 0n, bitsOf(family) - 7),
    blockIn(family, top(family, bitsOf(family) - 7), bitsOf(family) - 7),
  );

/** Anywhere, of any breadth, the whole family included. */
export const sparse = (family: Family): fc.Arbitrary<Block> => blockIn(family, 0n, 0);

/** One block around a boundary between the 32-bit words of IPv6, where carries have to cross. */
const acrossWords = blockIn(6, 0xffff_ffffn << 32n, 58);

export const anyBlock: fc.Arbitrary<Block> = fc.oneof(dense(4), sparse(4), dense(6), sparse(6), acrossWords);

const kinds = {
  'dense IPv4': dense(4),
  'sparse IPv4': sparse(4),
  'dense IPv6': dense(6),
  'sparse IPv6': sparse(6),
  mixed: anyBlock,
};

/** Lists of blocks by kind: a table for `describe.each`. */
export const cidrLists: readonly (readonly [string, fc.Arbitrary<Cidr[]>])[] = Object.entries(kinds).map(
  ([name, block]) => [name, fc.array(block.map(toCidr), { maxLength: 24 })] as const,
);
