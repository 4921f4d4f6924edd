/** Whom a vault lets in, by what is in force at the time; and what Atlas makes of it. */
import { expect, test } from 'vitest';
import { openLab } from './client.ts';

const minuteMs = 60_000;
const allow = (...ipRules: readonly string[]) => ({ ipRules: ipRules.map(value => ({ value })) });

test('a change is in force only once it has spread', async () => {
  const { lab, clock, vaultId, patchAcls } = await openLab({ propagationMs: 5 * minuteMs });
  await patchAcls(allow('44.1.0.1'));
  expect(lab.azure.letsIn(vaultId, '44.1.0.1')).toBe(false);
  expect(lab.azure.letsIn(vaultId, '52.7.232.43')).toBe(true);
  clock.advance(5 * minuteMs - 1);
  expect(lab.azure.letsIn(vaultId, '44.1.0.1')).toBe(false);
  clock.advance(1);
  expect(lab.azure.letsIn(vaultId, '44.1.0.1')).toBe(true);
  expect(lab.azure.letsIn(vaultId, '52.7.232.43')).toBe(false);
});

test('where removals are at once, a rule that is taken out and put back is missed in between', async () => {
  const { lab, clock, vaultId, patchAcls } = await openLab({
    propagationMs: 5 * minuteMs,
    removals: 'at-once',
  });
  const letsIn = () => lab.azure.letsIn(vaultId, '52.7.232.43');
  expect(letsIn()).toBe(true);
  await patchAcls(allow());
  expect(letsIn()).toBe(false);
  clock.advance(minuteMs);
  await patchAcls(allow('52.7.232.43'));
  expect(letsIn()).toBe(false);
  clock.advance(5 * minuteMs);
  expect(letsIn()).toBe(true);
});

test.each([
  ['Deny', 'Enabled', [true, false]],
  ['Allow', 'Enabled', [true, true]],
  ['Deny', 'Disabled', [false, false]],
  ['Allow', 'Disabled', [false, false]],
  ['Allow', 'SecuredByPerimeter', [false, false]],
] as const)('default action %s, public access %s: listed and unlisted', async (action, access, expected) => {
  const { lab, vaultId, arm } = await openLab({ propagationMs: 0 });
  await arm('PATCH', vaultId, {
    properties: { publicNetworkAccess: access, networkAcls: { defaultAction: action } },
  });
  expect(['52.7.232.43', '52.7.232.44'].map(address => lab.azure.letsIn(vaultId, address))).toEqual(expected);
});

test.each([
  ['the first address', '198.17.0.0', true],
  ['the last address', '198.17.0.255', true],
  ['one beyond', '198.17.1.0', false],
  ['one before', '198.16.255.255', false],
  ['half the range', '198.17.0.128/25', true],
  ['more than the range', '198.17.0.0/23', false],
])('a range lets in %s: %s', async (_, address, expected) => {
  const { lab, vaultId } = await openLab();
  expect(lab.azure.letsIn(vaultId, address)).toBe(expected);
});

/** Opens the vault to all that Atlas uses at present. */
async function openAll({ lab, project, patchAcls }: Awaited<ReturnType<typeof openLab>>) {
  await patchAcls(allow(...lab.atlas.addressesInUse(project.id)));
}

const isValid = async ({ atlas, project }: Awaited<ReturnType<typeof openLab>>) =>
  (await atlas(`/api/atlas/v2/groups/${project.id}/encryptionAtRest`)).json.azureKeyVault.valid;

test('the key is valid once every address in use is let in, and not before', async () => {
  const open = await openLab();
  expect(await isValid(open)).toBe(false);
  await openAll(open);
  expect(await isValid(open)).toBe(false);
  open.clock.advance(2 * minuteMs);
  expect(await isValid(open)).toBe(true);
});

test.each<readonly [string, (open: Awaited<ReturnType<typeof openLab>>) => void, boolean]>([
  [
    'a control-plane address is used',
    ({ lab }) => lab.atlas.addControlPlane('gcp', 'us-central1', ['34.9.9.9/32']),
    false,
  ],
  [
    'a control-plane address is announced',
    ({ lab }) => lab.atlas.addControlPlane('aws', 'us-east-1', ['44.9.9.9/32'], { announced: true }),
    true,
  ],
  [
    'an announced address is used',
    ({ lab }) => {
      lab.atlas.addControlPlane('aws', 'us-east-1', ['44.9.9.9/32'], { announced: true });
      lab.atlas.use(['44.9.9.9/32']);
    },
    false,
  ],
  [
    'a block is used of which the vault knows the first address alone',
    ({ lab }) => {
      const used = lab.atlas.addressesInUse([...lab.atlas.projects.keys()][0]!);
      const even = used.find(address => Number(address.split('.')[3]) % 2 === 0)!;
      lab.atlas.addControlPlane('aws', 'us-east-1', [`${even}/31`]);
    },
    false,
  ],
  ['an address is used that is not listed', ({ lab }) => lab.atlas.unlisted.add('44.9.9.9/32'), false],
  [
    'a control-plane address is dropped',
    ({ lab }) => lab.atlas.removeControlPlane(['3.92.113.229/32']),
    true,
  ],
  ['nodes are to move', ({ lab, project }) => lab.atlas.announceMove(project.clusters[0]!), true],
  [
    'nodes have moved',
    ({ lab, project }) => {
      lab.atlas.announceMove(project.clusters[0]!);
      lab.atlas.finishMove(project.clusters[0]!);
    },
    false,
  ],
  ['nodes are to come', ({ lab, project }) => lab.atlas.announceScaling(project.clusters[0]!, 2), true],
  [
    'nodes have come',
    ({ lab, project }) => {
      lab.atlas.announceScaling(project.clusters[0]!, 2);
      lab.atlas.finishScaling(project.clusters[0]!);
    },
    false,
  ],
  ['a cluster begins', ({ lab, project }) => void lab.atlas.createCluster(project.id, 'new'), true],
  [
    'a cluster gets its nodes',
    ({ lab, project }) => lab.atlas.provision(lab.atlas.createCluster(project.id, 'new'), 3),
    false,
  ],
  ['a cluster goes', ({ lab, project }) => lab.atlas.deleteCluster(project.id, 'orders'), true],
  [
    'nodes call from an address that is outbound only',
    ({ project }) => void project.clusters[0]!.outboundOnly.push('44.9.9.9'),
    false,
  ],
  ['the key is switched off', ({ project }) => void Object.assign(project, { keyDisabled: true }), false],
  [
    'someone takes a rule out',
    ({ lab, vaultId }) =>
      lab.azure.edit(vaultId, 'x', ({ properties }) => void properties.networkAcls!.ipRules.pop()),
    false,
  ],
])('the key is valid, then %s', async (_, change, expected) => {
  const open = await openLab({ propagationMs: 0 });
  await openAll(open);
  expect(await isValid(open)).toBe(true);
  change(open);
  expect(await isValid(open)).toBe(expected);
});
