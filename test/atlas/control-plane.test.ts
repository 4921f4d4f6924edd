import { describe, expect, test } from 'vitest';
import { listControlPlane } from '../../src/atlas/control-plane.ts';
import { cidrsOf, controlPlane, kindsOf, readControlPlane } from './fixtures.ts';

const whole = controlPlane();
const all = cidrsOf(readControlPlane(whole));
/** The answer with its `outbound` changed. */
const outbound = (change: (clouds: any) => unknown) => {
  const body = controlPlane() as any;
  body.outbound = change(body.outbound);
  return body;
};
const region = (list: unknown) =>
  outbound(clouds => ({ ...clouds, aws: { ...clouds.aws, 'us-east-1': list } }));

test('a whole answer is complete, and every outbound address of all three clouds is wanted', () => {
  const observation = readControlPlane(whole);
  expect(observation).toMatchObject({ feed: 'control-plane', complete: true, faults: [], findings: [] });
  expect(all).toHaveLength(5);
  expect(observation.sections).toEqual({
    'aws/us-east-1': 2,
    'aws/eu-west-1': 1,
    'azure/eastus': 1,
    'gcp/us-central1': 1,
  });
  expect(observation.addresses[0]).toEqual({
    cidr: '3.92.113.229/32',
    provenance: {
      feed: 'control-plane',
      direction: 'outbound',
      future: false,
      cloud: 'aws',
      region: 'us-east-1',
    },
  });
});

test('duplicates are counted once', () => {
  const observation = readControlPlane(region(['3.92.113.229/32', '3.92.113.229/32', '3.208.110.31/32']));
  expect(observation.complete).toBe(true);
  expect(observation.sections['aws/us-east-1']).toBe(2);
});

describe('an answer that is wrong is incomplete, and what could be read is still wanted', () => {
  test.each([
    ['null', null, ['malformed'], 0],
    ['a list', [], ['malformed'], 0],
    ['a text', 'outbound', ['malformed'], 0],
    ['a number', 42, ['malformed'], 0],
    ['an empty object', {}, ['missing-section'], 0],
    ['no outbound', { inbound: whole.inbound }, ['missing-section'], 0],
    ['outbound null', { ...whole, outbound: null }, ['missing-section'], 0],
    ['outbound a list', { ...whole, outbound: [] }, ['malformed'], 0],
    ['outbound a text', { ...whole, outbound: '3.92.113.229/32' }, ['malformed'], 0],
    ['an envelope', { status: 200, content: whole }, ['missing-section'], 0],
    ['the shape of an older docs page', { controlPlane: whole }, ['missing-section'], 0],
    ['outbound only as a prototype', JSON.parse('{"__proto__":{"outbound":{}}}'), ['missing-section'], 0],
    ['outbound empty', outbound(() => ({})), ['missing-section', 'missing-section', 'missing-section'], 0],
    ['no Azure', outbound(({ azure: _, ...rest }) => rest), ['missing-section'], 4],
    ['Azure null', outbound(clouds => ({ ...clouds, azure: null })), ['missing-section'], 4],
    ['Azure a list', outbound(clouds => ({ ...clouds, azure: ['20.62.134.9/32'] })), ['malformed'], 4],
    ['Google Cloud empty', outbound(clouds => ({ ...clouds, gcp: {} })), ['emptied-section'], 4],
    [
      'Google Cloud with an empty region',
      outbound(clouds => ({ ...clouds, gcp: { a: [] } })),
      ['emptied-section'],
      4,
    ],
    [
      'a cloud only as a prototype',
      outbound(({ azure, ...rest }) =>
        JSON.parse(`{"__proto__":${JSON.stringify({ azure })},${JSON.stringify(rest).slice(1)}`),
      ),
      ['missing-section', 'malformed', 'malformed', 'emptied-section'],
      4,
    ],
    ['a region null', region(null), ['malformed'], 3],
    ['a region a text', region('3.92.113.229/32'), ['malformed'], 3],
    ['a region an object', region({ 0: '3.92.113.229/32' }), ['malformed'], 3],
    ['a number', region([52, '3.208.110.31/32']), ['malformed-address'], 4],
    ['null among them', region([null, '3.208.110.31/32']), ['malformed-address'], 4],
    ['a list among them', region([['3.92.113.229/32'], '3.208.110.31/32']), ['malformed-address'], 4],
    ['an object among them', region([{ cidr: '3.92.113.229/32' }]), ['malformed-address'], 3],
    ['a bare address', region(['3.92.113.229']), ['malformed-address'], 3],
    ['host bits', region(['3.92.113.229/24']), ['malformed-address'], 3],
    ['a fifth octet', region(['3.92.113.229.1/32']), ['malformed-address'], 3],
    ['an empty text', region(['']), ['malformed-address'], 3],
    ['white space', region([' 3.92.113.229/32']), ['malformed-address'], 3],
    ['everything', region(['0.0.0.0/0', '::/0']), ['never-written-address', 'never-written-address'], 3],
    ['half of everything', region(['0.0.0.0/1']), ['never-written-address'], 3],
    ['too broad', region(['3.0.0.0/15']), ['never-written-address'], 3],
    ['a private address', region(['10.1.2.3/32']), ['never-written-address'], 3],
    ['loopback', region(['127.0.0.1/32', '::1/128']), ['never-written-address', 'never-written-address'], 3],
    ['a documentation range', region(['192.0.2.1/32']), ['never-written-address'], 3],
    ['multicast', region(['224.0.0.1/32']), ['never-written-address'], 3],
  ])('%s', (_, body, kinds, count) => {
    const observation = readControlPlane(body);
    expect(observation.complete).toBe(false);
    expect(kindsOf(observation)).toEqual(kinds);
    expect(observation.addresses).toHaveLength(count);
    expect(all).toEqual(expect.arrayContaining(cidrsOf(observation)));
  });

  test('a fault names its place', () => {
    expect(readControlPlane(region(['3.208.110.31/32', 'x'])).faults).toEqual([
      {
        kind: 'malformed-address',
        place: 'outbound.aws.us-east-1[1]',
        message: expect.stringContaining('"x" is not a CIDR block'),
      },
    ]);
  });
});

