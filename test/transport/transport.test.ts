import { createServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { createTransport, type TransportOptions } from '../../src/transport/index.ts';
import { deadUrl, serve, serveBytes, testClock } from './server.ts';

function build(options: Partial<TransportOptions> = {}) {
  const clock = testClock();
  const transport = createTransport({ clock, random: () => 0.5, mode: 'read-write', ...options });
  return { clock, transport };
}

const text = (body: Uint8Array) => Buffer.from(body).toString('utf8');
const get = (url: string) => ({ method: 'GET', url, headers: {} });
const patch = (url: string) => ({ method: 'PATCH', url, headers: {}, body: '{}' });

describe('an answer', () => {
  test('is given whole, with status, headers and body', async () => {
    const { url } = await serve(() => ({ status: 201, headers: { 'X-A': 'b' }, body: 'hällo' }));
    const { transport } = build();
    const answer = await transport.send(get(url));
    expect(answer.status).toBe(201);
    expect(answer.headers['x-a']).toBe('b');
    expect(text(answer.body)).toBe('hällo');
    expect(transport.usage()).toEqual({ requests: 1, retries: 0, bytesReceived: 6 });
  });

  test('that redirects is not followed, so that no credential goes elsewhere', async () => {
    const other = await serve(() => ({}));
    const { url } = await serve(() => ({ status: 302, headers: { location: other.url } }));
    const { transport } = build();
    const answer = await transport.send({ ...get(url), headers: { authorization: 'Bearer x' } });
    expect(answer).toMatchObject({ status: 302, headers: { location: other.url } });
    expect(other.seen).toEqual([]);
  });

  test('that is compressed is unpacked, and its announced length is not compared', async () => {
    const packed = gzipSync('x'.repeat(1_000));
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
      return undefined;
    });
    expect((await build().transport.send(get(url))).body).toHaveLength(1_000);
  });

  test('that is shorter than announced is refused, also by a fetch that does not count', async () => {
    // Node.js counts too; this is the second lock on the door, and only a fetch of other manners shows it.
    vi.stubGlobal('fetch', async () => new Response('{"a":', { headers: { 'content-length': '100' } }));
    onTestFinished(() => void vi.unstubAllGlobals());
    const { transport } = build({ maxRetries: 0 });
    await expect(transport.send(get('https://atlas.example'))).rejects.toThrow(
      /cut off: 5 of 100 bytes came/,
    );
  });

  test('to a HEAD announces a body that never comes', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).end();
      return undefined;
    });
    const answer = await build().transport.send({ ...get(url), method: 'HEAD' });
    expect(answer.body).toHaveLength(0);
  });
});

