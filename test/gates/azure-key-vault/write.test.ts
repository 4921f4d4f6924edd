/** What only a vault has: four members that go together, no ETag, a date of change, and Azure's moods. */
import { describe, expect, test } from 'vitest';
import type { Cidr } from '../../../src/address/cidr.ts';
import { GateConflictError, GateError, GateUnverifiedError } from '../../../src/gates/gate.ts';
import type { AzureBehaviour } from '../../../src/lab/index.ts';
import { cidr } from '../../plan/fixtures.ts';
import { type AzureSubject, openAzureSubject } from './subject.ts';

const a = cidr('3.92.113.229');
const subnet =
  '/subscriptions/ea42f556-5106-4743-99b0-c129bfa71a47/resourcegroups/payments/providers/microsoft.network/virtualnetworks/office/subnets/admins';

/** Reads, writes the list with `a` in it, and gives what came of it. */
async function add(subject: AzureSubject, ...more: readonly Cidr[]) {
  const gate = await subject.openGate();
  const state = await gate.read();
  return await gate.write([...state.entries, a, ...more], state.revision).catch(error => error);
}

const patches = ({ sent }: AzureSubject) => sent.filter(({ method }) => method === 'PATCH');

describe('what is sent', () => {
  test('the four members of networkAcls and nothing else, others as they were', async () => {
    const subject = await openAzureSubject();
    await add(subject);
    expect(patches(subject).map(({ body }) => body)).toEqual([
      {
        properties: {
          networkAcls: {
            bypass: 'AzureServices',
            defaultAction: 'Deny',
            ipRules: [{ value: '198.17.0.0/24' }, { value: '52.7.232.43/32' }, { value: '3.92.113.229/32' }],
            virtualNetworkRules: [{ id: subnet }],
          },
        },
      },
    ]);
  });

  test.each([
    ['Deny', 'None'],
    ['Allow', 'AzureServices'],
  ])('default action %s and bypass %s go back as they are', async (defaultAction, bypass) => {
    const subject = await openAzureSubject();
    subject.edit(({ properties }) => Object.assign(properties.networkAcls, { defaultAction, bypass }));
    await add(subject);
    expect(patches(subject)[0]!.body.properties.networkAcls).toMatchObject({ defaultAction, bypass });
    expect(subject.vault().properties.networkAcls).toMatchObject({ defaultAction, bypass });
    expect(subject.entries()).toContain(a);
  });

  test('a virtual network rule keeps what is said of its endpoint', async () => {
    const subject = await openAzureSubject();
    subject.edit(({ properties }) => {
      properties.networkAcls.virtualNetworkRules = [{ id: subnet, ignoreMissingVnetServiceEndpoint: true }];
    });
    await add(subject);
    expect(subject.vault().properties.networkAcls.virtualNetworkRules).toEqual([
      { id: subnet, ignoreMissingVnetServiceEndpoint: true },
    ]);
  });

  test('a rule that is no address block is sent back as it is, and stays when nothing else of it is known', async () => {
    const subject = await openAzureSubject();
    subject.someoneAdds('AzureCloud.eastus');
    // Azure refuses it; but what was sent is what the vault held.
    expect(await add(subject)).toBeInstanceOf(GateError);
    expect(patches(subject)[0]!.body.properties.networkAcls.ipRules).toContainEqual({
      value: 'AzureCloud.eastus',
    });
    expect(subject.texts()).toContain('AzureCloud.eastus');
  });
});

describe('an answer without ipRules', () => {
  const withoutRules = (body: any) => {
    delete body.properties.networkAcls.ipRules;
    return body;
  };

  test.each([0, 1])('is an accident when the next one has them: after %i reads', async after => {
    const subject = await openAzureSubject();
    subject.open.lab.faults.add({
      on: 'azure',
      method: 'GET',
      after,
      times: 2,
      act: { kind: 'edit', edit: withoutRules },
    });
    await add(subject);
    expect(subject.entries()).toEqual(['198.17.0.0/24', '52.7.232.43/32', a]);
  });

  test('is an empty list when all of them lack it', async () => {
    const subject = await openAzureSubject({ emptyIpRules: 'omitted' });
    subject.edit(({ properties }) => (properties.networkAcls.ipRules = []));
    const gate = await subject.openGate();
    expect((await gate.read()).entries).toEqual([]);
    await add(subject);
    expect(subject.entries()).toEqual([a]);
  });
});

