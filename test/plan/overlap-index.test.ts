import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AddressSet } from '../../src/address/address-set.ts';
import type { Cidr } from '../../src/address/cidr.ts';
import { overlapIndex } from '../../src/plan/overlap-index.ts';

test('finds what comparing each with each finds', () => {
  const cidr = fc.constantFrom(
    ...['3.0.0.0/32', '3.0.0.1/32', '3.0.0.0/31', '3.0.0.0/24', '3.0.1.0/32', '2600::/64', '2600::1/128'],
  ) as fc.Arbitrary<Cidr>;
  fc.assert(
    fc.property(fc.array(cidr), cidr, (items, asked) => {
      const block = AddressSet.of([asked]);
      const found = overlapIndex(items, each => each)(asked);
      expect([...found].sort()).toEqual(items.filter(each => block.overlaps(each)).sort());
    }),
  );
});
