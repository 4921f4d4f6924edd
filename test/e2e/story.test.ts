import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { foreignRules } from '../../src/lab/default-world.ts';
import { openSite } from './harness.ts';

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
    expect(validity).toEqual(['true', 'false', 'true', 'true']);
  }
  expect(stdout).toContain('never touched: 198.17.0.0/24, 52.7.232.43/32; audit-trail; 198.17.0.0/24');
  expect(stdout).toContain('386 added');
  expect(stdout).toContain('put back at once');
  expect(stdout).toContain('0.0.0.0/0 is never let in');
  expect(stdout).toContain('is undone: 2 put back');
});
