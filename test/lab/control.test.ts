/** The control of a lab that runs for itself. */
import { expect, onTestFinished, test } from 'vitest';
import {
  awsWorld,
  foreignPolicy,
  foreignPolicyName,
  labKeyArn,
  labRoleArn,
} from '../../src/lab/aws/world.ts';
import { controlHandler } from '../../src/lab/control.ts';
import { defaultWorld } from '../../src/lab/default-world.ts';
import { ManualClock, startLab } from '../../src/lab/index.ts';
import { accept, startMs } from './client.ts';

async function openControlled({ fixedClock = false, makeWorld = defaultWorld } = {}) {
  const clock = new ManualClock(startMs);
  const world: { handle?: ReturnType<typeof controlHandler> } = {};
  const lab = await startLab({ clock, control: () => request => world.handle!(request) });
  onTestFinished(() => lab.close());
  const project = makeWorld(lab);
  world.handle = controlHandler({
    lab,
    projectId: project.id,
    ...(!fixedClock && { clock }),
  });
  const post = async (name: string, body: unknown = {}) => {
    const response = await fetch(`${lab.urls.atlas}/lab/${name}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, json: await response.json() };
  };
  const state = async (): Promise<any> => (await fetch(`${lab.urls.atlas}/lab/state`)).json();
  const atlasStatus = async () =>
    (
      await fetch(`${lab.urls.atlas}/api/atlas/v2/unauth/controlPlaneIPAddresses`, {
        headers: { accept: accept('2023-11-15') },
      })
    ).status;
  return { lab, clock, project, post, state, atlasStatus };
}

const done = { status: 200, json: { done: true } };

test('addresses are announced, used, and removed', async () => {
  const { post, state } = await openControlled();
  const cidrs = ['44.206.200.19/32'];
  expect(await post('add', { cidrs, announced: true })).toEqual(done);
  expect((await state()).lockedOut).not.toContain('44.206.200.19');
  expect(await post('use', { cidrs })).toEqual(done);
  expect(await state()).toMatchObject({ keyValid: false });
  expect((await state()).lockedOut).toContain('44.206.200.19');
  expect(await post('remove', { cidrs })).toEqual(done);
  expect((await state()).lockedOut).not.toContain('44.206.200.19');
});

test('a cluster moves', async () => {
  const { post, project } = await openControlled();
  const before = project.clusters[0]!.nodes;
  expect(await post('move', { cluster: 'orders' })).toEqual(done);
  expect(project.clusters[0]!.nodes).toBe(before);
  expect(await post('moved', { cluster: 'orders' })).toEqual(done);
  expect(project.clusters[0]!.nodes).not.toEqual(before);
});

test('someone takes a rule out', async () => {
  const { post, state } = await openControlled();
  expect((await state()).rules).toBe(2);
  expect(await post('meddle', { cidr: '52.7.232.43/32' })).toEqual(done);
  expect((await state()).rules).toBe(1);
});

test('someone takes an address out of the policies of a key in AWS', async () => {
  const { post, state, lab } = await openControlled({ makeWorld: awsWorld });
  const addresses = ['192.0.2.1/32', '192.0.2.2/32'];
  const statement = (Effect: string, operator: string) => ({
    Effect,
    Action: 'kms:Decrypt',
    Resource: '*',
    Condition: { [operator]: { 'aws:SourceIp': addresses } },
  });
  lab.aws.iam.edit(labRoleArn, 'ours', () => ({ Statement: [statement('Allow', 'IpAddress')] }));
  lab.aws.kms.edit(labKeyArn, policy => ({
    ...policy,
    Statement: [...policy.Statement, { ...statement('Deny', 'NotIpAddress'), Principal: '*' }],
  }));
  expect(await state()).toMatchObject({ rules: 4, keyValid: false });
  expect(await post('meddle', { cidr: '192.0.2.1/32' })).toEqual(done);
  expect((await state()).rules).toBe(2);
  expect(lab.aws.kms.policyText(labKeyArn)).not.toContain('192.0.2.1/32');
  expect(lab.aws.iam.inlineText(labRoleArn, 'ours')).toContain('["192.0.2.2/32"]');
  expect(lab.aws.iam.inlineText(labRoleArn, foreignPolicyName)).toBe(JSON.stringify(foreignPolicy));
});

test('faults come and are healed', async () => {
  const { post, atlasStatus } = await openControlled();
  const fault = { on: 'atlas', path: 'controlPlane', times: 1, act: { kind: 'answer', status: 500 } };
  expect(await post('fault', fault)).toEqual(done);
  expect(await atlasStatus()).toBe(500);
  expect(await atlasStatus()).toBe(200);
  await post('outage');
  expect(await atlasStatus()).toBe(503);
  await post('heal');
  expect(await atlasStatus()).toBe(200);
});

test('a fault of everything leaves the control alone', async () => {
  const { post, atlasStatus } = await openControlled();
  await post('fault', { on: 'atlas', act: { kind: 'answer', status: 500 } });
  expect(await atlasStatus()).toBe(500);
  expect(await post('heal')).toEqual(done);
  expect(await atlasStatus()).toBe(200);
});

test('the clock moves', async () => {
  const { post, clock } = await openControlled();
  expect(await post('advance', { seconds: 120 })).toEqual(done);
  expect(clock.now()).toBe(startMs + 120_000);
});

test.each([
  ['add', {}, 400, /"cidrs", a list of texts/],
  ['add', '{', 400, /JSON/],
  ['move', { cluster: 'x' }, 400, /one of orders, ledger/],
  ['fault', { on: 'mars', act: { kind: 'truncate' } }, 400, /one of atlas, azure, entra/],
  ['fault', { on: 'atlas', act: { kind: 'edit' } }, 400, /expected "act"/],
  ['advance', { seconds: -1 }, 400, /above 0/],
  ['nothing', {}, 404, /known: GET \/lab\/state/],
])('%s with %j is refused', async (name, body, status, sentence) => {
  const { post } = await openControlled();
  const answer: any = await post(name, body);
  expect(answer.status).toBe(status);
  expect(answer.json.error).toMatch(sentence);
});

test('the real clock cannot be moved', async () => {
  const { post } = await openControlled({ fixedClock: true });
  expect((await post('advance', { seconds: 1 })).status).toBe(400);
});
