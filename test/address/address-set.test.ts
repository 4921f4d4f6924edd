import { containsCidr, excludeCidr, mergeCidr, overlapCidr } from 'cidr-tools';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSet, type Cidr, CidrError, compareCidrs, parseCidr } from '../../src/address/index.ts';
import { anyBlock, cidrLists, toCidr } from './arbitraries.ts';

const set = (...texts: string[]) => AddressSet.of(texts.map(text => parseCidr(text)));
const everything = set('0.0.0.0/0', '::/0');

describe('at the edges of a family', () => {
  test.each([
    ['0.0.0.0/0', 1n << 32n],
    ['::/0', 1n << 128n],
    ['0.0.0.0/32', 1n],
    ['255.255.255.255/32', 1n],
    ['128.0.0.0/1', 1n << 31n],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128', 1n],
    ['8000::/1', 1n << 127n],
    ['::/128', 1n],
  ])('%s stays itself and has its size', (text, size) => {
    expect(set(text).toCidrs()).toEqual([text]);
    expect(set(text).size).toBe(size);
    expect(set(text).covers(parseCidr(text))).toBe(true);
    expect(everything.covers(parseCidr(text))).toBe(true);
    expect(everything.difference(set(text)).covers(parseCidr(text))).toBe(false);
    expect(everything.difference(set(text)).union(set(text)).equals(everything)).toBe(true);
  });

  test.each([
    [['0.0.0.0/1', '128.0.0.0/1'], ['0.0.0.0/0']],
    [['8000::/1', '::/1'], ['::/0']],
    [['0.0.0.0/0', '255.255.255.255/32', '1.2.3.4/32'], ['0.0.0.0/0']],
    [['255.255.255.254/32', '255.255.255.255/32'], ['255.255.255.254/31']],
    [
      ['0:0:0:ffff:ffff:ffff:ffff:ffff/128', '0:0:1::/128'],
      ['::ffff:ffff:ffff:ffff:ffff/128', '0:0:1::/128'],
    ],
    [['10.0.0.0/32', '10.0.0.0/8', '10.0.0.0/16'], ['10.0.0.0/8']],
    [
      ['10.0.0.1/32', '10.0.0.2/32'],
      ['10.0.0.1/32', '10.0.0.2/32'],
    ],
  ])('%j merge to %j', (texts, merged) => {
    expect(set(...texts).toCidrs()).toEqual(merged.map(text => parseCidr(text)));
  });

  test('all but the last address takes one block of each length', () => {
    const rest = set('0.0.0.0/0').difference(set('255.255.255.255/32')).toCidrs();
    expect(rest.map(cidr => cidr.split('/')[1])).toEqual(
      Array.from({ length: 32 }, (_, index) => `${index + 1}`),
    );
    const rest6 = set('::/0').difference(set('::/128')).toCidrs();
    expect(rest6.map(cidr => cidr.split('/')[1])).toEqual(
      Array.from({ length: 128 }, (_, index) => `${128 - index}`),
    );
  });
});

describe('the empty set', () => {
  test('holds nothing, and everything covers it', () => {
    expect(AddressSet.empty.isEmpty).toBe(true);
    expect(AddressSet.empty.size).toBe(0n);
    expect(AddressSet.empty.toCidrs()).toEqual([]);
    expect(AddressSet.of([]).equals(AddressSet.empty)).toBe(true);
    expect(AddressSet.empty.covers(AddressSet.empty)).toBe(true);
    expect(set('10.0.0.0/8').covers(AddressSet.empty)).toBe(true);
    expect(AddressSet.empty.covers(set('10.0.0.0/8'))).toBe(false);
    expect(everything.overlaps(AddressSet.empty)).toBe(false);
    expect(set('::/0').isEmpty).toBe(false);
  });
});

test('the families are apart: ::/0 holds no IPv4 address', () => {
  expect(set('::/0').overlaps(parseCidr('0.0.0.0/0'))).toBe(false);
  expect(set('0.0.0.0/0').covers(parseCidr('::/128'))).toBe(false);
  expect(set('::ffff:10.0.0.0/104').overlaps(set('10.0.0.0/8'))).toBe(false);
  expect(set('10.0.0.0/8').equals(set('10.0.0.0/8', '::/128'))).toBe(false);
});

test('AddressSet.of takes any iterable and refuses what only a cast made a Cidr', () => {
  expect(AddressSet.of(new Set([parseCidr('10.0.0.0/8')])).toCidrs()).toEqual(['10.0.0.0/8']);
  for (const text of ['', '10.0.0.0', '10.0.0.1/8', '10.0.0.0/8\n11.0.0.0/8']) {
    expect(() => AddressSet.of([text as Cidr])).toThrow(CidrError);
    expect(() => everything.covers(text as Cidr)).toThrow(CidrError);
  }
});

