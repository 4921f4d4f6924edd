/**
 * The incident of 2025-08-11, by MongoDB's own account (https://status.mongodb.com/incidents/nlwkk8xbzjhm):
 * announced on 30 June, new addresses used from 14:05 UTC, rolled back by 16:19 UTC. The account does not say when
 * the API listed them: both can be played, from the announcement on and only from the moment of use.
 */
import type { AtlasModel, ControlPlane } from '../atlas/model.ts';
import addresses from './2025-08-11.json' with { type: 'json' };

export const accountUrl = 'https://status.mongodb.com/incidents/nlwkk8xbzjhm';

/** MongoDB gives the day of the announcement and not the hour. */
export const announcedMs = Date.parse('2025-06-30T12:00:00Z');
/** Just after a reading at the full minute, which is the worst moment. */
export const usedMs = Date.parse('2025-08-11T14:05:01Z');
export const rolledBackMs = Date.parse('2025-08-11T16:19:00Z');

export const listings = ['from the announcement on', 'from the moment of use'] as const;
export type Listing = (typeof listings)[number];

export const addedAddresses: readonly string[] = addresses.added;

/** What Atlas listed and used before. */
export function controlPlaneBefore(): ControlPlane {
  return { inbound: {}, outbound: structuredClone(addresses.before) };
}

export interface IncidentStep {
  readonly what: 'listed' | 'used' | 'rolled back';
  readonly atMs: number;
  happen(atlas: AtlasModel): void;
}

/** What Atlas did, in order. */
export function incidentSteps(listing: Listing): readonly IncidentStep[] {
  const isAnnounced = listing === 'from the announcement on';
  return [
    {
      what: 'listed',
      atMs: isAnnounced ? announcedMs : usedMs,
      happen: atlas => atlas.addControlPlane('aws', 'us-east-1', addedAddresses, { announced: isAnnounced }),
    },
    { what: 'used', atMs: usedMs, happen: atlas => atlas.use(addedAddresses) },
    {
      what: 'rolled back',
      atMs: rolledBackMs,
      // Listed still, and not called from any more.
      happen: atlas => {
        for (const cidr of addedAddresses) atlas.announced.add(cidr);
      },
    },
  ];
}
