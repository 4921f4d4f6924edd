import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AddressSet,
  type Cidr,
  classify,
  familyOf,
  neverWrittenReason,
  parseCidr,
  prefixLengthOf,
} from '../../src/address/index.ts';
import { globalExceptions, notGlobal } from '../../src/address/special-purpose.ts';
import { anyBlock, toCidr } from './arbitraries.ts';

const classifyText = (text: string) => classify(parseCidr(text));

describe('classify finds special', () => {
  test.each([
    // The block, the range that is named for it, its name, its document.
    ['0.0.0.0/8', '0.0.0.0/8', /this network/, 'RFC 791'],
    ['0.0.0.0/32', '0.0.0.0/32', /this host/, 'RFC 1122'],
    ['10.0.0.0/8', '10.0.0.0/8', /private/, 'RFC 1918'],
    ['10.255.255.255/32', '10.0.0.0/8', /private/, 'RFC 1918'],
    ['100.64.0.0/10', '100.64.0.0/10', /shared/, 'RFC 6598'],
    ['100.127.255.255/32', '100.64.0.0/10', /shared/, 'RFC 6598'],
    ['127.0.0.1/32', '127.0.0.0/8', /loopback/, 'RFC 1122'],
    ['169.254.169.254/32', '169.254.0.0/16', /link-local/, 'RFC 3927'],
    ['172.16.0.0/32', '172.16.0.0/12', /private/, 'RFC 1918'],
    ['172.31.255.255/32', '172.16.0.0/12', /private/, 'RFC 1918'],
    ['192.0.0.0/24', '192.0.0.0/24', /protocol assignments/, 'RFC 6890'],
    ['192.0.0.7/32', '192.0.0.0/29', /service continuity/, 'RFC 7335'],
    ['192.0.0.8/32', '192.0.0.8/32', /dummy/, 'RFC 7600'],
    ['192.0.0.11/32', '192.0.0.0/24', /protocol assignments/, 'RFC 6890'],
    ['192.0.0.170/32', '192.0.0.170/32', /NAT64/, 'RFC 8880'],
    ['192.0.0.171/32', '192.0.0.171/32', /NAT64/, 'RFC 8880'],
    ['192.0.0.8/31', '192.0.0.0/24', /protocol assignments/, 'RFC 6890'],
    ['192.0.2.1/32', '192.0.2.0/24', /documentation/, 'RFC 5737'],
    ['192.88.99.1/32', '192.88.99.0/24', /6to4 relay/, 'RFC 7526'],
    ['192.88.99.2/32', '192.88.99.2/32', /6a44/, 'RFC 6751'],
    ['192.168.1.0/24', '192.168.0.0/16', /private/, 'RFC 1918'],
    ['198.18.0.0/32', '198.18.0.0/15', /benchmarking/, 'RFC 2544'],
    ['198.19.255.255/32', '198.18.0.0/15', /benchmarking/, 'RFC 2544'],
    ['198.51.100.7/32', '198.51.100.0/24', /documentation/, 'RFC 5737'],
    ['203.0.113.7/32', '203.0.113.0/24', /documentation/, 'RFC 5737'],
    ['224.0.0.1/32', '224.0.0.0/4', /multicast/, 'RFC 5771'],
    ['239.255.255.255/32', '224.0.0.0/4', /multicast/, 'RFC 5771'],
    ['240.0.0.0/32', '240.0.0.0/4', /reserved/, 'RFC 1112'],
    ['255.255.255.254/32', '240.0.0.0/4', /reserved/, 'RFC 1112'],
    ['255.255.255.255/32', '255.255.255.255/32', /broadcast/, 'RFC 919'],
    ['::/128', '::/128', /unspecified/, 'RFC 4291'],
    ['::1/128', '::1/128', /loopback/, 'RFC 4291'],
    ['::192.0.2.1/128', '::/96', /IPv4-compatible/, 'RFC 4291'],
    ['::ffff:52.1.2.3/128', '::ffff:0.0.0.0/96', /IPv4-mapped/, 'RFC 4291'],
    ['64:ff9b::1.2.3.4/128', '64:ff9b::/96', /translation/, 'RFC 6052'],
    ['64:ff9b:1:ffff::/64', '64:ff9b:1::/48', /local-use/, 'RFC 8215'],
    ['100::1/128', '100::/64', /discard/, 'RFC 6666'],
    ['100:0:0:1::1/128', '100:0:0:1::/64', /dummy/, 'RFC 9780'],
    ['2001::1/128', '2001::/32', /Teredo/, 'RFC 4380'],
    ['2001:1::4/128', '2001::/23', /protocol assignments/, 'RFC 2928'],
    ['2001:1ff:ffff::/48', '2001::/23', /protocol assignments/, 'RFC 2928'],
    ['2001:2::1/128', '2001:2::/48', /benchmarking/, 'RFC 5180'],
    ['2001:10::/28', '2001:10::/28', /ORCHID/, 'RFC 4843'],
    ['2001:db8:1::/48', '2001:db8::/32', /documentation/, 'RFC 3849'],
    ['2002:c000:201::/48', '2002::/16', /6to4/, 'RFC 3056'],
    ['3fff:fff::/32', '3fff::/20', /documentation/, 'RFC 9637'],
    ['5f00::1/128', '5f00::/16', /SRv6/, 'RFC 9602'],
    ['fc00::/48', 'fc00::/7', /unique local/, 'RFC 4193'],
    ['fdff::1/128', 'fc00::/7', /unique local/, 'RFC 4193'],
    ['fe80::1/128', 'fe80::/10', /link-local/, 'RFC 4291'],
    ['fec0::1/128', 'fec0::/10', /site-local/, 'RFC 3879'],
    ['ff02::1/128', 'ff00::/8', /multicast/, 'RFC 4291'],
    ['1fff:ffff::/32', '::/3', /outside of global unicast/, 'RFC 4291'],
    ['4000::/32', '4000::/2', /outside of global unicast/, 'RFC 4291'],
    ['8000::/32', '8000::/1', /outside of global unicast/, 'RFC 4291'],
    // Special in part.
    ['192.0.0.0/16', '192.0.0.0/24', /protocol assignments/, 'RFC 6890'],
    ['203.0.112.0/23', '203.0.113.0/24', /documentation/, 'RFC 5737'],
    ['2001::/16', '2001::/23', /protocol assignments/, 'RFC 2928'],
    ['2001:1::/126', '2001::/23', /protocol assignments/, 'RFC 2928'],
  ])('%s as of %s', (text, block, name, rfc) => {
    expect(classifyText(text)).toEqual({
      global: false,
      block,
      name: expect.stringMatching(name),
      source: expect.stringMatching(new RegExp(`^IANA IPv[46] .*Registry, ${rfc}( |$)`)),
    });
  });
});