describe('beside the last complete observation', () => {
  const previous = readControlPlane(whole);

  test('a region that is there and has become empty is not believed', () => {
    const observation = readControlPlane(region([]), { previous });
    expect(observation.faults).toMatchObject([{ kind: 'emptied-section', place: 'outbound.aws.us-east-1' }]);
  });

  test('a region that was always empty is', () => {
    const before = readControlPlane(region([]));
    expect(before.complete).toBe(true);
    expect(readControlPlane(region([]), { previous: before }).complete).toBe(true);
  });

  test('a region that is gone is told, and takes the slow road', () => {
    const body = outbound(clouds => ({ ...clouds, aws: { 'eu-west-1': clouds.aws['eu-west-1'] } }));
    const observation = readControlPlane(body, { previous });
    expect(observation.complete).toBe(true);
    expect(observation.findings).toMatchObject([
      { id: 'region-gone', message: expect.stringContaining('us-east-1') },
    ]);
  });
});

test('a cloud that nobody knows: let in, told, and incomplete', () => {
  const observation = readControlPlane(outbound(clouds => ({ ...clouds, oci: { phx: ['129.146.1.1/32'] } })));
  expect(kindsOf(observation)).toEqual(['malformed']);
  expect(observation.findings).toMatchObject([{ id: 'unknown-cloud', severity: 'warning' }]);
  const added = observation.addresses.find(({ cidr }) => cidr === '129.146.1.1/32');
  expect(added?.provenance).toEqual({
    feed: 'control-plane',
    direction: 'outbound',
    future: false,
    region: 'phx',
  });
});

test('a region may be named like a prototype', () => {
  const body = outbound(clouds => ({
    ...clouds,
    gcp: JSON.parse('{"__proto__":["34.72.1.1/32"],"constructor":["34.72.1.2/32"]}'),
  }));
  const observation = readControlPlane(body);
  expect(observation.complete).toBe(true);
  expect(Object.entries(observation.sections)).toContainEqual(['gcp/__proto__', 1]);
  expect(({} as any).polluted).toBeUndefined();
});

