/** Who comes in, by the lab's own reading of levels and perimeters and by what is in force; what Atlas makes of it. */
import { expect, test } from 'vitest';
import type { AccessLevel, PerimeterConfig } from '../../src/lab/gcp/model.ts';
import {
  labAtlasServiceAccount,
  labLevel,
  labOfficeLevel,
  labPerimeter,
  labPolicy,
} from '../../src/lab/gcp/world.ts';
import { countListed, takeOut } from '../../src/lab/key-list.ts';
import { openGcpLab } from './gcp-client.ts';

const minuteMs = 60_000;
const ip = (...ipSubnetworks: string[]) => ({ ipSubnetworks });
/** In the level; in the office's level; in none. */
const [listed, office, stranger] = ['52.7.232.43', '198.17.1.7', '9.9.9.9'];
const asked = [listed, office, stranger];

test.each<[string, (status: PerimeterConfig, perimeter: any) => unknown, readonly boolean[]]>([
  ['the level by a rule, the office by the perimeter', () => {}, [true, true, false]],
  ['Cloud KMS is not restricted', status => (status.restrictedServices = []), [true, true, true]],
  ['the project is not within', status => (status.resources = ['projects/1']), [true, true, true]],
  [
    'only a dry run',
    (status, perimeter) => Object.assign(perimeter, { spec: status, status: undefined }),
    [true, true, true],
  ],
  [
    'no levels, no rules',
    status => Object.assign(status, { accessLevels: [], ingressPolicies: [] }),
    [false, false, false],
  ],
  ['the level by the perimeter too', status => status.accessLevels!.push(labLevel), [true, true, false]],
  [
    'a rule for someone else',
    status => (rule(status).ingressFrom!.identities = ['user:bob@example.com']),
    [false, true, false],
  ],
  [
    'a rule for service accounts',
    status =>
      (rule(status).ingressFrom = {
        identityType: 'ANY_SERVICE_ACCOUNT',
        sources: [{ accessLevel: labLevel }],
      }),
    [true, true, false],
  ],
  [
    'a rule for people',
    status =>
      (rule(status).ingressFrom = {
        identityType: 'ANY_USER_ACCOUNT',
        sources: [{ accessLevel: labLevel }],
      }),
    [false, true, false],
  ],
  ['a rule without sources', status => (rule(status).ingressFrom!.sources = []), [false, true, false]],
  [
    'a rule from a network',
    status => (rule(status).ingressFrom!.sources = [{ resource: 'projects/2' }]),
    [false, true, false],
  ],
  [
    'a rule from anywhere',
    status => (rule(status).ingressFrom!.sources = [{ accessLevel: '*' }]),
    [true, true, true],
  ],
  [
    'a rule to another project',
    status => (rule(status).ingressTo!.resources = ['projects/1']),
    [false, true, false],
  ],
  ['a rule to all projects', status => (rule(status).ingressTo!.resources = ['*']), [true, true, false]],
  [
    'a rule for another service',
    status =>
      (rule(status).ingressTo!.operations = [
        { serviceName: 'storage.googleapis.com', methodSelectors: [{ method: '*' }] },
      ]),
    [false, true, false],
  ],
  [
    'a rule for every service',
    status => (rule(status).ingressTo!.operations = [{ serviceName: '*' }]),
    [true, true, false],
  ],
  [
    'a rule for decryption only',
    status =>
      (rule(status).ingressTo!.operations = [
        {
          serviceName: 'cloudkms.googleapis.com',
          methodSelectors: [{ permission: 'cloudkms.cryptoKeyVersions.useToDecrypt' }],
        },
      ]),
    [false, true, false],
  ],
  [
    'a rule by a role',
    status =>
      (rule(status).ingressTo = {
        resources: ['*'],
        roles: ['roles/cloudkms.cryptoKeyEncrypterDecrypter'],
      }),
    [true, true, false],
  ],
  [
    'a rule by a role that does not do',
    status => (rule(status).ingressTo = { resources: ['*'], roles: ['roles/cloudkms.viewer'] }),
    [false, true, false],
  ],
])('perimeter: %s', async (_, change, expected) => {
  const { lab, letsIn } = await openGcpLab();
  const { name: __, etag: ___, ...perimeter } = lab.gcp.getPerimeter(labPerimeter);
  change(perimeter.status!, perimeter);
  lab.gcp.setPerimeter(labPerimeter, perimeter);
  expect(asked.map(letsIn)).toEqual(expected);
});

function rule({ ingressPolicies }: PerimeterConfig) {
  return ingressPolicies![0]!;
}

