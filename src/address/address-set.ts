import { widthOf } from './block.ts';
import { BlockReader } from './block-reader.ts';
import { boundariesOf, boundariesOfBlock } from './blocks.ts';
import { combinations, combine, coversAll, overlapsAny, sameWords, sizeOf } from './boundaries.ts';
import { type Cidr, type ParseOptions, readCanonical } from './cidr.ts';
import { type BlockList, readCidrs, readLines, writeLines } from './lines.ts';

const noBoundaries = new Uint32Array(0);
const reader = new BlockReader();

/**
 * An immutable set of addresses of both families. Sets are equal when they hold the same addresses, however they
 * were written down: `10.0.0.0/9` and `10.128.0.0/9` together are `10.0.0.0/8`.
 */
export class AddressSet {
  static readonly empty = new AddressSet(noBoundaries, noBoundaries);

  readonly #v4: Uint32Array;
  readonly #v6: Uint32Array;

  private constructor(v4: Uint32Array, v6: Uint32Array) {
    this.#v4 = v4;
    this.#v6 = v6;
  }

  /** The union of the blocks, in any order. */
  static of(cidrs: Iterable<Cidr>): AddressSet {
    return AddressSet.#ofBlocks(readCidrs(cidrs));
  }

  /** The union of the blocks in a text with one per line; see `readLines` for what is refused. */
  static fromLines(text: Uint8Array, options: ParseOptions = {}): AddressSet {
    return AddressSet.#ofBlocks(readLines(text, options));
  }

  static #ofBlocks({ v4, v6 }: BlockList): AddressSet {
    return new AddressSet(boundariesOf(v4), boundariesOf(v6));
  }

  union(other: AddressSet): AddressSet {
    return this.#combine(other, combinations.union);
  }

  /** The addresses of this set that are not in the other. */
  difference(other: AddressSet): AddressSet {
    return this.#combine(other, combinations.difference);
  }

  intersection(other: AddressSet): AddressSet {
    return this.#combine(other, combinations.intersection);
  }

  #combine(other: AddressSet, keep: number): AddressSet {
    return new AddressSet(combine(this.#v4, other.#v4, 1, keep), combine(this.#v6, other.#v6, 4, keep));
  }

  /** Every address of the other is in this set. */
  covers(other: Cidr | AddressSet): boolean {
    if (typeof other === 'string') return this.#ask(other, coversAll);
    return coversAll(this.#v4, other.#v4, 1) && coversAll(this.#v6, other.#v6, 4);
  }

  /** At least one address is in both. */
  overlaps(other: Cidr | AddressSet): boolean {
    if (typeof other === 'string') return this.#ask(other, overlapsAny);
    return overlapsAny(this.#v4, other.#v4, 1) || overlapsAny(this.#v6, other.#v6, 4);
  }

  /** One block needs no set, which matters to those who ask about many. */
  #ask(cidr: Cidr, question: typeof coversAll): boolean {
    readCanonical(reader, cidr);
    const width = widthOf(reader.family);
    const block = boundariesOfBlock(width, reader.words, reader.prefixLength);
    return question(width === 1 ? this.#v4 : this.#v6, block, width);
  }

  equals(other: AddressSet): boolean {
    return sameWords(this.#v4, other.#v4) && sameWords(this.#v6, other.#v6);
  }

  get isEmpty(): boolean {
    return this.#v4.length === 0 && this.#v6.length === 0;
  }

  /** How many addresses, of both families together. */
  get size(): bigint {
    return sizeOf(this.#v4, 1) + sizeOf(this.#v6, 4);
  }

  /** The fewest blocks that hold exactly these addresses, IPv4 first, ascending. */
  toCidrs(): Cidr[] {
    const text = Buffer.from(this.toLines()).toString('latin1');
    return text.split('\n').slice(0, -1) as Cidr[];
  }

  /** `toCidrs` as a text with one block per line. */
  toLines(): Uint8Array {
    return Buffer.concat([writeLines(this.#v4, 4), writeLines(this.#v6, 6)]);
  }
}
