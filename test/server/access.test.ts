import { describe, expect, test } from 'vitest';
import { accessOf, hashToken, isExpectedHost, makeToken } from '../../src/server/access.ts';
import { bearer, open, serverConfig, tokens } from './fixtures.ts';

test('a token is 256 random bits, and its hash does not hold it', () => {
  const [a, b] = [makeToken(), makeToken()];
  expect(a.token).toMatch(/^postern_[\w-]{43}$/);
  expect(a.token).not.toBe(b.token);
  expect(a.hash).toBe(hashToken(a.token));
  expect(a.hash).not.toContain(a.token);
});

describe('who may what', () => {
  const none = undefined;
  const wrong = 'Bearer postern_wrong';
  const closed = { ...serverConfig, anonymousRead: false };
  test.each([
    ['reading, without a token', serverConfig, 'read', none, true],
    ['reading, with a wrong token', serverConfig, 'read', wrong, 401],
    ['reading where it needs a token', closed, 'read', none, 401],
    ['reading where it needs a token, with one', closed, 'read', `Bearer ${tokens.readOnly}`, true],
    [
      'reading where it needs a token, with one for another thing',
      closed,
      'read',
      `Bearer ${tokens.syncOnly}`,
      403,
    ],
    ['health, whatever the config', closed, 'public', none, true],
    ['a sync, without a token', serverConfig, 'sync', none, 401],
    ['a sync, with a wrong token', serverConfig, 'sync', wrong, 401],
    ['a sync, with a token to read', serverConfig, 'sync', `Bearer ${tokens.readOnly}`, 403],
    ['a sync, with its token', serverConfig, 'sync', `Bearer ${tokens.syncOnly}`, true],
    ['an approval, with a token to sync', serverConfig, 'approve', `Bearer ${tokens.syncOnly}`, 403],
    ['an approval, with its token', serverConfig, 'approve', `bearer ${tokens.all}`, true],
    ['a hash given for the token', serverConfig, 'sync', `Bearer ${hashToken(tokens.all)}`, 401],
    ['another scheme', serverConfig, 'sync', `Basic ${tokens.all}`, 401],
  ] as const)('%s', (_, config, right, authorization, expected) => {
    const access = accessOf(config, right, authorization);
    expect(access.granted || access.status).toBe(expected);
  });
});

test.each([
  ['127.0.0.1:8930', true],
  ['[::1]:8930', true],
  ['10.0.0.7', true],
  ['localhost:8930', true],
  ['postern.example.com', true],
  ['POSTERN.example.com:443', true],
  ['attacker.example', false],
  ['localhost.attacker.example', false],
  ['', false],
  [undefined, false],
])('called by %s: %s', (host, expected) => {
  expect(isExpectedHost(serverConfig, host)).toBe(expected);
});

test('a page that leads its own name here reads nothing', async () => {
  const { app } = await open();
  const answer = await app.inject({ url: '/api/v1/status', headers: { host: 'attacker.example' } });
  expect(answer.statusCode).toBe(421);
  expect(answer.body).not.toContain('control-plane');
});

test('what acts does nothing without the right token', async () => {
  const { app, synced, approvals } = await open();
  const payload = { reason: 'looked at it', checksum: 'a'.repeat(64) };
  const refused = [
    await app.inject({ method: 'POST', url: '/api/v1/sync', payload: {} }),
    await app.inject({ method: 'POST', url: '/api/v1/sync', payload: {}, headers: bearer(tokens.readOnly) }),
    await app.inject({
      method: 'POST',
      url: '/api/v1/gates/production/approve',
      payload,
      headers: bearer(tokens.syncOnly),
    }),
  ];
  expect(refused.map(({ statusCode }) => statusCode)).toEqual([401, 403, 403]);
  expect(refused[0]!.headers['www-authenticate']).toContain('Bearer');
  expect([synced, approvals]).toEqual([[], []]);
});
