/** What is sent, refused, waited for and found out, and every mood of Access Context Manager both ways. */
import { describe, expect, test } from 'vitest';
import { type Cidr, parseCidr } from '../../../src/address/cidr.ts';
import { GateConflictError, GateError, GateUnverifiedError } from '../../../src/gates/gate.ts';
import { apiNotUsed } from '../../../src/lab/gcp/google-error.ts';
import { type GcpBehaviour, GoogleError } from '../../../src/lab/gcp/model.ts';
import { labLevel, labOfficeLevel, labPerimeter, labPolicy } from '../../../src/lab/gcp/world.ts';
import { cidrs } from '../../plan/fixtures.ts';
import { type GcpSubject, openGcpSubject } from './subject.ts';

const [a, b] = cidrs('3.92.113.229', '3.208.110.31') as [Cidr, Cidr];
const newLevel = `${labPolicy}/accessLevels/fresh`;
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => parseCidr(`52.${index >> 8}.${index & 255}.1/32`));

const writes = ({ sent }: GcpSubject) =>
  sent.filter(({ method, url }) => method !== 'GET' && url.includes('/v1/'));

async function add(subject: GcpSubject, entry: Cidr = a): Promise<any> {
  const gate = await subject.openGate();
  const { entries, revision } = await gate.read();
  return gate.write([...entries, entry], revision).catch(error => error);
}

describe('what is sent', () => {
  test('one PATCH of basic, all of it', async () => {
    const subject = await openGcpSubject();
    await add(subject);
    expect(writes(subject)).toMatchObject([
      {
        method: 'PATCH',
        url: `${subject.lab.urls.accessContextManager}/v1/${labLevel}?updateMask=basic`,
        body: {
          name: labLevel,
          basic: { conditions: [{ ipSubnetworks: ['198.17.0.0/24', '52.7.232.43/32', a] }] },
        },
      },
    ]);
    expect(Object.keys(writes(subject)[0]!.body)).toEqual(['name', 'basic']);
    expect(subject.level()).toMatchObject({ title: 'Atlas and the key of payments' });
  });

  test('more than 200 go into several conditions, any of which is enough', async () => {
    const subject = await openGcpSubject();
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    const state = await gate.write([...entries, ...many(450)], revision);
    expect(state.entries).toHaveLength(452);
    const { basic } = subject.level()!;
    expect(basic!.combiningFunction).toBe('OR');
    expect(basic!.conditions.map(({ ipSubnetworks }) => ipSubnetworks!.length)).toEqual([200, 200, 52]);
    subject.clock.advance(5 * 60_000);
    const key = subject.project.key as Extract<typeof subject.project.key, { cloud: 'gcp' }>;
    for (const cidr of [many(450)[0]!, many(450)[449]!]) expect(subject.lab.gcp.letsIn(key, cidr)).toBe(true);
  });

  test('a full level of 8,000', async () => {
    const subject = await openGcpSubject();
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    const state = await gate.write([...entries, ...many(7_998)], revision);
    expect(state.entries).toHaveLength(8_000);
    expect(subject.level()!.basic!.conditions).toHaveLength(40);
  });

  test('a quota project is named in every request, and only where there is one', async () => {
    const subject = await openGcpSubject();
    await subject.openWith({ quotaProject: 'billing-project' }).read();
    const calls = subject.sent.filter(({ url }) => url.includes('/v1/'));
    expect(calls.length).toBeGreaterThan(0);
    for (const { headers } of calls) expect(headers['x-goog-user-project']).toBe('billing-project');
    subject.sent.length = 0;
    await subject.openWith({}).read();
    for (const { headers } of subject.sent) expect(headers).not.toHaveProperty('x-goog-user-project');
  });

  test('what no one understands is carried over as it is', async () => {
    const subject = await openGcpSubject();
    const gate = await subject.openGate();
    subject.faults.add({
      on: 'gcp',
      method: 'GET',
      path: 'atlas_kms',
      act: {
        kind: 'edit',
        edit: body => {
          body.basic.conditions[0].ipSubnetworks.push('office');
          return body;
        },
      },
    });
    const { entries, revision, takenElsewhere } = await gate.read();
    expect(takenElsewhere).toBe(1);
    await gate.write([...entries, a], revision).catch(() => {});
    expect(writes(subject)[0]!.body.basic.conditions[0].ipSubnetworks).toContain('office');
  });
});