describe('what is refused, with nothing sent', () => {
  test.each<[string, (vault: any) => void, RegExp]>([
    [
      'a member that Postern does not know',
      ({ properties }) => (properties.networkAcls.serviceTags = ['x']),
      /do(es)? not know \(serviceTags\).*Nothing was written/,
    ],
    ['no network rules at all', ({ properties }) => delete properties.networkAcls, /no network rules/],
    [
      'no default action shown',
      ({ properties }) => delete properties.networkAcls.defaultAction,
      /no network rules/,
    ],
  ])('%s', async (_, change, message) => {
    const subject = await openAzureSubject();
    subject.edit(change);
    const error = await add(subject);
    expect(error).toBeInstanceOf(GateError);
    expect(error.message).toMatch(message);
    expect(patches(subject)).toEqual([]);
  });
});

describe('what counts as a change by someone else', () => {
  test.each<[string, (vault: any) => void]>([
    ['a virtual network rule', ({ properties }) => (properties.networkAcls.virtualNetworkRules = [])],
    ['the bypass', ({ properties }) => (properties.networkAcls.bypass = 'None')],
    ['the default action', ({ properties }) => (properties.networkAcls.defaultAction = 'Allow')],
    ['public network access', ({ properties }) => (properties.publicNetworkAccess = 'Disabled')],
  ])('%s', async (_, change) => {
    const subject = await openAzureSubject();
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.edit(change);
    const error = await gate.write([...entries, a], revision).catch(error => error);
    expect(error).toBeInstanceOf(GateConflictError);
    expect(error.message).toMatch(/changed by bob@example.com at 2026/);
    expect(patches(subject)).toEqual([]);
  });

  test('a tag is none, and it stays', async () => {
    const subject = await openAzureSubject();
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.edit(vault => (vault.tags = { team: 'payments' }));
    await gate.write([...entries, a], revision);
    expect(subject.vault().tags).toEqual({ team: 'payments' });
  });

  test('other settings that change while it writes are told of', async () => {
    const subject = await openAzureSubject();
    const happens = () => subject.edit(vault => (vault.properties.publicNetworkAccess = 'Disabled'));
    subject.faults.add({ on: 'azure', method: 'PATCH', act: { kind: 'meanwhile', happens } });
    const error = await add(subject);
    expect(error).toBeInstanceOf(GateUnverifiedError);
    expect(error.message).toMatch(/other network settings.*now: .*Disabled/);
    expect(error.state.entries).toContain(a);
  });
});

