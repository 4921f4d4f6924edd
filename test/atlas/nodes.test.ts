import { describe, expect, test } from 'vitest';
import { listNodes } from '../../src/atlas/nodes.ts';
import { cidrsOf, cluster, kindsOf, listed, nodes, projectId, readNodes } from './fixtures.ts';

const a = cluster('A');
const b = cluster('B', ['52.1.1.1']);
const empty = cluster('B', []);

test('all four lists are wanted; bare addresses become single hosts', () => {
  const body = nodes({
    clusterName: 'A',
    outbound: ['52.1.1.1'],
    inbound: ['52.1.1.2'],
    futureOutbound: ['52.1.1.3'],
    futureInbound: ['2600:1f18::1', '52.1.1.4/32'],
  });
  const observation = readNodes(body, [listed('A')]);
  expect(observation).toMatchObject({ feed: `nodes:${projectId}`, complete: true, sections: { A: 5 } });
  expect(observation.addresses.map(({ cidr, provenance: p }) => [cidr, p.direction, p.future])).toEqual([
    ['52.1.1.1/32', 'outbound', false],
    ['52.1.1.2/32', 'inbound', false],
    ['52.1.1.3/32', 'outbound', true],
    ['2600:1f18::1/128', 'inbound', true],
    ['52.1.1.4/32', 'inbound', true],
  ]);
  expect(observation.addresses[0]?.provenance).toMatchObject({ projectId, cluster: 'A' });
});

describe('a cluster', () => {
  const previous = readNodes(nodes(a, b), [listed('A'), listed('B')]);

  test.each([
    ['that is in neither list was deleted', nodes(a), [listed('A')]],
    ['that only the addresses list is a flex cluster', nodes(a, b), [listed('A')]],
    ['that is being deleted needs none', nodes(a, empty), [listed('A'), listed('B', 'DELETING')]],
    [
      'may lack the lists of the future',
      nodes({ clusterName: 'A', inbound: ['52.1.1.1'], outbound: ['52.1.1.1'] }),
      [listed('A')],
    ],
  ])('%s: complete', (_, body, clusters) => {
    expect(readNodes(body, clusters, previous)).toMatchObject({ complete: true, faults: [] });
  });

  test.each([
    ['that Atlas has and the addresses lack', nodes(a), [listed('A'), listed('B')], ['missing-section']],
    ['the same while it is updated', nodes(a), [listed('A'), listed('B', 'UPDATING')], ['missing-section']],
    ['that runs and has no address', nodes(a, empty), [listed('A'), listed('B')], ['emptied-section']],
    [
      'that is paused and has no address',
      nodes(a, empty),
      [listed('A'), { ...listed('B'), paused: true }],
      ['emptied-section'],
    ],
    [
      'that is repaired and has no address',
      nodes(a, empty),
      [listed('A'), listed('B', 'REPAIRING')],
      ['emptied-section'],
    ],
    [
      'in a state that nobody knows',
      nodes(a, empty),
      [listed('A'), listed('B', 'FROZEN')],
      ['emptied-section'],
    ],
    ['in no state', nodes(a, empty), [listed('A'), { name: 'B' }], ['emptied-section']],
    [
      'in a state that is no text',
      nodes(a, empty),
      [listed('A'), { name: 'B', stateName: { toString: 1 } }],
      ['emptied-section'],
    ],
    [
      'that had addresses and is said to be created',
      nodes(a, empty),
      [listed('A'), listed('B', 'CREATING')],
      ['emptied-section'],
    ],
    [
      'that had some, is said to be created, and is not listed',
      nodes(a),
      [listed('A'), listed('B', 'CREATING')],
      ['missing-section'],
    ],
    [
      'whose outbound is empty',
      nodes(a, { ...b, outbound: [] }),
      [listed('A'), listed('B')],
      ['emptied-section'],
    ],
    [
      'whose outbound is missing',
      nodes(a, { clusterName: 'B', inbound: ['52.1.1.1'] }),
      [listed('A')],
      ['missing-section'],
    ],
    ['whose inbound is null', nodes(a, { ...b, inbound: null }), [listed('A')], ['missing-section']],
    ['whose outbound is a text', nodes(a, { ...b, outbound: '52.1.1.1' }), [listed('A')], ['malformed']],
    ['whose future is a text', nodes(a, { ...b, futureOutbound: '52.1.1.1' }), [listed('A')], ['malformed']],
    [
      'with a malformed address',
      nodes(a, cluster('B', ['52.1.1.1', '52.1.1'])),
      [listed('A')],
      ['malformed-address', 'malformed-address'],
    ],
    [
      'with a private address',
      nodes(a, { ...b, futureInbound: ['10.0.0.1'] }),
      [listed('A')],
      ['never-written-address'],
    ],
    ['with host bits', nodes(a, { ...b, inbound: ['52.1.1.1/24'] }), [listed('A')], ['malformed-address']],
    ['without a name', nodes(a, { ...b, clusterName: undefined }), [listed('A')], ['malformed']],
    ['that is null', nodes(a, null), [listed('A')], ['malformed']],
    ['that the other list names null', nodes(a), [listed('A'), null], ['malformed']],
    ['that the other list names by a number', nodes(a), [listed('A'), { name: 1 }], ['malformed']],
  ])('%s: incomplete, and the others stay wanted', (_, body, clusters, kinds) => {
    const observation = readNodes(body, clusters, previous);
    expect(kindsOf(observation)).toEqual(kinds);
    expect(observation.complete).toBe(false);
    expect(cidrsOf(observation)).toEqual(expect.arrayContaining(['3.92.113.229/32', '3.208.110.31/32']));
  });

  test.each([
    ['without addresses', nodes(a, empty)],
    ['not listed yet', nodes(a)],
  ])('that is being created, %s, is normal and told', (_, body) => {
    const observation = readNodes(body, [listed('A'), listed('B', 'CREATING')]);
    expect(observation.complete).toBe(true);
    expect(observation.findings).toMatchObject([{ id: 'cluster-being-created', severity: 'info' }]);
  });

  test('may be named like a prototype', () => {
    const body = nodes(cluster('__proto__'), cluster('constructor', ['52.1.1.1']));
    const observation = readNodes(body, [
      listed('__proto__'),
      listed('constructor'),
      listed('toString', 'CREATING'),
    ]);
    expect(observation.complete).toBe(true);
    expect(Object.entries(observation.sections)).toEqual([
      ['__proto__', 2],
      ['constructor', 1],
    ]);
    expect(observation.findings).toHaveLength(1);
  });
});

