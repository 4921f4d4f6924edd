import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Cidr,
  CidrError,
  compareCidrs,
  familyOf,
  parseCidr,
  prefixLengthOf,
  tryParseCidr,
} from '../../src/address/index.ts';
import { anyBlock, longText, toCidr } from './arbitraries.ts';
import { nearlyCidr } from './nearly-cidr.ts';

describe('parseCidr refuses', () => {
  test.each([
    // What the libraries make of these is in each comment: the reason why the parser is ours.
    ['1.2.3.4/', /prefix length is missing/], // 0.0.0.0/0
    ['1.2.3.4/-1', /has a sign/], // 0.0.0.0/0
    ['256.1.1.1/32', /octet is larger than 255/], // 0.1.1.1/32
    ['1.2.3', /4 octets, this has 3/], // 0.1.2.3/32
    ['1.2.3.4.5/32', /4 octets, this has 5/], // 2.3.4.5/32
    ['1.2.3.4/33', /"33" is larger than 32/], // 1.2.3.4/32
    ['12345::/16', /"12345::" is not an IPv6 address/], // 2345::/16
    ['01.2.3.4/32', /octet has a leading zero/], // 1.2.3.4/32
    ['10.0.0.1/24', /bits set beyond its prefix; the whole block is 10\.0\.0\.0\/24/], // 10.0.0.0/24
    ['2001:db8::1/32', /the whole block is 2001:db8::\/32/],
    ['2001:db8:0:1::/32', /the whole block is 2001:db8::\/32/],
    ['2001:db8:0:0:1::/48', /the whole block is 2001:db8::\/48/],
    ['', /it is empty/],
    [' 1.2.3.4/32', /white space/],
    ['1.2.3.4/32 ', /white space/],
    ['1.2.3.4 /32', /white space/],
    ['1.2.3.4/32\n', /white space/],
    ['1.2.3.4/32\r', /white space/],
    ['1.2.3.4/32\u00a0', /white space/],
    ['1.2.3.4/32\u0000', /other than printable ASCII/],
    ['\ufeff1.2.3.4/32', /white space/],
    ['\uff11.2.3.4/32', /other than printable ASCII/],
    ['1.2.3.4/\u0663\u0662', /other than printable ASCII/],
    ['\u0131.2.3.4/32', /other than printable ASCII/], // the low byte of this letter is that of 1
    ['fe80::1%eth0', /zone id/],
    ['fe80::1%eth0/128', /zone id/],
    ['fe80::1/128%1', /zone id/],
    ['1.2.3.4/+32', /has a sign/],
    ['-1.2.3.4/32', /"-1\.2\.3\.4" is not an IPv4 or IPv6 address/],
    ['1.2.3.4/032', /prefix length has a leading zero/],
    ['1.2.3.4/00', /prefix length has a leading zero/],
    ['1.2.3.4/1e1', /"1e1" is not a decimal number/],
    ['1.2.3.4/255.255.255.0', /not a decimal number/],
    ['1.2.3.4/0x20', /not a decimal number/],
    ['1.2.3.4/4294967328', /larger than 32/], // 2^32 + 32
    ['::/129', /"129" is larger than 128, the largest for IPv6/],
    ['::ffff:1.2.3.4/', /prefix length is missing/],
    ['::ffff:1.2.3/128', /is not an IPv6 address/],
    ['::ffff:1.2.3.256/128', /is not an IPv6 address/],
    ['1:2:3:4:5:6:7:1.2.3.4/128', /is not an IPv6 address/],
    ['::1::/128', /is not an IPv6 address/],
    [':::/128', /is not an IPv6 address/],
    [':1::/128', /is not an IPv6 address/],
    ['1:/128', /is not an IPv6 address/],
    ['1:2:3:4:5:6:7/128', /is not an IPv6 address/],
    ['1:2:3:4:5:6:7:8:9/128', /is not an IPv6 address/],
    ['1:2:3:4:5:6:7:8::/128', /is not an IPv6 address/],
    ['[::1]/128', /is not an IPv6 address/],
    ['::g/128', /is not an IPv6 address/],
    ['/24', /no address before the slash/],
    ['1.2.3.4/24/24', /more than one slash/],
    ['1.2.3.4', /no prefix length; a single address is 1\.2\.3\.4\/32/],
    ['2001:DB8::1', /a single address is 2001:db8::1\/128/],
    ['16909060/32', /4 octets, this has 1/],
    ['localhost/32', /not an IPv4 or IPv6 address/],
  ])('%j', (text, fault) => {
    const result = tryParseCidr(text);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.error).toBeInstanceOf(CidrError);
    expect(result.error.input).toBe(text);
    expect(result.error.fault).toMatch(fault);
    expect(result.error.message).toContain(result.error.fault);
    expect(() => parseCidr(text)).toThrow(result.error.message);
  });

  test('and says so in printable ASCII, at bounded length', () => {
    const { message } = errorOf('1.2.3.4/\u001b[31m\u202e"\\');
    expect(message).toContain('"1.2.3.4/\\u001b[31m\\u202e\\"\\\\"');
    const long = errorOf(`1.2.3.4/${'9'.repeat(1_000_000)}`);
    expect(long.message).toContain('(1000008 characters)');
    expect(long.message.length).toBeLessThan(400);
  });

  test('a bare address and host bits together by whichever is not allowed', () => {
    expect(tryParseCidr('1.2.3.4', { hostBits: 'mask' }).ok).toBe(false);
    expect(tryParseCidr('1.2.3.4/24', { bare: 'host' }).ok).toBe(false);
  });
});

