/** `postern ips` as a process, against the lab's Atlas. */
import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { parseCidr } from '../../src/address/index.ts';
import { systemClock } from '../../src/clock.ts';
import { defaultWorld } from '../../src/lab/default-world.ts';
import { type Fault, type Lab, poisons, startLab } from '../../src/lab/index.ts';
import { ensureBuilt, makePlace } from './postern.ts';

const place = makePlace();
let lab: Lab;
let projectId: string;
beforeAll(async () => {
  ensureBuilt();
  lab = await startLab({ clock: systemClock });
  projectId = defaultWorld(lab).id;
});
afterEach(() => {
  lab.faults.clear();
  lab.requests.length = 0;
});
afterAll(async () => {
  await lab.close();
  rmSync(place.folder, { recursive: true });
});

const credentials = () => ({
  MONGODB_ATLAS_CLIENT_ID: lab.credentials.atlas.serviceAccount.clientId,
  MONGODB_ATLAS_CLIENT_SECRET: lab.credentials.atlas.serviceAccount.clientSecret,
});
const ips = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  place.run(['ips', ...args], { MONGODB_ATLAS_BASE_URL: lab.urls.atlas, ...env });
const lines = (text: string) => text.split('\n').filter(Boolean);

/** What the lab's Atlas lists as outbound of its control plane, each block once. */
function outbound(): readonly string[] {
  const regions = Object.values(lab.atlas.controlPlane.outbound).flatMap(cloud => Object.values(cloud));
  return [...new Set(regions.flat())].toSorted();
}

test('the control plane needs no credentials, no config and no journal', async () => {
  const { exitCode, stdout, stderr } = await ips(['--format', 'text', '--quiet']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(lines(stdout).toSorted()).toEqual(outbound());
  expect(lab.requests.map(({ path }) => path)).toEqual(['/api/atlas/v2/unauth/controlPlaneIPAddresses']);
});

test('every format holds the same addresses', async () => {
  const read = async (format: string) => (await ips(['--format', format, '--quiet'])).stdout;
  const json = JSON.parse(await read('json')) as { complete: boolean; addresses: { cidr: string }[] };
  expect(json.complete).toBe(true);
  expect([...new Set(json.addresses.map(({ cidr }) => cidr))].toSorted()).toEqual(outbound());
  expect((parseYaml(await read('yaml')) as { atlas_addresses: string[] }).atlas_addresses.toSorted()).toEqual(
    outbound(),
  );
  const [head, ...rows] = lines(await read('csv'));
  expect(head).toBe('address,feed,direction,cloud,region,cluster,future');
  expect([...new Set(rows.map(row => row.split(',')[0]))].toSorted()).toEqual(outbound());
  const table = lines(await read('table')).slice(1);
  expect([...new Set(table.map(row => row.split(' ')[0]))].toSorted()).toEqual(outbound());
  const tfvars = /^atlas_addresses = (\[[^\]]*\])\n$/.exec(await read('tfvars'))?.[1] ?? '';
  expect((JSON.parse(tfvars.replace(/,\n\]$/, ']')) as string[]).toSorted()).toEqual(outbound());
});

test('--json is a format, and the list is sorted by address', async () => {
  const { stdout } = await ips(['--json', '--cloud', 'aws']);
  const { addresses } = JSON.parse(stdout) as { addresses: { cidr: string; cloud: string }[] };
  expect(new Set(addresses.map(({ cloud }) => cloud))).toEqual(new Set(['aws']));
  const numbers = addresses.map(({ cidr }) => {
    const [address = ''] = parseCidr(cidr).split('/');
    return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  });
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
});

test('--direction tells inbound and outbound apart', async () => {
  const count = async (...args: string[]) =>
    lines((await ips(['--format', 'csv', ...args])).stdout).length - 1;
  const [usual, outboundRows, inboundRows, all] = [
    await count(),
    await count('--direction', 'outbound'),
    await count('--direction', 'inbound'),
    await count('--direction', 'all'),
  ];
  expect(outboundRows).toBe(usual);
  expect(inboundRows).toBeGreaterThan(0);
  expect(all).toBe(outboundRows + inboundRows);
});

test('--region is taken in any letters, and an unknown one leaves nothing', async () => {
  const [region = ''] = Object.keys(lab.atlas.controlPlane.outbound.aws ?? {});
  const found = lines(
    (await ips(['--format', 'text', '--cloud', 'aws', '--region', region.toUpperCase()])).stdout,
  );
  expect(found.toSorted()).toEqual([...new Set(lab.atlas.controlPlane.outbound.aws?.[region])].toSorted());
  expect(await ips(['--format', 'text', '--region', 'nowhere', '--quiet'])).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
});

test('the nodes of a project come with credentials from the environment', async () => {
  const args = ['--project', projectId, '--feed', 'nodes', '--cluster', 'orders', '--format', 'text'];
  const { exitCode, stdout } = await ips(args, credentials());
  expect(exitCode).toBe(0);
  const nodes = lab.atlas.project(projectId).clusters.find(({ name }) => name === 'orders')?.nodes ?? [];
  expect(lines(stdout).toSorted()).toEqual(nodes.map(node => `${node}/32`).toSorted());
});

test('without credentials the control plane is still listed, the run says what is missing, and ends with 3', async () => {
  const { exitCode, stdout, stderr } = await ips(['--project', projectId, '--format', 'tfvars']);
  expect(exitCode).toBe(3);
  expect(stdout).toMatch(new RegExp(`^# INCOMPLETE: not everything could be read of nodes:${projectId}\n`));
  expect(stdout).toContain(`"${outbound()[0]}",`);
  expect(stderr).toContain(`the reading of nodes:${projectId} is incomplete:`);
  expect(stderr).toContain('No Atlas credentials are configured.');
});

test('nobody’s nodes is a wrong command line', async () => {
  expect(await ips(['--feed', 'nodes'])).toMatchObject({ exitCode: 64, stdout: '' });
});

test.each<[name: string, fault: Fault['act']]>([
  ['a cloud is missing', { kind: 'edit', edit: poisons.withoutCloud('gcp') }],
  ['a malformed address', { kind: 'edit', edit: poisons.withAddress('10.0.0.1/33') }],
])('an incomplete answer is listed and vouched for by nobody: %s', async (_, act) => {
  lab.faults.add({ on: 'atlas', act });
  const { exitCode, stdout, stderr } = await ips(['--json']);
  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({ complete: false });
  expect(stderr).toContain('the reading of control-plane is incomplete:');
});

test.each<[name: string, fault: Fault['act']]>([
  ['a page instead of JSON', poisons.maintenancePage],
  ['no outbound at all', { kind: 'edit', edit: poisons.withoutOutbound }],
])('when nothing can be read, no list is printed: %s', async (_, act) => {
  lab.faults.add({ on: 'atlas', act });
  const { exitCode, stdout } = await ips(['--format', 'text']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
});

test('a secret that Atlas sends back in an error is not printed', async () => {
  const { MONGODB_ATLAS_CLIENT_SECRET: secret } = credentials();
  const body = JSON.stringify({ error: 401, errorCode: 'UNAUTHORIZED', detail: `bad secret ${secret}` });
  lab.faults.add({
    on: 'atlas',
    path: projectId,
    act: { kind: 'answer', status: 401, headers: { 'content-type': 'application/json' }, body },
  });
  const { stdout, stderr } = await ips(['--project', projectId, '--json'], credentials());
  expect(stdout + stderr).toContain('bad secret [redacted]');
  expect(stdout + stderr).not.toContain(secret);
});
