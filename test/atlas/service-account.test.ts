import { describe, expect, test } from 'vitest';
import { serviceAccountAuth } from '../../src/atlas/auth/service-account.ts';
import { redactSecrets, Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { serve, type TestAnswer, testClock } from '../transport/server.ts';

/** A server that gives numbered tokens, and takes those that it has not revoked. */
async function tokenServer(tokenAnswer?: (count: number) => TestAnswer) {
  let issued = 0;
  const revoked = new Set<string>();
  const { url, seen } = await serve(request => {
    if (request.url === '/api/oauth/token') {
      issued++;
      return (
        tokenAnswer?.(issued) ?? {
          body: JSON.stringify({ access_token: `token-${issued}`, expires_in: 3_600 }),
        }
      );
    }
    return revoked.has(request.headers.authorization ?? '') ? { status: 401 } : { body: '{}' };
  });
  const clock = testClock();
  const auth = serviceAccountAuth(
    {
      clock,
      baseUrl: url,
      nonce: () => '',
      transport: createTransport({ clock, random: () => 0, mode: 'read-only', maxRetries: 0 }),
    },
    { clientId: 'mdb_sa_id_1', clientSecret: new Secret('mdb_sa_sk_secret', 'test') },
  );
  const get = { method: 'GET', url: `${url}/x`, headers: { accept: 'a' } };
  const tokenRequests = () => seen.filter(({ url }) => url === '/api/oauth/token');
  return { auth, clock, get, seen, tokenRequests, revoke: (n: number) => revoked.add(`Bearer token-${n}`) };
}

describe('a service account', () => {
  test('asks for a token as Atlas documents it, and uses it as a bearer', async () => {
    const { auth, get, seen } = await tokenServer();
    expect((await auth.send(get)).status).toBe(200);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/api/oauth/token',
      body: 'grant_type=client_credentials',
      headers: {
        authorization: `Basic ${Buffer.from('mdb_sa_id_1:mdb_sa_sk_secret').toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
    });
    expect(seen[1]).toMatchObject({
      method: 'GET',
      headers: { authorization: 'Bearer token-1', accept: 'a' },
    });
  });

  test('keeps the token until a minute before its end', async () => {
    const { auth, get, clock, tokenRequests } = await tokenServer();
    await auth.send(get);
    clock.advance(3_600_000 - 60_001);
    await auth.send(get);
    expect(tokenRequests()).toHaveLength(1);
    clock.advance(1);
    await auth.send(get);
    expect(tokenRequests()).toHaveLength(2);
  });

  test('fetches one token for many requests at once, and one more when all are refused', async () => {
    const { auth, get, tokenRequests, revoke } = await tokenServer();
    await Promise.all(Array.from({ length: 10 }, () => auth.send(get)));
    expect(tokenRequests()).toHaveLength(1);
    revoke(1);
    const answers = await Promise.all(Array.from({ length: 10 }, () => auth.send(get)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(tokenRequests()).toHaveLength(2);
  });

  test('that is refused with a fresh token is given the refusal, after one renewal', async () => {
    const { auth, get, seen, revoke } = await tokenServer();
    for (const n of [1, 2, 3]) revoke(n);
    expect((await auth.send(get)).status).toBe(401);
    expect(seen).toHaveLength(4);
  });

  test('tries anew after a token could not be had', async () => {
    const { auth, get } = await tokenServer(count =>
      count === 1 ? { status: 500 } : { body: '{"access_token":"token-9","expires_in":3600}' },
    );
    await expect(auth.send(get)).rejects.toMatchObject({ name: 'AtlasError', status: 500 });
    expect((await auth.send(get)).status).toBe(200);
  });

  test('whose secret has expired is told so, by the words of the token endpoint', async () => {
    const { auth, get } = await tokenServer(() => ({
      status: 401,
      body: '{"error":"invalid_client","error_description":"Client authentication failed"}',
    }));
    await expect(auth.send(get)).rejects.toMatchObject({
      status: 401,
      message: expect.stringMatching(
        /^POST .*\/api\/oauth\/token: Atlas answered 401\. Client authentication failed/,
      ),
      remedy: expect.stringContaining('expired'),
    });
  });

  test.each([
    '',
    '<html>',
    'null',
    '[]',
    '{}',
    '{"access_token":"","expires_in":1}',
    '{"access_token":1,"expires_in":1}',
    '{"access_token":"x"}',
    '{"access_token":"x","expires_in":-1}',
  ])('an answer that holds no token: %s', async body => {
    const { auth, get, seen } = await tokenServer(() => ({ body }));
    await expect(auth.send(get)).rejects.toMatchObject({
      name: 'AtlasError',
      message: expect.stringContaining('no token'),
    });
    expect(seen).toHaveLength(1);
  });

  test('has its secret, its Basic header and its tokens hidden in every output', async () => {
    const { auth, get } = await tokenServer();
    await auth.send(get);
    const basic = Buffer.from('mdb_sa_id_1:mdb_sa_sk_secret').toString('base64');
    expect(redactSecrets(`a mdb_sa_sk_secret b ${basic} c token-1`)).toBe(
      'a [redacted] b [redacted] c [redacted]',
    );
  });
});
