/** Faults: each does what it says, to the requests that it names, and to no other. */
import { expect, test } from 'vitest';
import { type Fault, poisons, refusals } from '../../src/lab/index.ts';
import { accept, openLab, values } from './client.ts';

const path = '/api/atlas/v2/unauth/controlPlaneIPAddresses';
const headers = { accept: accept('2023-11-15') };
const rules = { ipRules: [{ value: '52.0.0.1/32' }] };

async function withFault(fault: Partial<Fault> & Pick<Fault, 'act'>) {
  const open = await openLab();
  open.lab.faults.add({ on: 'atlas', path: 'controlPlane', ...fault });
  return { ...open, get: () => open.plainAtlas(path, { headers }) };
}

test('a connection that is cut before: no answer, and nothing is written', async () => {
  const { get, lab, patchAcls, getVault } = await withFault({ act: { kind: 'cut-before' } });
  await expect(get()).rejects.toThrow();
  lab.faults.add({ on: 'azure', method: 'PATCH', act: { kind: 'cut-before' } });
  await expect(patchAcls(rules)).rejects.toThrow();
  expect(values(await getVault())).not.toContain('52.0.0.1/32');
});

test('a connection that is cut after: no answer, and the write has happened', async () => {
  const { lab, patchAcls, getVault } = await openLab();
  lab.faults.add({ on: 'azure', method: 'PATCH', act: { kind: 'cut-after' } });
  await expect(patchAcls(rules)).rejects.toThrow();
  expect(values(await getVault())).toEqual(['52.0.0.1/32']);
});

test('a body that breaks off does not pass for a whole one', async () => {
  const { get } = await withFault({ act: { kind: 'truncate' } });
  await expect(get()).rejects.toThrow();
});

test('an answer instead has no effect', async () => {
  const { lab, patchAcls, getVault } = await openLab();
  lab.faults.add({ on: 'azure', method: 'PATCH', act: refusals.armThrottled(7) });
  const { status, headers } = await patchAcls(rules);
  expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 429, retryAfter: '7' });
  expect(values(await getVault())).not.toContain('52.0.0.1/32');
});

test('latency delays, and the answer is the real one', async () => {
  const { get } = await withFault({ act: { kind: 'latency', ms: 50 } });
  const startedMs = performance.now();
  expect((await get()).status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(49);
});

test('so many times, after so many', async () => {
  const { get } = await withFault({ after: 1, times: 2, act: refusals.unavailable() });
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await get()).status);
  expect(statuses).toEqual([200, 503, 503, 200]);
});

test.each<readonly [string, Partial<Fault>]>([
  ['service', { on: 'azure' }],
  ['method', { method: 'POST' }],
  ['path', { path: 'groups' }],
])('a fault of another %s does not hit', async (_, fault) => {
  const { get } = await withFault({ act: refusals.unavailable(), ...fault });
  expect((await get()).status).toBe(200);
});

test('a fault can be taken back', async () => {
  const { plainAtlas, lab } = await openLab();
  const remove = lab.faults.add({ on: 'atlas', act: refusals.unavailable() });
  expect((await plainAtlas(path, { headers })).status).toBe(503);
  remove();
  expect((await plainAtlas(path, { headers })).status).toBe(200);
});

test('an edit changes the resource, not what refuses it', async () => {
  const edit = poisons.emptyCloud('gcp');
  const { get, plainAtlas } = await withFault({ path: 'IPAddresses', act: { kind: 'edit', edit } });
  expect((await get()).json.outbound.gcp).toEqual({});
  const refused = await plainAtlas(path);
  expect(refused.status).toBe(406);
  expect(refused.json).not.toHaveProperty('outbound');
});

test('a poison is in the answer alone: the model stays as it is', async () => {
  const { get, lab } = await withFault({
    times: 1,
    act: { kind: 'edit', edit: poisons.withAddress('0.0.0.0/0') },
  });
  expect((await get()).text).toContain('0.0.0.0/0');
  expect((await get()).text).not.toContain('0.0.0.0/0');
  expect(JSON.stringify(lab.atlas.controlPlane)).not.toContain('0.0.0.0/0');
});

const sizeOf = (outbound: Record<string, Record<string, string[]>>) =>
  Object.values(outbound).flatMap(regions => Object.values(regions).flat()).length;

test.each<readonly [string, (body: any) => unknown, (body: any, before: any) => void]>([
  ['no outbound', poisons.withoutOutbound, body => expect(Object.keys(body)).toEqual(['inbound'])],
  [
    'a cloud less',
    poisons.withoutCloud('azure'),
    body => expect(Object.keys(body.outbound).toSorted()).toEqual(['aws', 'gcp']),
  ],
  [
    'an empty region',
    poisons.emptyRegion('aws', 'us-east-1'),
    body => expect(body.outbound.aws['us-east-1']).toEqual([]),
  ],
  [
    'half the list',
    poisons.shrunken(0.5),
    (body, before) => {
      expect(sizeOf(body.outbound)).toBeLessThan(0.6 * sizeOf(before.outbound));
      expect(Object.keys(body.outbound.aws)).toEqual(Object.keys(before.outbound.aws));
    },
  ],
])('poison: %s', async (_, edit, check) => {
  const { plainAtlas, lab } = await openLab();
  const before = (await plainAtlas(path, { headers })).json;
  lab.faults.add({ on: 'atlas', act: { kind: 'edit', edit } });
  check((await plainAtlas(path, { headers })).json, before);
});

test('a maintenance page is no JSON, with status 200', async () => {
  const { get } = await withFault({ act: poisons.maintenancePage });
  const { status, headers, text } = await get();
  expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'text/html' });
  expect(() => JSON.parse(text)).toThrow();
});

test.each([
  ['versionGone', refusals.versionGone(), 410, 'VERSION_GONE'],
  ['notOnAccessList', refusals.notOnAccessList('44.1.1.1'), 403, 'IP_ADDRESS_NOT_ON_ACCESS_LIST'],
  ['forbidden', refusals.forbidden(), 403, 'USER_UNAUTHORIZED'],
  ['atlasRateLimited', refusals.atlasRateLimited(3), 429, 'RATE_LIMITED_TOKEN_BUCKET'],
  ['atlasUnexpected', refusals.atlasUnexpected(), 500, 'UNEXPECTED_ERROR'],
])('refusal: %s', async (_, act, status, code) => {
  const { get } = await withFault({ act });
  const answer = await get();
  expect(answer.status).toBe(status);
  expect(answer.headers['x-error-code']).toBe(code);
  expect(answer.json).toMatchObject({ error: status, errorCode: code });
});

test('every request is noted, and those that a fault hit', async () => {
  const { get, lab } = await withFault({ times: 1, act: refusals.unavailable() });
  lab.requests.length = 0;
  await get();
  await get();
  expect(lab.requests.map(({ service, method, path, status }) => [service, method, path, status])).toEqual([
    ['atlas', 'GET', path, 503],
    ['atlas', 'GET', path, 200],
  ]);
});
