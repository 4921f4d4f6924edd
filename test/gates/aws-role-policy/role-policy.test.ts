/** What only a role's inline policy has: others' policies on the same role, the limit, and who gets past. */
import { expect, test } from 'vitest';
import type { Cidr } from '../../../src/address/cidr.ts';
import { GateError } from '../../../src/gates/gate.ts';
import { foreignPolicyName, labKeyArn, labRoleArn } from '../../../src/lab/aws/world.ts';
import { cidrs } from '../../plan/fixtures.ts';
import { actions, openAws, policyName, sid } from '../aws/open.ts';

const list = cidrs('3.92.113.229', '44.206.200.0/24', '2600:1f18::/36');
const identity = { keyArn: labKeyArn, roleArn: labRoleArn };
const ids = (state: { findings: readonly { id: string }[] }) => state.findings.map(({ id }) => id);
const allow = (more: object = {}) => ({ Effect: 'Allow', Action: actions, Resource: labKeyArn, ...more });
const document = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });

test('the first write makes the policy, and AWS lets in exactly what it lists', async () => {
  const { roleGate, inlinePolicy, aws, clock } = await openAws();
  const gate = await roleGate();
  const before = await gate.read();
  expect(before).toMatchObject({ entries: [], lets: 'listed', findings: [] });
  expect(before.nextWriteShutsOut).toBeUndefined();
  const foreign = inlinePolicy(foreignPolicyName);

  const after = await gate.write(list, before.revision);
  expect(after).toMatchObject({ entries: list, lets: 'listed', findings: [] });
  expect(inlinePolicy()).toEqual(document(allow({ Condition: { IpAddress: { 'aws:SourceIp': list } } })));
  expect(inlinePolicy(foreignPolicyName)).toEqual(foreign);
  clock.advance(gate.limits.settleMs);
  expect(list.map(cidr => aws.letsIn(identity, cidr))).toEqual([true, true, true]);
  expect(aws.letsIn(identity, '3.92.113.230')).toBe(false);
});

test.each<[string, object, RegExp]>([
  ['two statements', document(allow(), allow()), /2 statements/],
  [
    'another action',
    document(allow({ Action: ['kms:*'], Condition: { IpAddress: { 'aws:SourceIp': ['8.8.8.0/24'] } } })),
    /not an Allow of kms:Encrypt/,
  ],
  [
    'another key',
    document(allow({ Resource: '*', Condition: { IpAddress: { 'aws:SourceIp': ['8.8.8.0/24'] } } })),
    /on arn:aws:kms:.* alone/,
  ],
  [
    'another condition',
    document(
      allow({
        Condition: { IpAddress: { 'aws:SourceIp': ['8.8.8.0/24'] }, Bool: { 'aws:SecureTransport': 'true' } },
      }),
    ),
    /not a single list of addresses/,
  ],
])('a policy by our name that is not ours is not written over: %s', async (_, policy, reason) => {
  const { roleGate, editRole, inlinePolicy } = await openAws();
  editRole(policyName, () => policy);
  const gate = await roleGate();
  const state = await gate.read();
  expect(ids(state)).toContain('policy-not-ours');
  const error = await gate.write(list, state.revision).catch(error => error);
  expect(error).toBeInstanceOf(GateError);
  expect(error.message).toMatch(reason);
  expect(inlinePolicy()).toEqual(policy);
});

test.each<[string, (open: Awaited<ReturnType<typeof openAws>>) => void, string]>([
  [
    'another inline policy',
    open => open.editRole('open', () => document(allow({ Sid: 'All' }))),
    'statement "All" of inline policy "open"',
  ],
  [
    'an attached policy',
    open =>
      open.aws.iam.attach(
        labRoleArn,
        'arn:aws:iam::644160558196:policy/kms',
        document(allow({ Resource: '*' })),
      ),
    'statement 1 of attached policy arn:aws:iam::644160558196:policy/kms',
  ],
  [
    'the key itself',
    open =>
      open.editKey(policy =>
        policy.Statement.push(
          allow({ Sid: 'Allow use of the key', Principal: { AWS: labRoleArn }, Resource: '*' }),
        ),
      ),
    'statement "Allow use of the key" of the key policy',
  ],
])('who gets past the list is named: %s', async (_, meddle, by) => {
  const open = await openAws();
  const gate = await open.roleGate();
  const empty = await gate.read();
  await gate.write(list, empty.revision);
  meddle(open);
  const state = await gate.read();
  expect(state.lets).toBe('everyone');
  expect(state.findings).toContainEqual(
    expect.objectContaining({ id: 'bypass', severity: 'error', message: expect.stringContaining(by) }),
  );
});

test('one action past the list is a bypass too, and the list still decides', async () => {
  const { roleGate, editRole } = await openAws();
  const gate = await roleGate();
  await gate.write(list, (await gate.read()).revision);
  editRole('half', () => document(allow({ Action: 'kms:Decrypt' })));
  const state = await gate.read();
  expect(state.lets).toBe('listed');
  expect(state.findings).toContainEqual(
    expect.objectContaining({
      id: 'bypass',
      message: expect.stringContaining('may call kms:Decrypt from any'),
    }),
  );
});

