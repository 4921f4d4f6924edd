/** Lists for a KMS by other hands: `ips`, `plan` and `export` as processes, against the lab. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseQuery } from '../../src/cli/export/external.ts';
import { poisons } from '../../src/lab/index.ts';
import { openSite, type Site } from '../e2e/harness.ts';

const incomplete = (site: Site) =>
  site.lab.faults.add({
    on: 'atlas',
    path: 'controlPlane',
    act: { kind: 'edit', edit: poisons.emptyCloud('gcp') },
  });
const wanted = (site: Site) =>
  new Set(site.lab.atlas.addressesInUse(site.project.id).map(each => `${each}/32`));
const ask = (site: Site, query: unknown, ...args: readonly string[]) => {
  const started = site.start('export', ...args);
  started.process.stdin?.end(typeof query === 'string' ? query : JSON.stringify(query));
  return started.ended;
};

test('ips as a role policy lets in every address that Atlas calls from', async () => {
  const site = await openSite();
  const { code, stdout } = await site.run(
    'ips',
    '--project',
    site.project.id,
    '--format',
    'aws-role-policy',
    '-q',
  );
  expect(code).toBe(0);
  const listed = new Set(JSON.parse(stdout).Statement[0].Condition.IpAddress['aws:SourceIp']);
  expect([...wanted(site)].filter(cidr => !listed.has(cidr))).toEqual([]);
});

test.each([
  ['--cloud', 'aws'],
  ['--feed', 'control-plane'],
])('a part of the list is not printed for a KMS: %s', async (name, value) => {
  const site = await openSite();
  const { code, stdout } = await site.run('ips', name, value, '--format', 'bicep');
  expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
});

test('without projects a warning says that the nodes are lacking', async () => {
  const site = await openSite();
  const { code, stderr } = await site.run('ips', '--format', 'bicep', '--quiet');
  expect(code).toBe(0);
  expect(stderr).toContain('--project');
});

test('an incomplete list is not printed for a KMS, unless that is asked for', async () => {
  const site = await openSite();
  incomplete(site);
  const refused = await site.run('ips', '--project', site.project.id, '--format', 'terraform');
  expect(refused).toMatchObject({ code: 4, stdout: '' });
  const forced = await site.run('ips', '--format', 'terraform', '--allow-incomplete');
  expect(forced.code).toBe(3);
  expect(forced.stdout).toContain('atlas_addresses');
  expect(forced.stderr).toContain('INCOMPLETE');
});

test("a gate's list is what others put there and what Atlas wants", async () => {
  const site = await openSite();
  const { code, stdout } = await site.run('plan', '--format', 'terraform-json', '--quiet');
  expect(code).toBe(2);
  const { payments_addresses } = JSON.parse(stdout).locals;
  expect(new Set(payments_addresses)).toEqual(new Set([...site.rules(), ...wanted(site)]));
});

test("a format of another cloud's is refused", async () => {
  const site = await openSite();
  const { code, stderr } = await site.run('plan', '--format', 'gcloud');
  expect(code).toBe(64);
  expect(stderr).toContain('azure-cli, bicep, terraform');
});

test('export answers a gate and projects with texts alone, and sends nothing that could write', async () => {
  const site = await openSite();
  for (const query of [{ gate: 'payments' }, { projects: ` ${site.project.id.toUpperCase()} ` }]) {
    const { code, stdout } = await ask(site, query);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Record<string, string>;
    expect(Object.values(result).every(value => typeof value === 'string')).toBe(true);
    const listed = new Set<string>(JSON.parse(result.addresses_json!));
    expect(result.addresses!.split(',')).toEqual([...listed]);
    expect(result.count).toBe(String(listed.size));
    expect([...wanted(site)].filter(cidr => !listed.has(cidr))).toEqual([]);
  }
  expect(
    site.lab.requests.filter(({ method, service }) => service !== 'entra' && method !== 'GET'),
  ).toMatchObject([{ path: '/api/oauth/token' }, { path: '/api/oauth/token' }]);
});

test.each<readonly [string, string]>([
  ['{', 'no JSON'],
  ['[]', 'expected'],
  ['{"projects": ["x"]}', 'projects'],
  ['{"projects": "nonsense"}', 'project ids'],
  [`{"gate": "payments", "projects": "${'a'.repeat(24)}"}`, 'both'],
  ['{"gat": "payments"}', 'gat'],
  ['{"merge": true}', 'merge'],
])('the query %s is refused, with what is wrong', (query, words) => {
  expect(() => parseQuery(query)).toThrow(words);
});

test('no query at all is an empty one', () => {
  expect(parseQuery('')).toEqual({ gate: undefined, projects: [], merge: false, allowIncomplete: false });
});

test('an export that fails ends with 1, says why on stderr, and prints nothing on stdout', async () => {
  const site = await openSite();
  const { code, stdout, stderr } = await ask(site, { gate: 'nobody' });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('There is no gate nobody.');
});

test('export of an incomplete list fails, unless that is asked for', async () => {
  const site = await openSite();
  incomplete(site);
  expect(await ask(site, { projects: site.project.id })).toMatchObject({ code: 1, stdout: '' });
  expect(await ask(site, { gate: 'payments' })).toMatchObject({ code: 1, stdout: '' });
  for (const [query, ...args] of [[{ allow_incomplete: 'true' }], [{}, '--allow-incomplete']] as const) {
    const { code, stdout } = await ask(site, query, ...args);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).complete).toBe('false');
  }
});

test("an az line of a gate is one that a shell reads as one call on that gate's vault", async () => {
  const site = await openSite();
  const { stdout } = await site.run('plan', '--format', 'azure-cli', '--quiet');
  writeFileSync(join(site.folder, 'az.sh'), `az() { echo "$# $*"; }\n${stdout}`);
  const lines = spawnSync('bash', [join(site.folder, 'az.sh')], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('keyvault network-rule add --name payments-cmk --resource-group payments');
});
