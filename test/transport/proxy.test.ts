import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTransport, useProxyFromEnvironment } from '../../src/transport/index.ts';
import { serve, testClock } from './server.ts';

/** What the proxy was asked to connect to, and with which credentials. */
const tunnels: { readonly target: string; readonly authorization: string | undefined }[] = [];
let refusal: number | undefined;
const proxy = http.createServer();
proxy.on('connect', (request, socket: net.Socket, head) => {
  tunnels.push({ target: request.url!, authorization: request.headers['proxy-authorization'] });
  if (refusal !== undefined) {
    socket.end(`HTTP/1.1 ${refusal} No\r\n\r\n`);
    return;
  }
  // Every name leads to this machine: what the target is called is the proxy's business.
  const upstream = net.connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    upstream.write(head);
    upstream.pipe(socket).pipe(upstream);
  });
  upstream.on('error', () => socket.destroy());
  socket.on('error', () => upstream.destroy());
});
beforeAll(() => new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve)));
afterAll(() => proxy.closeAllConnections());
const proxyUrl = () => `http://user:proxy-password@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
const transport = () =>
  createTransport({ clock: testClock(), random: () => 0, mode: 'read-only', maxRetries: 0 });

test('without a proxy in the environment, nothing changes', async () => {
  const { url } = await serve(() => ({ body: 'ok' }));
  expect(useProxyFromEnvironment({ NO_PROXY: 'x', PATH: '/bin' })).toBeUndefined();
  expect((await transport().send({ method: 'GET', url, headers: {} })).status).toBe(200);
  expect(tunnels).toEqual([]);
});

test.each([
  'proxy.example.com:8080',
  'http://user:hunter2-hunter2@[bad',
  'nonsense',
])('a value that is no URL gives a warning that does not quote it: %s', value => {
  const warning = useProxyFromEnvironment({ HTTPS_PROXY: value });
  expect(warning).toMatch(/^HTTPS_PROXY is set, and its value is no URL/);
  expect(warning).not.toContain('hunter2');
});

test.each([
  ['HTTP_PROXY', 'NO_PROXY'],
  ['http_proxy', 'no_proxy'],
])('%s is used, with its user and password, and %s is left out', async (name, except) => {
  tunnels.length = 0;
  const { url, seen } = await serve(() => ({ body: 'ok' }));
  const port = new URL(url).port;
  const env = { [name]: proxyUrl(), [except]: 'direct.localhost' };
  expect(useProxyFromEnvironment(env)).toBeUndefined();
  // Only the proxy knows where this name leads.
  const answer = await transport().send({
    method: 'GET',
    url: `http://atlas.invalid:${port}/x`,
    headers: {},
  });
  expect(Buffer.from(answer.body).toString()).toBe('ok');
  expect(seen[0]).toMatchObject({ url: '/x', headers: { host: `atlas.invalid:${port}` } });
  expect(tunnels).toEqual([
    {
      target: `atlas.invalid:${port}`,
      authorization: `Basic ${Buffer.from('user:proxy-password').toString('base64')}`,
    },
  ]);
  await transport()
    .send({ method: 'GET', url: `http://direct.localhost:${port}/`, headers: {} })
    .catch(() => {});
  expect(tunnels).toHaveLength(1);
});

test('a proxy that refuses the tunnel is named as the cause', async () => {
  refusal = 407;
  useProxyFromEnvironment({ HTTPS_PROXY: proxyUrl() });
  const error = await transport()
    .send({ method: 'GET', url: 'https://atlas.invalid/', headers: {} })
    .catch(error => error);
  expect(error).toMatchObject({ kind: 'network', remedy: expect.stringContaining('HTTPS_PROXY') });
  expect(error.message).toContain('407');
  expect(error.message).not.toContain('proxy-password');
});
