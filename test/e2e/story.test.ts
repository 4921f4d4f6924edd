import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { foreignRules } from '../../src/lab/default-world.ts';
import { openSite } from './harness.ts';

// The demo takes real seconds, and more of them where the machine is busy.
vi.setConfig({ testTimeout: 240_000 });

test('check, plan, apply, check: exit codes tell each state, and foreign rules stay', async () => {
  const site = await openSite();
  expect(await site.run('check')).toMatchObject({ code: 2, stdout: expect.stringContaining('NOT let in') });
  expect(await site.run('plan')).toMatchObject({ code: 2 });
  expect(site.rules()).toEqual(foreignRules);

  expect(await site.run('apply', '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('386 added'),
  });
  expect(site.rules().slice(0, 2)).toEqual(foreignRules);
  expect(site.rules()).toHaveLength(388);
  expect(site.lab.atlas.isKeyValid(site.project.id)).toBe(true);

  expect(await site.run('check')).toMatchObject({ code: 0 });
  expect(await site.run('plan')).toMatchObject({ code: 0 });
  expect(await site.run('apply', '--yes')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('in step'),
  });
});

test('a saved plan is applied as reviewed, and refused once the world has moved', async () => {
  const site = await openSite();
  const file = join(site.folder, 'plan.json');
  await site.run('plan', '--out', file);
  site.lab.azure.edit(site.vaultId, 'bob@example.com', vault => {
    vault.properties.networkAcls!.ipRules.push({ value: '198.19.0.1/32' });
  });
  const before = site.rules();
  const refused = await site.run('apply', file, '--yes');
  expect(refused).toMatchObject({ code: 4, stdout: expect.stringContaining('world has moved') });
  expect(site.rules()).toEqual(before);

  await site.run('plan', '--out', file);
  expect(await site.run('apply', file, '--yes')).toMatchObject({ code: 0 });
  expect(site.rules()).toHaveLength(389);
});

test('nobody to ask: refused, and nothing is written', async () => {
  const site = await openSite();
  const refused = await site.run('apply');
  expect(refused.code).toBe(4);
  expect(refused.stderr).toContain('--yes');
  expect(site.rules()).toEqual(foreignRules);
});

test('observe writes nothing, also with --yes', async () => {
  const site = await openSite();
  site.configure({ policy: 'observe' });
  expect(await site.run('apply', '--yes')).toMatchObject({ code: 4 });
  expect(site.rules()).toEqual(foreignRules);
});

test('history and explain tell what happened, as JSON too', async () => {
  const site = await openSite();
  await site.run('apply', '--yes');
  const { writes } = JSON.parse((await site.run('history', '--json')).stdout);
  expect(writes).toMatchObject([{ kind: 'add', outcome: 'applied' }]);
  const explained = JSON.parse((await site.run('explain', '3.92.113.229', '--json')).stdout);
  expect(explained.gates[0]).toMatchObject({
    letIn: true,
    wantedBy: [{ feed: 'control-plane', cloud: 'aws' }],
  });
});

test('two gates: one whose vault is gone fails, and the other is written', async () => {
  const site = await openSite();
  const config = JSON.parse(readFileSync(join(site.folder, 'postern.yaml'), 'utf8'));
  const missing = {
    ...config.gates[0],
    name: 'missing',
    vault: site.vaultId.replace('payments-cmk', 'nowhere'),
  };
  site.configure({}, { gates: [missing, config.gates[0]] });
  const result = await site.run('apply', '--yes');
  expect(result.code).toBe(1);
  expect(result.stdout + result.stderr).toContain('ResourceNotFound');
  expect(site.rules()).toHaveLength(388);
});

test('the demo tells its story in every cloud and ends well', async () => {
  const site = await openSite();
  const { code, stdout } = await site.run('demo', '--fast', '--cloud', 'all');
  expect(code).toBe(0);
  for (const cloud of ['azure', 'aws', 'gcp']) {
    const validity = [...stdout.matchAll(new RegExp(`key in ${cloud}: valid (\\w+)`, 'g'))].map(
      ([, said]) => said,
    );
    // The last two are the daemon's.
    expect(validity).toEqual(['true', 'false', 'true', 'true', 'false', 'true']);
  }
  expect(stdout).toMatch(
    /never touched: 198\.17\.0\.0\/24, 52\.7\.232\.43\/32;\s+audit-trail;\s+198\.17\.0\.0\/24/,
  );
  expect(stdout).toContain('386 added');
  expect(stdout).toContain('put back at once');
  expect(stdout).toContain('0.0.0.0/0 is never let in');
  expect(stdout).toContain('is undone: 2 put back');
  // The daemon noticed by itself, told the team, and what is shown of it was measured.
  expect(stdout).toMatch(/✓ control-plane: 1 new address: 44\.206\.201\.9\/32/);
  expect(stdout.match(/channel got: \[info\] Postern let in 1 address at gate/g)).toHaveLength(3);
  const seconds = [...stdout.matchAll(/^ {2}payments\S* +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$/gm)];
  expect(seconds).toHaveLength(3);
  for (const [, noticed, written, inForce] of seconds) {
    expect(Number(noticed)).toBeGreaterThan(0);
    expect(Number(written)).toBeGreaterThan(Number(noticed));
    expect(Number(inForce)).toBeGreaterThanOrEqual(Number(written));
  }
  expect(stdout).not.toContain('\u001b');
});

test('the incident of 2025-08-11: a judge counts for whom the list was late, both ways', async () => {
  const site = await openSite();
  const { code, stdout } = await site.run('demo', '--fast', '--scenario', '2025-08-11');
  expect(code).toBe(0);
  const locked = (who: string) => new RegExp(`^ {2}${who}.* (\\d+) +(\\d+)$`, 'm').exec(stdout)?.slice(1);
  // Listed ahead, nobody who reads in time is late. Listed only when used: a minute, and two until it is in force.
  expect(locked('Postern')).toEqual(['0', '179']);
  expect(locked('cron job')).toEqual(['0', '3419']);
  expect(locked('by hand')).toEqual(['8039', '8039']);
  expect(stdout).toMatch(/^14:06 {2}Postern lets in 58 +OUT 59s/m);
  expect(stdout).toMatch(/^14:08 {4}which is in force now +let in {6}OUT/m);
});

test('Ctrl-C ends the demo where it is, and nothing is left behind', async () => {
  const site = await openSite();
  site.setEnv({ TMPDIR: site.folder });
  const demo = site.start('demo');
  await new Promise(resolve => demo.process.stdout!.once('data', resolve));
  demo.process.kill('SIGINT');
  const { code, stderr, stdout } = await demo.ended;
  expect(code).toBe(4);
  expect(stderr).toContain('The demo was ended.');
  expect(stdout).not.toContain('is undone');
  expect(readdirSync(site.folder).filter(name => name.startsWith('postern-demo-'))).toEqual([]);
});

test('a scenario plays in a cloud of its own', async () => {
  const site = await openSite();
  const both = await site.run('demo', '--scenario', '2025-08-11', '--stay');
  expect(both).toMatchObject({ code: 64, stderr: expect.stringContaining('Leave out --cloud and --stay') });
  const unknown = await site.run('demo', '--scenario', '2024-02-30');
  expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining('2025-08-11') });
});
