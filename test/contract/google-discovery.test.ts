/**
 * What the gate sends and what the lab answers, judged by Google's own discovery document of Access Context
 * Manager: methods, paths, parameters, and every member of every body.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseCidr } from '../../src/address/cidr.ts';
import {
  labLevel,
  labOfficeLevel,
  labOrganization,
  labPerimeter,
  labPolicy,
} from '../../src/lab/gcp/world.ts';
import { openGcpSubject } from '../gates/gcp-access-level/subject.ts';
import { openGcpLab } from '../lab/gcp-client.ts';
import { describeContract, vendorPath } from './vendor.ts';

const file = 'gcp-accesscontextmanager-v1.discovery.json';

interface Described {
  readonly httpMethod: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, any>>;
  readonly request?: { readonly $ref: string };
  readonly response: { readonly $ref: string };
}

describeContract("Google's discovery document", file, () => {
  const document = describedBy();
  const methods = methodsOf(document);

  /** The described method of a request. Throws when there is none, or a parameter is not as described. */
  function methodOf(method: string, url: URL): Described {
    const path = url.pathname.slice(1);
    const found = methods.find(
      described => described.httpMethod === method && patternOf(described).test(path),
    );
    if (!found) throw new Error(`${method} ${path} is not described`);
    for (const [name, value] of url.searchParams) {
      const parameter = found.parameters?.[name];
      if (parameter?.location !== 'query') throw new Error(`${path} has no parameter ${name}`);
      if (parameter.enum && !parameter.enum.includes(value))
        throw new Error(`${name} is none of ${parameter.enum}`);
    }
    return found;
  }

  function faultsOf(name: string, value: unknown): readonly string[] {
    return schemaFaults(document.schemas, { $ref: name }, value, '$');
  }

  test('all that the gate sends is described, and so is what it gets', async () => {
    const subject = await openGcpSubject();
    const gate = subject.openWith({ level: `${labPolicy}/accessLevels/fresh` });
    const list = Array.from({ length: 250 }, (_, index) => parseCidr(`52.1.${index}.0/24`));
    const made = await gate.write(list, (await gate.read()).revision);
    await gate.write(list.slice(1), made.revision);
    await gate.diagnose();
    const sent = subject.sent.filter(({ url }) => url.includes('/v1/'));
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(['GET', 'POST', 'PATCH']));
    for (const { method, url, body } of sent) {
      const described = methodOf(method, new URL(url));
      expect(described.request === undefined, url).toBe(body === undefined);
      if (described.request) expect(faultsOf(described.request.$ref, body), url).toEqual([]);
    }
  });

  const calls = [
    ['GET', `accessPolicies?parent=${labOrganization}`],
    ['GET', labPolicy],
    ['GET', `${labPolicy}/accessLevels?pageSize=1`],
    ['GET', `${labLevel}?accessLevelFormat=AS_DEFINED`],
    ['GET', `${labPolicy}/servicePerimeters`],
    ['GET', labPerimeter],
    [
      'PATCH',
      `${labLevel}?updateMask=basic`,
      { basic: { conditions: [{ ipSubnetworks: ['52.1.1.1/32'] }] } },
    ],
    [
      'POST',
      `${labPolicy}/accessLevels`,
      { name: `${labPolicy}/accessLevels/x`, title: 'x', basic: { conditions: [{}] } },
    ],
    [
      'POST',
      `${labPolicy}/accessLevels:replaceAll`,
      { accessLevels: [{ name: labOfficeLevel, title: 'x', basic: { conditions: [{}] } }] },
    ],
    ['POST', `${labLevel}:testIamPermissions`, { permissions: ['accesscontextmanager.accessLevels.get'] }],
  ] as const;

  test.each(calls)('%s %s is answered as described', async (method, path, body?: object) => {
    const { call, clock, lab } = await openGcpLab();
    const url = new URL(`${lab.urls.accessContextManager}/v1/${path}`);
    const described = methodOf(method, url);
    if (described.request) expect(faultsOf(described.request.$ref, body)).toEqual([]);
    const { status, json } = await call(method, path, body);
    expect(status).toBe(200);
    expect(faultsOf(described.response.$ref, json)).toEqual([]);
    if (described.response.$ref !== 'Operation') return;
    clock.advance(2_000);
    const ended = await call('GET', json.name);
    expect(methodOf('GET', new URL(`${lab.urls.accessContextManager}/v1/${json.name}`)).response.$ref).toBe(
      'Operation',
    );
    expect(ended.json.done).toBe(true);
    expect(faultsOf('Operation', ended.json)).toEqual([]);
    const isLevel = !path.endsWith('replaceAll');
    expect(faultsOf(isLevel ? 'AccessLevel' : 'ReplaceAccessLevelsResponse', ended.json.response)).toEqual(
      [],
    );
  });

  test('an operation that failed ends with a Status', async () => {
    const { patchBasic } = await openGcpLab({ faultyLevels: 'operation-fails' });
    const { json } = await patchBasic({ conditions: [{ ipSubnetworks: ['x'] }] });
    expect(faultsOf('Operation', json)).toEqual([]);
    expect(faultsOf('Status', json.error)).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    [
      'a number for an address',
      { basic: { conditions: [{ ipSubnetworks: [7] }] } },
      /ipSubnetworks\[0\] is no string/,
    ],
    [
      'a member that is not described',
      { basic: { conditions: [{ subnets: [] }] } },
      /subnets is not described/,
    ],
    ['an enum that is not', { basic: { combiningFunction: 'XOR' } }, /combiningFunction is none of AND,OR/],
    ['an object for a list', { basic: { conditions: {} } }, /conditions is no array/],
  ])('the check sees %s', (_, level, fault) => {
    expect(faultsOf('AccessLevel', level).join()).toMatch(fault);
  });

  test.each([
    ['PUT', labLevel],
    ['GET', `${labLevel}?format=x`],
    ['GET', `${labLevel}?accessLevelFormat=XML`],
    ['POST', `${labLevel}:replaceAll`],
  ])('the check sees a request that is not described: %s %s', (method, path) => {
    expect(() => methodOf(method, new URL(`https://a.example/v1/${path}`))).toThrow();
  });
});

