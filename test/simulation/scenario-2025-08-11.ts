/**
 * The incident of 2025-08-11, minute by minute, by MongoDB's own account (https://status.mongodb.com/incidents/nlwkk8xbzjhm):
 * announced on 30 June, new addresses used from 14:05 UTC, rolled back by 16:19 UTC. The account does not say when
 * the API listed them: both are run, from the announcement on and only from the moment of use.
 */
import incident from './2025-08-11.json' with { type: 'json' };
import { Daemon } from './postern.ts';
import { rivals, watchRival } from './rivals.ts';
import { dayMs, minuteMs, World } from './world.ts';

const startMs = Date.parse('2025-06-25T00:00:00Z');
const announcedMs = Date.parse('2025-06-30T12:00:00Z');
/** Just after a poll, which is the worst moment. */
const usedMs = Date.parse('2025-08-11T14:05:01Z');
const backMs = Date.parse('2025-08-11T16:19:00Z');

export const listings = ['from the announcement on', 'from the moment of use'] as const;
export type Listing = (typeof listings)[number];

export interface IncidentResult {
  readonly who: string;
  readonly listing: Listing;
  readonly lockedOutMinutes: number;
}

/** @param who `postern`, or a rival's name */
export async function replayIncident(who: string, listing: Listing): Promise<IncidentResult> {
  // What Postern did in the weeks before is of no account where nothing was listed in them.
  const isShort = who === 'postern' && listing === 'from the moment of use';
  const world = new World({
    seed: '2025-08-11',
    trace: () => {},
    isPunctual: who !== 'postern',
    given: {
      startMs: isShort ? usedMs - dayMs : startMs,
      intervalMs: minuteMs,
      propagationMs: 2 * minuteMs,
      policy: 'sync',
      kind: 'azure-key-vault',
      controlPlane: { inbound: {}, outbound: structuredClone(incident.before) },
    },
  });
  const { scheduler, atlas } = world;
  const rival = rivals.find(({ name }) => name === who);
  const list = (announced: boolean) => {
    atlas.addControlPlane('aws', 'us-east-1', incident.added, { announced });
    world.changed('listed');
  };
  scheduler.at(listing === 'from the announcement on' ? announcedMs : usedMs, () =>
    list(listing === 'from the announcement on'),
  );
  scheduler.at(usedMs, () => {
    atlas.use(incident.added);
    world.changed('used');
  });
  scheduler.at(backMs, () => {
    for (const cidr of incident.added) atlas.announced.add(cidr);
    world.changed('rolled back');
  });
  if (rival) {
    watchRival(world);
    rival.start(world);
  } else {
    new Daemon(world, { skips: true }).start();
  }
  await scheduler.run(usedMs - 1);
  const before = world.judge.verdict.lockedOutMs;
  await scheduler.run(usedMs + dayMs);
  const lockedOutMinutes = (world.judge.verdict.lockedOutMs - before) / world.sites.length / minuteMs;
  return { who: rival?.title ?? 'Postern', listing, lockedOutMinutes };
}
