/** A disk that is full, and a journal that is not what it was: Atlas is let in all the same, and nothing is removed. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { follow } from '../e2e/daemon.ts';
import { openSite } from '../e2e/harness.ts';
import type { Site } from '../e2e/site.ts';
import { integrityOf } from './journal-file.ts';

vi.setConfig({ testTimeout: 180_000 });

const hourMs = 3_600_000;
const quick = { watch: { controlPlane: '1s', nodes: '1s', gates: '1s', events: '1s', minGap: '1s' } };
const dropped = ['3.12.113.165/32', '3.17.198.241/32'];
const added = (n: number) => `44.206.202.${n}/32`;

/** Two addresses that Atlas dropped, and that are due to be removed 20 hours later. */
async function openWithRemovalDue(state: string) {
  const site = await openSite();
  const temporary = join(site.folder, 'tmp');
  mkdirSync(temporary);
  site.setEnv({ TMPDIR: temporary });
  site.configure({ removal: { grace: '12h', maxShare: 1 } }, { ...quick, state });
  await ends(site.startLater(0, 'apply', '--yes'));
  site.lab.atlas.removeControlPlane(dropped);
  await ends(site.startLater(hourMs, 'apply', '--yes'));
  expect(site.rules()).toEqual(expect.arrayContaining(dropped));
  return site;
}

async function ends({ ended }: ReturnType<Site['startLater']>): Promise<void> {
  const { code, stdout, stderr } = await ended;
  expect(code, stdout + stderr).toBe(0);
}

const add = ({ lab }: Site, n: number) => lab.atlas.addControlPlane('aws', 'us-east-1', [added(n)]);
const holds = (site: Site, cidr: string) => () => site.rules().includes(cidr);

/** With room again: what was due is removed, and what was added meanwhile is known as Postern's own. */
async function isWholeAgain(site: Site, journalPath: string, additions: readonly number[]): Promise<void> {
  await ends(site.startLater(22 * hourMs, 'apply', '--yes'));
  for (const cidr of dropped) expect(site.rules()).not.toContain(cidr);
  expect(integrityOf(journalPath)).toBe('ok');
  const plan = JSON.parse((await site.run('plan', '--json')).stdout).plans[0];
  const owners = new Map(plan.entries.map(({ cidr, owner }: any) => [cidr, owner]));
  for (const n of additions) expect(owners.get(added(n))).not.toBe('foreign');
}

test('files may not grow: it adds, keeps what it added, removes nothing, and says so', async () => {
  const site = await openWithRemovalDue('journal.db');
  // The spool is small enough to be written.
  const daemon = follow(site, site.startLimited(64 * 1024, 20 * hourMs, 'watch'));
  await daemon.says('journal-lost');
  add(site, 1);
  await daemon.until('the new address', holds(site, added(1)));
  await daemon.says('cycle-ended', 5);
  expect(site.rules()).toEqual(expect.arrayContaining(dropped));
  expect(daemon.of('journal-lost')[0]?.msg).toMatch(/disk|room|full|space/i);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  await isWholeAgain(site, site.journalPath, [1]);
});

/** Only root may mount, and not everywhere. */
function mountSmall(path: string): boolean {
  mkdirSync(path);
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', path]).status === 0;
  if (isMounted) onTestFinished(() => void spawnSync('umount', ['-l', path]));
  return isMounted;
}

test('a disk fills up under the daemon, and has room again', async context => {
  const folder = `/tmp/postern-small-disk-${process.pid}`;
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  if (!mountSmall(folder)) return context.skip('no file system can be mounted here');
  const journalPath = join(folder, 'journal.db');
  const site = await openWithRemovalDue(journalPath);
  const ballast = join(folder, 'ballast');
  const fill = () => {
    for (let size = 4 << 20; size >= 512; size >>= 1) {
      for (;;) {
        try {
          writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
        } catch {
          break;
        }
      }
    }
  };
  fill();
  const daemon = follow(site, site.startLater(20 * hourMs, 'watch'));
  await daemon.says('journal-lost');
  add(site, 1);
  await daemon.until('the new address', holds(site, added(1)));
  await daemon.says('cycle-ended', 4);
  expect(site.rules()).toEqual(expect.arrayContaining(dropped));

  rmSync(ballast);
  await daemon.says('journal-back');
  fill();
  add(site, 2);
  await daemon.until('the second address', holds(site, added(2)));
  await daemon.says('journal-lost', 2);
  rmSync(ballast);
  await daemon.says('journal-back', 2);
  expect(daemon.of('internal-fault')).toEqual([]);
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  await isWholeAgain(site, journalPath, [1, 2]);
});

test('an older journal takes the place of the one in use: it counts from then on, and is whole', async () => {
  const site = await openSite();
  site.configure({}, quick);
  await ends(site.startLater(0, 'apply', '--yes'));
  const backup = join(site.folder, 'backup.db');
  copyFileSync(site.journalPath, backup);
  const daemon = follow(site, site.start('watch'));
  add(site, 1);
  await daemon.until('the new address', holds(site, added(1)));
  renameSync(backup, site.journalPath);
  await daemon.says('journal-moved');
  await daemon.says('journal-back');
  add(site, 2);
  await daemon.until('the second address', holds(site, added(2)));
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(integrityOf(site.journalPath)).toBe('ok');
  await ends(site.start('apply', '--yes'));
  expect(site.rules()).toContain(added(1));
});

test('the directory of the journal goes away: it adds, and journals it when there is a place again', async () => {
  const site = await openSite();
  const folder = join(site.folder, 'state');
  site.setEnv({ TMPDIR: site.folder });
  site.configure({}, { ...quick, state: join(folder, 'journal.db') });
  const daemon = follow(site, site.start('watch'));
  await daemon.inStep();
  // A file stands where the directory was: it can be neither opened nor made.
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, '');
  add(site, 1);
  await daemon.until('the new address', holds(site, added(1)));
  await daemon.says('journal-lost');
  rmSync(folder);
  renameSync(`${folder}.away`, folder);
  await daemon.says('journal-back');
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(statSync(join(folder, 'journal.db')).mode & 0o077).toBe(0);
  expect(integrityOf(join(folder, 'journal.db'))).toBe('ok');
});
