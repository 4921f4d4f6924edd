/** What only a key's policy has: the first write that shuts out, others' statements, and AWS's refusals. */
import { describe, expect, test } from 'vitest';
import { GateConflictError, GateError, GateUnverifiedError } from '../../../src/gates/gate.ts';
import { labKeyArn, labKeyPolicy, labRoleArn } from '../../../src/lab/aws/world.ts';
import { cidrs } from '../../plan/fixtures.ts';
import { actions, openAws, sid } from '../aws/open.ts';

const list = cidrs('3.92.113.229', '44.206.200.0/24', '2600:1f18::/36');

const ours = (values: readonly string[], more: object = {}) => ({
  Sid: sid,
  Effect: 'Deny',
  Principal: '*',
  Action: actions,
  Resource: '*',
  Condition: {
    ArnEquals: { 'aws:PrincipalArn': labRoleArn },
    NotIpAddress: { 'aws:SourceIp': values },
    Null: { 'aws:SourceIp': 'false' },
  },
  ...more,
});
const ids = (state: { findings: readonly { id: string }[] }) => state.findings.map(({ id }) => id);

const trust = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::644160558196:root' }, Action: 'sts:AssumeRole' },
  ],
};

test('without the statement everyone is let in; the first write shuts out all who are not in it', async () => {
  const { keyGate, keyPolicy, aws, clock } = await openAws({ withKeyAccess: true });
  const gate = await keyGate();
  const before = await gate.read();
  expect(before).toMatchObject({ entries: [], lets: 'everyone', nextWriteShutsOut: true });
  expect(ids(before)).toEqual(['list-not-there']);

  const after = await gate.write(list, before.revision);
  expect(after).toMatchObject({ lets: 'listed', findings: [] });
  expect(after.nextWriteShutsOut).toBeUndefined();
  expect(keyPolicy()).toEqual({ ...labKeyPolicy, Statement: [...labKeyPolicy.Statement, ours(list)] });
  clock.advance(gate.limits.settleMs);
  const identity = { keyArn: labKeyArn, roleArn: labRoleArn };
  expect(list.map(cidr => aws.letsIn(identity, cidr))).toEqual([true, true, true]);
  expect(aws.letsIn(identity, '3.92.113.230')).toBe(false);
});

test('an empty list is never written, with or without the statement', async () => {
  const { keyGate, lab } = await openAws({ withKeyAccess: true });
  const gate = await keyGate();
  const { revision } = await gate.read();
  await expect(gate.write([], revision)).rejects.toThrow(/would be empty/);
  expect(lab.requests.some(({ path }) => path === '/PutKeyPolicy')).toBe(false);
});

test('our statement with an empty list lets nobody in, and a write mends it', async () => {
  const { keyGate, editKey } = await openAws({ withKeyAccess: true });
  editKey(policy => policy.Statement.push(ours(['8.8.8.0/24'])));
  // The lab, like AWS, takes a list of none.
  editKey(policy => {
    policy.Statement.at(-1).Condition.NotIpAddress['aws:SourceIp'] = [];
  });
  const gate = await keyGate();
  const state = await gate.read();
  expect(state).toMatchObject({ lets: 'nobody', entries: [] });
  expect(ids(state)).toContain('empty-list');
  expect((await gate.write(list, state.revision)).lets).toBe('listed');
});

test.each<[string, object, RegExp]>([
  ['an Allow', { Effect: 'Allow' }, /not those of a Deny/],
  ['more actions', { Action: 'kms:*' }, /not those of a Deny/],
  [
    'a condition less',
    { Condition: { NotIpAddress: { 'aws:SourceIp': ['8.8.8.0/24'] } } },
    /not those of a Deny/,
  ],
  [
    'another role',
    { Condition: { ...ours(['8.8.8.0/24']).Condition, ArnEquals: { 'aws:PrincipalArn': `${labRoleArn}2` } } },
    /another role, arn:.*atlas-cmk2/,
  ],
])('a statement by our Sid that is not ours is not written over: %s', async (_, more, reason) => {
  const { keyGate, editKey, keyPolicy } = await openAws({ withKeyAccess: true });
  editKey(policy => policy.Statement.push(ours(['8.8.8.0/24'], more)));
  const before = keyPolicy();
  const gate = await keyGate();
  const state = await gate.read();
  expect(state.lets).toBe('unknown');
  expect(state.findings).toContainEqual(
    expect.objectContaining({ id: 'statement-not-ours', severity: 'error' }),
  );
  const error = await gate.write([...state.entries, ...list], state.revision).catch(error => error);
  expect(error).toBeInstanceOf(GateError);
  expect(error.message).toMatch(reason);
  expect(keyPolicy()).toEqual(before);
});

