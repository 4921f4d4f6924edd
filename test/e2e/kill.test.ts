/** SIGKILL at any point of an apply: the next one finds out what was written and carries on. */
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { foreignRules } from '../../src/lab/default-world.ts';
import { openSite, type Site } from './harness.ts';

/** More with POSTERN_KILLS; the default keeps the suite short. */
const kills = Number(process.env.POSTERN_KILLS ?? 24);
const dayMs = 24 * 60 * 60 * 1000;
const drops = ['3.12.113.165/32', '3.17.198.241/32'];

test(`SIGKILL at ${kills} moments of an apply loses nothing and removes nothing early`, async () => {
  const site = await openSite();
  site.configure({ removal: { grace: '12h', maxShare: 1 } });
  // Every answer takes a moment, so that a process can end at each of them.
  for (const on of ['atlas', 'azure'] as const) site.lab.faults.add({ on, act: { kind: 'latency', ms: 15 } });
  const outcomes = new Map<string, number>();
  for (let round = 0; round < kills; round++) {
    changeTheWorld(site, round);
    // A day later each time, so that what was dropped is due.
    const { process: child, ended } = site.startApplyLater(round * dayMs);
    const timer = setTimeout(() => child.kill('SIGKILL'), 150 + ((round * 37) % 700));
    const { signal, code } = await ended;
    clearTimeout(timer);
    const outcome = signal ?? `exit ${code}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    expect(integrity(site)).toBe('ok');
    for (const rule of foreignRules) expect(site.rules()).toContain(rule);

    const finished = await site.startApplyLater(round * dayMs + dayMs / 2).ended;
    expect(finished.code, finished.stdout + finished.stderr).toBe(0);
    expect(site.lab.atlas.lockedOut(site.project.id)).toEqual([]);
  }
  // A test that never kills proves nothing.
  expect(outcomes.get('SIGKILL') ?? 0).toBeGreaterThan(kills / 4);
  expect(unfinishedWrites(site)).toBe(0);
  // What Postern wrote is known as its own, killed or not: only others' rules are foreign.
  const plan = JSON.parse((await site.run('plan', '--json')).stdout).plans[0];
  const foreign = plan.entries.filter(({ owner }: { owner: string }) => owner === 'foreign');
  expect(foreign.map(({ cidr }: { cidr: string }) => cidr).sort()).toEqual([...foreignRules].sort());
}, 600_000);

/** Each round something is to be added; of every four, two are dropped for three and come back. */
function changeTheWorld({ lab, project }: Site, round: number): void {
  lab.atlas.addControlPlane('aws', 'eu-north-1', [`13.48.${round}.7/32`]);
  if (round % 4 === 0) lab.atlas.removeControlPlane(drops);
  if (round % 4 === 3) lab.atlas.addControlPlane('aws', 'us-east-2', drops);
  if (round === 5) {
    const cluster = lab.atlas.createCluster(project.id, 'archive');
    lab.atlas.provision(cluster, 3);
    lab.atlas.finishCreating(cluster);
  }
}

function integrity({ journalPath }: Site): unknown {
  const database = new DatabaseSync(journalPath);
  try {
    return Object.values(database.prepare('pragma integrity_check').get() ?? {})[0];
  } finally {
    database.close();
  }
}

function unfinishedWrites({ journalPath }: Site): unknown {
  const database = new DatabaseSync(journalPath, { readOnly: true });
  try {
    return database.prepare('select count(*) as n from write_record where outcome is null').get()?.n;
  } finally {
    database.close();
  }
}
