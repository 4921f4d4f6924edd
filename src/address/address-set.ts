import { widthOf } from './block.ts';
import { BlockReader } from './block-reader.ts';
import { boundariesOf } from './blocks.ts';
import { combinations, combine, coversAll, overlapsAny, sameWords, sizeOf } from './boundaries.ts';
import { type Cidr, type ParseOptions, readCanonical } from './cidr.ts';
import { type BlockList, readCidrs, readLines, writeLines } from './lines.ts';

const noBoundaries = new Uint32Array(0);
const reader = new BlockReader();

/** Sets of one block: the same blocks are asked about again and again, at every run over every gate. */
const ofOneBlock = new Map<Cidr, AddressSet>();
const mostRemembered = 10_000;

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
    const set = AddressSet.#from(other);
    return coversAll(this.#v4, set.#v4, 1) && coversAll(this.#v6, set.#v6, 4);
  }

  /** At least one address is in both. */
  overlaps(other: Cidr | AddressSet): boolean {
    const set = AddressSet.#from(other);
    return overlapsAny(this.#v4, set.#v4, 1) || overlapsAny(this.#v6, set.#v6, 4);
  }

  static #from(other: Cidr | AddressSet): AddressSet {
    if (typeof other !== 'string') return other;
    let set = ofOneBlock.get(other);
    if (set) return set;
    set = AddressSet.#ofOneBlock(other);
    if (ofOneBlock.size >= mostRemembered) ofOneBlock.clear();
    ofOneBlock.set(other, set);
    return set;
  }

  /** One block needs no list, which matters to those who ask about many. */
  static #ofOneBlock(cidr: Cidr): AddressSet {
    readCanonical(reader, cidr);
    const width = widthOf(reader.family);
    const boundaries = boundariesOf({
      width,
      words: reader.words.subarray(0, width),
      prefixLengths: Uint8Array.of(reader.prefixLength),
    });
    return width === 1 ? new AddressSet(boundaries, noBoundaries) : new AddressSet(noBoundaries, boundaries);
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