describe('a level that does not exist', () => {
  const openNew = (subject: GcpSubject) => subject.openWith({ level: newLevel, perimeter: undefined });

  test('is made, with a mark of whose it is, and then is as any other', async () => {
    const subject = await openGcpSubject();
    const gate = openNew(subject);
    const state = await gate.read();
    expect(state).toMatchObject({ entries: [], lets: 'listed' });
    expect(state.findings.map(({ id }) => id)).toContain('level-absent');
    const made = await gate.write([a], state.revision);
    expect(made.entries).toEqual([a]);
    expect(subject.lab.gcp.level(newLevel)).toEqual({
      name: newLevel,
      title: 'Postern fresh',
      description: expect.stringMatching(/Kept by Postern/),
      basic: { combiningFunction: 'AND', conditions: [{ ipSubnetworks: [a] }] },
    });
    const more = await gate.write([a, b], made.revision);
    expect(more.entries).toEqual([a, b]);
    expect(writes(subject).map(({ method }) => method)).toEqual(['POST', 'PATCH']);
  });

  test('and an empty list: nothing is made', async () => {
    const subject = await openGcpSubject();
    const gate = openNew(subject);
    const error = await gate.write([], (await gate.read()).revision).catch(error => error);
    expect(error).toMatchObject({ name: 'GateError', message: expect.stringMatching(/lets in everyone/) });
    expect(writes(subject)).toEqual([]);
  });

  test('and is made by someone else meanwhile: a conflict', async () => {
    const subject = await openGcpSubject();
    const gate = openNew(subject);
    const { revision } = await gate.read();
    // A write looks for the level, then for its policy, and then makes it.
    subject.faults.add({
      on: 'gcp',
      after: 1,
      times: 1,
      act: {
        kind: 'meanwhile',
        happens: () =>
          subject.lab.gcp.setLevel(newLevel, { title: 'x', basic: { conditions: [{ ipSubnetworks: [b] }] } }),
      },
    });
    const error = await gate.write([a], revision).catch(error => error);
    expect(error).toBeInstanceOf(GateConflictError);
    expect(subject.lab.gcp.level(newLevel)!.title).toBe('x');
  });

  test('and its title is taken: said so', async () => {
    const subject = await openGcpSubject();
    subject.lab.gcp.setLevel(labOfficeLevel, {
      title: 'Postern fresh',
      basic: { conditions: [{ ipSubnetworks: [b] }] },
    });
    const gate = openNew(subject);
    const error = await gate.write([a], (await gate.read()).revision).catch(error => error);
    expect(error).toMatchObject({ name: 'GateError', code: 'ALREADY_EXISTS' });
    expect(error.remedy).toMatch(/title/);
  });

  test('and nothing may make it: which right is lacking', async () => {
    const subject = await openGcpSubject();
    subject.lab.gcp.rights.delete('accesscontextmanager.accessLevels.create');
    const gate = openNew(subject);
    const error = await gate.write([a], (await gate.read()).revision).catch(error => error);
    expect(error).toMatchObject({ name: 'GateError', code: 'PERMISSION_DENIED' });
    expect(error.remedy).toMatch(/accesscontextmanager\.accessLevels\.create on the access policy/);
  });

  test('nor does its policy: no list is read', async () => {
    const subject = await openGcpSubject();
    const gate = subject.openWith({ level: 'accessPolicies/7/accessLevels/x', perimeter: undefined });
    const error = await gate.read().catch(error => error);
    expect(error).toMatchObject({ name: 'GateError', code: 'NOT_FOUND' });
    expect(error.remedy).toMatch(/number of the access policy/);
  });

  test('a 404 of something that is not the API is no word about it', async () => {
    const subject = await openGcpSubject();
    subject.faults.add({
      on: 'gcp',
      act: { kind: 'answer', status: 404, body: '<html>no such host</html>' },
    });
    await expect((await subject.openGate()).read()).rejects.toBeInstanceOf(GateError);
  });

  test('deleted between read and write: a conflict, and it is not made again by that write', async () => {
    const subject = await openGcpSubject();
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.lab.gcp.setLevel(labLevel, undefined);
    const error = await gate.write([...entries, a], revision).catch(error => error);
    expect(error).toBeInstanceOf(GateConflictError);
    expect(error.message).toMatch(/deleted by someone/);
    expect(writes(subject)).toEqual([]);
  });
});

