import { ascii } from './ascii.ts';
import { type Family, maxPrefixLengthOf, networkMask, widthOf } from './block.ts';

const { lineFeed, dot, slash, zero, colon, lowerA } = ascii;

/**
 * Reads one block after another into the same fields, so that reading makes no garbage.
 *
 * Accepts what `isIP` of `node:net` accepts, less zone ids, followed by nothing or by `/` and a decimal prefix
 * length without sign or leading zero (RFC 4632 section 3.1, RFC 4291 sections 2.2 and 2.3). Host bits are kept.
 */
export class BlockReader {
  family: Family = 4;
  /** The address; IPv4 uses the first word only. */
  readonly words = new Uint32Array(4);
  prefixLength = 0;
  /** There was no prefix length; `prefixLength` then is that of a single address. */
  bare = false;
  readonly #groups = new Uint16Array(8);

  /**
   * Reads the block that starts at `from` and must end at a line feed or at the end of the bytes. Gives the place
   * of that end, or -1 when there is no block; the fields then mean nothing.
   */
  read(bytes: Uint8Array, from: number): number {
    this.family = 4;
    let at = this.#readIpv4(bytes, from);
    if (at < 0) {
      this.family = 6;
      at = this.#readIpv6(bytes, from);
    }
    return at < 0 ? -1 : this.#readPrefixLength(bytes, at);
  }

  /** Four decimal octets without leading zeros, into the first word. Gives the place after them, or -1. */
  #readIpv4(bytes: Uint8Array, from: number): number {
    let address = 0;
    let at = from;
    for (let dots = 0; ; dots++) {
      const start = at;
      let octet = 0;
      for (; at < bytes.length; at++) {
        const digit = bytes[at]! - zero;
        if (digit < 0 || digit > 9) break;
        octet = octet * 10 + digit;
        if (octet > 255) return -1;
      }
      if (at === start || (at - start > 1 && bytes[start] === zero)) return -1;
      address = (address << 8) | octet;
      if (dots === 3) break;
      if (at === bytes.length || bytes[at] !== dot) return -1;
      at++;
    }
    this.words[0] = address;
    return at;
  }

  /** Eight groups, or fewer with one `::`; a dotted quad may stand for the last two. Gives the place after, or -1. */
  #readIpv6(bytes: Uint8Array, from: number): number {
    const groups = this.#groups;
    let count = 0;
    let gap = -1;
    let at = from;
    if (at + 1 < bytes.length && bytes[at] === colon && bytes[at + 1] === colon) {
      gap = 0;
      at += 2;
    }
    while (!(gap === count && isAddressEnd(bytes, at))) {
      if (count === 8) return -1;
      const start = at;
      let group = 0;
      for (; at < bytes.length; at++) {
        const digit = hexDigit(bytes[at]!);
        if (digit < 0) break;
        group = group * 16 + digit;
        if (group > 0xffff) return -1;
      }
      if (at === start || at - start > 4) return -1;
      if (at < bytes.length && bytes[at] === dot) {
        at = this.#readIpv4(bytes, start);
        if (at < 0 || count > 6) return -1;
        groups[count++] = this.words[0]! >>> 16;
        groups[count++] = this.words[0]!;
        break;
      }
      groups[count++] = group;
      if (isAddressEnd(bytes, at)) break;
      if (bytes[at++] !== colon) return -1;
      if (at < bytes.length && bytes[at] === colon) {
        if (gap >= 0) return -1;
        gap = count;
        at++;
      }
    }
    if (gap < 0 ? count !== 8 : count > 7) return -1;
    this.#spreadGroups(count, gap < 0 ? count : gap);
    return at;
  }

  /** Puts the groups into the words, with zeros for the missing ones from `gap` on. */
  #spreadGroups(count: number, gap: number): void {
    const missing = 8 - count;
    for (let index = 0; index < 8; index++) {
      const group =
        index < gap ? this.#groups[index]! : index < gap + missing ? 0 : this.#groups[index - missing]!;
      const word = index >> 1;
      this.words[word] = (this.words[word]! << 16) | group;
    }
  }

  #readPrefixLength(bytes: Uint8Array, from: number): number {
    const max = maxPrefixLengthOf(this.family);
    this.prefixLength = max;
    this.bare = isLineEnd(bytes, from);
    if (this.bare) return from;
    if (bytes[from] !== slash) return -1;
    const start = from + 1;
    let at = start;
    let length = 0;
    for (; at < bytes.length; at++) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
      if (length > max) return -1;
    }
    if (at === start || (at - start > 1 && bytes[start] === zero) || !isLineEnd(bytes, at)) return -1;
    this.prefixLength = length;
    return at;
  }

  /** Clears the bits beyond the prefix; tells whether any was set. */
  clearHostBits(): boolean {
    let cleared = 0;
    for (let word = 0; word < widthOf(this.family); word++) {
      const hostBits = this.words[word]! & ~networkMask(this.prefixLength, word);
      this.words[word] = this.words[word]! ^ hostBits;
      cleared |= hostBits;
    }
    return cleared !== 0;
  }
}

function isLineEnd(bytes: Uint8Array, at: number): boolean {
  return at === bytes.length || bytes[at] === lineFeed;
}

function isAddressEnd(bytes: Uint8Array, at: number): boolean {
  return isLineEnd(bytes, at) || bytes[at] === slash;
}

function hexDigit(code: number): number {
  if (code >= zero && code <= zero + 9) return code - zero;
  const letter = (code | 0x20) - lowerA;
  return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}
