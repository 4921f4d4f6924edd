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

const zero = 0x30;
const dot = 0x2e;
const slash = 0x2f;
const colon = 0x3a;
const lowerA = 0x61;

/**
 * Reads one block after another into the same fields, so that reading makes no garbage.
 *
 * Accepts what `isIP` of `node:net` accepts, less zone ids, followed by nothing or by `/` and a decimal prefix
 * length without sign or leading zero (RFC 4632 §3.1, RFC 4291 §2.2 and §2.3). Host bits are kept.
 */
export class BlockReader {
  family: Family = 4;
  /** The address; IPv4 uses the first word only. */
  readonly words = new Uint32Array(4);
  prefixLength = 0;
  /** There was no prefix length; `prefixLength` then is that of a single address. */
  bare = false;
  /** Where the reader stands in the bytes. */
  #at = 0;

  /** Reads `bytes[from, to)` and tells whether it is a block. When it is not, the fields mean nothing. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    this.#at = from;
    if (this.#readIpv4(bytes, to)) this.family = 4;
    else {
      this.#at = from;
      if (!this.#readIpv6(bytes, to)) return false;
      this.family = 6;
    }
    return this.#readPrefixLength(bytes, to);
  }

  /** Four decimal octets without leading zeros; stops at the first byte that is neither a digit nor a dot. */
  #readIpv4(bytes: Uint8Array, to: number): boolean {
    let address = 0;
    let octet = 0;
    let digits = 0;
    let dots = 0;
    let at = this.#at;
    for (; at < to; at++) {
      const code = bytes[at]!;
      const digit = code - zero;
      if (digit >= 0 && digit <= 9) {
        if (digits > 0 && octet === 0) return false;
        octet = octet * 10 + digit;
        if (octet > 255) return false;
        digits++;
      } else if (code === dot) {
        if (digits === 0 || dots === 3) return false;
        address = (address << 8) | octet;
        octet = 0;
        digits = 0;
        dots++;
      } else break;
    }
    if (dots !== 3 || digits === 0) return false;
    this.words[0] = (address << 8) | octet;
    this.#at = at;
    return true;
  }

  /** Eight groups of one to four hexadecimal digits; `::` once; the last two may be a dotted quad. */
  #readIpv6(bytes: Uint8Array, to: number): boolean {
    const { words } = this;
    const groups = new Uint16Array(8);
    let count = 0;
    let gap = -1;
    let at = this.#at;
    if (bytes[at] === colon) {
      if (bytes[at + 1] !== colon) return false;
      gap = 0;
      at += 2;
    }
    while (at < to && bytes[at] !== slash) {
      const start = at;
      let group = 0;
      for (; at < to; at++) {
        const digit = hexDigit(bytes[at]!);
        if (digit < 0) break;
        if (at - start === 4) return false;
        group = group * 16 + digit;
      }
      if (at === start || count === 8) return false;
      if (at < to && bytes[at] === dot) {
        this.#at = start;
        if (count > 6 || !this.#readIpv4(bytes, to)) return false;
        at = this.#at;
        groups[count++] = words[0]! >>> 16;
        groups[count++] = words[0]! & 0xffff;
        break;
      }
      groups[count++] = group;
      if (at === to || bytes[at] === slash) break;
      if (bytes[at] !== colon) return false;
      at++;
      if (at < to && bytes[at] === colon) {
        if (gap >= 0) return false;
        gap = count;
        at++;
      } else if (at === to || bytes[at] === slash) return false;
    }
    if (gap < 0 ? count !== 8 : count > 7) return false;
    if (gap >= 0) {
      groups.copyWithin(8 - (count - gap), gap, count);
      groups.fill(0, gap, 8 - (count - gap));
    }
    for (let word = 0; word < 4; word++) {
      words[word] = (groups[2 * word]! << 16) | groups[2 * word + 1]!;
    }
    this.#at = at;
    return true;
  }

  #readPrefixLength(bytes: Uint8Array, to: number): boolean {
    const max = maxPrefixLengthOf(this.family);
    const start = this.#at + 1;
    this.bare = this.#at === to;
    this.prefixLength = max;
    if (this.bare) return true;
    if (bytes[this.#at] !== slash || start === to || to - start > 3) return false;
    let length = 0;
    for (let at = start; at < to; at++) {
      const digit = bytes[at]! - zero;
      if (digit < 0 || digit > 9 || (at > start && length === 0)) return false;
      length = length * 10 + digit;
    }
    this.prefixLength = length;
    return length <= max;
  }

  /** Clears the bits beyond the prefix; tells whether any was set. */
  clearHostBits(): boolean {
    let cleared = false;
    for (let word = 0; word < wordsOf(this.family); word++) {
      const mask = networkMask(this.prefixLength, word);
      const masked = (this.words[word]! & mask) >>> 0;
      if (masked !== this.words[word]) cleared = true;
      this.words[word] = masked;
    }
    return cleared;
  }
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