describe('classify finds global', () => {
  test.each([
    // Atlas publishes addresses such as these.
    '3.92.113.229/32',
    '20.105.25.17/32',
    '34.71.1.1/32',
    '2600:1f18::/33',
    // The neighbours of special ranges.
    '1.0.0.0/32',
    '9.255.255.255/32',
    '11.0.0.0/32',
    '100.63.255.255/32',
    '100.128.0.0/32',
    '126.255.255.255/32',
    '128.0.0.0/32',
    '169.253.255.255/32',
    '169.255.0.0/32',
    '172.15.255.255/32',
    '172.32.0.0/32',
    '191.255.255.255/32',
    '192.0.1.0/24',
    '192.0.3.0/32',
    '192.88.98.255/32',
    '192.88.100.0/32',
    '192.167.255.255/32',
    '192.169.0.0/32',
    '198.17.255.255/32',
    '198.20.0.0/32',
    '203.0.112.255/32',
    '203.0.114.0/32',
    '223.255.255.255/32',
    '2000::/32',
    '2001:200::/32',
    '2001:db7:ffff:ffff:ffff:ffff:ffff:ffff/128',
    '2001:db9::/128',
    '2003::/32',
    '3ffe:ffff::/32',
    '3fff:1000::/32',
    // The exceptions, and registered blocks outside of any special range, that are globally reachable.
    '192.0.0.9/32',
    '192.0.0.10/32',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.175.48.0/24',
    '2001:1::1/128',
    '2001:1::2/128',
    '2001:1::3/128',
    '2001:3::/32',
    '2001:4:112::/48',
    '2001:20::/28',
    '2001:30::/28',
    '2620:4f:8000::/48',
  ])('%s', text => {
    expect(classifyText(text)).toEqual({ global: true });
  });
});

