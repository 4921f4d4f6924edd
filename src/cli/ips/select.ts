import type { Address, Cloud, Direction, Provenance } from '../../address/address.ts';
import { compareCidrs } from '../../address/cidr.ts';

export interface IpsFilter {
  readonly direction?: Direction | 'all';
  readonly cloud?: Cloud;
  readonly region?: string;
  readonly cluster?: string;
}

/** The addresses that pass every filter, sorted, each with each of its provenances once. Pure. */
export function selectAddresses(addresses: readonly Address[], filter: IpsFilter): readonly Address[] {
  const seen = new Set<string>();
  return addresses
    .filter(({ provenance }) => passes(provenance, filter))
    .filter(address => {
      const key = JSON.stringify([address.cidr, ...provenanceFields(address.provenance)]);
      return !seen.has(key) && seen.add(key);
    })
    .toSorted(
      (a, b) =>
        compareCidrs(a.cidr, b.cidr) ||
        compareText(provenanceFields(a.provenance).join(), provenanceFields(b.provenance).join()),
    );
}

/** Where an address came from, as the columns of a table. */
export const provenanceTitles = ['feed', 'direction', 'cloud', 'region', 'cluster', 'future'] as const;

export function provenanceFields(provenance: Provenance): readonly string[] {
  const { feed, direction, cloud = '', region = '', cluster, gateway, future } = provenance;
  return [feed, direction, cloud, region, cluster ?? gateway ?? '', future ? 'future' : ''];
}

function passes({ direction, cloud, region, cluster }: Provenance, filter: IpsFilter): boolean {
  return (
    (filter.direction === undefined || filter.direction === 'all' || filter.direction === direction) &&
    (filter.cloud === undefined || filter.cloud === cloud) &&
    (filter.region === undefined || filter.region.toLowerCase() === region?.toLowerCase()) &&
    (filter.cluster === undefined || filter.cluster === cluster)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