/** `v1/{+name}` with the pattern of the parameter in its place. */
function patternOf({ path, parameters }: Described): RegExp {
  const text = path.replace(/\{\+?(\w+)\}/g, (_, name: string) =>
    (parameters?.[name]?.pattern ?? '^[^/]+$').slice(1, -1),
  );
  return new RegExp(`^${text}$`);
}

function methodsOf(resource: any): readonly Described[] {
  return [
    ...Object.values<Described>(resource.methods ?? {}),
    ...Object.values(resource.resources ?? {}).flatMap(methodsOf),
  ];
}

function schemaFaults(schemas: any, schema: any, value: unknown, place: string): readonly string[] {
  if (schema.$ref) return schemaFaults(schemas, schemas[schema.$ref], value, place);
  switch (schema.type) {
    case 'any':
      return [];
    case 'array':
      if (!Array.isArray(value)) return [`${place} is no array`];
      return value.flatMap((item, index) => schemaFaults(schemas, schema.items, item, `${place}[${index}]`));
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return [`${place} is no object`];
      return Object.entries(value).flatMap(([name, member]) => {
        const described = schema.properties?.[name] ?? schema.additionalProperties;
        if (!described) return [`${place}.${name} is not described`];
        return schemaFaults(schemas, described, member, `${place}.${name}`);
      });
    }
    case 'integer':
      return Number.isInteger(value) ? [] : [`${place} is no integer`];
    case 'string':
    case 'boolean':
      if (typeof value !== schema.type) return [`${place} is no ${schema.type}`];
      return schema.enum && !schema.enum.includes(value) ? [`${place} is none of ${schema.enum}`] : [];
    default:
      throw new Error(`this validator does not know the type ${schema.type}`);
  }
}

function describedBy(): any {
  try {
    return JSON.parse(readFileSync(vendorPath(file), 'utf8'));
  } catch {
    return {};
  }
}
