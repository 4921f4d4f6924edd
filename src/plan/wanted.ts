/** What must be let in, from what the feeds say. */
import type { Address } from '../address/address.ts';
import { type Cidr, type Family, familyOf } from '../address/cidr.ts';
import { neverWrittenReason } from '../address/classify.ts';
import type { Finding } from '../finding.ts';
import type { FeedReading } from './input.ts';

/**
 * What one feed wants. A complete reading speaks for itself. An incomplete one may only add: what the last
 * complete observation wanted is wanted still (DESIGN.md §3, invariants 1 and 2).
 */
export function wantedOfFeed({ newest, base }: FeedReading): readonly Address[] {
  if (newest.complete || !base) return newest.addresses;
  return [...base.addresses, ...newest.addresses];
}

/** Everything that a gate must let in: all its feeds, and what the operator pinned. */
export function wantedOfGate(feeds: readonly FeedReading[], pinned: readonly Cidr[]): readonly Address[] {
  return [
    ...feeds.flatMap(wantedOfFeed),
    ...pinned.map(
      (cidr): Address => ({
        cidr,
        provenance: { feed: 'static', direction: 'outbound', future: false, note: 'pinned' },
      }),
    ),
  ];
}

/**
 * Splits wanted addresses into those that this gate can let in and findings about those that it cannot. The
 * feeds' parsers refuse the never-written already; this is the second lock on the same door.
 */
export function writable(
  wanted: readonly Address[],
  families: readonly Family[],
): { readonly writable: readonly Address[]; readonly findings: readonly Finding[] } {
  const kept: Address[] = [];
  const findings = new Map<Cidr, Finding>();
  for (const address of wanted) {
    const reason = neverWrittenReason(address.cidr);
    if (reason !== undefined) {
      findings.set(address.cidr, {
        id: 'never-written',
        severity: 'error',
        message: `${address.cidr} (${address.provenance.feed}) is never written: ${reason}.`,
        remedy: 'Postern leaves it out. If Atlas really calls from there, ask MongoDB support why.',
      });
    } else if (!families.includes(familyOf(address.cidr))) {
      findings.set(address.cidr, {
        id: 'family-not-supported',
        severity: 'error',
        message: `${address.cidr} (${address.provenance.feed}) is wanted, and this kind of gate cannot hold IPv${familyOf(address.cidr)} addresses.`,
        remedy:
          'Calls that Atlas makes from there are refused. Use private networking between Atlas and the KMS.',
      });
    } else {
      kept.push(address);
    }
  }
  return { writable: kept, findings: [...findings.values()] };
}
