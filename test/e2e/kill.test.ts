/** SIGKILL at any point of `apply` and `watch`; `npm run faults:kill` does it for as long as one likes. */
import { expect, test } from 'vitest';
import { killAtRandomMoments } from '../faults/kill.ts';
import { seeded } from '../faults/random.ts';
import { withKind } from './cloud-sites.ts';
import { openSite } from './harness.ts';

/** More with POSTERN_KILLS; the default keeps the suite short. */
const times = Number(process.env.POSTERN_KILLS ?? 6);
const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 1e6));

test(`SIGKILL at ${times} moments, seed ${seed}: nothing is lost, locked out or removed early`, async () => {
  const site = withKind(await openSite(), 'azure-key-vault');
  const { endings } = await killAtRandomMoments(site, { times, random: seeded(seed) });
  const killed = [...endings].filter(([ending]) => ending.endsWith('SIGKILL'));
  // A test that never kills proves nothing.
  expect(killed.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(times / 3);
}, 600_000);