describe('parseCidr gives the canonical form', () => {
  test.each([
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255/32', '255.255.255.255/32'],
    ['::/0', '::/0'],
    ['0:0:0:0:0:0:0:0/128', '::/128'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0000/32', '2001:db8::/32'],
    ['FFFF:ffff:FFFF:ffff:FFFF:ffff:FFFF:ffff/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
    // RFC 5952 section 4.2.2: one zero group alone is not shortened.
    ['2001:db8::1:1:1:1:1/128', '2001:db8:0:1:1:1:1:1/128'],
    // Section 4.2.3: the longest run, and the first of equal ones.
    ['2001:0:0:1:0:0:0:1/128', '2001:0:0:1::1/128'],
    ['2001:db8:0:0:1:0:0:1/128', '2001:db8::1:0:0:1/128'],
    ['1:2:3:4:5:6:7::/128', '1:2:3:4:5:6:7:0/128'],
    ['::2:3:4:5:6:7:8/128', '0:2:3:4:5:6:7:8/128'],
    ['1:2:3:4:5:6:0:0/128', '1:2:3:4:5:6::/128'],
    ['0:0:3:4:5:6:7:8/128', '::3:4:5:6:7:8/128'],
    // Section 5: mixed notation where the address is known to embed IPv4; only the mapped ones are.
    ['::FFFF:C000:0201/128', '::ffff:192.0.2.1/128'],
    ['::ffff:0:0/96', '::ffff:0.0.0.0/96'],
    ['::192.0.2.1/128', '::c000:201/128'],
    ['64:ff9b::192.0.2.1/128', '64:ff9b::c000:201/128'],
    ['1:2:3:4:5:6:1.2.3.4/128', '1:2:3:4:5:6:102:304/128'],
  ])('%s → %s', (text, cidr) => {
    expect(parseCidr(text)).toBe(cidr);
    expect(parseCidr(cidr)).toBe(cidr);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1/32', false],
    ['2001:db8::1', '2001:db8::1/128', false],
    ['10.1.2.3/8', '10.0.0.0/8', true],
    ['10.0.0.0/8', '10.0.0.0/8', false],
    ['255.255.255.255/0', '0.0.0.0/0', true],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33', true],
    ['::1/0', '::/0', true],
    ['1:2:3:4:5:6:7:8/64', '1:2:3:4::/64', true],
  ])('%s → %s when bare addresses and host bits are allowed, masked: %s', (text, cidr, masked) => {
    expect(tryParseCidr(text, { bare: 'host', hostBits: 'mask' })).toEqual({ ok: true, cidr, masked });
  });

  test('of IPv6 as the URL standard prints it, which compresses alike but knows no mixed notation', () => {
    const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), groups => {
        fc.pre(groups[5] !== 0xffff);
        const text = groups.map(value => value.toString(16)).join(':');
        expect(parseCidr(`${text}/128`)).toBe(`${new URL(`http://[${text}]`).hostname.slice(1, -1)}/128`);
      }),
      { numRuns: 2000 },
    );
  });

  test('of every block, from which the same form is parsed again', () => {
    fc.assert(
      fc.property(anyBlock, block => {
        const cidr = toCidr(block);
        expect(parseCidr(cidr)).toBe(cidr);
        expect(parseCidr(longText(block).toUpperCase())).toBe(cidr);
        expect(familyOf(cidr)).toBe(block.family);
        expect(prefixLengthOf(cidr)).toBe(block.prefixLength);
      }),
      { numRuns: 2000 },
    );
  });
});

test('what is accepted is what isIP accepts, less zones, with a decimal prefix length in range', () => {
  const accepted = { yes: 0, no: 0 };
  fc.assert(
    fc.property(nearlyCidr, text => {
      const [address = '', length, ...more] = text.split('/');
      const family = address.includes('%') ? 0 : isIP(address);
      const inRange =
        length === undefined ||
        (/^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= (family === 4 ? 32 : 128));
      const expected = family !== 0 && inRange && more.length === 0;
      accepted[expected ? 'yes' : 'no']++;
      expect(tryParseCidr(text, { bare: 'host', hostBits: 'mask' }).ok).toBe(expected);
    }),
    { numRuns: 20_000 },
  );
  // Both sides must have been tried for this to mean anything.
  expect(Math.min(accepted.yes, accepted.no)).toBeGreaterThan(2000);
});

describe('compareCidrs', () => {
  test('puts IPv4 first, then lower addresses, then broader blocks', () => {
    const ascending = [
      '0.0.0.0/0',
      '0.0.0.0/32',
      '9.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.0/9',
      '128.0.0.0/1',
      '255.255.255.255/32',
    ];
    const ascending6 = [
      '::/0',
      '::/128',
      '::1/128',
      '0:0:0:1::/64',
      '2001:db8::/32',
      '2001:db8::/33',
      '8000::/1',
    ];
    const sorted = [...ascending, ...ascending6].map(text => parseCidr(text));
    expect([...sorted].reverse().sort(compareCidrs)).toEqual(sorted);
  });

  test('is the order of the numbers', () => {
    fc.assert(
      fc.property(anyBlock, anyBlock, (a, b) => {
        const key = (block: typeof a) =>
          (((BigInt(block.family) << 128n) | block.network) << 8n) | BigInt(block.prefixLength);
        const expected = key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
        expect(Math.sign(compareCidrs(toCidr(a), toCidr(b)))).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test('throws for what only a cast made a Cidr', () => {
    for (const text of ['', '10.0.0.0', '10.0.0.1/8', '2001:db8:0:1::/32', 'x'.repeat(500)]) {
      expect(() => compareCidrs(text as Cidr, parseCidr('10.0.0.0/8'))).toThrow(errorOf(text).message);
    }
  });
});

function errorOf(text: string): CidrError {
  const result = tryParseCidr(text);
  if (result.ok) throw new Error(`${text} was accepted`);
  return result.error;
}
