import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { rememberSecret } from '../../src/secret.ts';
import { heartbeatMs } from '../../src/server/events.ts';
import { openApi } from '../../src/server/openapi.ts';
import { routes } from '../../src/server/routes.ts';
import { nowMs } from '../notify/fixtures.ts';
import { gateStatus, missing, watchStatus } from '../notify/status.ts';
import { anyPlans } from '../plan/render/arbitrary-plan.ts';
import { bearer, open, tokens } from './fixtures.ts';

const full = watchStatus({
  gates: [
    gateStatus({
      coverage: 'locked-out',
      missing,
      findings: [
        { id: 'fight', severity: 'error', message: 'Someone keeps undoing it.', remedy: 'See Terraform.' },
      ],
      guards: [{ guard: 'policy', blocks: 'write', message: 'observe', remedy: 'sync' }],
      pendingRemovals: [{ cidr: missing[0]!, absentSinceMs: nowMs, closesAtMs: nowMs, because: 'in grace' }],
      lastRun: {
        runId: 'r1',
        gate: 'production',
        gateId: 'azure-key-vault:/vault',
        status: 'failed',
        message: 'The vault cannot be read.',
        writes: [{ kind: 'add', adds: missing, removes: [] }],
        coverage: 'locked-out',
        missing,
        startedAtMs: nowMs,
        endedAtMs: nowMs,
      },
      backOff: { untilMs: nowMs, isLasting: false, because: '503' },
    }),
  ],
  rateLimits: [
    { endpoint: '/api/atlas/v2/groups/{id}/events', scope: 'x', limit: 300, remaining: 7, atMs: nowMs },
  ],
});

test('no answer has a secret in it, also not one that looks otherwise once it is quoted', async () => {
  const { app, world } = await open();
  const secret = 'pass"word\\of\nthe-vault';
  rememberSecret(secret);
  const because = `The vault said: ${secret}!`;
  world.status = watchStatus({
    gates: [gateStatus({ backOff: { untilMs: nowMs, isLasting: false, because } })],
  });
  world.approve = async () => {
    throw new RangeError(because);
  };
  const status = await app.inject({ url: '/api/v1/status' });
  expect(status.headers['content-type']).toContain('application/json');
  expect(status.json().gates[0].backOff.because).toBe('The vault said: [redacted]!');
  const refused = await app.inject({
    method: 'POST',
    url: '/api/v1/gates/production/approve',
    headers: bearer(tokens.all),
    payload: { reason: 'CHG-7', checksum: 'a'.repeat(12) },
  });
  expect(refused.json().error).toMatchObject({
    code: 'nothing-to-approve',
    message: 'The vault said: [redacted]!',
  });
});

describe('every route answers what its schema says', () => {
  test.each([
    '/api/v1/status',
    '/api/v1/feeds',
    '/api/v1/gates',
    '/api/v1/gates/production',
    '/api/v1/alerts',
  ])('%s', async path => {
    const { app, world } = await open();
    world.status = full;
    const answer = await app.inject({ url: path });
    expect(answer.statusCode).toBe(200);
    const { answer: schema } = routes.find(
      route => route.path.replace(':gate', 'production') === path && route.method === 'GET',
    )!;
    // Strict: what the schema does not name would be missing from the description.
    expect(schema.parse(answer.json())).toEqual(answer.json());
  });

  test('a plan', async () => {
    const { app, world } = await open();
    world.plan = fc.sample(anyPlans, { numRuns: 20, seed: 7 }).flat()[0]!;
    const answer = await app.inject({ url: '/api/v1/gates/production/plan' });
    expect(answer.json()).toEqual(JSON.parse(JSON.stringify(world.plan)));
  });

  test('without a plan yet: 404', async () => {
    const { app } = await open();
    expect((await app.inject({ url: '/api/v1/gates/production/plan' })).statusCode).toBe(404);
  });
});

