/**
 * Packing: which entries to write so that a gate lets in what it must, within its limit. The plain list, each
 * address as its feed gives it, is preferred: it reads best and each entry has its own story. When the list
 * comes near the limit, Postern's own entries are merged, without ever letting in an address more.
 */
import { AddressSet } from '../address/address-set.ts';
import { type Cidr, compareCidrs, familyOf, parseCidr, prefixLengthOf } from '../address/cidr.ts';
import { broadestPrefixLength } from '../address/classify.ts';
import type { GateUsage } from '../gates/gate.ts';

/** Merging starts at this share of the limit, so that head-room remains for an urgent addition. */
const nearLimitShare = 0.9;

export interface Packed {
  readonly entries: readonly Cidr[];
  readonly usage: GateUsage;
}

/**
 * @param foreign entries that stay exactly as they are
 * @param ours what Postern lets in beside them
 * @param measure how much of the gate's limit a list takes
 * @returns the whole list, foreign entries first in their own order; `usage` tells whether it fits
 */
export function pack(
  foreign: readonly Cidr[],
  ours: readonly Cidr[],
  measure: (entries: readonly Cidr[]) => GateUsage,
): Packed {
  const plain = join(foreign, [...new Set(ours)].sort(compareCidrs));
  const usage = measure(plain);
  if (usage.used <= usage.limit * nearLimitShare) return { entries: plain, usage };

  const merged = join(foreign, mergedBlocks(ours));
  const mergedUsage = measure(merged);
  // Where nothing can be merged, the plain list is the better one.
  if (mergedUsage.used >= usage.used) return { entries: plain, usage };
  return { entries: merged, usage: mergedUsage };
}

/** Merged as far as a block may be written: neighbours can add up to one that is broader. */
function mergedBlocks(ours: readonly Cidr[]): readonly Cidr[] {
  return AddressSet.of(ours).toCidrs().flatMap(splitToBroadest);
}

function splitToBroadest(cidr: Cidr): readonly Cidr[] {
  const prefixLength = prefixLengthOf(cidr);
  if (prefixLength >= broadestPrefixLength[familyOf(cidr)]) return [cidr];
  const first = parseCidr(cidr.replace(/\/.*$/, `/${prefixLength + 1}`));
  const rest = AddressSet.of([cidr])
    .difference(AddressSet.of([first]))
    .toCidrs();
  return [first, ...rest].flatMap(splitToBroadest);
}

function join(foreign: readonly Cidr[], ours: readonly Cidr[]): readonly Cidr[] {
  const taken = new Set(foreign);
  return [...foreign, ...ours.filter(cidr => !taken.has(cidr))];
}
