/** Which blocks may be in an access list at all. The one place for the "never written" rule about addresses. */
import { AddressSet } from './address-set.ts';
import { type Cidr, familyOf, parseCidr, prefixLengthOf } from './cidr.ts';
import { globalExceptions, notGlobal } from './special-purpose.ts';

export type Classification =
  | { readonly global: true }
  | {
      readonly global: false;
      /** The special range that the block lies in or, failing that, the broadest one that lies in the block. */
      readonly block: Cidr;
      readonly name: string;
      /** The registry and the RFC. */
      readonly source: string;
    };

const ranges = notGlobal
  .map(({ block, name, source }) => ({ block: parseCidr(block), name, source }))
  .map(range => ({ ...range, set: AddressSet.of([range.block]) }));
const broadestFirst = ranges.toSorted((a, b) => prefixLengthOf(a.block) - prefixLengthOf(b.block));
const narrowestFirst = broadestFirst.toReversed();

const notGlobalSet = AddressSet.of(ranges.map(({ block }) => block)).difference(
  AddressSet.of(globalExceptions.map(({ block }) => parseCidr(block))),
);

const mappedSet = AddressSet.of([parseCidr('::ffff:0.0.0.0/96')]);

/**
 * Whether every address of the block is ordinary global unicast by IANA's registries, and if not, why. A block
 * that is special in part is special. Rests on the sources that `special-purpose.ts` names.
 */
export function classify(cidr: Cidr): Classification {
  if (!notGlobalSet.overlaps(cidr)) return { global: true };
  // Of several ranges that the block lies in, the narrowest tells most; of those that lie in it, the broadest.
  const { block, name, source } =
    narrowestFirst.find(range => range.set.covers(cidr)) ??
    broadestFirst.find(range => range.set.overlaps(cidr))!;
  return { global: false, block, name, source };
}

/** The shortest prefixes that are ever written. Atlas publishes single hosts and small blocks. */
export const broadestPrefixLength = { 4: 16, 6: 32 } as const;

/** Why Postern never writes the block, as a sentence fragment; undefined when it may. DESIGN.md §3, invariant 5. */
export function neverWrittenReason(cidr: Cidr): string | undefined {
  const broadest = broadestPrefixLength[familyOf(cidr)];
  if (prefixLengthOf(cidr) < broadest) {
    return `it is broader than /${broadest}, the broadest IPv${familyOf(cidr)} block that is ever let in`;
  }
  const classification = classify(cidr);
  if (classification.global) return undefined;
  const { block, name, source } = classification;
  const where = prefixLengthOf(block) <= prefixLengthOf(cidr) ? 'lies in' : 'reaches into';
  const reason = `it ${where} ${block}, ${name} (${source})`;
  const instead = mappedSet.covers(cidr) ? mappedIpv4(cidr) : undefined;
  if (instead === undefined || neverWrittenReason(instead) !== undefined) return reason;
  return `${reason}; write the IPv4 block ${instead} instead`;
}

function mappedIpv4(cidr: Cidr): Cidr {
  const [address = ''] = cidr.slice('::ffff:'.length).split('/');
  return parseCidr(`${address}/${prefixLengthOf(cidr) - 96}`);
}