describe('conditions that someone combined with AND', () => {
  const split = ({ edit }: GcpSubject) =>
    edit(({ basic }) => {
      basic!.combiningFunction = 'AND';
      basic!.conditions = [{ ipSubnetworks: ['198.17.0.0/24', a] }, { ipSubnetworks: ['52.7.232.43/32', a] }];
    });

  test('the next write has them all let in again, none lost', async () => {
    const subject = await openGcpSubject();
    split(subject);
    const gate = await subject.openGate();
    const state = await gate.read();
    expect(state.entries).toEqual([a]);
    expect(state.takenElsewhere).toBe(2);
    const after = await gate.write([a, b], state.revision);
    expect(after.entries.toSorted()).toEqual([a, b, '198.17.0.0/24', '52.7.232.43/32'].toSorted());
    expect(after.findings).toEqual([]);
    expect(subject.level()!.basic!.conditions).toHaveLength(1);
  });

  test('a change from OR to AND is a conflict', async () => {
    const subject = await openGcpSubject();
    subject.edit(({ basic }) => basic!.conditions.push({ ipSubnetworks: [b] }));
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.edit(({ basic }) => (basic!.combiningFunction = 'AND'));
    await expect(gate.write([...entries, a], revision)).rejects.toBeInstanceOf(GateConflictError);
  });
});

test('another title, description or order is no conflict', async () => {
  const subject = await openGcpSubject();
  const gate = await subject.openGate();
  const { entries, revision } = await gate.read();
  subject.edit(level => {
    Object.assign(level, { title: 'x', description: 'y' });
    level.basic!.conditions[0]!.ipSubnetworks!.reverse();
  });
  expect((await gate.write([...entries, a], revision)).entries).toContain(a);
  expect(subject.level()).toMatchObject({ title: 'x', description: 'y' });
});

describe('another operation on the policy', () => {
  test('a passing one is waited for', async () => {
    const subject = await openGcpSubject({ operationMs: 5_000 });
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.lab.gcp.patchLevel(labOfficeLevel, { title: 'HQ' }, 'title');
    expect((await gate.write([...entries, a], revision)).entries).toContain(a);
    expect(writes(subject).length).toBeGreaterThan(1);
    expect(subject.lab.gcp.level(labOfficeLevel)!.title).toBe('HQ');
  });

  test('what the other one did to the list is seen before the write is tried again', async () => {
    const subject = await openGcpSubject({ operationMs: 1_000 });
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    const basic = { conditions: [{ ipSubnetworks: [...entries, b] }] };
    subject.lab.gcp.patchLevel(labLevel, { basic }, 'basic');
    const error = await gate.write([...entries, a], revision).catch(error => error);
    expect(error).toBeInstanceOf(GateConflictError);
    expect(subject.entries()).toContain(b);
  });

  test('one that does not pass ends as a refusal', async () => {
    const subject = await openGcpSubject();
    const body = JSON.stringify(new GoogleError('ABORTED', 'There is already an operation.').body);
    subject.faults.add({ on: 'gcp', method: 'PATCH', act: { kind: 'answer', status: 409, body } });
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: 'ABORTED' });
    expect(writes(subject)).toHaveLength(4);
  });
});

describe('operations', () => {
  test.each([0, 1, 700, 20_000, 120_000])('one that takes %d ms', async operationMs => {
    const subject = await openGcpSubject({ operationMs });
    expect((await add(subject)).entries).toContain(a);
    expect(writes(subject)).toHaveLength(1);
  });

  test('one that takes longer than anyone waits: no word of what is there', async () => {
    const subject = await openGcpSubject({ operationMs: 3_600_000 });
    const error = await add(subject);
    expect(error).toBeInstanceOf(GateUnverifiedError);
    expect(error.state).toBeUndefined();
  });

  test.each([
    ['FAILED_PRECONDITION', 'GateError', 1],
    ['INVALID_ARGUMENT', 'GateError', 1],
    ['PERMISSION_DENIED', 'GateError', 1],
    ['INTERNAL', 'GateUnverifiedError', 1],
  ] as const)('one that fails with %s', async (status, name, count) => {
    const subject = await openGcpSubject();
    subject.lab.gcp.nextOperationFails = new GoogleError(status, 'It went wrong.');
    const error = await add(subject);
    expect(error.name).toBe(name);
    expect(error.message).toMatch(/It went wrong\./);
    expect(writes(subject)).toHaveLength(count);
    expect(subject.entries()).not.toContain(a);
  });

  test.each([
    'ABORTED',
    'RESOURCE_EXHAUSTED',
  ] as const)('one that fails with %s is tried again', async status => {
    const subject = await openGcpSubject();
    subject.lab.gcp.nextOperationFails = new GoogleError(status, 'Not now.');
    expect((await add(subject)).entries).toContain(a);
    expect(writes(subject)).toHaveLength(2);
  });

  test('a name that leads elsewhere is not asked for', async () => {
    const subject = await openGcpSubject();
    subject.faults.add({
      on: 'gcp',
      method: 'PATCH',
      act: { kind: 'edit', edit: body => ({ ...body, name: 'accessPolicies/1?x=operations/1' }) },
    });
    expect((await add(subject)).entries).toContain(a);
    expect(subject.sent.filter(({ url }) => url.includes('x=operations'))).toEqual([]);
  });
});