describe('however AWS writes a policy anew', () => {
  test.each([
    { accountPrincipals: 'id', listsOfOne: 'unwrap', listOrder: 'sorted' },
    { accountPrincipals: 'arn', listsOfOne: 'keep', listOrder: 'sorted' },
    { accountPrincipals: 'as-sent', listsOfOne: 'unwrap', listOrder: 'preserved' },
  ] as const)('%o', async aws => {
    const { keyGate, editKey } = await openAws({ withKeyAccess: true, aws });
    editKey(policy =>
      policy.Statement.push({
        Sid: 'x',
        Effect: 'Allow',
        Principal: { AWS: '644160558196' },
        Action: ['kms:List*', 'kms:Get*'],
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': true } },
      }),
    );
    const gate = await keyGate();
    const before = await gate.read();
    const one = await gate.write(list.slice(0, 1), before.revision);
    const two = await gate.write(list, one.revision);
    expect(two).toMatchObject({ lets: 'listed', findings: [] });
    expect((await gate.read()).revision).toBe(two.revision);
  });

  test.each([
    'all',
    'every-other',
  ] as const)('and late: %s of the reads show the old one for a while', async lateReads => {
    const { keyGate, keyPolicy } = await openAws({
      withKeyAccess: true,
      aws: { readLagMs: 20_000, lateReads },
    });
    const gate = await keyGate();
    const before = await gate.read();
    expect((await gate.write(list, before.revision)).entries).toEqual(list);
    expect(keyPolicy().Statement).toHaveLength(3);
  });
});

test('someone else changes another statement between our read and our write', async () => {
  const { keyGate, editKey } = await openAws({ withKeyAccess: true });
  const gate = await keyGate();
  const { revision } = await gate.read();
  editKey(policy =>
    policy.Statement.push({
      Sid: 'theirs',
      Effect: 'Allow',
      Principal: '*',
      Action: 'kms:List*',
      Resource: '*',
    }),
  );
  await expect(gate.write(list, revision)).rejects.toThrow(GateConflictError);
});

test('a principal that is gone: AWS refuses, and the statement and its id are named', async () => {
  const { keyGate, editKey, aws, keyPolicy } = await openAws({ withKeyAccess: true });
  const gone = 'arn:aws:iam::644160558196:role/gone';
  aws.iam.addRole(gone, trust);
  editKey(policy =>
    policy.Statement.push({
      Sid: 'Old team',
      Effect: 'Allow',
      Principal: { AWS: gone },
      Action: 'kms:Encrypt',
      Resource: '*',
    }),
  );
  aws.iam.deleteRole(gone);
  const gate = await keyGate();
  const state = await gate.read();
  const id = keyPolicy().Statement.at(-1).Principal.AWS;
  expect(id).toMatch(/^AROA/);
  expect(state.findings).toContainEqual(
    expect.objectContaining({ id: 'orphaned-principal', message: expect.stringContaining(id) }),
  );
  const error = await gate.write(list, state.revision).catch(error => error);
  expect(error).toBeInstanceOf(GateError);
  expect(error).not.toBeInstanceOf(GateUnverifiedError);
  expect(error.remedy).toContain(`${id} in statement "Old team" of the key policy`);
});

test('the key itself: disabled, multi-Region', async () => {
  const { keyGate, aws } = await openAws({ withKeyAccess: true });
  aws.kms.key(labKeyArn).state = 'Disabled';
  expect(ids(await (await keyGate()).read())).toContain('key-not-usable');

  const primary = labKeyArn.replace(
    'key/1a2b3c4d-5e6f-4a70-8b91-c2d3e4f5a6b7',
    'key/mrk-1a2b3c4d5e6f4a708b91c2d3e4f5a6b7',
  );
  const replica = primary.replace('us-east-1', 'eu-west-1');
  for (const arn of [primary, replica]) aws.kms.addKey({ arn, policy: labKeyPolicy });
  const { findings } = await (await keyGate('read-write', { keyArn: primary })).read();
  expect(findings).toContainEqual(
    expect.objectContaining({ id: 'multi-region-key', message: expect.stringContaining(replica) }),
  );
});

