/**
 * Sets of addresses of one family as boundaries: the ascending list of the addresses at which membership changes,
 * so `[a, b, c, d]` holds a…b-1 and c…d-1. A set that reaches the last address of its family has an odd number of
 * boundaries, because the change back would lie past the end; nothing here ever needs the number 2^32 or 2^128.
 * Equal sets have equal boundaries.
 *
 * A boundary takes one 32-bit word for IPv4 and four for IPv6, most significant first; that number is `width`.
 */
import { compareWords, copyWords, type Width } from './block.ts';

/** Which members the result keeps, as a truth table: bit 3 for those in both, 2 in a only, 1 in b only. */
export const combinations = { union: 0b1110, intersection: 0b1000, difference: 0b0100 } as const;

/** Walks both lists once, from the lowest boundary to the highest. */
export function combine(a: Uint32Array, b: Uint32Array, width: Width, keep: number): Uint32Array {
  const result = new Uint32Array(a.length + b.length);
  let length = 0;
  let inside = 0;
  let state = 0;
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const order = i === a.length ? 1 : j === b.length ? -1 : compareWords(a, i, b, j, width);
    const source = order <= 0 ? a : b;
    const at = order <= 0 ? i : j;
    if (order <= 0) {
      state ^= 0b10;
      i += width;
    }
    if (order >= 0) {
      state ^= 0b01;
      j += width;
    }
    if (((keep >>> state) & 1) !== inside) {
      inside ^= 1;
      copyWords(source, at, result, length, width);
      length += width;
    }
  }
  return result.slice(0, length);
}

/** Every range of the other set lies in one of this set's. Binary search for each. */
export function coversAll(boundaries: Uint32Array, other: Uint32Array, width: Width): boolean {
  for (let at = 0; at < other.length; at += 2 * width) {
    const upToFirst = countUpToFirst(boundaries, other, at, width);
    if (upToFirst % 2 === 0 || countBeforeEnd(boundaries, other, at, width) > upToFirst) return false;
  }
  return true;
}

/** At least one range of the other set shares an address with one of this set's. Binary search for each. */
export function overlapsAny(boundaries: Uint32Array, other: Uint32Array, width: Width): boolean {
  for (let at = 0; at < other.length; at += 2 * width) {
    const upToFirst = countUpToFirst(boundaries, other, at, width);
    if (upToFirst % 2 === 1 || countBeforeEnd(boundaries, other, at, width) > upToFirst) return true;
  }
  return false;
}

/** How many boundaries are not above the first address of the range at `range[at]`; if odd, the set holds it. */
function countUpToFirst(boundaries: Uint32Array, range: Uint32Array, at: number, width: Width): number {
  return countWhile(boundaries, width, boundary => compareWords(boundaries, boundary, range, at, width) <= 0);
}

/** How many boundaries are not above its last address. */
function countBeforeEnd(boundaries: Uint32Array, range: Uint32Array, at: number, width: Width): number {
  const end = at + width;
  if (end === range.length) return boundaries.length / width;
  return countWhile(boundaries, width, boundary => compareWords(boundaries, boundary, range, end, width) < 0);
}

/** How many boundaries pass a test that all up to some place pass, and none after it. */
function countWhile(boundaries: Uint32Array, width: Width, passes: (at: number) => boolean): number {
  let low = 0;
  let high = boundaries.length / width;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(middle * width)) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  return a.length === b.length && a.every((word, at) => word === b[at]);
}

/** How many addresses the set holds. */
export function sizeOf(boundaries: Uint32Array, width: Width): bigint {
  let size = 0n;
  for (let at = 0; at < boundaries.length; at += 2 * width) {
    const end =
      at + width < boundaries.length ? toBigInt(boundaries, at + width, width) : 1n << BigInt(32 * width);
    size += end - toBigInt(boundaries, at, width);
  }
  return size;
}

function toBigInt(words: Uint32Array, at: number, width: Width): bigint {
  let value = 0n;
  for (let word = 0; word < width; word++) value = (value << 32n) | BigInt(words[at + word]!);
  return value;
}
