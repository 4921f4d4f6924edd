import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { digestAuth, digestHeader, parseChallenges } from '../../src/atlas/auth/digest.ts';
import { Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { type Seen, serve, testClock } from '../transport/server.ts';

describe('RFC 7616 §3.9.1', () => {
  const header = [
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
  ];
  const request = {
    username: 'Mufasa',
    password: 'Circle of Life',
    method: 'GET',
    uri: '/dir/index.html',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    count: 1,
  };

  test.each([
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
  ] as const)('%s', (algorithm, response) => {
    const { challenge } = parseChallenges(header.find(each => each.includes(algorithm))!)!;
    expect(digestHeader(challenge, request)).toBe(
      `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="${response}", algorithm=${algorithm}, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, nc=00000001, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    );
  });

  test.each([
    header,
    header.toReversed(),
  ])('the strongest offer is answered, in whatever order', (...offers) => {
    expect(parseChallenges(offers.join(', '))?.challenge.algorithm).toBe('SHA-256');
  });
});

describe('a challenge', () => {
  test.each([
    [
      'as Atlas sends it',
      'Digest realm="MMS Public API", domain="", nonce="n/1", algorithm=MD5, qop="auth", stale=false',
      { realm: 'MMS Public API', nonce: 'n/1', algorithm: 'MD5' },
    ],
    ['without an algorithm', 'Digest realm="r", nonce="n", qop="auth"', { algorithm: 'MD5' }],
    [
      'in lower case, unquoted',
      'digest realm="r",nonce=n,qop=auth,algorithm=sha-256',
      { nonce: 'n', algorithm: 'SHA-256' },
    ],
    [
      'with escaped quotes',
      String.raw`Digest realm="a \"b\" \\c", nonce="n", qop="auth"`,
      { realm: String.raw`a "b" \c` },
    ],
    [
      'with a scheme inside quotes',
      'Digest realm="x, Digest realm=y, nonce=z", nonce="n", qop="auth"',
      { realm: 'x, Digest realm=y, nonce=z', nonce: 'n' },
    ],
    ['before another scheme', 'Digest realm="r", nonce="n", qop="auth", Basic realm="other"', { realm: 'r' }],
    [
      'after other schemes',
      'Basic realm="other", Negotiate abc==, Bearer, Digest realm="r", nonce="n", qop="auth"',
      { realm: 'r' },
    ],
    [
      'beside one that is unknown',
      'Digest realm="r", nonce="1", qop="auth", algorithm=SHA-512-256, Digest realm="r", nonce="2", qop="auth", algorithm=MD5',
      { nonce: '2' },
    ],
  ])('%s', (_, header, expected) => {
    expect(parseChallenges(header)?.challenge).toMatchObject(expected);
  });

  test.each([
    ['nothing', ''],
    ['another scheme', 'Basic realm="r", qop="auth", nonce="n"'],
    ['MD5-sess', 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess'],
    ['no qop', 'Digest realm="r", nonce="n"'],
    ['only auth-int', 'Digest realm="r", nonce="n", qop="auth-int"'],
    ['no nonce', 'Digest realm="r", qop="auth"'],
    ['an open quote', 'Digest realm="r'],
  ])('that cannot be answered: %s', (_, header) => {
    expect(parseChallenges(header)).toBeUndefined();
  });

  test.each([
    ['stale=true', true],
    ['stale="TRUE"', true],
    ['stale=false', false],
  ])('%s', (stale, expected) => {
    expect(parseChallenges(`Digest realm="r", nonce="n", qop="auth", ${stale}`)?.stale).toBe(expected);
  });
});

/** A server that knows one key, and refuses a count that it has seen. */
async function digestServer({ nonceFor }: { nonceFor: (challenge: number) => string }) {
  let challenges = 0;
  let valid = nonceFor(1);
  const used = new Set<string>();
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const right = ({ headers, method, url }: Seen): boolean | 'stale' => {
    const { authorization = '' } = headers;
    const at = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(authorization)?.[1] ?? '';
    const ha1 = md5('public:MMS Public API:private-key-1');
    const expected = md5(`${ha1}:${at('nonce')}:${at('nc')}:${at('cnonce')}:auth:${md5(`${method}:${url}`)}`);
    if (at('response') !== expected || at('uri') !== url) return false;
    if (at('nonce') !== valid) return 'stale';
    const key = `${at('nonce')} ${at('nc')}`;
    if (used.has(key)) return false;
    used.add(key);
    return true;
  };
  const server = await serve(request => {
    const answer = right(request);
    if (answer === true) return { body: '{}' };
    valid = nonceFor(++challenges);
    const header = `Digest realm="MMS Public API", domain="", nonce="${valid}", algorithm=MD5, qop="auth", stale=${answer === 'stale'}`;
    return { status: 401, headers: { 'www-authenticate': header } };
  });
  const auth = (privateKey = 'private-key-1') => {
    const clock = testClock();
    let cnonce = 0;
    return digestAuth(
      {
        clock,
        baseUrl: server.url,
        nonce: () => `c${++cnonce}`,
        transport: createTransport({ clock, random: () => 0, mode: 'read-only', maxRetries: 0 }),
      },
      { publicKey: 'public', privateKey: new Secret(privateKey, 'test') },
    );
  };
  const get = { method: 'GET', url: `${server.url}/a?b=1&c=%20d`, headers: {} };
  return { ...server, auth, get, expire: () => (valid = 'gone') };
}

describe('an API key', () => {
  test('takes two round trips once, and one from then on, counting up', async () => {
    const { auth, get, seen } = await digestServer({ nonceFor: n => `nonce${n}` });
    const key = auth();
    for (let n = 0; n < 3; n++) expect((await key.send(get)).status).toBe(200);
    expect(seen.map(({ headers }) => /nc=(\w+)/.exec(headers.authorization ?? '')?.[1])).toEqual([
      undefined,
      '00000001',
      '00000002',
      '00000003',
    ]);
  });

  test('answers a new challenge when the nonce is too old', async () => {
    const { auth, get, seen, expire } = await digestServer({ nonceFor: n => `nonce${n}` });
    const key = auth();
    await key.send(get);
    expire();
    expect((await key.send(get)).status).toBe(200);
    expect(seen).toHaveLength(4);
  });

  test('that is wrong is not tried again and again', async () => {
    const { auth, get, seen } = await digestServer({ nonceFor: n => `nonce${n}` });
    expect((await auth('another-key').send(get)).status).toBe(401);
    expect(seen).toHaveLength(2);
  });

  test.each([
    ['one nonce for all', () => 'same'],
    ['a nonce for each', (n: number) => `nonce${n}`],
  ])('works for requests at the same time, with %s', async (_, nonceFor) => {
    const { auth, get } = await digestServer({ nonceFor });
    const key = auth();
    if (nonceFor(1) !== nonceFor(2)) await key.send(get);
    const answers = await Promise.all(Array.from({ length: 8 }, () => key.send(get)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
  });
});
