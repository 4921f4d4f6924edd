/** The incident of 2025-08-11, minute by minute: what Atlas did stands in the lab. */
import {
  controlPlaneBefore,
  incidentSteps,
  type Listing,
  usedMs,
} from '../../src/lab/incidents/2025-08-11.ts';
import { Daemon } from './postern.ts';
import { rivals, watchRival } from './rivals.ts';
import { dayMs, minuteMs, World } from './world.ts';

const startMs = Date.parse('2025-06-25T00:00:00Z');

export { listings } from '../../src/lab/incidents/2025-08-11.ts';

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
      controlPlane: controlPlaneBefore(),
    },
  });
  const { scheduler, atlas } = world;
  const rival = rivals.find(({ name }) => name === who);
  for (const { what, atMs, happen } of incidentSteps(listing)) {
    scheduler.at(atMs, () => {
      happen(atlas);
      world.changed(what);
    });
  }
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