describe('limits of the organization', () => {
  test('too many writes in a minute: waited for', async () => {
    const subject = await openGcpSubject({ writesPerMinute: 1, operationMs: 0 });
    const gate = await subject.openGate();
    const first = await gate.read();
    const second = await gate.write([...first.entries, a], first.revision);
    expect((await gate.write([...second.entries, b], second.revision)).entries).toContain(b);
  });

  test('for as long as anyone waits: said so', async () => {
    const subject = await openGcpSubject({ writesPerMinute: 0 });
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: 'RESOURCE_EXHAUSTED' });
    expect(error.remedy).toMatch(/50 writes .* a minute/);
  });
});

test.each([
  ['accesscontextmanager.accessLevels.get', 'read'],
  ['accesscontextmanager.accessLevels.update', 'write'],
] as const)('no right %s', async (right, what) => {
  const subject = await openGcpSubject();
  subject.lab.gcp.rights.delete(right);
  const gate = await subject.openGate();
  const error = await (what === 'read' ? gate.read() : add(subject)).catch((error: unknown) => error);
  expect(error).toMatchObject({ name: 'GateError', code: 'PERMISSION_DENIED' });
  expect((error as GateError).remedy).toContain(`${right} on the access policy`);
});

test.each([
  ['the API is switched off', apiNotUsed('42').body, 403, /gcloud services enable/],
  ['a precondition', new GoogleError('FAILED_PRECONDITION', 'No.').body, 400, /as the access policy stands/],
  [
    'a token that is not known',
    new GoogleError('UNAUTHENTICATED', 'No.').body,
    401,
    /endpoint in the config/,
  ],
])('what to do: %s', async (_, body, status, remedy) => {
  const subject = await openGcpSubject();
  subject.faults.add({
    on: 'gcp',
    method: 'PATCH',
    act: { kind: 'answer', status, body: JSON.stringify(body) },
  });
  const error = await add(subject);
  expect(error.name).toBe('GateError');
  expect(error.message).toMatch(/nothing was changed/);
  expect(error.remedy).toMatch(remedy);
});

