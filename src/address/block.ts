/**
 * What a block is: 32-bit words, most significant first, one for IPv4 and four for IPv6, and a prefix length.
 * Words take no `bigint`, and so both families share one implementation that is fast for both.
 */
export type Family = 4 | 6;

/** How many words an address takes. */
export type Width = 1 | 4;

export const widthOf = (family: Family): Width => (family === 4 ? 1 : 4);

/** The prefix length of a single address. */
export const maxPrefixLengthOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

/** The network bits of one word of a block. */
export function networkMask(prefixLength: number, word: number): number {
  const bits = prefixLength - 32 * word;
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffffffff : ~(0xffffffff >>> bits) >>> 0;
}

/** Negative, zero or positive, as the address at `a[i]` is lower than, equal to, or higher than the one at `b[j]`. */
export function compareWords(a: Uint32Array, i: number, b: Uint32Array, j: number, width: Width): number {
  let left = a[i]!;
  let right = b[j]!;
  for (let word = 1; word < width && left === right; word++) {
    left = a[i + word]!;
    right = b[j + word]!;
  }
  return left - right;
}

export function copyWords(from: Uint32Array, i: number, to: Uint32Array, j: number, width: Width): void {
  to[j] = from[i]!;
  for (let word = 1; word < width; word++) to[j + word] = from[i + word]!;
}
