/**
 * An observation: one reading of one feed, at a time. It is complete, or it says why it is not.
 * An incomplete observation may add addresses and may never remove one (DESIGN.md §3, invariant 2).
 */
import type { Address, FeedId } from '../address/address.ts';
import type { Finding } from '../finding.ts';

export const observationFaultKinds = [
  'unreachable', // no answer, or it was cut off
  'refused', // an answer that is an HTTP error
  'not-json',
  'other-time', // its `Date` is minutes away from this machine's clock: an old answer, or a wrong clock
  'malformed', // JSON, but not of the documented shape
  'missing-section', // outbound, a cloud, or a cluster that Atlas has, is not in the answer
  'emptied-section', // a section that had addresses in the last complete observation has none
  'malformed-address',
  'never-written-address', // reserved, private, or too broad: nothing Atlas could call from
] as const;
export type ObservationFaultKind = (typeof observationFaultKinds)[number];

export interface ObservationFault {
  readonly kind: ObservationFaultKind;
  /** Where in the answer, as a path: `outbound.aws.us-east-1[3]`, or the URL for a fault of transport. */
  readonly place: string;
  /** A sentence that names what was expected and what came. */
  readonly message: string;
}

/**
 * One line for each fault. A fault of transport says its URL already, and a refusal of the credentials, which
 * every request meets, is said once. Pure.
 */
export function faultLines({ faults }: Pick<Observation, 'faults'>): readonly string[] {
  const lines = faults.map(({ place, message }) =>
    message.includes(place) ? message : `${place}: ${message}`,
  );
  return [...new Set(lines)];
}

export interface Observation {
  /** Unique for each reading. */
  readonly id: string;
  readonly feed: FeedId;
  /** When the answer was had, in epoch milliseconds. */
  readonly atMs: number;
  /** True exactly when `faults` is empty. */
  readonly complete: boolean;
  readonly faults: readonly ObservationFault[];
  /** Every well-formed address that must be let in; when incomplete, those that could still be read. */
  readonly addresses: readonly Address[];
  /** Distinct addresses per section, such as `aws/us-east-1` → 70 or `Cluster0` → 3; empty sections are 0. */
  readonly sections: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /**
   * Clusters that are being created or changed, or have future addresses: a reason to read again soon. Not
   * journalled, and no part of what decides.
   */
  readonly changing?: readonly string[];
}

/** What of the last complete observation is needed to judge the next one. */
export type PreviousObservation = Pick<Observation, 'atMs' | 'sections'>;
