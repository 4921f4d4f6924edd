/**
 * What is wrong with a text that is no CIDR block, in words. Only called for texts that were refused, so it may
 * take its time, and it never decides whether a text is accepted.
 */
import { isIP } from 'node:net';

/** A text was refused as a CIDR block: which text, and what is wrong with it. */
export class CidrError extends Error {
  override readonly name = 'CidrError';
  /** The text as it came, whole. */
  readonly input: string;
  /** A sentence fragment: `the prefix length is missing after the slash`. */
  readonly fault: string;

  constructor(input: string, fault: string) {
    super(`${quote(input)} is not a CIDR block that Postern accepts: ${fault}`);
    this.input = input;
    this.fault = fault;
  }
}

const maxQuotedCharacters = 60;

/** Printable ASCII only, so that no input can forge a log line or turn the reading direction. */
export function quote(input: string): string {
  const shown = input
    .slice(0, maxQuotedCharacters)
    .replace(/["\\]/g, '\\$&')
    .replace(/[^\x20-\x7e]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return input.length > maxQuotedCharacters ? `"${shown}…" (${input.length} characters)` : `"${shown}"`;
}

/** Why the syntax of `input` was refused. */
export function faultOf(input: string): string {
  if (input === '') return 'it is empty';
  if (/\s/.test(input)) return 'it contains white space';
  if (/[^\x21-\x7e]/.test(input)) return 'it contains characters other than printable ASCII';
  if (input.includes('%')) return 'it has a zone id, and a zone means something on one machine only';
  const [address = '', prefixLength, ...more] = input.split('/');
  if (more.length > 0) return 'it has more than one slash';
  return faultOfAddress(address) ?? faultOfPrefixLength(prefixLength, isIP(address) === 4 ? 32 : 128);
}

function faultOfAddress(address: string): string | undefined {
  if (address === '') return 'there is no address before the slash';
  if (isIP(address) !== 0) return undefined;
  if (address.includes(':')) return `${quote(address)} is not an IPv6 address`;
  const octets = address.split('.');
  if (!octets.every(octet => /^\d+$/.test(octet))) return `${quote(address)} is not an IPv4 or IPv6 address`;
  if (octets.length !== 4) return `an IPv4 address has 4 octets, this has ${octets.length}`;
  if (octets.some(octet => /^0\d/.test(octet)))
    return 'an octet has a leading zero, which some readers take as octal';
  return 'an octet is larger than 255';
}

function faultOfPrefixLength(text: string | undefined, max: 32 | 128): string {
  const family = max === 32 ? 'IPv4' : 'IPv6';
  if (text === undefined || text === '') return 'the prefix length is missing after the slash';
  if (/^[+-]/.test(text)) return 'the prefix length has a sign';
  if (!/^\d+$/.test(text)) return `the prefix length ${quote(text)} is not a decimal number`;
  if (/^0\d/.test(text)) return 'the prefix length has a leading zero';
  return `the prefix length ${quote(text)} is larger than ${max}, the largest for ${family}`;
}