describe('gateways', () => {
  const gateway = (name: string, list: unknown) => ({ name, ips: { inbound: {}, outbound: list } });
  const withGateways = (gateways: unknown) => ({ ...controlPlane(), gateways });
  const both = withGateways([
    gateway('Data plane', { aws: { r: ['52.1.1.1/32'] } }),
    gateway('Other', ['52.1.1.2']),
  ]);
  const includeGateways = true;

  test('are left out, and told by name', () => {
    const observation = readControlPlane(both);
    expect(cidrsOf(observation)).toEqual(all);
    expect(observation.complete).toBe(true);
    expect(observation.findings).toMatchObject([
      { id: 'gateways-not-included', message: expect.stringContaining('Data plane, Other') },
    ]);
  });

  test('are let in where the operator says so', () => {
    const observation = readControlPlane(both, { includeGateways });
    expect(observation.complete).toBe(true);
    expect(cidrsOf(observation)).toEqual([...all, '52.1.1.1/32', '52.1.1.2/32']);
    expect(observation.addresses.at(-1)?.provenance).toMatchObject({ gateway: 'Other' });
    expect(observation.sections).toMatchObject({ 'gateways/Data plane': 1, 'gateways/Other': 1 });
  });

  test.each([
    ['missing', controlPlane(), ['missing-section']],
    ['null', withGateways(null), ['missing-section']],
    ['an empty list', withGateways([]), ['missing-section']],
    ['an object', withGateways({}), ['malformed']],
    ['a text', withGateways('x'), ['malformed']],
    ['a group that is null', withGateways([null]), ['malformed']],
    ['a group without addresses', withGateways([{ name: 'Other' }]), ['malformed', 'emptied-section']],
    [
      'an emptied group',
      withGateways([gateway('Data plane', {}), gateway('Other', ['52.1.1.2'])]),
      ['emptied-section'],
    ],
    ['an emptied list', withGateways([gateway('Other', [])]), ['emptied-section']],
    ['a malformed address', withGateways([gateway('Other', ['52.1.1.2', 'x'])]), ['malformed-address']],
  ])('once wanted, and then %s: incomplete', (_, body, kinds) => {
    const previous = readControlPlane(both, { includeGateways });
    const observation = readControlPlane(body, { includeGateways, previous });
    expect(kindsOf(observation)).toEqual(kinds);
    expect(cidrsOf(observation)).toEqual(expect.arrayContaining([...all]));
  });

  test('that the operator no longer wants leave by the slow road', () => {
    const previous = readControlPlane(both, { includeGateways });
    expect(readControlPlane(both, { previous }).complete).toBe(true);
  });
});

describe('an answer without measure', () => {
  test('is read up to a limit, and is incomplete', () => {
    const list = Array.from({ length: 30_000 }, (_, n) => `52.${n >> 8}.${n & 255}.1/32`);
    const observation = readControlPlane(region(list));
    expect(observation.addresses.length).toBeLessThanOrEqual(20_000);
    expect(kindsOf(observation)).toContain('malformed');
  });

  test('does not fill the journal with its faults', () => {
    const observation = readControlPlane(region(Array.from({ length: 1_000_000 }, () => 0)));
    expect(observation.faults.length).toBeLessThanOrEqual(101);
    expect(observation.faults.at(-1)?.message).toMatch(/^\d+ more faults/);
  });

  test('nor with its regions or their names', () => {
    const regions = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`r${n}`, []]));
    const observation = readControlPlane(
      outbound(clouds => ({ ...clouds, gcp: { ...regions, ['x'.repeat(1e6)]: 0 } })),
    );
    expect(observation.complete).toBe(false);
    expect(Object.keys(observation.sections).length).toBeLessThanOrEqual(5_000);
    expect(JSON.stringify(observation.faults).length).toBeLessThan(50_000);
  });
});

test('the plain list has both directions, and leaves out what is malformed', () => {
  const body = { ...region(['3.92.113.229/32', 'x']), inbound: whole.inbound };
  const directions = listControlPlane(body).map(({ cidr, provenance }) => `${provenance.direction} ${cidr}`);
  expect(directions).toContain('inbound 3.92.113.1/32');
  expect(directions).toContain('outbound 3.92.113.229/32');
  expect(directions).toHaveLength(5);
  for (const body of [null, [], 'x', {}, { outbound: 1 }]) expect(listControlPlane(body)).toEqual([]);
});
