/** What levels and perimeters that are not as they should be are told of, over real HTTP. */
import { expect, test } from 'vitest';
import { GateError } from '../../../src/gates/gate.ts';
import type { AccessLevel, PerimeterConfig } from '../../../src/lab/gcp/model.ts';
import {
  labAtlasServiceAccount,
  labLevel,
  labOfficeLevel,
  labPerimeter,
} from '../../../src/lab/gcp/world.ts';
import { cidrs } from '../../plan/fixtures.ts';
import { type GcpSubject, openGcpSubject } from './subject.ts';

const [a] = cidrs('3.92.113.229') as [ReturnType<typeof cidrs>[number]];
const foreign = ['198.17.0.0/24', '52.7.232.43/32'];
const ip = (...ipSubnetworks: string[]) => ({ ipSubnetworks });

test.each<[string, (level: AccessLevel) => void, string, readonly string[], readonly string[]]>([
  ['a sound level', () => {}, 'listed', foreign, []],
  [
    'one condition by AND, which is as good as OR',
    ({ basic }) => (basic!.combiningFunction = 'AND'),
    'listed',
    foreign,
    [],
  ],
  ['another title', level => (level.title = 'x'), 'listed', foreign, []],
  [
    'several conditions by OR',
    ({ basic }) => basic!.conditions.push(ip('52.1.1.1/32')),
    'listed',
    [...foreign, '52.1.1.1/32'],
    [],
  ],
  [
    'several conditions by AND: only what all of them list is in force',
    ({ basic }) => {
      basic!.combiningFunction = 'AND';
      basic!.conditions.push(ip('198.17.0.0/25', '52.1.1.1/32'));
    },
    'listed',
    ['198.17.0.0/25'],
    ['error conditions-combined-with-and'],
  ],
  [
    'several conditions by the default, which is AND',
    ({ basic }) => {
      delete basic!.combiningFunction;
      basic!.conditions.push(ip('52.1.1.1/32'));
    },
    'listed',
    [],
    ['error conditions-combined-with-and'],
  ],
  [
    'a text that is no block',
    ({ basic }) => basic!.conditions[0]!.ipSubnetworks!.push('office'),
    'listed',
    foreign,
    ['warning entry-not-understood'],
  ],
  [
    'a block that is far too broad',
    ({ basic }) => basic!.conditions[0]!.ipSubnetworks!.push('64.0.0.0/2'),
    'listed',
    [...foreign, '64.0.0.0/2'],
    ['warning questionable-entry'],
  ],
  [
    'host bits',
    ({ basic }) => basic!.conditions[0]!.ipSubnetworks!.push('52.0.0.9/24'),
    'listed',
    [...foreign, '52.0.0.0/24'],
    ['info host-bits'],
  ],
])('%s', async (_, change, lets, entries, findings) => {
  const subject = await openGcpSubject();
  subject.edit(change);
  const state = await (await subject.openGate('read-only')).read();
  expect(state.lets).toBe(lets);
  expect(state.entries.toSorted()).toEqual(entries.toSorted());
  expect(state.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual(findings);
  for (const { message } of state.findings) expect(message).toMatch(/^[A-Z].*\.$/s);
});

test.each<[string, (level: AccessLevel) => void, string, RegExp]>([
  [
    'an expression',
    level => {
      delete level.basic;
      level.custom = { expr: { expression: 'true' } };
    },
    'unknown',
    /an expression \(CEL\)/,
  ],
  ['neither kind', level => delete level.basic, 'unknown', /an expression/],
  ['no conditions', ({ basic }) => (basic!.conditions = []), 'unknown', /no conditions at all/],
  [
    'one condition without addresses',
    ({ basic }) => (basic!.conditions = [{}]),
    'everyone',
    /which lets in everyone/,
  ],
  [
    'a condition without addresses beside ours, by OR',
    ({ basic }) => basic!.conditions.push({}),
    'everyone',
    /which lets in everyone/,
  ],
  [
    'a condition without addresses beside ours, by AND',
    ({ basic }) => {
      basic!.combiningFunction = 'AND';
      basic!.conditions.push({});
    },
    'unknown',
    /a condition without addresses/,
  ],
  ...(
    [
      ['negate', true],
      ['regions', ['US']],
      ['members', ['user:bob@example.com']],
      ['requiredAccessLevels', [labOfficeLevel]],
      ['devicePolicy', { requireScreenlock: true }],
      ['vpcNetworkSources', [{ vpcSubnetwork: { network: 'x' } }]],
      ['dateTimeRestriction', { since: '2027' }],
    ] as const
  ).flatMap(([member, value]): [string, (level: AccessLevel) => void, string, RegExp][] => [
    [
      `${member} in the only condition`,
      ({ basic }) => Object.assign(basic!.conditions[0]!, { [member]: value }),
      'unknown',
      new RegExp(`more than addresses \\(${member}\\)`),
    ],
    [
      `${member} in a condition beside ours, by OR`,
      ({ basic }) => basic!.conditions.push({ ...ip('52.1.1.1/32'), [member]: value }),
      'listed',
      new RegExp(`more than addresses \\(${member}\\)`),
    ],
    [
      `${member} in a condition beside ours, by AND`,
      ({ basic }) => {
        basic!.combiningFunction = 'AND';
        basic!.conditions.push({ ...ip('52.1.1.1/32'), [member]: value });
      },
      'unknown',
      new RegExp(`more than addresses \\(${member}\\)`),
    ],
  ]),
  [
    'a part of the level that nobody knows',
    ({ basic }) => Object.assign(basic!, { quorum: 2 }),
    'listed',
    /more than addresses \(quorum\)/,
  ],
  [
    'another way of combining',
    ({ basic }) => {
      Object.assign(basic!, { combiningFunction: 'XOR' });
      basic!.conditions.push(ip('52.1.1.1/32'));
    },
    'unknown',
    /does not know \(XOR\)/,
  ],
])('never written over: %s', async (_, change, lets, message) => {
  const subject = await openGcpSubject();
  subject.edit(change);
  const before = subject.level();
  const gate = await subject.openGate();
  const state = await gate.read();
  expect(state.lets).toBe(lets);
  expect(state.findings).toContainEqual(
    expect.objectContaining({ severity: 'error', message: expect.stringMatching(message) }),
  );
  const error = await gate.write([...state.entries, a], state.revision).catch(error => error);
  expect(error).toMatchObject({ name: 'GateError', message: expect.stringMatching(message) });
  expect(error.message).toMatch(/Nothing was written\.$/);
  expect(error.remedy).toBeTruthy();
  expect(subject.requests.filter(subject.isWrite)).toEqual([]);
  expect(subject.level()).toEqual(before);
});

const ingress = (status: PerimeterConfig) => status.ingressPolicies![0]!;
const dryRun = (perimeter: any) => {
  perimeter.useExplicitDryRunSpec = true;
  perimeter.spec = structuredClone(perimeter.status);
};

test.each<[string, (status: PerimeterConfig, perimeter: any) => void, string, readonly string[]]>([
  ['a rule that uses the level', () => {}, 'listed', []],
  [
    'the perimeter itself uses the level',
    status => {
      status.ingressPolicies = [];
      status.accessLevels!.push(labLevel);
    },
    'listed',
    ['info level-opens-perimeter'],
  ],
  [
    'a rule by a role',
    status =>
      (ingress(status).ingressTo = {
        resources: ['*'],
        roles: ['roles/cloudkms.cryptoKeyEncrypterDecrypter'],
      }),
    'listed',
    [],
  ],
  [
    'a rule for every service, and any identity',
    status => {
      ingress(status).ingressTo!.operations = [{ serviceName: '*' }];
      ingress(status).ingressFrom = { identityType: 'ANY_IDENTITY', sources: [{ accessLevel: labLevel }] };
    },
    'listed',
    [],
  ],
  [
    'Cloud KMS is not restricted',
    status => (status.restrictedServices = ['storage.googleapis.com']),
    'everyone',
    ['error kms-not-restricted'],
  ],
  ['no project within', status => (status.resources = []), 'everyone', ['error perimeter-encloses-nothing']],
  [
    'nothing is enforced',
    (_, perimeter) => {
      dryRun(perimeter);
      delete perimeter.status;
    },
    'everyone',
    ['error perimeter-encloses-nothing'],
  ],
  [
    'a bridge',
    (_, perimeter) => (perimeter.perimeterType = 'PERIMETER_TYPE_BRIDGE'),
    'unknown',
    ['error perimeter-is-bridge'],
  ],
  [
    'the level is not used, and nothing else is',
    status => {
      status.accessLevels = [];
      status.ingressPolicies = [];
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the level is not used, and another one is',
    status => (ingress(status).ingressFrom!.sources = [{ accessLevel: labOfficeLevel }]),
    'unknown',
    ['error level-not-used'],
  ],
  [
    'the rule is for another service',
    status => {
      status.accessLevels = [];
      ingress(status).ingressTo!.operations = [{ serviceName: 'storage.googleapis.com' }];
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the rule is for nobody',
    status => {
      status.accessLevels = [];
      ingress(status).ingressFrom!.identities = [];
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the rule is for people',
    status => {
      status.accessLevels = [];
      ingress(status).ingressFrom = {
        identityType: 'ANY_USER_ACCOUNT',
        sources: [{ accessLevel: labLevel }],
      };
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the rule leads nowhere',
    status => {
      status.accessLevels = [];
      ingress(status).ingressTo!.resources = [];
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the level is used in a dry run only',
    (status, perimeter) => {
      dryRun(perimeter);
      status.accessLevels = [];
      status.ingressPolicies = [];
    },
    'nobody',
    ['error level-not-used'],
  ],
  [
    'the dry run does not use it',
    (_, perimeter) => {
      dryRun(perimeter);
      perimeter.spec.ingressPolicies = [];
    },
    'listed',
    ['warning dry-run-drops-level'],
  ],
  [
    'a spec that is none, without its flag',
    (_, perimeter) => {
      dryRun(perimeter);
      perimeter.useExplicitDryRunSpec = false;
      perimeter.spec.ingressPolicies = [];
    },
    'listed',
    [],
  ],
  [
    'somebody comes in from anywhere',
    status =>
      status.ingressPolicies!.push({
        title: 'for now',
        ingressFrom: {
          identities: [`serviceAccount:${labAtlasServiceAccount}`],
          sources: [{ accessLevel: '*' }],
        },
        ingressTo: { operations: [{ serviceName: '*' }], resources: ['*'] },
      }),
    'listed',
    ['warning ingress-from-anywhere'],
  ],
])('perimeter: %s', async (_, change, lets, findings) => {
  const subject = await openGcpSubject();
  subject.editPerimeter(change);
  const state = await (await subject.openGate('read-only')).read();
  expect(state.lets).toBe(lets);
  expect(state.findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual(findings);
  for (const { message } of state.findings) expect(message).toMatch(/^[A-Z].*\.$/s);
});

test('a rule that has no effect says why, and a dry run that would have one too', async () => {
  const subject = await openGcpSubject();
  subject.editPerimeter((status, perimeter) => {
    dryRun(perimeter);
    status.ingressPolicies = [];
  });
  const message = async (): Promise<string> => (await (await subject.openGate()).read()).findings[0]!.message;
  expect(await message()).toMatch(/lets in nobody\. Only its dry run does\. Another level or rule may/);
  subject.editPerimeter((status, { spec }) => {
    status.ingressPolicies = structuredClone(spec.ingressPolicies);
    ingress(status).ingressFrom!.identities = [];
  });
  expect(await message()).toMatch(/An ingress rule names it, but it names no service account\./);
});

test('without a perimeter in the config: said so, and the level is what counts', async () => {
  const subject = await openGcpSubject();
  const state = await subject.openWith({ perimeter: undefined }).read();
  expect(state.lets).toBe('listed');
  expect(state.findings.map(({ id }) => id)).toEqual(['perimeter-not-known']);
});

test.each<[string, (subject: GcpSubject) => unknown, object, RegExp]>([
  [
    'no right to',
    subject => subject.lab.gcp.rights.delete('accesscontextmanager.servicePerimeters.get'),
    {},
    /PERMISSION_DENIED.*servicePerimeters\.get/,
  ],
  ['not there', () => {}, { perimeter: `${labPerimeter}x` }, /NOT_FOUND/],
  [
    'out of order',
    ({ faults }) =>
      faults.add({
        on: 'gcp',
        path: 'servicePerimeters',
        act: { kind: 'answer', status: 200, body: '[]' },
      }),
    {},
    /not as Google documents it/,
  ],
])('a perimeter that cannot be read keeps no addition from happening: %s', async (_, spoil, options, message) => {
  const subject = await openGcpSubject();
  spoil(subject);
  const gate = subject.openWith(options);
  const state = await gate.read();
  expect(state.lets).toBe('listed');
  expect(state.findings).toMatchObject([{ id: 'perimeter-not-readable', severity: 'warning' }]);
  expect(state.findings[0]!.message).toMatch(message);
  expect((await gate.write([...state.entries, a], state.revision)).entries).toContain(a);
});

test.each([
  ['no level', { level: 'accessPolicies/1/levels/x' }, /is not the name of an access level/],
  [
    'an id that is too long',
    { level: `accessPolicies/1/accessLevels/a${'b'.repeat(50)}` },
    /is not the name/,
  ],
  ['no perimeter', { perimeter: 'payments' }, /is not the name of a perimeter/],
  [
    'a perimeter of another policy',
    { perimeter: 'accessPolicies/1/servicePerimeters/p' },
    /in another access policy/,
  ],
])('names that cannot be: %s', async (_, options, message) => {
  const subject = await openGcpSubject();
  expect(() => subject.openWith(options)).toThrow(message);
});

test('an answer about another level is not believed', async () => {
  const subject = await openGcpSubject();
  subject.faults.add({
    on: 'gcp',
    path: 'atlas_kms',
    act: { kind: 'edit', edit: body => ({ ...body, name: labOfficeLevel }) },
  });
  const error = await (await subject.openGate()).read().catch(error => error);
  expect(error).toBeInstanceOf(GateError);
  expect(error.message).toMatch(/the answer is about accessPolicies\/.*office/);
});