describe('no whole answer', () => {
  test.each([
    ['a reset before the answer', '', 'reset', 'network'],
    ['a connection that ends before the answer', '', 'end', 'network'],
    ['no HTTP', 'GARBAGE\r\n\r\n', 'end', 'network'],
    ['half a body, then a reset', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc', 'reset', 'truncated'],
    [
      'a body shorter than announced',
      'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc',
      'end',
      'truncated',
    ],
    [
      'chunks without their end',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
      'end',
      'truncated',
    ],
  ] as const)('%s', async (_, bytes, ending, kind) => {
    const server = await serveBytes(bytes, ending);
    const { transport, clock } = build({ maxRetries: 2 });
    await expect(transport.send(get(server.url))).rejects.toMatchObject({
      kind,
      mayHaveBeenSent: true,
      remedy: expect.stringContaining('proxy'),
    });
    expect(server.connections()).toBe(3);
    expect(clock.slept).toHaveLength(2);
    expect(transport.usage()).toMatchObject({ requests: 3, retries: 2 });
  });

  test.each([
    ['a reset', '', 'reset', 'network'],
    ['a cut answer', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc', 'end', 'truncated'],
  ] as const)('of a write, %s: it is not sent twice, and may have been carried out', async (_, bytes, ending, kind) => {
    const server = await serveBytes(bytes, ending);
    const { transport } = build();
    await expect(transport.send(patch(server.url))).rejects.toMatchObject({ kind, mayHaveBeenSent: true });
    expect(server.connections()).toBe(1);
  });

  test('because nobody listens: certainly not sent, so a write may be tried again', async () => {
    const { transport, clock } = build({ maxRetries: 3 });
    await expect(transport.send(patch(await deadUrl()))).rejects.toMatchObject({
      kind: 'network',
      mayHaveBeenSent: false,
      message: expect.stringContaining('ECONNREFUSED'),
      remedy: expect.stringContaining('HTTPS_PROXY'),
    });
    expect(clock.slept).toHaveLength(3);
  });

  test('because the host has no address', async () => {
    const { transport } = build({ maxRetries: 0 });
    await expect(transport.send(patch('https://postern.invalid/'))).rejects.toMatchObject({
      kind: 'network',
      mayHaveBeenSent: false,
      remedy: expect.stringContaining('DNS'),
    });
  });

  test('because it is too large: the rest is not read, and it is not asked for again', async () => {
    const { url, seen } = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
        if (!response.destroyed) response.once('drain', more);
      };
      response.on('error', () => {});
      more();
      return undefined;
    });
    const { transport } = build({ maxBodyBytes: 100_000 });
    await expect(transport.send(get(url))).rejects.toMatchObject({ kind: 'too-large' });
    expect(seen).toHaveLength(1);
    expect(transport.usage().bytesReceived).toBeLessThan(1_000_000);
  });

  test('a small body that unpacks to a large one is too large', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000)));
      return undefined;
    });
    await expect(build({ maxBodyBytes: 100_000 }).transport.send(get(url))).rejects.toMatchObject({
      kind: 'too-large',
    });
  });

  test('because the certificate is not trusted: told how to trust it, and not tried again', async () => {
    const { generate } = await import('selfsigned');
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
    const server = createServer({ key, cert }, (_, response) => response.end());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { transport, clock } = build();
    await expect(transport.send(patch(`https://127.0.0.1:${port}/`))).rejects.toMatchObject({
      kind: 'network',
      mayHaveBeenSent: false,
      isLasting: true,
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
    expect(clock.slept).toEqual([]);
    await new Promise(resolve => server.close(resolve));
  });
});

describe('a time limit', () => {
  /** The limit is over as soon as the server has the request: nothing waits on the wall clock. */
  function limited(options: Partial<TransportOptions> = {}) {
    const limits: { ms: number; controller: AbortController }[] = [];
    const timeoutSignal = (ms: number) => {
      const controller = new AbortController();
      limits.push({ ms, controller });
      return controller.signal;
    };
    const expire = () => limits.at(-1)!.controller.abort(new DOMException('over', 'TimeoutError'));
    return { ...build({ ...options, timeoutSignal }), limits, expire };
  }

  test.each([
    ['headers', () => {}],
    ['a body', (response: { write(text: string): void }) => response.write('half')],
  ])('ends the wait for %s, and a read is tried again', async (_, begin) => {
    const { transport, clock, expire, limits } = limited({ maxRetries: 1, tryTimeoutMs: 5_000 });
    const { url, seen } = await serve((_request, response) => {
      begin(response);
      setImmediate(expire);
      return undefined;
    });
    await expect(transport.send(get(url))).rejects.toMatchObject({
      kind: 'timeout',
      mayHaveBeenSent: true,
      message: `GET ${url}/: no answer within 5 s.`,
    });
    expect(seen).toHaveLength(2);
    expect(clock.slept).toHaveLength(1);
    expect(limits.map(({ ms }) => ms)).toEqual([5_000, 5_000]);
  });

  test('on a write is never followed by another try: it may have been carried out', async () => {
    const { transport, expire } = limited();
    const { url, seen } = await serve(() => {
      setImmediate(expire);
      return undefined;
    });
    await expect(transport.send(patch(url))).rejects.toMatchObject({
      kind: 'timeout',
      mayHaveBeenSent: true,
    });
    expect(seen).toHaveLength(1);
  });

  test('over all tries: the last answer is given when no more time is left', async () => {
    const { transport, clock } = build({ totalTimeoutMs: 10_000, maxRetries: 100 });
    const { url, seen } = await serve(() => ({
      status: 503,
      headers: { 'content-type': 'text/html' },
      body: '<h1>',
    }));
    const startMs = clock.now();
    const answer = await transport.send(get(url));
    expect(answer.status).toBe(503);
    expect(text(answer.body)).toBe('<h1>');
    expect(clock.now() - startMs).toBeLessThanOrEqual(10_000);
    expect(seen.length).toBeGreaterThan(2);
  });

  test('of a fraction of a millisecond, or of months, is one that Node.js can keep', async () => {
    const { url } = await serve(() => ({ body: 'ok' }));
    for (const tryTimeoutMs of [1_234.56, 1e12]) {
      const { transport } = build({ tryTimeoutMs, totalTimeoutMs: 1e13 });
      expect((await transport.send(get(url))).status).toBe(200);
    }
  });
});

