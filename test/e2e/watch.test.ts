/** `postern watch` as a real process: signals, reload, a slow write, a journal that is deleted. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { follow } from './daemon.ts';
import { openSite, type Site } from './harness.ts';

// Processes start slowly where the machine is busy; none of these tests waits for time to pass.
vi.setConfig({ testTimeout: 120_000 });

const fresh = ['44.206.200.18/32'];
const quick = { watch: { controlPlane: '1s', nodes: '1s', gates: '1s', events: '1s', minGap: '1s' } };

const watching = (site: Site, ...args: readonly string[]) => follow(site, site.start('watch', ...args));

test('a change is noticed within seconds; SIGTERM ends it in order', async () => {
  const site = await openSite();
  site.configure({}, quick);
  const daemon = watching(site);
  await daemon.inStep();
  site.lab.atlas.addControlPlane('aws', 'us-east-1', fresh);
  await daemon.until('the new address', () => site.rules().includes('44.206.200.18/32'));
  daemon.process.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  expect(daemon.of('stopped')).toMatchObject([{ unfinished: 0, level: 'info' }]);
  // Every line of a run has its id, and no line a secret.
  for (const line of daemon.of('run-ended')) expect(line.runId).toMatch(/^[0-9a-f]{8}$/);
  for (const { credentials } of [site.lab]) {
    expect(stderr).not.toContain(credentials.atlas.serviceAccount.clientSecret);
    expect(stderr).not.toContain(credentials.azure.clientSecret);
  }
});

test('SIGTERM during a slow write: it is finished and journalled, and nothing new is begun', async () => {
  const site = await openSite();
  site.configure({}, quick);
  site.lab.faults.add({ on: 'azure', method: 'PATCH', act: { kind: 'latency', ms: 2_000 } });
  const daemon = watching(site);
  await daemon.until('the write', () => daemon.lines().some(({ step }) => step?.kind === 'writing'));
  await new Promise(resolve => setTimeout(resolve, 300));
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(site.rules()).toHaveLength(388);
  const { writes } = JSON.parse((await site.run('history', '--json')).stdout);
  expect(writes).toMatchObject([{ kind: 'add', outcome: 'applied' }]);
});

test('SIGTERM while Atlas never answers: the process ends once it has said that it stopped', async () => {
  const site = await openSite();
  const hole = createServer(socket => socket.on('error', () => {}).resume());
  const asked = new Promise(resolve => hole.once('connection', resolve));
  await new Promise<void>(resolve => hole.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void hole.close());
  site.configure({}, quick);
  const { port } = hole.address() as AddressInfo;
  site.editConfig(config => {
    config.atlas.baseUrl = `http://127.0.0.1:${port}`;
  });
  const daemon = watching(site);
  await asked;
  daemon.process.kill('SIGTERM');
  await daemon.says('stopped');
  // A request that hangs is tried again for two minutes.
  const tooLate = new Promise(resolve => setTimeout(resolve, 20_000, 'it lives on'));
  expect(await Promise.race([daemon.ended, tooLate])).toMatchObject({ code: 0, signal: null });
});

test('a second signal ends it at once; the next start settles what it had begun', async () => {
  const site = await openSite();
  site.configure({}, quick);
  const heal = site.lab.faults.add({ on: 'azure', method: 'PATCH', act: { kind: 'latency', ms: 8_000 } });
  const daemon = watching(site);
  await daemon.until('the write', () => daemon.lines().some(({ step }) => step?.kind === 'writing'));
  daemon.process.kill('SIGTERM');
  await daemon.says('stopping');
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).signal).toBe('SIGTERM');
  heal();
  expect((await site.run('watch', '--once')).code).toBe(0);
  expect(site.lab.atlas.lockedOut(site.project.id)).toEqual([]);
  const { writes } = JSON.parse((await site.run('history', '--json')).stdout);
  expect(writes.every(({ outcome }: { outcome: unknown }) => outcome !== null)).toBe(true);
});

test('a broken config is refused, loudly and once; a right one is taken, by SIGHUP and by itself', async () => {
  const site = await openSite();
  site.configure({}, quick);
  const path = join(site.folder, 'postern.yaml');
  const daemon = watching(site);
  await daemon.inStep();
  writeFileSync(path, 'gates: [{ name: payments, kind: azure-key-vault, polcy: sync }]');
  daemon.process.kill('SIGHUP');
  await daemon.says('config-refused');
  daemon.process.kill('SIGHUP');
  site.lab.atlas.addControlPlane('aws', 'us-east-1', fresh);
  await daemon.until('the new address', () => site.rules().includes('44.206.200.18/32'));
  expect(daemon.of('config-refused')).toHaveLength(1);
  expect(daemon.of('config-refused')[0]?.msg).toContain('polcy');

  // As an editor does: a new file in the place of the old one.
  site.configure({ pinned: ['198.41.129.7'] }, quick);
  renameSync(path, `${path}.new`);
  await new Promise(resolve => setTimeout(resolve, 1_500));
  renameSync(`${path}.new`, path);
  await daemon.says('config-reloaded');
  await daemon.until('the pin', () => site.rules().includes('198.41.129.7/32'));
  expect(daemon.of('config-reloaded')[0]).toMatchObject({ changed: ['payments'], added: [], removed: [] });
  daemon.process.kill('SIGINT');
  expect((await daemon.ended).code).toBe(0);
});

test('a config that Kubernetes swaps below a symlink is noticed', async () => {
  const site = await openSite();
  const path = join(site.folder, 'postern.yaml');
  const put = (name: string, gate: Record<string, unknown>) => {
    site.configure(gate, { ...quick, state: site.journalPath });
    mkdirSync(join(site.folder, name));
    renameSync(path, join(site.folder, name, 'postern.yaml'));
  };
  put('..1', {});
  put('..2', { pinned: ['198.41.129.7'] });
  symlinkSync('..1', join(site.folder, '..data'));
  symlinkSync(join('..data', 'postern.yaml'), path);
  const daemon = watching(site);
  await daemon.inStep();
  symlinkSync('..2', join(site.folder, '..tmp'));
  renameSync(join(site.folder, '..tmp'), join(site.folder, '..data'));
  await daemon.until('the pin', () => site.rules().includes('198.41.129.7/32'));
});

test("the journal's file is deleted: noticed, written back, and said", async () => {
  const site = await openSite();
  site.configure({}, quick);
  const daemon = watching(site);
  await daemon.inStep();
  // Let in is not yet journalled.
  await daemon.says('run-ended');
  unlinkSync(site.journalPath);
  await daemon.says('journal-moved');
  expect(daemon.of('journal-moved')).toMatchObject([{ rescued: true, level: 'warn' }]);
  await daemon.says('journal-back');
  expect(existsSync(site.journalPath)).toBe(true);
  const { writes } = JSON.parse((await site.run('history', '--json')).stdout);
  expect(writes).toMatchObject([{ kind: 'add', outcome: 'applied' }]);
  site.lab.atlas.addControlPlane('aws', 'us-east-1', fresh);
  await daemon.until('the new address', () => site.rules().includes('44.206.200.18/32'));
  daemon.process.kill('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  // What was let in before is Postern's still.
  const plan = JSON.parse((await site.run('plan', '--json')).stdout).plans[0];
  expect(plan.entries.filter(({ owner }: any) => owner === 'postern')).toHaveLength(387);
});

test('with all of the journal gone, its log too, it goes on adding', async () => {
  const site = await openSite();
  site.configure({}, quick);
  const daemon = watching(site);
  await daemon.inStep();
  for (const ending of ['', '-wal', '-shm']) rmSync(site.journalPath + ending, { force: true });
  site.lab.atlas.addControlPlane('aws', 'us-east-1', fresh);
  await daemon.until('the new address', () => site.rules().includes('44.206.200.18/32'));
  await daemon.says('journal-moved');
});

test('--once looks once, and its exit code tells', async () => {
  const site = await openSite();
  expect((await site.run('watch', '--once')).code).toBe(0);
  expect(site.lab.atlas.lockedOut(site.project.id)).toEqual([]);
  site.configure({ policy: 'observe' });
  site.lab.atlas.addControlPlane('aws', 'us-east-1', fresh);
  expect((await site.run('watch', '--once')).code).toBe(2);
  site.configure({ vault: site.vaultId.replace('payments-cmk', 'nowhere') });
  expect((await site.run('watch', '--once')).code).toBe(1);
});