test('a block is global exactly when both of its halves are', () => {
  const seen = { global: 0, special: 0 };
  fc.assert(
    fc.property(nearRanges(), cidr => {
      fc.pre(prefixLengthOf(cidr) < (familyOf(cidr) === 4 ? 32 : 128));
      const [lower, upper] = halves(cidr);
      const global = classify(cidr).global;
      seen[global ? 'global' : 'special']++;
      expect(global).toBe(classify(lower).global && classify(upper).global);
    }),
    { numRuns: 3000 },
  );
  expect(Math.min(seen.global, seen.special)).toBeGreaterThan(100);
});

test('the range that is named overlaps the block', () => {
  fc.assert(
    fc.property(fc.oneof(anyBlock.map(toCidr), nearRanges()), cidr => {
      const result = classify(cidr);
      if (!result.global) expect(AddressSet.of([cidr]).overlaps(result.block)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('every exception lies in a special range, or it would be none', () => {
  const special = AddressSet.of(notGlobal.map(({ block }) => parseCidr(block)));
  for (const { block } of globalExceptions) expect(special.covers(parseCidr(block)), block).toBe(true);
});

describe('neverWrittenReason', () => {
  test.each([
    ['0.0.0.0/0', /broader than \/16/],
    ['52.0.0.0/15', /broader than \/16/],
    ['10.0.0.0/8', /broader than \/16/],
    ['::/0', /broader than \/32/],
    ['2600::/31', /broader than \/32/],
    ['10.2.0.0/16', /lies in 10\.0\.0\.0\/8, private use \(IANA IPv4 .*, RFC 1918\)/],
    ['192.0.0.0/16', /reaches into 192\.0\.0\.0\/24, IETF protocol assignments/],
    ['fe80::/64', /lies in fe80::\/10, link-local/],
    ['::ffff:52.1.2.3/128', /IPv4-mapped .*; write the IPv4 block 52\.1\.2\.3\/32 instead/],
    ['::ffff:52.1.0.0/112', /write the IPv4 block 52\.1\.0\.0\/16 instead/],
    // No advice to write what is never written either.
    ['::ffff:0.0.0.0/96', /IPv4-mapped \([^)]*\)$/],
    ['::ffff:10.0.0.1/128', /IPv4-mapped \([^)]*\)$/],
  ])('says of %s: %s', (text, reason) => {
    expect(neverWrittenReason(parseCidr(text))).toMatch(reason);
  });

  test.each([
    '52.1.0.0/16',
    '52.1.2.3/32',
    '2600:1f18::/32',
    '2600:1f18::1/128',
  ])('says nothing of %s', text => {
    expect(neverWrittenReason(parseCidr(text))).toBeUndefined();
  });

  test('never lets a block through that is broad or not global', () => {
    fc.assert(
      fc.property(fc.oneof(anyBlock.map(toCidr), nearRanges()), cidr => {
        const mayBeWritten =
          classify(cidr).global && prefixLengthOf(cidr) >= (familyOf(cidr) === 4 ? 16 : 32);
        expect(neverWrittenReason(cidr) === undefined).toBe(mayBeWritten);
      }),
      { numRuns: 2000 },
    );
  });
});

/** Blocks a few bits wider or narrower than the ranges of the registries. */
function nearRanges(): fc.Arbitrary<Cidr> {
  const ranges = [...notGlobal, ...globalExceptions].map(({ block }) => parseCidr(block));
  return fc
    .record({
      range: fc.constantFrom(...ranges),
      change: fc.integer({ min: -4, max: 6 }),
      last: fc.boolean(),
    })
    .map(({ range, change, last }) => {
      const max = familyOf(range) === 4 ? 32 : 128;
      const length = Math.max(0, Math.min(max, prefixLengthOf(range) + change));
      const [address = ''] = (last ? lastAddress(range) : range).split('/');
      return parseCidr(`${address}/${length}`, { hostBits: 'mask' });
    });
}

const halves = (cidr: Cidr): [Cidr, Cidr] => {
  const [address = ''] = cidr.split('/');
  const lower = parseCidr(`${address}/${prefixLengthOf(cidr) + 1}`);
  return [
    lower,
    AddressSet.of([cidr])
      .difference(AddressSet.of([lower]))
      .toCidrs()[0]!,
  ];
};

function lastAddress(cidr: Cidr): Cidr {
  const max = familyOf(cidr) === 4 ? 32 : 128;
  let last = cidr;
  while (prefixLengthOf(last) < max) last = halves(last)[1];
  return last;
}