describe('another operation on the vault', () => {
  const busy = (code: string) =>
    ({
      kind: 'answer',
      status: 409,
      body: JSON.stringify({ error: { code, message: 'sequence your operations' } }),
    }) as const;

  test.each([
    'ConflictError',
    'Conflict',
    'AnotherOperationInProgress',
  ])('a passing one is waited for: %s', async code => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 3, act: busy(code) });
    expect((await add(subject)).entries).toContain(a);
    expect(patches(subject)).toHaveLength(4);
  });

  test.each([
    ['429, for as long as it asks', 429, '30', 30_000],
    ['503 with a wait', 503, '5', 5_000],
    ['429 without one', 429, undefined, 0],
  ])('too busy: %s', async (_, status, retryAfter, leastMs) => {
    const subject = await openAzureSubject();
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: { kind: 'answer', status, headers } });
    const startMs = subject.open.clock.now();
    expect((await add(subject)).entries).toContain(a);
    expect(subject.open.clock.now() - startMs).toBeGreaterThan(leastMs);
    // Each try rests on a read of its own.
    expect(subject.sent.map(({ method }) => method)).toEqual(['GET', 'GET', 'PATCH', 'GET', 'PATCH', 'GET']);
  });

  test('too busy for hours: told so at once', async () => {
    const subject = await openAzureSubject();
    const act = { kind: 'answer', status: 429, headers: { 'retry-after': '7200' } } as const;
    subject.faults.add({ on: 'azure', method: 'PATCH', act });
    expect(await add(subject)).toMatchObject({ name: 'GateError' });
    expect(patches(subject)).toHaveLength(1);
  });

  test('one that does not pass ends as a refusal', async () => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', act: busy('ConflictError') });
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: 'ConflictError' });
    expect(patches(subject)).toHaveLength(4);
    expect(subject.entries()).not.toContain(a);
  });

  test('what the other one did to the list is seen before the write is tried again', async () => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: busy('ConflictError') });
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    subject.faults.add({
      on: 'azure',
      method: 'GET',
      times: 1,
      act: { kind: 'meanwhile', happens: () => subject.someoneAdds('44.1.1.1/32') },
    });
    const error = await gate.write([...entries, a], revision).catch(error => error);
    expect(error).toBeInstanceOf(GateConflictError);
    expect(subject.texts()).toContain('44.1.1.1/32');
  });

  test.each([
    ['ScopeLocked', /ReadOnly lock/],
    ['RequestDisallowedByPolicy', /Azure Policy/],
  ] as const)('a refusal that lasts is not repeated, and says what to do: %s', async (why, remedy) => {
    const subject = await openAzureSubject();
    subject.open.lab.azure.refusesWrites = why;
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: why });
    expect(error.remedy).toMatch(remedy);
    expect(patches(subject)).toHaveLength(1);
  });

  test.each(['read', 'write'] as const)('no right to %s', async right => {
    const subject = await openAzureSubject();
    subject.open.lab.azure.rights = { read: true, write: true, [right]: false };
    const gate = await subject.openGate();
    const error = await (right === 'read' ? gate.read() : add(subject)).catch((error: unknown) => error);
    expect(error).toMatchObject({ name: 'GateError', code: 'AuthorizationFailed' });
    expect((error as GateError).remedy).toMatch(/vaults\/read and …\/write/);
  });
});

test('Entra that cannot be reached: the error says what is wrong on the way, and that nothing was written', async () => {
  const subject = await openAzureSubject();
  subject.faults.add({ on: 'entra', act: { kind: 'cut-before' } });
  const gate = await subject.openGate();
  const error = await gate.read().catch(error => error);
  expect(error).toMatchObject({ name: 'GateError', code: 'TokenAuthenticationError' });
  expect(error.message).toMatch(/no token from Microsoft Entra\. (GET|POST) https:.*no answer/);
});

describe('an answer that does not come', () => {
  test('the write took effect: found out by looking, and not sent again', async () => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: { kind: 'cut-after' } });
    expect((await add(subject)).entries).toContain(a);
    expect(patches(subject)).toHaveLength(1);
  });

  test('it did not: not sent again either, and nothing is claimed', async () => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: { kind: 'cut-before' } });
    const error = await add(subject);
    expect(error).toBeInstanceOf(GateUnverifiedError);
    expect(error.state).toBeUndefined();
    expect(patches(subject)).toHaveLength(1);
  });

  test('it took effect, and reads are stale: waited for', async () => {
    const subject = await openAzureSubject();
    subject.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: { kind: 'cut-after' } });
    const gate = await subject.openGate();
    const { entries, revision } = await gate.read();
    // A vault that was never changed has no older version to show; this makes one.
    subject.edit(vault => (vault.tags = { team: 'payments' }));
    subject.faults.add({
      on: 'azure',
      method: 'PATCH',
      times: 1,
      act: { kind: 'meanwhile', happens: () => subject.staleReads!(3) },
    });
    expect((await gate.write([...entries, a], revision)).entries).toContain(a);
  });
});

