/** What Access Context Manager takes and refuses, byte for byte, with no library of ours between. */
import { describe, expect, test } from 'vitest';
import {
  labLevel,
  labOfficeLevel,
  labOrganization,
  labPerimeter,
  labPolicy,
} from '../../src/lab/gcp/world.ts';
import type { GcpBehaviour } from '../../src/lab/index.ts';
import { openGcpLab } from './gcp-client.ts';

const ip = (...ipSubnetworks: unknown[]) => ({ ipSubnetworks });
const many = (count: number) =>
  Array.from({ length: count }, (_, index) => `52.${index >> 8}.${index & 255}.0/24`);

test('the world: a policy, two levels, a perimeter', async () => {
  const { call } = await openGcpLab();
  expect((await call('GET', `accessPolicies?parent=${labOrganization}`)).json.accessPolicies).toMatchObject([
    { name: labPolicy, parent: labOrganization, etag: expect.any(String) },
  ]);
  expect((await call('GET', labPolicy)).json.name).toBe(labPolicy);
  expect((await call('GET', `${labLevel}?accessLevelFormat=AS_DEFINED`)).json).toMatchObject({
    name: labLevel,
    basic: { combiningFunction: 'OR', conditions: [ip('198.17.0.0/24', '52.7.232.43/32')] },
  });
  expect((await call('GET', labLevel)).json).not.toHaveProperty('etag');
  expect((await call('GET', labPerimeter)).json).toMatchObject({
    etag: expect.any(String),
    status: { restrictedServices: expect.arrayContaining(['cloudkms.googleapis.com']) },
  });
  expect((await call('GET', `${labPolicy}/servicePerimeters`)).json.servicePerimeters).toHaveLength(1);
});

test('a list has pages', async () => {
  const { call, lab } = await openGcpLab();
  for (let index = 0; index < 5; index++) {
    lab.gcp.setLevel(`${labPolicy}/accessLevels/l${index}`, {
      title: `${index}`,
      basic: { conditions: [{}] },
    });
  }
  const names: string[] = [];
  let token = '';
  do {
    const { json } = await call('GET', `${labPolicy}/accessLevels?pageSize=3&pageToken=${token}`);
    expect(json.accessLevels.length).toBeLessThanOrEqual(3);
    names.push(...json.accessLevels.map(({ name }: any) => name));
    token = json.nextPageToken ?? '';
  } while (token);
  expect(new Set(names).size).toBe(7);
});

