/** Who is told, and the HTTP server, over reloads: real channels and a real server, the daemon on a simulated clock. */
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { CommandContext } from '../../../src/cli/context.ts';
import { startWatchServices } from '../../../src/cli/watch-services.ts';
import type { ChannelConfig, Config } from '../../../src/config/config.ts';
import { resolveSecret, systemFiles } from '../../../src/config/index.ts';
import type { Told } from '../../../src/watch/words.ts';
import { temporaryDirectory } from '../../journal/fixtures.ts';
import { serverConfig } from '../../server/fixtures.ts';
import { serve } from '../../transport/server.ts';
import { minuteMs, Rig } from '../../watch/rig.ts';

const channel = (variable: string): ChannelConfig & { kind: 'webhook' } => ({
  kind: 'webhook',
  name: 'team',
  from: 'info',
  url: { kind: 'env', name: variable, text: `env:${variable}` },
  secret: undefined,
});

async function servicesRig(part: Partial<Config>) {
  const rig = new Rig();
  const env: Record<string, string> = {};
  const urls: string[] = [];
  const undelivered: Told[] = [];
  const config = (more: Partial<Config>): Config => ({ ...rig.config, ...more });
  const open = async () => {
    rig.start();
    const services = await startWatchServices({
      context: { clock: rig.clock, databaseOf: () => undefined } as unknown as CommandContext,
      config: config(part),
      watch: rig.watch,
      secretOf: reference => resolveSecret(reference, env, systemFiles).secret,
      onListening: url => urls.push(url),
      onUndelivered: told => undelivered.push(told),
    });
    onTestFinished(() => services.close());
    await rig.clock.advance(5_000);
    return services;
  };
  /** Atlas lists a new address, and the gate lets it in. */
  const write = async (address: string) => {
    rig.atlas.addControlPlane('aws', 'us-east-1', [address]);
    rig.watch.syncNow();
    await rig.clock.advance(5_000);
    expect(rig.gate.entries).toContain(address);
  };
  return { rig, env, urls, undelivered, config, open, write };
}

const addresses = (seen: readonly { readonly body: string }[]) =>
  seen.flatMap(({ body }) => JSON.parse(body).situation.addresses as string[]);

test('a channel whose secret is not there yet leaves the old one telling, and is tried at the next reload', async () => {
  const [before, after] = [await serve(() => ({ status: 204 })), await serve(() => ({ status: 204 }))];
  const { rig, env, config, open, write } = await servicesRig({ notify: [channel('OLD')] });
  env.OLD = `${before.url}/hook`;
  const services = await open();
  await services.reload(config({ notify: [channel('NEW')] }));
  expect(rig.of('internal-fault')).toMatchObject([{ where: 'the new `notify` of the config' }]);
  await write('44.206.200.18/32');
  await vi.waitFor(() => expect(addresses(before.seen)).toContain('44.206.200.18/32'));
  env.NEW = `${after.url}/hook`;
  await services.reload(config({ notify: [channel('NEW')] }));
  await write('44.206.200.19/32');
  await vi.waitFor(() => expect(addresses(after.seen)).toContain('44.206.200.19/32'));
  expect(addresses(before.seen)).not.toContain('44.206.200.19/32');
  expect(addresses(after.seen)).not.toContain('44.206.200.18/32');
});

test('what happens while the old channel is still sending is told by the new one, once', async () => {
  let answer: (() => void) | undefined;
  const before = await serve((_, response, count) => {
    if (count > 1) return { status: 204 };
    answer = () => response.writeHead(204).end();
    return undefined;
  });
  const after = await serve(() => ({ status: 204 }));
  const { env, config, open, write } = await servicesRig({ notify: [channel('OLD')] });
  Object.assign(env, { OLD: `${before.url}/hook`, NEW: `${after.url}/hook` });
  const services = await open();
  await vi.waitFor(() => expect(before.seen).toHaveLength(1));
  const reloaded = services.reload(config({ notify: [channel('NEW')] }));
  await write('44.206.200.18/32');
  expect(before.seen).toHaveLength(1);
  answer!();
  await reloaded;
  await vi.waitFor(() => expect(addresses(after.seen)).toContain('44.206.200.18/32'));
  expect(addresses([...before.seen, ...after.seen]).filter(each => each === '44.206.200.18/32')).toHaveLength(
    1,
  );
});

/** A secret in a file, as `file:` in a config that stays the same. */
function fileSecret(value: string) {
  const path = join(temporaryDirectory(), 'secret');
  const rotate = (next: string) => writeFileSync(path, next);
  rotate(value);
  return { rotate, reference: { kind: 'file', path, text: `file:${path}` } as const };
}

