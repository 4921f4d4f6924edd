import { expect, test } from 'vitest';
import { openSite } from './harness.ts';

const dayMs = 24 * 60 * 60_000;
const [ours, added] = ['44.206.180.1/32', '44.206.180.2/32'];

test("a clock that is ahead of Atlas's lets in what is new, and shortens no grace", async () => {
  const site = await openSite();
  site.lab.atlas.addControlPlane('aws', 'us-east-1', [ours]);
  await site.run('apply', '--yes');
  site.lab.atlas.removeControlPlane([ours]);
  // Absent in two readings, with six days of its grace left.
  for (const hours of [1, 24]) await site.startLater(hours * 3_600_000, 'apply', '--yes').ended;

  site.lab.atlas.addControlPlane('aws', 'us-east-1', [added]);
  const ahead = await site.runAhead(9 * dayMs, 'apply', '--yes');
  expect(site.rules()).toContain(added);
  expect(site.rules()).toContain(ours);
  expect(ahead.code).toBe(3);
  expect(ahead.stdout + ahead.stderr).toMatch(/clock shows .*: the clock is wrong, or .* old answer/);

  // That clock noted no absence either: it went from the first day on.
  expect((await site.startLater(10 * dayMs, 'apply', '--yes').ended).code).toBe(0);
  expect(site.rules()).not.toContain(ours);
  expect(site.rules()).toContain(added);
});
