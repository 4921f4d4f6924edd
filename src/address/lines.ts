/** Whole lists at once: blocks as text, one per line, to typed arrays; and a set back to such text. */
import { ascii } from './ascii.ts';
import { type Family, type Width, widthOf } from './block.ts';
import { BlockReader } from './block-reader.ts';
import { maxLineBytes, writeBlock } from './block-writer.ts';
import { type Blocks, forEachBlock } from './blocks.ts';
import { type Cidr, CidrError, type ParseOptions, readCanonical, tryParseCidr } from './cidr.ts';

/** The blocks of a list, by family. */
export interface BlockList {
  readonly v4: Blocks;
  readonly v6: Blocks;
}

/**
 * Reads one block per line, with `parseCidr`'s strictness and options; the last line may lack its line feed.
 * Throws the `CidrError` of the first line that `parseCidr` would refuse, an empty one included.
 */
export function readLines(text: Uint8Array, options: ParseOptions = {}): BlockList {
  const list = { v4: new GrowingBlocks(4), v6: new GrowingBlocks(6) };
  const reader = new BlockReader();
  for (let from = 0; from < text.length; ) {
    const end = reader.read(text, from);
    if (
      end < 0 ||
      (reader.bare && options.bare !== 'host') ||
      (reader.clearHostBits() && options.hostBits !== 'mask')
    ) {
      throw refusalOfLine(text, from, options);
    }
    (reader.family === 4 ? list.v4 : list.v6).add(reader);
    from = end + 1;
  }
  return list;
}

function refusalOfLine(text: Uint8Array, from: number, options: ParseOptions): CidrError {
  const end = text.indexOf(ascii.lineFeed, from);
  // A byte order mark is part of the line, and a reason to refuse it.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const line = decoder.decode(text.subarray(from, end < 0 ? text.length : end));
  const result = tryParseCidr(line, options);
  return result.ok
    ? new CidrError(line, 'it was refused as a line, but not alone, which is a bug')
    : result.error;
}

/** The same of strings. Throws a `CidrError` for what only a cast made a `Cidr`. */
export function readCidrs(cidrs: Iterable<Cidr>): BlockList {
  const list = { v4: new GrowingBlocks(4), v6: new GrowingBlocks(6) };
  const reader = new BlockReader();
  for (const cidr of cidrs) {
    readCanonical(reader, cidr);
    (reader.family === 4 ? list.v4 : list.v6).add(reader);
  }
  return list;
}

/** Blocks of one family, in arrays that double when they are full. */
class GrowingBlocks implements Blocks {
  readonly width: Width;
  #words: Uint32Array;
  #prefixLengths = new Uint8Array(64);
  #count = 0;

  constructor(family: Family) {
    this.width = widthOf(family);
    this.#words = new Uint32Array(64 * this.width);
  }

  get words(): Uint32Array {
    return this.#words.subarray(0, this.#count * this.width);
  }

  get prefixLengths(): Uint8Array {
    return this.#prefixLengths.subarray(0, this.#count);
  }

  add({ words, prefixLength }: BlockReader): void {
    if (this.#count === this.#prefixLengths.length) this.#grow();
    const at = this.#count * this.width;
    for (let word = 0; word < this.width; word++) this.#words[at + word] = words[word]!;
    this.#prefixLengths[this.#count++] = prefixLength;
  }

  #grow(): void {
    const words = new Uint32Array(2 * this.#words.length);
    const prefixLengths = new Uint8Array(2 * this.#prefixLengths.length);
    words.set(this.#words);
    prefixLengths.set(this.#prefixLengths);
    this.#words = words;
    this.#prefixLengths = prefixLengths;
  }
}

/** The fewest blocks that make up the set, one per line, ascending, every line ended. */
export function writeLines(boundaries: Uint32Array, family: Family): Uint8Array {
  let bytes = new Uint8Array(1024);
  let length = 0;
  forEachBlock(boundaries, widthOf(family), (words, prefixLength) => {
    if (length + maxLineBytes > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
    }
    length = writeBlock(bytes, length, family, words, prefixLength);
    bytes[length++] = ascii.lineFeed;
  });
  return bytes.subarray(0, length);
}
