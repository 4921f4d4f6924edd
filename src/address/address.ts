/**
 * What Postern knows about one address that a feed lists: the block itself, and where it came from.
 */
import type { Cidr } from './cidr.ts';

export const clouds = ['aws', 'azure', 'gcp'] as const;
export type Cloud = (typeof clouds)[number];

/** Seen from Atlas: `outbound` is what Atlas calls from, and so what a KMS must let in. */
export const directions = ['outbound', 'inbound'] as const;
export type Direction = (typeof directions)[number];

/** Where addresses come from: Atlas's control plane, the nodes of one project, or the operator's config. */
export type FeedId = 'control-plane' | `nodes:${string}` | 'static';

/** Where one address came from, in the feed's own words. */
export interface Provenance {
  readonly feed: FeedId;
  readonly direction: Direction;
  /** Atlas has announced it but may not use it yet (`futureOutbound`, `futureInbound`). */
  readonly future: boolean;
  readonly cloud?: Cloud;
  /** Atlas's own key, opaque: its style differs between clouds and is not documented. */
  readonly region?: string;
  readonly projectId?: string;
  readonly cluster?: string;
  /** The name of a `gateways` group, where the address came from one. */
  readonly gateway?: string;
  /** The operator's words, for a static address. */
  readonly note?: string;
}

export interface Address {
  readonly cidr: Cidr;
  readonly provenance: Provenance;
}