describe('trying again', () => {
  test('succeeds after passing faults, and tells of each', async () => {
    const told: string[] = [];
    const { transport, clock } = build({ onRetry: ({ because }) => told.push(because) });
    const { url } = await serve((_, _response, count) => (count < 3 ? { status: 502 } : { body: 'ok' }));
    expect(text((await transport.send(get(url))).body)).toBe('ok');
    expect(told).toEqual(['status 502', 'status 502']);
    expect(clock.slept).toEqual([375, 750]);
    expect(transport.usage()).toMatchObject({ requests: 3, retries: 2 });
  });

  test.each([
    ['seconds', '7'],
    ['a date', new Date(Date.UTC(2026, 0, 1) + 7_000).toUTCString()],
  ])('waits as long as Retry-After says in %s', async (_, value) => {
    const { transport, clock } = build();
    const { url } = await serve((_request, _response, count) =>
      count === 1 ? { status: 429, headers: { 'retry-after': value } } : {},
    );
    expect((await transport.send(patch(url))).status).toBe(200);
    expect(clock.slept).toEqual([7_500]);
  });

  test('gives the 429 itself when it is to wait too long', async () => {
    const { transport, clock } = build();
    const { url } = await serve(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    expect((await transport.send(get(url))).status).toBe(429);
    expect(clock.slept).toEqual([]);
  });

  test('does not happen where the caller retries', async () => {
    const { transport } = build();
    const { url, seen } = await serve(() => ({ status: 503 }));
    await transport.send({ ...get(url), maxRetries: 0 });
    expect(seen).toHaveLength(1);
  });

  test('ends when the caller gives up', async () => {
    const controller = new AbortController();
    const { transport } = build({ onRetry: () => controller.abort(new Error('enough')) });
    const { url, seen } = await serve(() => ({ status: 503 }));
    await expect(transport.send({ ...get(url), signal: controller.signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
  });
});

describe('an error says no secret', () => {
  test.each([
    ['a header with a line break', 'https://a.example/', { authorization: 'Bearer hunter2-hunter2\nx' }],
    ['a user and password in the URL', 'https://user:hunter2-hunter2@a.example/', {}],
    ['a query', 'http://[bad?sig=hunter2-hunter2', {}],
  ])('%s', async (_, url, headers) => {
    const { transport, clock } = build();
    const error = await transport.send({ method: 'GET', url, headers: headers as any }).catch(error => error);
    expect(error).toMatchObject({ name: 'TransportError', kind: 'network', mayHaveBeenSent: false });
    for (let each = error; each instanceof Error; each = each.cause as Error) {
      expect(`${each.message} ${each.stack} ${(each as any).url}`).not.toContain('hunter2');
    }
    expect(clock.slept).toEqual([]);
  });

  test('a secret in the path', async () => {
    const secret = new Secret('path-secret-value', 'test');
    const error = await build({ maxRetries: 0 })
      .transport.send(get(`${await deadUrl()}/${secret.reveal()}`))
      .catch(error => error);
    expect(error.message).toContain('[redacted]');
    expect(error.message).not.toContain(secret.reveal());
  });
});
