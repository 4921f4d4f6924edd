/** Whatever the JSON is, the parsers do not throw, and never take nothing for a complete answer. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Cidr, parseCidr } from '../../src/address/cidr.ts';
import { neverWrittenReason } from '../../src/address/classify.ts';
import { listControlPlane } from '../../src/atlas/control-plane.ts';
import { AtlasAnswerError, type AtlasClient, readKmsAlerts } from '../../src/atlas/index.ts';
import { listNodes } from '../../src/atlas/nodes.ts';
import type { Observation } from '../../src/atlas/observation.ts';
import {
  cidrsOf,
  cluster,
  controlPlane,
  listed,
  nodes,
  projectId,
  readControlPlane,
  readNodes,
} from './fixtures.ts';

/** JSON as a parser would give it, own `__proto__` keys included. */
const json = fc.json({ maxDepth: 6 }).map(text => JSON.parse(text) as unknown);
const word = fc.constantFrom(
  'outbound',
  'inbound',
  'aws',
  'azure',
  'gcp',
  'gateways',
  'name',
  'ips',
  'services',
  'clusters',
  'clusterName',
  'futureOutbound',
  'stateName',
  'groupId',
  '__proto__',
  'constructor',
  'toString',
  '3.92.113.229/32',
  '3.92.113.229',
  '10.0.0.1',
  '0.0.0.0/0',
  'IDLE',
  'CREATING',
  projectId,
);
/** JSON made of the words that the parsers look for. */
const near = fc.letrec(tie => ({
  any: fc.oneof(
    { maxDepth: 6 },
    word,
    fc.constantFrom(null, 0, true, '', -1.5),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.array(fc.tuple(word, tie('any')), { maxLength: 5 }).map(entries => Object.fromEntries(entries)),
  ),
})).any;
const body = fc.oneof(json, near);

/** An answer with one value, somewhere in it, replaced. */
function damaged(whole: () => unknown): fc.Arbitrary<unknown> {
  return fc.tuple(fc.array(fc.nat(5), { maxLength: 6 }), body).map(([path, value]) => {
    let result: any = structuredClone(whole());
    let parent: any;
    let last: string | undefined;
    let at: any = result;
    for (const step of path) {
      if (typeof at !== 'object' || at === null || Object.keys(at).length === 0) break;
      parent = at;
      last = Object.keys(at)[step % Object.keys(at).length]!;
      at = parent[last];
    }
    if (parent === undefined) result = value;
    else parent[last!] = value;
    return result;
  });
}

function sane(observation: Observation): void {
  expect(observation.complete).toBe(observation.faults.length === 0);
  for (const cidr of cidrsOf(observation)) {
    expect(parseCidr(cidr)).toBe(cidr);
    expect(neverWrittenReason(cidr as Cidr)).toBeUndefined();
  }
  expect(JSON.parse(JSON.stringify(observation))).toBeDefined();
}

const wholePlane = readControlPlane(controlPlane(), { includeGateways: true });
const wholeNodes = readNodes(nodes(cluster('A'), cluster('B', ['52.1.1.1'])), [listed('A'), listed('B')]);
const runs = { numRuns: 2_000 };

test('the control plane, from any JSON: never complete without addresses', () => {
  fc.assert(
    fc.property(
      fc.oneof(body, damaged(controlPlane)),
      fc.boolean(),
      fc.boolean(),
      (answer, includeGateways, again) => {
        const observation = readControlPlane(answer, {
          includeGateways,
          ...(again && { previous: wholePlane }),
        });
        sane(observation);
        if (observation.complete) {
          const clouds = new Set(observation.addresses.map(({ provenance }) => provenance.cloud));
          expect(clouds.size).toBeGreaterThanOrEqual(3);
        }
        listControlPlane(answer);
      },
    ),
    runs,
  );
});

test('nodes, from any JSON: never complete without addresses where there were some', () => {
  const whole = () => nodes(cluster('A'), cluster('B', ['52.1.1.1']));
  fc.assert(
    fc.property(fc.oneof(body, damaged(whole)), fc.array(body, { maxLength: 3 }), (answer, clusters) => {
      sane(readNodes(answer, clusters));
      const observation = readNodes(answer, [...clusters, listed('A')], wholeNodes);
      sane(observation);
      if (observation.complete) expect(observation.addresses.length).toBeGreaterThan(0);
      listNodes(answer, projectId);
    }),
    runs,
  );
});

test('nodes: as long as Atlas’s list of clusters is right, damage never hides a cluster from a complete answer', () => {
  const whole = () => nodes(cluster('A'), cluster('B', ['52.1.1.1']));
  fc.assert(
    fc.property(damaged(whole), answer => {
      const observation = readNodes(answer, [listed('A'), listed('B')], wholeNodes);
      if (!observation.complete) return;
      for (const name of ['A', 'B']) {
        const calling = observation.addresses.filter(
          ({ provenance }) => provenance.cluster === name && provenance.direction === 'outbound',
        );
        expect(calling.length).toBeGreaterThan(0);
      }
    }),
    runs,
  );
});

test('alerts: damage never hides one on the KMS that is open, and ends in an answer error or a list', async () => {
  const type = 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED';
  const open = { id: 'a1', eventTypeName: type, status: 'OPEN', created: '2026-08-11T14:05:00Z' };
  const ofOurs = { ...open, id: 'a2' };
  await fc.assert(
    fc.asyncProperty(
      fc.array(body, { maxLength: 3 }),
      damaged(() => ofOurs),
      async (others, ours) => {
        const client: Pick<AtlasClient, 'getAll' | 'urlOf'> = {
          getAll: async () => [...others, open, ours],
          urlOf: path => path,
        };
        const alerts = await readKmsAlerts(client as AtlasClient, projectId).catch(error => {
          expect(error).toBeInstanceOf(AtlasAnswerError);
        });
        if (alerts) expect(alerts.map(({ id }) => id)).toContain('a1');
      },
    ),
    runs,
  );
});