describe.each(cidrLists)('%s, compared with cidr-tools', (_, list) => {
  const sorted = (cidrs: readonly string[]) => cidrs.map(cidr => parseCidr(cidr)).sort(compareCidrs);
  // containsCidr compares with one block of the list at a time, so the list has to be merged for it.
  const contains = (a: string[], b: string[]) =>
    b.length === 0 || (a.length > 0 && containsCidr(mergeCidr(a), b));

  test('merge and exclude', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        expect(AddressSet.of(a).toCidrs()).toEqual(sorted(mergeCidr(a)));
        expect(AddressSet.of(a).difference(AddressSet.of(b)).toCidrs()).toEqual(sorted(excludeCidr(a, b)));
        expect(AddressSet.of(a).union(AddressSet.of(b)).toCidrs()).toEqual(sorted(mergeCidr([...a, ...b])));
      }),
      { numRuns: 300 },
    );
  });

  test('covers and overlaps', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        const setA = AddressSet.of(a);
        expect(setA.overlaps(AddressSet.of(b))).toBe(overlapCidr(a, b));
        expect(setA.covers(AddressSet.of(b))).toBe(contains(a, b));
        for (const cidr of b) {
          expect(setA.overlaps(cidr)).toBe(overlapCidr(a, [cidr]));
          expect(setA.covers(cidr)).toBe(contains(a, [cidr]));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe.each(cidrLists)('%s, laws of sets', (_, list) => {
  const sets = fc
    .tuple(list, list, list)
    .map(lists => lists.map(cidrs => AddressSet.of(cidrs)) as [AddressSet, AddressSet, AddressSet]);
  const same = (left: AddressSet, right: AddressSet) => expect(left.toCidrs()).toEqual(right.toCidrs());

  test('hold', () => {
    fc.assert(
      fc.property(sets, ([a, b, c]) => {
        same(a.union(a), a);
        same(a.intersection(a), a);
        same(a.difference(a), AddressSet.empty);
        same(a.union(b), b.union(a));
        same(a.intersection(b), b.intersection(a));
        same(a.union(b).union(c), a.union(b.union(c)));
        same(a.intersection(b.union(c)), a.intersection(b).union(a.intersection(c)));
        // De Morgan's laws, with the difference for the complement.
        same(c.difference(a.union(b)), c.difference(a).intersection(c.difference(b)));
        same(c.difference(a.intersection(b)), c.difference(a).union(c.difference(b)));
        same(a.difference(b).union(a.intersection(b)), a);
        expect(a.union(b).size + a.intersection(b).size).toBe(a.size + b.size);
        expect(everything.difference(a).size + a.size).toBe(everything.size);
      }),
      { numRuns: 300 },
    );
  });

  test('tie the questions to the operations', () => {
    fc.assert(
      fc.property(sets, ([a, b]) => {
        expect(a.covers(b)).toBe(a.union(b).equals(a));
        expect(a.overlaps(b)).toBe(!a.intersection(b).isEmpty);
        expect(a.equals(b)).toBe(a.covers(b) && b.covers(a));
        expect(a.union(b).covers(a) && a.covers(a.intersection(b))).toBe(true);
        expect(a.equals(AddressSet.of(a.toCidrs()))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

test('size is the sum of the blocks that toCidrs lists, which do not overlap and ascend', () => {
  fc.assert(
    fc.property(fc.array(anyBlock.map(toCidr), { maxLength: 30 }), cidrs => {
      const set = AddressSet.of(cidrs);
      const listed = set.toCidrs();
      const sizes = listed.map(
        cidr => 1n << BigInt((cidr.includes(':') ? 128 : 32) - Number(cidr.split('/')[1])),
      );
      expect(sizes.reduce((sum, size) => sum + size, 0n)).toBe(set.size);
      for (let index = 1; index < listed.length; index++) {
        expect(compareCidrs(listed[index - 1]!, listed[index]!)).toBeLessThan(0);
        expect(AddressSet.of([listed[index - 1]!]).overlaps(listed[index]!)).toBe(false);
      }
    }),
  );
});

test('operations leave their operands as they were', () => {
  const a = set('10.0.0.0/8', '2001:db8::/32');
  const b = set('10.0.0.0/9', '2001:db8::/33');
  for (const operation of ['union', 'difference', 'intersection'] as const) a[operation](b);
  expect(a.toCidrs()).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  expect(b.toCidrs()).toEqual(['10.0.0.0/9', '2001:db8::/33']);
});