test.each<[string, AccessLevel['basic'], readonly boolean[]]>([
  ['one condition', { conditions: [ip('52.7.232.43/32')] }, [true, false]],
  ['no addresses: everyone', { conditions: [{}] }, [true, true]],
  ['an empty list: everyone', { conditions: [ip()] }, [true, true]],
  ['OR', { combiningFunction: 'OR', conditions: [ip('1.1.1.0/24'), ip('52.7.232.43/32')] }, [true, false]],
  ['AND', { combiningFunction: 'AND', conditions: [ip('1.1.1.0/24'), ip('52.7.232.43/32')] }, [false, false]],
  ['the default, which is AND', { conditions: [ip('1.1.1.0/24'), ip('52.7.232.43/32')] }, [false, false]],
  ['AND of two that both list it', { conditions: [ip('52.7.0.0/16'), ip('52.7.232.43/32')] }, [true, false]],
  ['negated', { conditions: [{ ...ip('52.7.232.43/32'), negate: true }] }, [false, true]],
  [
    'another member',
    { conditions: [{ ...ip('52.7.232.43/32'), members: ['user:a@example.com'] }] },
    [false, false],
  ],
  [
    'Atlas as a member',
    { conditions: [{ members: [`serviceAccount:${labAtlasServiceAccount}`] }] },
    [true, true],
  ],
  ['a country', { conditions: [{ ...ip('52.7.232.43/32'), regions: ['US'] }] }, [false, false]],
  ['a device', { conditions: [{ devicePolicy: {} }] }, [false, false]],
  ['another level', { conditions: [{ requiredAccessLevels: [labOfficeLevel] }] }, [false, false]],
  ['itself', { conditions: [{ requiredAccessLevels: [labLevel] }] }, [false, false]],
])('level: %s', async (_, basic, expected) => {
  const { lab, letsIn } = await openGcpLab();
  lab.gcp.setLevel(labLevel, { title: 'x', basic: basic! });
  expect([listed, stranger].map(letsIn)).toEqual(expected);
});

test('a level that is deleted, and one that is an expression, let in nobody', async () => {
  const { lab, letsIn } = await openGcpLab();
  lab.gcp.setLevel(labLevel, undefined);
  expect(letsIn(listed)).toBe(false);
  lab.gcp.setLevel(labLevel, { title: 'x', custom: { expr: { expression: 'true' } } });
  expect(letsIn(listed)).toBe(false);
});

test('a block is let in as a whole or not', async () => {
  const { letsIn } = await openGcpLab();
  expect(['198.17.0.128/25', '198.17.0.0/24', '198.17.0.0/23'].map(letsIn)).toEqual([true, true, false]);
});

test('a change is in force only once it has spread', async () => {
  const { clock, patchBasic, letsIn } = await openGcpLab({
    operationMs: 1_000,
    propagationMs: 30 * minuteMs,
  });
  await patchBasic({ conditions: [ip('44.1.0.1/32')] });
  expect([letsIn('44.1.0.1'), letsIn(listed)]).toEqual([false, true]);
  clock.advance(30 * minuteMs - 1);
  expect(letsIn('44.1.0.1')).toBe(false);
  clock.advance(1);
  expect([letsIn('44.1.0.1'), letsIn(listed)]).toEqual([true, false]);
});

test('where removals are at once, what is taken out is missed at once', async () => {
  const { clock, patchBasic, letsIn } = await openGcpLab({
    propagationMs: 30 * minuteMs,
    removals: 'at-once',
  });
  await patchBasic({ conditions: [ip('44.1.0.1/32')] });
  expect([letsIn('44.1.0.1'), letsIn(listed)]).toEqual([false, false]);
  clock.advance(30 * minuteMs);
  expect([letsIn('44.1.0.1'), letsIn(listed)]).toEqual([true, false]);
});

test('the key is valid once every address in use is let in, and not before', async () => {
  const { lab, project, clock, patchBasic } = await openGcpLab();
  const isValid = () => lab.atlas.isKeyValid(project.id);
  expect(isValid()).toBe(false);
  const list = lab.atlas.addressesInUse(project.id).map(text => (text.includes('/') ? text : `${text}/32`));
  const conditions = [ip(...list.slice(0, 200)), ip(...list.slice(200))];
  await patchBasic({ conditions });
  clock.advance(5 * minuteMs);
  // By the default, AND, nobody is in both.
  expect(isValid()).toBe(false);
  await patchBasic({ combiningFunction: 'OR', conditions });
  expect(isValid()).toBe(false);
  clock.advance(5 * minuteMs);
  expect(isValid()).toBe(true);
  expect(lab.gcp.level(`${labPolicy}/accessLevels/office`)).toBeDefined();
});

test("the control counts what is listed for the project's key, and takes out of it", async () => {
  const { lab, key, letsIn, clock } = await openGcpLab();
  expect(countListed(lab, key)).toBe(2);
  takeOut(lab, key, '52.7.232.43/32');
  expect(countListed(lab, key)).toBe(1);
  clock.advance(5 * minuteMs);
  expect(letsIn(listed)).toBe(false);
});
