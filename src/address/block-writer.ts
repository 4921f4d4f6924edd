import { ascii } from './ascii.ts';
import type { Family } from './block.ts';

const { dot, slash, zero, colon, lowerA } = ascii;

/** The longest block, `ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128`, and a line feed. */
export const maxLineBytes = 44;

/** Writes the canonical text of a block to `bytes` at `at`; gives the place after it. */
export function writeBlock(
  bytes: Uint8Array,
  at: number,
  family: Family,
  words: Uint32Array,
  prefixLength: number,
): number {
  const end = family === 4 ? writeIpv4(bytes, at, words[0]!) : writeIpv6(bytes, at, words);
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

const groups = new Uint16Array(8);

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as `::`, the first on a tie. */
function writeIpv6(bytes: Uint8Array, at: number, words: Uint32Array): number {
  for (let index = 0; index < 8; index++) groups[index] = words[index >> 1]! >>> (index & 1 ? 0 : 16);
  // RFC 5952 section 5 recommends mixed notation for addresses that are known to embed an IPv4 one.
  const mapped = words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  const count = mapped ? 6 : 8;
  let gapStart = -1;
  let gapLength = 1;
  for (let index = 0, runStart = 0; index < count; index++) {
    const runLength = index + 1 - runStart;
    if (groups[index] !== 0) runStart = index + 1;
    else if (runLength > gapLength) {
      gapStart = runStart;
      gapLength = runLength;
    }
  }
  let next = at;
  for (let index = 0; index < count; index++) {
    if (index === gapStart) {
      bytes[next++] = colon;
      bytes[next++] = colon;
      index += gapLength - 1;
      continue;
    }
    if (index > 0 && index !== gapStart + gapLength) bytes[next++] = colon;
    next = writeHex(bytes, next, groups[index]!);
  }
  if (!mapped) return next;
  bytes[next++] = colon;
  return writeIpv4(bytes, next, words[3]!);
}

/** The digits of 0 to 255, three bytes for each; looking them up halves the time that printing takes. */
const decimals = Uint8Array.from(
  Array.from({ length: 256 }, (_, value) => [...Buffer.from(`${value}`.padEnd(3, '\0'))]).flat(),
);

/** Writes three bytes, of which those after the digits are for the next writer to overwrite. */
function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = decimals[3 * value]!;
  bytes[at + 1] = decimals[3 * value + 1]!;
  bytes[at + 2] = decimals[3 * value + 2]!;
  return at + (value < 10 ? 1 : value < 100 ? 2 : 3);
}

function writeHex(bytes: Uint8Array, at: number, value: number): number {
  let next = at;
  for (let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 0xf;
    bytes[next++] = digit < 10 ? zero + digit : lowerA + digit - 10;
  }
  return next;
}