test('a channel’s secret is read anew at a reload, though its config is the same, and what waits goes the new way', async () => {
  const [before, after] = [await serve(() => ({ status: 403 })), await serve(() => ({ status: 204 }))];
  const { reference, rotate } = fileSecret(`${before.url}/hook`);
  const part = { notify: [{ ...channel('-'), url: reference }] };
  const { config, open, write, undelivered } = await servicesRig(part);
  const services = await open();
  await vi.waitFor(() => expect(undelivered).toHaveLength(1));
  rotate(`${after.url}/hook`);
  await services.reload(config(part));
  const waited = addresses(before.seen);
  await vi.waitFor(() => expect(addresses(after.seen)).toEqual(expect.arrayContaining(waited)));
  await write('44.206.200.18/32');
  await vi.waitFor(() => expect(addresses(after.seen)).toContain('44.206.200.18/32'));
  expect(before.seen).toHaveLength(1);
});

test('so is the secret of Atlas’s webhook; where it is the same the server goes on', async () => {
  const { reference, rotate } = fileSecret('the-first-secret');
  const part = { server: { ...serverConfig, atlasWebhookSecret: reference } };
  const { urls, config, open } = await servicesRig(part);
  const services = await open();
  await services.reload(config(part));
  expect(urls).toHaveLength(1);
  rotate('the-second-secret');
  await services.reload(config(part));
  const post = async (secret: string) => {
    const body = JSON.stringify({ groupId: secret });
    const signature = createHmac('sha1', secret).update(body).digest('base64');
    const headers = { 'x-mms-signature': signature, 'content-type': 'application/json' };
    return (await fetch(`${urls.at(-1)}/hooks/atlas`, { method: 'POST', body, headers })).status;
  };
  expect([await post('the-first-secret'), await post('the-second-secret')]).toEqual([401, 202]);
});

test('a channel that failed reads its secret anew without a reload; where it is not there, the old one serves', async () => {
  const [before, after] = [await serve(() => ({ status: 403 })), await serve(() => ({ status: 204 }))];
  const { reference, rotate } = fileSecret(`${before.url}/hook`);
  const { rig, open, undelivered } = await servicesRig({ notify: [{ ...channel('-'), url: reference }] });
  await open();
  await vi.waitFor(() => expect(undelivered).toHaveLength(1));
  rotate('');
  await rig.clock.advance(minuteMs);
  await vi.waitFor(() => expect(before.seen.length).toBeGreaterThan(1));
  rotate(`${after.url}/hook`);
  await rig.clock.advance(5 * minuteMs);
  await vi.waitFor(() =>
    expect(addresses(after.seen)).toEqual(expect.arrayContaining(addresses(before.seen))),
  );
});

test('that a channel takes nothing is said', async () => {
  const { url } = await serve(() => ({ status: 403 }));
  const { env, undelivered, open } = await servicesRig({ notify: [channel('URL')] });
  env.URL = `${url}/hook`;
  await open();
  await vi.waitFor(() => expect(undelivered).toHaveLength(1));
  expect(undelivered).toMatchObject([
    {
      level: 'warn',
      fields: {
        channel: 'team',
        kind: 'event',
        situation: expect.stringMatching(/^written\/vault\//),
        because: 'Channel team answered 403.',
      },
    },
  ]);
});

test('where the server cannot listen at the start, nothing goes on that would keep the process', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void blocker.close());
  await new Promise(resolve => blocker.once('listening', resolve));
  const { port } = blocker.address() as AddressInfo;
  const { url, seen } = await serve(() => ({ status: 204 }));
  const { env, open, rig } = await servicesRig({
    notify: [channel('URL')],
    server: { ...serverConfig, port },
  });
  env.URL = `${url}/hook`;
  await expect(open()).rejects.toThrow('EADDRINUSE');
  await rig.clock.advance(minuteMs);
  await rig.stop();
  expect(rig.clock.sleepers).toBe(0);
  expect(seen).toEqual([]);
});

test('a server that cannot listen leaves the old one serving, and is tried at the next reload', async () => {
  const blocker: Server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void blocker.close());
  await new Promise(resolve => blocker.once('listening', resolve));
  const { port } = blocker.address() as AddressInfo;
  const { rig, urls, config, open } = await servicesRig({ server: serverConfig });
  const services = await open();
  const next = config({ server: { ...serverConfig, port } });
  const isServed = async () => (await fetch(`${urls.at(-1)}/readyz`)).ok;
  await services.reload(next);
  expect(rig.of('internal-fault')).toMatchObject([{ where: 'the new `server` of the config' }]);
  expect(await isServed()).toBe(true);
  const secret = { kind: 'env', name: 'LATER', text: 'env:LATER' } as const;
  await services.reload(config({ server: { ...serverConfig, atlasWebhookSecret: secret } }));
  expect(rig.of('internal-fault')).toHaveLength(2);
  expect(await isServed()).toBe(true);
  await new Promise(resolve => blocker.close(resolve));
  await services.reload(next);
  expect(urls.at(-1)).toBe(`http://127.0.0.1:${port}`);
  expect(await isServed()).toBe(true);
});