test('without rights over the role the list is read and written, and what it is worth is not known', async () => {
  const { keyGate, aws } = await openAws({ withKeyAccess: true });
  aws.withheld.add('iam:GetRole');
  const gate = await keyGate();
  const before = await gate.read();
  expect(before.lets).toBe('unknown');
  const after = await gate.write(list, before.revision);
  expect(after).toMatchObject({ entries: list, lets: 'unknown' });
  expect(after.findings).toContainEqual(
    expect.objectContaining({ id: 'policy-not-read', remedy: expect.stringContaining('iam:GetRole') }),
  );
  expect(after.decide!(list[0]!)).toBe('unknown');
});

test('a role that is spelt otherwise than AWS has it is refused: the Deny would hit nobody', async () => {
  const { keyGate, aws, lab } = await openAws();
  const withPath = 'arn:aws:iam::644160558196:role/teams/payments';
  aws.iam.addRole(withPath, trust);
  const gate = await keyGate('read-write', { roleArn: withPath.replace('teams/', '') });
  const state = await gate.read();
  expect(ids(state)).toContain('role-misspelt');
  await expect(gate.write(list, state.revision)).rejects.toThrow(/role\/teams\/payments/);
  expect(lab.requests.some(({ path }) => path === '/PutKeyPolicy')).toBe(false);
});

test('doctor: which rights are lacking', async () => {
  const { keyGate, aws } = await openAws({ withKeyAccess: true });
  aws.withheld.add('kms:GetKeyPolicy').add('iam:ListAttachedRolePolicies');
  const findings = await (await keyGate()).diagnose();
  const lacking = findings.filter(({ id }) => id === 'right-lacking');
  expect(lacking.map(({ severity }) => severity)).toEqual(['error', 'warning']);
  expect(lacking[0]!.message).toContain(`kms:GetKeyPolicy on ${labKeyArn}`);
});

describe('withdraw', () => {
  const inForce = async () => {
    const open = await openAws({ withKeyAccess: true });
    open.editKey(policy => policy.Statement.splice(1, 0, ours(list)));
    const gate = await open.keyGate();
    const withdraw = gate.withdraw!.bind(gate);
    return { ...open, gate, withdraw, state: await gate.read() };
  };

  test('takes out our statement, keeps every other, and lets in whoever was let in before', async () => {
    const { withdraw, state, keyPolicy, aws, clock, gate } = await inForce();
    const after = await withdraw(state.revision);
    expect(after).toMatchObject({ entries: [], lets: 'everyone', nextWriteShutsOut: true });
    expect(keyPolicy()).toEqual(labKeyPolicy);
    clock.advance(gate.limits.settleMs);
    expect(aws.letsIn({ keyArn: labKeyArn, roleArn: labRoleArn }, '3.92.113.230')).toBe(true);
  });

  test('is a conflict when someone changed the policy meanwhile', async () => {
    const { withdraw, state, editKey, keyPolicy } = await inForce();
    editKey(policy => policy.Statement.push({ ...policy.Statement[0], Sid: 'more' }));
    await expect(withdraw(state.revision)).rejects.toBeInstanceOf(GateConflictError);
    expect(keyPolicy().Statement).toHaveLength(4);
  });

  test.each<[string, (policy: any) => void, RegExp]>([
    ['there is none of ours', policy => policy.Statement.splice(1, 1), /no statement PosternAtlasAccess/],
    [
      'the one by our Sid is not ours',
      policy => Object.assign(policy.Statement[1], { Action: 'kms:*' }),
      /not as Postern writes it/,
    ],
  ])('writes nothing when %s', async (_, change, message) => {
    const { gate, withdraw, editKey, lab } = await inForce();
    editKey(change);
    await expect(withdraw((await gate.read()).revision)).rejects.toThrow(message);
    expect(lab.requests.some(({ path }) => path === '/PutKeyPolicy')).toBe(false);
  });

  test.each([
    ['taken, and its answer cut', 'cut-after', undefined],
    ['refused', 'answer', GateError],
  ] as const)('is %s', async (_, kind, refusal) => {
    const { withdraw, state, lab, keyPolicy } = await inForce();
    const body = '{"__type":"AccessDeniedException","message":"no"}';
    lab.faults.add({
      on: 'kms',
      path: '/PutKeyPolicy',
      act: kind === 'answer' ? { kind, status: 400, body } : { kind },
    });
    const result = withdraw(state.revision);
    if (refusal) await expect(result).rejects.toBeInstanceOf(refusal);
    else expect((await result).nextWriteShutsOut).toBe(true);
    expect(keyPolicy().Statement).toHaveLength(refusal ? 3 : 2);
  });
});