describe('a project', () => {
  const previous = readNodes(nodes(a), [listed('A')]);

  test('without clusters is complete', () => {
    expect(readNodes(nodes(), []).complete).toBe(true);
  });

  test('that had addresses and has no cluster any more is not believed', () => {
    const observation = readNodes(nodes(), [], previous);
    expect(kindsOf(observation)).toEqual(['emptied-section']);
    expect(observation.faults[0]?.message).toContain("take it out of the gate's projects");
  });

  test.each([
    ['null', null, ['malformed']],
    ['a list', [], ['malformed']],
    ['an empty object', {}, ['missing-section']],
    ['services null', { services: null }, ['missing-section']],
    ['clusters null', { services: { clusters: null } }, ['malformed']],
    ['clusters an object', { services: { clusters: {} } }, ['malformed']],
    ['an envelope', { status: 200, content: nodes(a) }, ['missing-section']],
    [
      'services only as a prototype',
      JSON.parse('{"__proto__":{"services":{"clusters":[]}}}'),
      ['missing-section'],
    ],
  ])('%s: incomplete', (_, body, kinds) => {
    expect(kindsOf(readNodes(body, [], previous))).toEqual(kinds);
  });

  test('answered with another one’s addresses: nothing of it is read', () => {
    const observation = readNodes({ ...nodes(a), groupId: 'f'.repeat(24) }, []);
    expect(observation).toMatchObject({ complete: false, addresses: [] });
  });
});

test('the plain list', () => {
  expect(listNodes(nodes(a), projectId).map(({ cidr }) => cidr)).toHaveLength(4);
  for (const body of [null, 1, [], {}]) expect(listNodes(body, projectId)).toEqual([]);
});