test('a write is an operation: not to be seen until it is done', async () => {
  const { call, clock } = await openGcpLab({ operationMs: 3_000 });
  const begun = await call('PATCH', `${labLevel}?updateMask=basic`, {
    basic: { conditions: [ip('52.1.1.1/32')] },
  });
  expect(begun).toMatchObject({
    status: 200,
    json: { done: false, name: expect.stringMatching(/^operations\//) },
  });
  const subnetworks = async () => (await call('GET', labLevel)).json.basic.conditions[0].ipSubnetworks;
  expect(await subnetworks()).toHaveLength(2);
  clock.advance(2_999);
  expect((await call('GET', begun.json.name)).json.done).toBe(false);
  const second = await call('PATCH', `${labLevel}?updateMask=title`, { title: 'x' });
  expect(second).toMatchObject({ status: 409, json: { error: { code: 409, status: 'ABORTED' } } });
  clock.advance(1);
  expect((await call('GET', begun.json.name)).json).toMatchObject({
    done: true,
    response: { name: labLevel },
  });
  expect(await subnetworks()).toEqual(['52.1.1.1/32']);
  expect((await call('GET', 'operations/gone')).status).toBe(404);
});

test('a mask says what is changed, and what it does not name stays', async () => {
  const { call, write } = await openGcpLab();
  await write('PATCH', `${labLevel}?updateMask=title,basic.combining_function`, {
    title: 'new',
    description: 'ignored',
    basic: { combiningFunction: 'AND', conditions: [ip('52.1.1.1/32')] },
  });
  expect((await call('GET', labLevel)).json).toMatchObject({
    title: 'new',
    description: 'Who may use the key of payments.',
    basic: { combiningFunction: 'AND', conditions: [ip('198.17.0.0/24', '52.7.232.43/32')] },
  });
});

test.each([
  ['no mask', ''],
  ['an empty mask', '?updateMask='],
  ['a mask of something else', '?updateMask=etag'],
])('a PATCH with %s is refused', async (_, query) => {
  const { call } = await openGcpLab();
  const { status, json } = await call('PATCH', labLevel + query, { title: 'x' });
  expect(status).toBe(400);
  expect(json.error).toMatchObject({
    code: 400,
    status: 'INVALID_ARGUMENT',
    message: expect.stringMatching(/update_mask/),
  });
});

describe('what a level may be', () => {
  test.each<[string, unknown, RegExp]>([
    ['host bits', { conditions: [ip('52.1.1.1/24')] }, /host bits must be zero/],
    ['host bits of IPv6', { conditions: [ip('2600::1/32')] }, /host bits must be zero/],
    ['no address', { conditions: [ip('office')] }, /not a valid CIDR/],
    ['a number', { conditions: [ip(7)] }, /not a valid CIDR/],
    ['no conditions', { conditions: [] }, /at least one condition/],
    ['no basic', undefined, /Exactly one of basic and custom/],
    ['201 addresses in a condition', { conditions: [ip(...many(201))] }, /201 items; the most is 200/],
    ['41 conditions', { conditions: many(41).map(block => ip(block)) }, /41 conditions; the most is 40/],
    ['addresses that are no list', { conditions: [{ ipSubnetworks: '52.1.1.1/32' }] }, /a list is expected/],
    ['an unknown member', { conditions: [{ ipSubnets: [] }] }, /Unknown name "ipSubnets"/],
    ['an unknown function', { combiningFunction: 'XOR', conditions: [{}] }, /TYPE_ENUM/],
    [
      'addresses and networks',
      { conditions: [{ ...ip('52.1.1.1/32'), vpcNetworkSources: [{}] }] },
      /both ip_subnetworks and vpc_network_sources/,
    ],
    [
      'a level that is not there',
      { conditions: [{ requiredAccessLevels: [`${labPolicy}/accessLevels/gone`] }] },
      /does not exist/,
    ],
    [
      'a group as a member',
      { conditions: [{ members: ['group:x@example.com'] }] },
      /not a user or a service account/,
    ],
  ])('%s is refused', async (_, basic, message) => {
    const { patchBasic, call } = await openGcpLab();
    const before = (await call('GET', labLevel)).json;
    const { status, json } = await patchBasic(basic);
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ status: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
    expect((await call('GET', labLevel)).json).toEqual(before);
  });

  test('40 conditions of 200, IPv6, and a condition without addresses, which means everyone', async () => {
    const { patchBasic, letsIn, clock } = await openGcpLab({ propagationMs: 0 });
    const full = { combiningFunction: 'OR', conditions: many(40).map(() => ip(...many(200))) };
    expect((await patchBasic(full)).json.error).toBeUndefined();
    expect((await patchBasic({ conditions: [ip('2600:1f18::/32')] })).json.done).toBe(true);
    expect((await patchBasic({ conditions: [ip()] })).json.response.basic.conditions).toEqual([{}]);
    clock.advance(1);
    expect(letsIn('1.1.1.1')).toBe(true);
  });

  test.each<[string, Partial<GcpBehaviour>, string, string | undefined]>([
    ['bare, refused', { bareAddresses: 'refuse' }, '52.1.1.1', undefined],
    ['bare, kept', { bareAddresses: 'keep' }, '52.1.1.1', '52.1.1.1'],
    ['bare, completed', { bareAddresses: 'complete' }, '52.1.1.1', '52.1.1.1/32'],
    ['private, refused', { privateRanges: 'refuse' }, '10.0.0.0/8', undefined],
    ['private, kept', { privateRanges: 'keep' }, '10.0.0.0/8', '10.0.0.0/8'],
  ])('not documented: %s', async (_, behaviour, text, stored) => {
    const { patchBasic } = await openGcpLab(behaviour);
    const { json } = await patchBasic({ conditions: [ip(text)] });
    if (stored === undefined) expect(json.error.status).toBe('INVALID_ARGUMENT');
    else expect(json.response.basic.conditions).toEqual([ip(stored)]);
  });

  test('not documented: a fault that the operation tells', async () => {
    const { patchBasic } = await openGcpLab({ faultyLevels: 'operation-fails' });
    const { status, json } = await patchBasic({ conditions: [ip('office')] });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      done: true,
      error: { code: 3, message: expect.stringMatching(/not a valid CIDR/) },
    });
  });

  test.each<[Partial<GcpBehaviour>, unknown]>([
    [
      { listOrder: 'preserved', defaults: 'shown' },
      { combiningFunction: 'AND', conditions: [ip('9.0.0.0/24', '10.9.0.0/24'), {}] },
    ],
    [{ listOrder: 'reordered', defaults: 'omitted' }, { conditions: [{}, ip('10.9.0.0/24', '9.0.0.0/24')] }],
  ])('the form that is shown: %j', async (behaviour, basic) => {
    const { patchBasic } = await openGcpLab({ ...behaviour, privateRanges: 'keep' });
    const { json } = await patchBasic({ conditions: [ip('9.0.0.0/24', '10.9.0.0/24'), {}] });
    expect(json.response.basic).toEqual(basic);
  });
});

