/**
 * An address block, cut where policies cut it. Blocks either nest or lie apart, so within each piece every
 * policy says the same of every address, and one of them stands for all.
 */
import { AddressSet } from '../../address/address-set.ts';
import { type Cidr, compareCidrs } from '../../address/cidr.ts';

/**
 * The pieces of `whole` that `cuts` leave apart, each by one block that lies in it; the widest first. A list
 * of policies' blocks cuts into at most one piece more than it has blocks. Pure, and computed as it is read.
 */
export function* atomsOf(
  whole: Cidr,
  cuts: readonly Cidr[],
): Generator<{ readonly set: AddressSet; readonly sample: Cidr }> {
  const within = [...new Set(cuts)].filter(cut => cut !== whole && covers(whole, cut)).sort(compareCidrs);
  for (const [at, outer] of [whole, ...within].entries()) {
    const inner: Cidr[] = [];
    // In this order, what lies in a block comes right after it.
    for (const cut of within.slice(at)) {
      if (!covers(outer, cut)) break;
      inner.push(cut);
    }
    const set = AddressSet.of([outer]).difference(AddressSet.of(inner));
    const [sample] = set.isEmpty ? [] : set.toCidrs();
    if (sample !== undefined) yield { set, sample };
  }
}

function covers(outer: Cidr, inner: Cidr): boolean {
  return AddressSet.of([outer]).covers(inner);
}
