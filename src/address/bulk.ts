/** Whole lists at once: text with one block per line to typed arrays, and sets back to such text. */
import { type Blocks, forEachBlock } from './blocks.ts';
import type { Width } from './boundaries.ts';
import { CidrError, type ParseOptions, tryParseCidr } from './cidr.ts';
import { BlockReader, type Family, lineFeed, maxLineBytes, wordsOf, writeBlock } from './spelling.ts';

/** Blocks of one family while a list is read. */
class GrowingBlocks implements Blocks {
  readonly width: Width;
  #words: Uint32Array;
  #prefixLengths: Uint8Array;
  #count = 0;

  constructor(family: Family) {
    this.width = wordsOf(family);
    this.#words = new Uint32Array(64 * this.width);
    this.#prefixLengths = new Uint8Array(64);
  }

  get words(): Uint32Array {
    return this.#words.subarray(0, this.#count * this.width);
  }

  get prefixLengths(): Uint8Array {
    return this.#prefixLengths.subarray(0, this.#count);
  }

  add(words: Uint32Array, prefixLength: number): void {
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

/**
 * Reads one block per line, with `parseCidr`'s strictness and options; the last line may lack its line feed.
 * Throws the `CidrError` of the first line that `parseCidr` would refuse, an empty one included.
 */
export function readLines(
  text: Uint8Array,
  options: ParseOptions = {},
): { readonly v4: Blocks; readonly v6: Blocks } {
  const reader = new BlockReader();
  const v4 = new GrowingBlocks(4);
  const v6 = new GrowingBlocks(6);
  for (let from = 0; from < text.length; ) {
    const end = reader.read(text, from);
    if (
      end < 0 ||
      (reader.bare && options.bare !== 'host') ||
      (reader.clearHostBits() && options.hostBits !== 'mask')
    ) {
      throw refusalOfLine(text, from, options);
    }
    (reader.family === 4 ? v4 : v6).add(reader.words, reader.prefixLength);
    from = end + 1;
  }
  return { v4, v6 };
}

function refusalOfLine(text: Uint8Array, from: number, options: ParseOptions): CidrError {
  const end = text.indexOf(lineFeed, from);
  const line = new TextDecoder().decode(text.subarray(from, end < 0 ? text.length : end));
  const result = tryParseCidr(line, options);
  return result.ok ? new CidrError(line, 'it was refused in a list') : result.error;
}

/** The fewest blocks that make up the set, one per line, ascending, every line ended. */
export function writeLines(boundaries: Uint32Array, family: Family): Uint8Array {
  let bytes = new Uint8Array(1024);
  let length = 0;
  forEachBlock(boundaries, wordsOf(family), (words, prefixLength) => {
    if (length + maxLineBytes > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
    }
    length = writeBlock(bytes, length, family, words, 0, prefixLength);
    bytes[length++] = lineFeed;
  });
  return bytes.subarray(0, length);
}