describe('making a level', () => {
  const make = (id: string, title = id) => ({
    name: `${labPolicy}/accessLevels/${id}`,
    title,
    basic: { conditions: [ip('52.1.1.1/32')] },
  });

  test('there it is', async () => {
    const { write, call } = await openGcpLab();
    expect((await write('POST', `${labPolicy}/accessLevels`, make('new_one'))).json.done).toBe(true);
    expect((await call('GET', `${labPolicy}/accessLevels/new_one`)).json.title).toBe('new_one');
  });

  test.each<[string, object, number, RegExp]>([
    [
      'one that is there',
      make('atlas_kms', 'x'),
      409,
      /^Level '.*atlas_kms' already exists and cannot be created\.$/,
    ],
    ['a title that is taken', make('x', 'The office'), 409, /title/],
    ['no letter first', make('1x'), 400, /begin with a letter/],
    ['a dash', make('a-b'), 400, /letters, digits/],
    ['51 letters', make('a'.repeat(51)), 400, /50 characters/],
    ['another policy', { ...make('x'), name: 'accessPolicies/1/accessLevels/x' }, 400, /must begin with/],
    ['no title', make('x', ''), 400, /title/],
  ])('%s is refused', async (_, level, status, message) => {
    const { call } = await openGcpLab();
    const reply = await call('POST', `${labPolicy}/accessLevels`, level);
    expect(reply.status).toBe(status);
    expect(reply.json.error.message).toMatch(message);
  });

  test('500 of a policy are the most', async () => {
    const { call, lab } = await openGcpLab();
    for (let index = 2; index < 500; index++) {
      lab.gcp.setLevel(`${labPolicy}/accessLevels/l${index}`, {
        title: `${index}`,
        basic: { conditions: [{}] },
      });
    }
    const { status, json } = await call('POST', `${labPolicy}/accessLevels`, make('one_more'));
    expect([status, json.error.status]).toEqual([429, 'RESOURCE_EXHAUSTED']);
  });
});

test.each([
  ['ABORTED', 409],
  ['FAILED_PRECONDITION', 400],
] as const)('all levels replaced at once, and a stale etag is %s', async (etagMismatch, status) => {
  const { call, write } = await openGcpLab({ etagMismatch });
  const { etag } = (await call('GET', labPolicy)).json;
  const accessLevels = [
    { name: labLevel, title: 'a', basic: { conditions: [ip('52.1.1.1/32')] } },
    { name: labOfficeLevel, title: 'b', basic: { conditions: [ip('52.1.1.2/32')] } },
  ];
  const path = `${labPolicy}/accessLevels:replaceAll`;
  expect((await write('POST', path, { accessLevels, etag })).json.done).toBe(true);
  expect((await call('GET', labLevel)).json.title).toBe('a');
  const stale = await call('POST', path, { accessLevels, etag });
  expect([stale.status, stale.json.error.status]).toEqual([status, etagMismatch]);
});

