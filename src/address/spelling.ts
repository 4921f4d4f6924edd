/**
 * How a block is spelled: the one reader and the one writer of CIDR text, over bytes, so that a list of a
 * million lines and a single string take the same road.
 *
 * A block is held as 32-bit words, most significant first: one word for IPv4, four for IPv6.
 */
export type Family = 4 | 6;

/** How many 32-bit words an address of the family takes. */
export const wordsOf = (family: Family): 1 | 4 => (family === 4 ? 1 : 4);

/** The prefix length of a single address. */
export const maxPrefixLengthOf = (family: Family): 32 | 128 => (family === 4 ? 32 : 128);

export const lineFeed = 0x0a;
const zero = 0x30;
const dot = 0x2e;
const slash = 0x2f;
const colon = 0x3a;
const lowerA = 0x61;

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
    for (let word = 0; word < wordsOf(this.family); word++) {
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

/** The network bits of one word of a block. */
export function networkMask(prefixLength: number, word: number): number {
  const bits = prefixLength - 32 * word;
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffffffff : ~(0xffffffff >>> bits) >>> 0;
}

function hexDigit(code: number): number {
  if (code >= zero && code <= zero + 9) return code - zero;
  const letter = (code | 0x20) - lowerA;
  return letter >= 0 && letter <= 5 ? letter + 10 : -1;
}

/** No block is longer: `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128`, and a line feed. */
export const maxLineBytes = 44;

/** Writes the canonical text of a block to `bytes` at `at`; gives the place after it. */
export function writeBlock(
  bytes: Uint8Array,
  at: number,
  family: Family,
  words: Uint32Array,
  firstWord: number,
  prefixLength: number,
): number {
  const end = family === 4 ? writeIpv4(bytes, at, words[firstWord]!) : writeIpv6(bytes, at, words, firstWord);
  bytes[end] = slash;
  return writeDecimal(bytes, end + 1, prefixLength);
}

function writeIpv4(bytes: Uint8Array, at: number, address: number): number {
  let next = writeDecimal(bytes, at, address >>> 24);
  for (let shift = 16; shift >= 0; shift -= 8) {
    bytes[next] = dot;
    next = writeDecimal(bytes, next + 1, (address >>> shift) & 0xff);
  }
  return next;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`, the first on a tie. */
function writeIpv6(bytes: Uint8Array, at: number, words: Uint32Array, firstWord: number): number {
  const mapped = words[firstWord] === 0 && words[firstWord + 1] === 0 && words[firstWord + 2] === 0xffff;
  // RFC 5952 §5 recommends mixed notation for addresses that are known to embed an IPv4 one.
  const groups = mapped ? 6 : 8;
  const group = (index: number) => (words[firstWord + (index >> 1)]! >>> (index & 1 ? 0 : 16)) & 0xffff;
  let gapStart = -1;
  let gapLength = 1;
  for (let start = 0; start < groups; start++) {
    let length = 0;
    while (start + length < groups && group(start + length) === 0) length++;
    if (length > gapLength) {
      gapStart = start;
      gapLength = length;
    }
  }
  let next = at;
  for (let index = 0; index < groups; index++) {
    if (index === gapStart) {
      bytes[next++] = colon;
      bytes[next++] = colon;
      index += gapLength - 1;
      continue;
    }
    if (index > 0 && bytes[next - 1] !== colon) bytes[next++] = colon;
    next = writeHex(bytes, next, group(index));
  }
  if (!mapped) return next;
  bytes[next++] = colon;
  return writeIpv4(bytes, next, words[firstWord + 3]!);
}

function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  if (value >= 100) bytes[next++] = zero + Math.trunc(value / 100);
  if (value >= 10) bytes[next++] = zero + (Math.trunc(value / 10) % 10);
  bytes[next++] = zero + (value % 10);
  return next;
}

function writeHex(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  for (let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 0xf;
    bytes[next++] = digit < 10 ? zero + digit : lowerA + digit - 10;
  }
  return next;
}