describe('whatever Google does where nobody has recorded it', () => {
  test.each<[string, Partial<GcpBehaviour>, string[]]>([
    ['bare addresses are kept', { bareAddresses: 'keep' }, ['52.1.1.1', '52.1.1.1']],
    ['bare addresses are completed', { bareAddresses: 'complete' }, ['52.1.1.1', '52.1.1.1/32']],
    ['private ranges are kept', { privateRanges: 'keep' }, ['10.1.0.0/16', '10.1.0.0/16']],
    ['lists come back in another order', { listOrder: 'reordered' }, ['52.1.1.0/24', '52.1.1.0/24']],
    ['lists keep their order', { listOrder: 'preserved' }, ['52.1.1.0/24', '52.1.1.0/24']],
    ['defaults are not shown', { defaults: 'omitted' }, ['52.1.1.0/24', '52.1.1.0/24']],
    ['defaults are shown', { defaults: 'shown' }, ['52.1.1.0/24', '52.1.1.0/24']],
    ['removals are in force first', { removals: 'at-once' }, ['52.1.1.0/24', '52.1.1.0/24']],
  ])('%s', async (_, behaviour, [present, afterwards]) => {
    const subject = await openGcpSubject(behaviour);
    subject.someoneAdds(present!);
    const others = subject.others();
    const gate = await subject.openGate();
    const first = await gate.read();
    const list = [...first.entries, a, ...many(250)];
    const state = await gate.write(list, first.revision);
    expect(state.entries.toSorted()).toEqual(list.toSorted());
    expect((await gate.read()).revision).toBe(state.revision);
    expect(subject.texts()).toContain(afterwards);
    // And out again: only ours goes.
    const without = await gate.write(first.entries, state.revision);
    expect(without.entries.toSorted()).toEqual(first.entries.toSorted());
    expect(subject.texts()).toContain(afterwards);
    expect(subject.others()).toEqual(others);
  });

  test.each<[string, Partial<GcpBehaviour>, string]>([
    ['bare addresses', { bareAddresses: 'refuse' }, '52.1.1.1'],
    ['private ranges', { privateRanges: 'refuse' }, '10.1.0.0/16'],
    ['bare addresses, by the operation', { faultyLevels: 'operation-fails' }, '52.1.1.1'],
  ])('%s that someone has in the list are refused: said so, and nothing is lost', async (_, behaviour, text) => {
    const subject = await openGcpSubject(behaviour);
    subject.someoneAdds(text);
    const texts = subject.texts();
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: 'INVALID_ARGUMENT' });
    expect(error.message).toContain(text);
    expect(subject.texts()).toEqual(texts);
  });
});

test('what is added is in force before any removal may follow it, at the slowest that is known', async () => {
  const subject = await openGcpSubject({ propagationMs: 30 * 60_000, removals: 'at-once' });
  const gate = await subject.openGate();
  const { entries, revision } = await gate.read();
  await gate.write([...entries, a], revision);
  const key = subject.project.key as Extract<typeof subject.project.key, { cloud: 'gcp' }>;
  expect(subject.lab.gcp.letsIn(key, a)).toBe(false);
  expect(gate.limits.settleMs).toBeLessThan(60 * 60_000);
  subject.clock.advance(gate.limits.settleMs);
  expect(subject.lab.gcp.letsIn(key, a)).toBe(true);
});

test('two gates on one level at once: both lists get there, or one is told', async () => {
  const subject = await openGcpSubject();
  const [one, two] = await Promise.all([subject.openGate(), subject.openGate()]);
  const [seenByOne, seenByTwo] = [await one.read(), await two.read()];
  const results = await Promise.allSettled([
    one.write([...seenByOne.entries, a], seenByOne.revision),
    two.write([...seenByTwo.entries, b], seenByTwo.revision),
  ]);
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
  for (const [result, entry] of [
    [results[0], a],
    [results[1], b],
  ] as const) {
    if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(GateError);
    else expect(subject.entries()).toContain(entry);
  }
});

describe('diagnose', () => {
  const ids = async (subject: GcpSubject, options = {}) =>
    (await subject.openWith(options, 'read-only').diagnose()).map(({ severity, id }) => `${severity} ${id}`);

  test('all rights are there, asked in a dry run', async () => {
    const subject = await openGcpSubject();
    expect(await ids(subject)).toEqual([]);
    const asked = subject.sent.filter(({ url }) => url.endsWith(':testIamPermissions'));
    expect(asked.map(({ url }) => url.split('/v1/')[1]).toSorted()).toEqual(
      [labPolicy, labLevel, labPerimeter].map(name => `${name}:testIamPermissions`).toSorted(),
    );
  });

  test.each([
    ['accesscontextmanager.accessLevels.update', ['error right-lacking'], {}],
    ['accesscontextmanager.policies.get', ['warning right-lacking'], {}],
    ['accesscontextmanager.servicePerimeters.get', ['warning right-lacking'], {}],
    ['accesscontextmanager.accessLevels.create', [], {}],
    ['accesscontextmanager.accessLevels.create', ['error right-lacking'], { level: newLevel }],
  ] as const)('%s is lacking', async (right, findings, options) => {
    const subject = await openGcpSubject();
    subject.lab.gcp.rights.delete(right);
    expect(await ids(subject, options)).toEqual(findings);
  });

  test('where Google does not answer, that is said', async () => {
    const subject = await openGcpSubject({ permissionsOfOthers: 'refused' });
    expect(await ids(subject, { level: newLevel })).toEqual(['info rights-not-tested']);
  });
});
