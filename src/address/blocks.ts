/** Between blocks and boundaries: many blocks in any order to one set, and one set to the fewest blocks. */
import { compareWords, copyWords, type Width } from './block.ts';
import { ascendingOrder } from './sort.ts';

/** Blocks of one family, in any order: their network addresses, and their prefix lengths. */
export interface Blocks {
  readonly width: Width;
  readonly words: Uint32Array;
  readonly prefixLengths: Uint8Array;
}

/** The boundaries of the union of the blocks. */
export function boundariesOf({ width, words, prefixLengths }: Blocks): Uint32Array {
  const result = new Uint32Array(2 * words.length);
  const blockEnd = new Uint32Array(width);
  let length = 0;
  const order = ascendingOrder(words, width);
  for (let place = 0; place < order.length; place++) {
    const block = order[place]!;
    const at = block * width;
    // The block starts a new range unless it starts within, or right after, the one that is last so far.
    if (length === 0 || compareWords(words, at, result, length - width, width) > 0) {
      copyWords(words, at, result, length, width);
      length += 2 * width;
    }
    const hasEnd = writeEnd(words, at, prefixLengths[block]!, width, blockEnd);
    // A range that reaches the last address has no end, and all that follows lies within it.
    if (!hasEnd) return result.slice(0, length - width);
    // The end of a new range is still zero here.
    if (compareWords(blockEnd, 0, result, length - width, width) > 0) {
      copyWords(blockEnd, 0, result, length - width, width);
    }
  }
  return result.slice(0, length);
}

/** The boundaries of the block at the beginning of `words`. They are used again by the next call. */
export function boundariesOfBlock(width: Width, words: Uint32Array, prefixLength: number): Uint32Array {
  const { both, first, end } = width === 1 ? oneIpv4 : oneIpv6;
  copyWords(words, 0, both, 0, width);
  return writeEnd(words, 0, prefixLength, width, end) ? both : first;
}

const oneIpv4 = roomForOne(1);
const oneIpv6 = roomForOne(4);

function roomForOne(width: Width) {
  const both = new Uint32Array(2 * width);
  return { both, first: both.subarray(0, width), end: both.subarray(width) };
}

/** Writes the first address after the block to `end`; false when there is none. */
function writeEnd(
  words: Uint32Array,
  at: number,
  prefixLength: number,
  width: Width,
  end: Uint32Array,
): boolean {
  if (prefixLength === 0) return false;
  copyWords(words, at, end, 0, width);
  let word = (prefixLength - 1) >> 5;
  // Powers by shifting: `2 **` takes most of the time here.
  let sum = end[word]! + ((1 << (32 * (word + 1) - prefixLength)) >>> 0);
  end[word] = sum;
  while (sum > 0xffffffff && word > 0) {
    word--;
    sum = end[word]! + 1;
    end[word] = sum;
  }
  return sum <= 0xffffffff;
}

/** Calls `visit` with each of the fewest blocks that make up the set, ascending. `words` is used again each time. */
export function forEachBlock(
  boundaries: Uint32Array,
  width: Width,
  visit: (words: Uint32Array, prefixLength: number) => void,
): void {
  const bits = 32 * width;
  const first = new Uint32Array(width);
  const last = new Uint32Array(width);
  for (let at = 0; at < boundaries.length; at += 2 * width) {
    copyWords(boundaries, at, first, 0, width);
    writeAddressBefore(boundaries, at + width, width, last);
    for (;;) {
      const differing = differingBits(first, last, width);
      const zeros = trailingZeros(first, width, 0);
      // The rest of the range is one block when the bits that differ are all zero in `first` and all one in `last`.
      if (zeros >= differing && trailingZeros(last, width, -1) >= differing) {
        visit(first, bits - differing);
        break;
      }
      // Otherwise the largest block is as large as `first` has zeros for, and stays below the highest such bit.
      const prefixLength = bits - Math.min(zeros, differing - 1);
      visit(first, prefixLength);
      writeEnd(first, 0, prefixLength, width, first);
    }
  }
}

/** Writes the address before the boundary at `at`; past the end of the list, the last address there is. */
function writeAddressBefore(boundaries: Uint32Array, at: number, width: Width, last: Uint32Array): void {
  if (at >= boundaries.length) {
    last.fill(0xffffffff);
    return;
  }
  let borrow = 1;
  for (let word = width - 1; word >= 0; word--) {
    const difference = boundaries[at + word]! - borrow;
    last[word] = difference;
    borrow = difference < 0 ? 1 : 0;
  }
}

/** How many bits remain from the highest one in which `a` and `b` differ. */
function differingBits(a: Uint32Array, b: Uint32Array, width: Width): number {
  for (let word = 0; word < width; word++) {
    const difference = a[word]! ^ b[word]!;
    if (difference !== 0) return 32 * (width - word) - Math.clz32(difference);
  }
  return 0;
}

/** Of the words after exclusive or with `flip`: 0 counts zeros, and -1 counts ones. */
function trailingZeros(words: Uint32Array, width: Width, flip: 0 | -1): number {
  let count = 0;
  for (let word = width - 1; word >= 0; word--) {
    const value = words[word]! ^ flip;
    if (value !== 0) return count + 31 - Math.clz32(value & -value);
    count += 32;
  }
  return count;
}
