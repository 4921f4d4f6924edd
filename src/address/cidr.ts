/**
 * One CIDR block as text. This is the border of Postern's trust: nothing that is not a block gets past it, and
 * whatever does is in the one canonical form, so that equal blocks are equal strings.
 */
import { isIP } from 'node:net';
import { ascii } from './ascii.ts';
import { type Family, widthOf } from './block.ts';
import { BlockReader } from './block-reader.ts';
import { maxLineBytes, writeBlock } from './block-writer.ts';
import { CidrError, faultOf } from './fault.ts';

export type { Family } from './block.ts';
export { CidrError };

/**
 * Canonical text, always with its prefix length and without host bits: `192.0.2.1/32`, `2001:db8::/32`. IPv6 as
 * RFC 5952 writes it. Only `parseCidr`, `tryParseCidr` and `AddressSet` make one.
 */
export type Cidr = string & { readonly __brand: 'Cidr' };

export interface ParseOptions {
  /** An address without a prefix length: refused, or taken as a single host. Default `refuse`. */
  readonly bare?: 'refuse' | 'host';
  /** Bits set beyond the prefix, as in `10.0.0.1/24`: refused, or cleared. Default `refuse`. */
  readonly hostBits?: 'refuse' | 'mask';
}

export type ParseResult =
  /** `masked`: host bits were set and have been cleared. */
  | { readonly ok: true; readonly cidr: Cidr; readonly masked: boolean }
  | { readonly ok: false; readonly error: CidrError };

const reader = new BlockReader();
const otherReader = new BlockReader();
const textBytes = Buffer.alloc(128);
const lineBytes = Buffer.alloc(maxLineBytes);

/** The canonical form of `text`. Throws a `CidrError` that names the text and the fault. */
export function parseCidr(text: string, options: ParseOptions = {}): Cidr {
  const result = tryParseCidr(text, options);
  if (!result.ok) throw result.error;
  return result.cidr;
}

/** Like `parseCidr`, with the fault as a value. */
export function tryParseCidr(text: string, options: ParseOptions = {}): ParseResult {
  if (!isBlock(text)) return refuse(text, faultOf(text));
  const { family, prefixLength, bare } = reader;
  const masked = reader.clearHostBits();
  const cidr = printBlock(family, reader.words, prefixLength);
  if (bare && options.bare !== 'host') {
    return refuse(text, `it has no prefix length; a single address is ${cidr}`);
  }
  if (masked && options.hostBits !== 'mask') {
    return refuse(text, `it has address bits set beyond its prefix; the whole block is ${cidr}`);
  }
  return { ok: true, cidr, masked };
}

/** Two locks on one door: our reader and Node's must both accept the text. Leaves the block in `reader`. */
function isBlock(text: string): boolean {
  const [address = ''] = text.split('/', 1);
  return isIP(address) !== 0 && readText(reader, text);
}

/** The whole text must be one block, so the reader has to end where the text does. */
function readText(into: BlockReader, text: string): boolean {
  // Cut off, a text that is too long would be another one; no block needs more bytes than these.
  if (text.length >= textBytes.length) return false;
  // By hand, because a call to encode takes longer than all that is done with so short a text.
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // A byte would keep the low half of it, and make ASCII digits of some that are none.
    if (code > 0x7f) return false;
    textBytes[at] = code;
  }
  textBytes[text.length] = ascii.lineFeed;
  return into.read(textBytes, 0) === text.length;
}

function refuse(text: string, fault: string): ParseResult {
  return { ok: false, error: new CidrError(text, fault) };
}

function printBlock(family: Family, words: Uint32Array, prefixLength: number): Cidr {
  const length = writeBlock(lineBytes, 0, family, words, prefixLength);
  return lineBytes.toString('latin1', 0, length) as Cidr;
}

export function familyOf(cidr: Cidr): Family {
  return cidr.includes(':') ? 6 : 4;
}

/** From 0 to 32 for IPv4, to 128 for IPv6. */
export function prefixLengthOf(cidr: Cidr): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1));
}

/** The order of lists: IPv4 before IPv6, then by first address, then the broader block first. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  readCanonical(reader, a);
  readCanonical(otherReader, b);
  if (reader.family !== otherReader.family) return reader.family - otherReader.family;
  for (let word = 0; word < widthOf(reader.family); word++) {
    const difference = reader.words[word]! - otherReader.words[word]!;
    if (difference !== 0) return difference;
  }
  return reader.prefixLength - otherReader.prefixLength;
}

/** Reads what is a `Cidr` by its type. Throws a `CidrError` when it was made by a cast and is none. */
export function readCanonical(into: BlockReader, cidr: Cidr): void {
  if (readText(into, cidr) && !into.bare && !into.clearHostBits()) return;
  const result = tryParseCidr(cidr);
  throw result.ok ? new CidrError(cidr, 'it was not made by parseCidr') : result.error;
}