test('50 writes and 500 reads a minute, and then it goes on', async () => {
  const { call, clock } = await openGcpLab({ operationMs: 0, readsPerMinute: 20, writesPerMinute: 3 });
  clock.advance(60_000);
  const write = () => call('PATCH', `${labLevel}?updateMask=title`, { title: 'x' });
  for (let count = 0; count < 3; count++) expect((await write()).status).toBe(200);
  expect((await write()).json.error).toMatchObject({ code: 429, status: 'RESOURCE_EXHAUSTED' });
  for (let count = 0; count < 20; count++) expect((await call('GET', labLevel)).status).toBe(200);
  expect((await call('GET', labLevel)).status).toBe(429);
  clock.advance(60_000);
  expect((await write()).status).toBe(200);
});

describe('rights', () => {
  test('what is lacking is named', async () => {
    const { call, lab } = await openGcpLab();
    lab.gcp.rights.delete('accesscontextmanager.accessLevels.update');
    const { status, json } = await call('PATCH', `${labLevel}?updateMask=title`, { title: 'x' });
    expect(status).toBe(403);
    expect(json.error).toMatchObject({
      status: 'PERMISSION_DENIED',
      details: [
        {
          reason: 'IAM_PERMISSION_DENIED',
          metadata: { permission: 'accesscontextmanager.accessLevels.update' },
        },
      ],
    });
  });

  test('which are there can be asked', async () => {
    const { call, lab } = await openGcpLab();
    lab.gcp.rights.delete('accesscontextmanager.accessLevels.update');
    const permissions = ['accesscontextmanager.accessLevels.get', 'accesscontextmanager.accessLevels.update'];
    const ask = (resource: string, asked = permissions) =>
      call('POST', `${resource}:testIamPermissions`, { permissions: asked });
    expect((await ask(labLevel)).json).toEqual({ permissions: permissions.slice(0, 1) });
    expect((await ask(labPolicy)).json).toEqual({ permissions: permissions.slice(0, 1) });
    expect((await ask(labLevel, permissions.slice(1))).json).toEqual({});
    expect((await ask(labLevel, ['storage.buckets.get'])).status).toBe(400);
    expect((await ask(`${labLevel}x`)).status).toBe(404);
  });

  test('not documented: those of levels asked of a policy', async () => {
    const { call } = await openGcpLab({ permissionsOfOthers: 'refused' });
    const asked = { permissions: ['accesscontextmanager.accessLevels.get'] };
    expect((await call('POST', `${labPolicy}:testIamPermissions`, asked)).status).toBe(400);
    expect((await call('POST', `${labLevel}:testIamPermissions`, asked)).status).toBe(200);
  });

  test.each([
    ['no token', ''],
    ['another one', 'Bearer x'],
  ])('%s: 401', async (_, authorization) => {
    const { call } = await openGcpLab();
    const { status, json } = await call('GET', labLevel, undefined, { authorization });
    expect([status, json.error.status]).toEqual([401, 'UNAUTHENTICATED']);
  });
});

test.each([
  ['GET', `${labLevel}?accessLevelFormat=XML`, undefined, 400],
  ['POST', `${labPolicy}/accessLevels`, '[]', 400],
  ['POST', `${labPolicy}/accessLevels`, '{', 400],
  ['GET', `${labPolicy}/accessLevels?pageSize=x`, undefined, 400],
  ['GET', `${labLevel}x`, undefined, 404],
  ['GET', 'accessPolicies/1', undefined, 404],
  ['GET', 'accessPolicies/1/accessLevels', undefined, 404],
  ['DELETE', labLevel, undefined, 404],
])('%s %s %s: %d', async (method, path, body, status) => {
  const { call } = await openGcpLab();
  expect((await call(method, path, body)).status).toBe(status);
});