test('a read that is older than the write is not believed, though it shows the same list', async () => {
  const subject = await openAzureSubject();
  const gate = await subject.openGate();
  const first = await gate.read();
  const withA = await gate.write([...first.entries, a], first.revision);
  // Someone takes it out; Postern adds it again. The version before last has just that list.
  const without = await gate.write(first.entries, withA.revision);
  const older: any = structuredClone(subject.vault());
  older.properties.networkAcls.ipRules.push({ value: a });
  let shown = 0;
  subject.faults.add({
    on: 'azure',
    method: 'GET',
    after: 1,
    times: 2,
    act: {
      kind: 'edit',
      edit: () => {
        shown++;
        return older;
      },
    },
  });
  await gate.write([...first.entries, a], without.revision);
  expect(shown).toBe(2);
  expect(patches(subject)).toHaveLength(3);
});

describe('whatever Azure does where nobody has recorded it', () => {
  test.each<[string, Partial<AzureBehaviour>, string[]]>([
    ['host bits are masked', { hostBits: 'mask' }, ['52.0.0.9/24', '52.0.0.0/24']],
    ['host bits are kept', { hostBits: 'keep' }, ['52.0.0.9/24', '52.0.0.9/24']],
    ['duplicates are kept', { duplicates: 'keep' }, ['52.7.232.43/32', '52.7.232.43/32']],
    ['duplicates are merged', { duplicates: 'dedupe' }, ['52.7.232.43/32', '52.7.232.43/32']],
    ['rules are sorted', { ruleOrder: 'sorted' }, ['52.0.0.0/24', '52.0.0.0/24']],
    ['rules keep their order', { ruleOrder: 'preserved' }, ['52.0.0.0/24', '52.0.0.0/24']],
    ['a write takes a while', { writeMs: 20 }, ['52.0.0.0/24', '52.0.0.0/24']],
    ['a change is in force at once', { propagationMs: 0 }, ['52.0.0.0/24', '52.0.0.0/24']],
    ['removals are in force first', { removals: 'at-once' }, ['52.0.0.0/24', '52.0.0.0/24']],
    [
      'a PATCH without subnets clears them',
      { omittedVirtualNetworkRules: 'clear' },
      ['52.0.0.0/24', '52.0.0.0/24'],
    ],
    [
      'a PATCH without subnets keeps them',
      { omittedVirtualNetworkRules: 'keep' },
      ['52.0.0.0/24', '52.0.0.0/24'],
    ],
  ])('%s', async (_, behaviour, [present, afterwards]) => {
    const subject = await openAzureSubject(behaviour);
    subject.someoneAdds(present!);
    const others = subject.others();
    const state = await add(subject);
    expect(state.entries).toContain(a);
    expect(subject.texts()).toContain(afterwards);
    expect(subject.others()).toEqual(others);
    // And out again: only ours goes.
    const gate = await subject.openGate();
    const without = await gate.write(
      state.entries.filter((entry: Cidr) => entry !== a),
      state.revision,
    );
    expect(without.entries).not.toContain(a);
    expect(subject.texts()).toContain(afterwards);
    expect(subject.others()).toEqual(others);
  });

  test.each<[string, Partial<AzureBehaviour>, string]>([
    ['host bits', { hostBits: 'refuse' }, '52.0.0.9/24'],
    ['duplicates', { duplicates: 'refuse' }, '52.7.232.43/32'],
  ])('%s that someone has in the list are refused: said so, and nothing is lost', async (_, behaviour, text) => {
    const subject = await openAzureSubject(behaviour);
    subject.someoneAdds(text);
    const texts = subject.texts();
    const error = await add(subject);
    expect(error).toMatchObject({ name: 'GateError', code: 'BadRequest' });
    expect(error.message).toMatch(/nothing was changed/);
    expect(subject.texts()).toEqual(texts);
  });
});

test('two gates on one vault at once: what each says was so, and no rule of anybody else goes', async () => {
  const subject = await openAzureSubject({ writeMs: 30 });
  const b = cidr('3.208.110.31');
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
    else expect(result.value.entries).toContain(entry);
  }
  // Without an ETag one may overwrite the other, which the journal's lock is there for; nobody else's rule goes.
  expect(subject.texts()).toEqual(expect.arrayContaining(['198.17.0.0/24', '52.7.232.43/32']));
});