test('another list beside ours is told, with who and how many', async () => {
  const { roleGate, editRole } = await openAws();
  const gate = await roleGate();
  await gate.write(list, (await gate.read()).revision);
  editRole('office', () => document(allow({ Condition: { IpAddress: { 'aws:SourceIp': '8.8.8.0/24' } } })));
  const state = await gate.read();
  expect(state.lets).toBe('listed');
  expect(state.findings).toContainEqual(
    expect.objectContaining({
      id: 'let-in-beside',
      message: expect.stringMatching(/^256 addresses .*inline policy "office"/),
    }),
  );
});

test.each<[string, object, string, string]>([
  ['a Deny of all', { Action: 'kms:*' }, 'nobody', 'shut-out'],
  [
    'a Deny of others than one listed',
    { Condition: { NotIpAddress: { 'aws:SourceIp': '44.206.200.0/24' } } },
    'listed',
    'shut-out',
  ],
  [
    'a Deny that Postern cannot judge',
    { Condition: { DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } } },
    'unknown',
    'unknown',
  ],
])('what the key policy makes of a listed address: %s', async (_, more, lets, decision) => {
  const { roleGate, editKey } = await openAws();
  const gate = await roleGate();
  await gate.write(list, (await gate.read()).revision);
  editKey(policy =>
    policy.Statement.push(allow({ Effect: 'Deny', Principal: { AWS: labRoleArn }, Resource: '*', ...more })),
  );
  const state = await gate.read();
  expect(state.lets).toBe(lets);
  expect(state.decide!(list[0]!)).toBe(decision);
});

test('both kinds of gate on one key: each tells what the other shuts out', async () => {
  const { roleGate, keyGate } = await openAws();
  const [role, key] = [await roleGate(), await keyGate('read-write', { sid: `${sid}2` })];
  await role.write(list, (await role.read()).revision);
  await key.write(list.slice(0, 1), (await key.read()).revision);
  const state = await role.read();
  expect(list.map(cidr => state.decide!(cidr))).toEqual(['let-in', 'shut-out', 'shut-out']);
  expect(ids(state)).toContain('listed-but-shut-out');
});

test('the limit is counted over all inline policies, to the character', async () => {
  const { roleGate, editRole, aws } = await openAws();
  const gate = await roleGate();
  const state = await gate.read();
  const many = Array.from({ length: 400 }, (_, i) => `52.${i >> 7}.${(i & 127) * 2}.10/32` as Cidr);
  const room = 10_240 - state.takenElsewhere!;
  let fits = many.length;
  while (gate.limits.measure(many.slice(0, fits)).used > room) fits--;
  const taken = () =>
    [...aws.iam.role(labRoleArn).inline.newest.values()].reduce(
      (sum, { text }) => sum + text.replaceAll(/\s/g, '').length,
      0,
    );
  await gate.write(many.slice(0, fits), state.revision);
  const full = await gate.read();
  expect(gate.limits.measure(full.entries).used + full.takenElsewhere!).toBe(taken());

  editRole('more', () =>
    document(allow({ Sid: 'x'.repeat(10_240 - taken() - 250), Action: 's3:GetObject' })),
  );
  const next = await gate.read();
  const error = await gate
    .write(
      [
        ...full.entries,
        ...cidrs(
          '99.1.1.1',
          '99.1.1.2',
          '99.1.1.3',
          '99.1.1.4',
          '99.1.1.5',
          '99.1.1.6',
          '99.1.1.7',
          '99.1.1.8',
          '99.1.1.9',
          '99.1.1.10',
          '99.1.1.11',
          '99.1.1.12',
        ),
      ],
      next.revision,
    )
    .catch(error => error);
  expect(error).toMatchObject({
    name: 'GateError',
    code: 'LimitExceeded',
    remedy: expect.stringContaining('aws-key-policy'),
  });
});

test('side looks that fail stop nothing, and make what the list is worth unknown', async () => {
  const { roleGate, aws } = await openAws();
  for (const right of ['iam:ListAttachedRolePolicies', 'kms:GetKeyPolicy', 'kms:DescribeKey'])
    aws.withheld.add(right);
  const gate = await roleGate();
  const after = await gate.write(list, (await gate.read()).revision);
  expect(after).toMatchObject({ entries: list, lets: 'unknown' });
  expect(after.findings.filter(({ id }) => id === 'policy-not-read')).toHaveLength(3);
});

test('credentials of another account lead to another role, which is not touched', async () => {
  const { roleGate, lab } = await openAws();
  const gate = await roleGate('read-write', { roleArn: labRoleArn.replace('644160558196', '999999999999') });
  await expect(gate.read()).rejects.toThrow(GateError);
  expect(lab.requests.some(({ path }) => path === '/PutRolePolicy')).toBe(false);
});

test('doctor: grants that let the role past the list', async () => {
  const { roleGate, aws } = await openAws();
  aws.kms
    .key(labKeyArn)
    .grants.push({ id: 'g-1', granteeArn: labRoleArn, operations: ['Decrypt', 'CreateGrant'] } as any);
  const findings = await (await roleGate()).diagnose();
  expect(findings).toContainEqual(
    expect.objectContaining({
      id: 'bypass-by-grant',
      severity: 'error',
      message: expect.stringContaining('g-1'),
    }),
  );
});
