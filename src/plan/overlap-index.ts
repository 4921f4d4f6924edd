import { AddressSet } from '../address/address-set.ts';
import { type Cidr, familyOf, prefixLengthOf } from '../address/cidr.ts';

/**
 * Finds the items whose block overlaps a given one. Nearly all blocks are single addresses: those are looked up,
 * since a list of a thousand entries against a ledger of a thousand rows is a million comparisons otherwise. Pure.
 */
export function overlapIndex<T>(
  items: readonly T[],
  cidrOf: (item: T) => Cidr,
): (cidr: Cidr) => readonly T[] {
  const single = new Map<Cidr, T[]>();
  const broad: T[] = [];
  for (const item of items) {
    const cidr = cidrOf(item);
    const known = single.get(cidr);
    if (!isSingle(cidr)) broad.push(item);
    else if (known) known.push(item);
    else single.set(cidr, [item]);
  }
  return cidr => {
    const block = AddressSet.of([cidr]);
    const overlaps = (item: T) => block.overlaps(cidrOf(item));
    if (!isSingle(cidr)) return items.filter(overlaps);
    return [...(single.get(cidr) ?? []), ...broad.filter(overlaps)];
  };
}

function isSingle(cidr: Cidr): boolean {
  return prefixLengthOf(cidr) === (familyOf(cidr) === 4 ? 32 : 128);
}