test('a gate that is not there, in any spelling: 404, and its name is quoted', async () => {
  const { app } = await open();
  const answer = await app.inject({ url: '/api/v1/gates/%3Cscript%3E' });
  expect(answer.statusCode).toBe(404);
  expect(answer.headers['content-type']).toContain('application/json');
});

test.each([
  ['/api/v1/writes?limit=0', 400],
  ['/api/v1/writes?limit=many', 400],
  ['/api/v1/writes?limit=5000', 400],
  ['/api/v1/feeds/..%2f..%2fetc/addresses', 400],
  ['/api/v2/status', 404],
  [`/api/v1/gates/${'x'.repeat(101)}`, 414],
])('%s: %i', async (url, status) => {
  const { app, faults } = await open();
  const answer = await app.inject({ url });
  expect([answer.statusCode, faults]).toEqual([status, []]);
  expect(answer.json().error.message).toBeTruthy();
});

test('without a journal its readers say so, and the rest works', async () => {
  const { app } = await open();
  const answer = await app.inject({ url: '/api/v1/writes' });
  expect(answer.statusCode).toBe(503);
  expect(answer.json().error).toMatchObject({ code: 'journal-unavailable' });
  expect((await app.inject({ url: '/api/v1/gates' })).statusCode).toBe(200);
});

test('what was not foreseen says nothing to the caller, and everything to the log', async () => {
  const { app, world, faults } = await open();
  world.journal = {
    writes: async () => {
      throw new Error('password=hunter2');
    },
  } as unknown as Journal;
  const answer = await app.inject({ url: '/api/v1/writes' });
  expect(answer.statusCode).toBe(500);
  expect(answer.body).not.toContain('hunter2');
  expect(faults).toHaveLength(1);
});

describe('sync and approve', () => {
  const headers = bearer(tokens.all);

  test('sync: one gate, or all', async () => {
    const { app, synced } = await open();
    for (const payload of [{}, { gate: 'production' }]) {
      expect((await app.inject({ method: 'POST', url: '/api/v1/sync', payload, headers })).statusCode).toBe(
        202,
      );
    }
    const unknown = await app.inject({
      method: 'POST',
      url: '/api/v1/sync',
      payload: { gate: 'x' },
      headers,
    });
    const odd = await app.inject({ method: 'POST', url: '/api/v1/sync', payload: { gates: 'x' }, headers });
    expect([unknown.statusCode, odd.statusCode]).toEqual([404, 400]);
    expect(synced).toEqual([undefined, 'production']);
  });

  const approve = { method: 'POST', url: '/api/v1/gates/production/approve', headers } as const;

  test('approve: exactly the plan that was looked at, in the name of the token', async () => {
    const { app, approvals } = await open();
    const payload = { reason: 'MongoDB support confirmed it.', checksum: 'a'.repeat(12) };
    expect((await app.inject({ ...approve, payload })).statusCode).toBe(200);
    expect(approvals).toEqual([
      { gate: 'production', approving: { by: 'all (token)', reason: 'MongoDB support confirmed it.' } },
    ]);
  });

  test.each([
    ['another plan', { reason: 'r', checksum: 'b'.repeat(64) }, 409],
    ['no reason', { reason: '  ', checksum: 'a'.repeat(64) }, 400],
    ['a checksum that is too short to mean one plan', { reason: 'r', checksum: 'a' }, 400],
    ['no checksum', { reason: 'r' }, 400],
  ])('refused: %s', async (_, payload, status) => {
    const { app, approvals } = await open();
    expect((await app.inject({ ...approve, payload })).statusCode).toBe(status);
    expect(approvals).toEqual([]);
  });

  test('nothing to approve: 409', async () => {
    const { app, world } = await open();
    world.approve = async () => {
      throw new RangeError('There is nothing to approve.');
    };
    const payload = { reason: 'r', checksum: 'a'.repeat(64) };
    expect((await app.inject({ ...approve, payload })).statusCode).toBe(409);
  });
});

test('health and readiness follow the daemon', async () => {
  const { app, world } = await open({ anonymousRead: false });
  const both = async () => [
    (await app.inject({ url: '/healthz' })).statusCode,
    (await app.inject({ url: '/readyz' })).statusCode,
  ];
  expect(await both()).toEqual([200, 200]);
  world.status = watchStatus({ state: 'starting' });
  world.nowMs += 1_000;
  expect(await both()).toEqual([200, 503]);
  world.status = watchStatus({ state: 'stopped' });
  // Set back, as by a time server.
  world.nowMs -= 3_600_000;
  expect(await both()).toEqual([503, 503]);
});

test.each([
  ['who is answered', { url: '/api/v1/gates' }, 200],
  ['who guesses tokens', { method: 'POST', url: '/api/v1/sync', headers: bearer('wrong') }, 401],
  ['who calls by another name', { url: '/api/v1/status', headers: { host: 'attacker.example' } }, 421],
  ['who looks for what is not there', { url: '/admin' }, 404],
] as const)('one caller cannot ask without end: %s', async (_, request, status) => {
  const { app } = await open();
  const codes: number[] = [];
  for (let count = 0; count < 605; count++) codes.push((await app.inject({ ...request })).statusCode);
  expect(codes).toEqual([...Array(600).fill(status), ...Array(5).fill(429)]);
  const refused = await app.inject({ url: '/api/v1/gates' });
  expect([refused.statusCode, refused.headers['x-content-type-options']]).toEqual([429, 'nosniff']);
});

test("Atlas's webhook has a lower limit, and those who are refused count", async () => {
  const { app } = await open();
  const alert = { method: 'POST', url: '/hooks/atlas', payload: '{}' } as const;
  const codes: number[] = [];
  for (let count = 0; count < 65; count++) codes.push((await app.inject({ ...alert })).statusCode);
  expect(codes).toEqual([...Array(60).fill(401), ...Array(5).fill(429)]);
  expect((await app.inject({ url: '/api/v1/gates' })).statusCode).toBe(200);
});

test('nobody can have the daemon killed by asking much: its health is told for ever, and put together once a second', async () => {
  const { app, watch } = await open();
  for (let count = 0; count < 605; count++) await app.inject({ url: '/api/v1/gates' });
  const status = vi.spyOn(watch, 'status');
  const codes = new Set<number>();
  for (let count = 0; count < 605; count++) {
    for (const url of ['/healthz', '/readyz']) codes.add((await app.inject({ url })).statusCode);
  }
  expect([...codes]).toEqual([200]);
  expect(status).toHaveBeenCalledTimes(1);
});

test('events come as they happen; who comes back gets what was missed', async () => {
  const { app, emit, listeners } = await open();
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  emit({ kind: 'ping-failed', sequence: 1, atMs: nowMs, severity: 'warning', because: 'old' });
  emit({ kind: 'ping-failed', sequence: 2, atMs: nowMs, severity: 'warning', because: 'missed' });
  const response = await fetch(`${url}/api/v1/events`, { headers: { 'last-event-id': '1' } });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (part: string) => {
    while (!text.includes(part)) text += (await reader.read()).value ?? '';
  };
  await until('missed');
  emit({ kind: 'ping-failed', sequence: 3, atMs: nowMs, severity: 'warning', because: 'new' });
  await until('"new"');
  expect(text).not.toContain('"old"');
  expect(text).toContain('id: 3\nevent: ping-failed\ndata: {');
  // Else a stream on which nothing happens would be cut.
  expect(app.server.timeout).toBeGreaterThan(2 * heartbeatMs);
  await app.close();
  expect(listeners.size).toBe(0);
  await reader.closed.catch(() => {});
});

test('the description names every route, and is what is served', async () => {
  const { app } = await open();
  const description = (await app.inject({ url: '/openapi.json' })).json();
  expect(description).toEqual(JSON.parse(JSON.stringify(openApi('1.2.3'))));
  const named = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map(method => `${method.toUpperCase()} ${path}`),
  );
  expect(named).toEqual(routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`));
});
