/** Each channel over real HTTP and real SMTP on loopback. */
import { createHmac } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { ChannelConfig } from '../../src/config/config.ts';
import { ChannelError } from '../../src/notify/channels/channel.ts';
import { openChannel } from '../../src/notify/channels/index.ts';
import { redactSecrets, rememberSecret, Secret } from '../../src/secret.ts';
import { createTransport } from '../../src/transport/index.ts';
import { deadUrl, serve, testClock } from '../transport/server.ts';
import { notice, nowMs, situation } from './fixtures.ts';

const reference = (name: string) => ({ kind: 'env', name, text: `env:${name}` }) as const;
const common = { name: 'oncall', from: 'info' } as const;

function open(config: ChannelConfig, secrets: Readonly<Record<string, string>>, source = 'postern-1') {
  const clock = testClock(nowMs);
  return openChannel(config, {
    clock,
    transport: createTransport({ clock, random: () => 1, mode: 'read-write', maxRetries: 1 }),
    source,
    secretOf: ({ text }) => new Secret(secrets[text.slice(4)]!, text),
  });
}

test('webhook: the notice as JSON, signed over time and body', async () => {
  const { url, seen } = await serve(() => ({ status: 204 }));
  const channel = open(
    { ...common, kind: 'webhook', url: reference('URL'), secret: reference('KEY') },
    { URL: `${url}/hooks/postern`, KEY: 'a-shared-key-of-some-length' },
  );
  await channel.send(notice());
  const [{ body, headers, url: path }] = seen as [(typeof seen)[number]];
  expect(path).toBe('/hooks/postern');
  const timestamp = headers['x-postern-timestamp'] as string;
  expect(timestamp).toBe(String(nowMs / 1000));
  const mac = createHmac('sha256', 'a-shared-key-of-some-length')
    .update(`${timestamp}.${body}`)
    .digest('hex');
  expect(headers['x-postern-signature']).toBe(`v1=${mac}`);
  expect(JSON.parse(body)).toMatchObject({
    version: 1,
    kind: 'opened',
    at: '2026-11-24T03:00:00.000Z',
    source: 'postern-1',
    situation: { key: 'locked-out/production', severity: 'error', gate: 'production' },
  });
});

test('webhook: no text of the message has a secret in it, also not one that looks otherwise once it is quoted', async () => {
  const { url, seen } = await serve(() => ({ status: 204 }));
  const secret = 'pass"word\\of-the-vault';
  rememberSecret(secret);
  const channel = open(
    { ...common, kind: 'webhook', url: reference('URL'), secret: reference('KEY') },
    { URL: `${url}/hooks/postern`, KEY: 'a-shared-key-of-some-length' },
  );
  await channel.send(
    notice({
      situation: situation({
        message: `The vault said ${secret}.`,
        did: `Its last try failed (${secret}).`,
        remedy: `Do not try ${secret}.`,
      }),
    }),
  );
  const [{ body, headers }] = seen as [(typeof seen)[number]];
  expect(JSON.parse(body).situation).toMatchObject({
    message: 'The vault said [redacted].',
    did: 'Its last try failed ([redacted]).',
    remedy: 'Do not try [redacted].',
  });
  expect(body).not.toContain('of-the-vault');
  // Signed as it is sent.
  const mac = createHmac('sha256', 'a-shared-key-of-some-length')
    .update(`${headers['x-postern-timestamp']}.${body}`)
    .digest('hex');
  expect(headers['x-postern-signature']).toBe(`v1=${mac}`);
});

test('slack: a section for the title and one for the facts, and nothing calls everyone', async () => {
  const { url, seen } = await serve(() => ({ body: 'ok' }));
  const channel = open(
    { ...common, kind: 'slack', url: reference('URL') },
    { URL: `${url}/services/T0/B0/xyz` },
  );
  await channel.send(notice({ situation: situation({ message: 'Cluster <!channel> & co is gone.' }) }));
  const body = JSON.parse(seen[0]!.body);
  expect(body.blocks[0].text.text).toBe('*[error] Cluster &lt;!channel&gt; &amp; co is gone.*');
  expect(body.blocks[1].text.text).toContain('*Addresses:* 52.1.2.3/32, 52.1.2.4/32');
  expect(body.blocks[1].text.text).toContain('*To do:* See `postern plan`.');
});

test('teams: an adaptive card, green when it is over', async () => {
  const { url, seen } = await serve(() => ({ status: 202 }));
  const channel = open(
    { ...common, kind: 'teams', url: reference('URL') },
    { URL: `${url}/workflows/1?sig=abcdefgh` },
  );
  await channel.send(
    notice({ kind: 'resolved', situation: situation({ message: 'See [this](http://x).' }) }),
  );
  const { attachments } = JSON.parse(seen[0]!.body);
  const { body, type } = attachments[0].content;
  expect([type, attachments[0].contentType]).toEqual([
    'AdaptiveCard',
    'application/vnd.microsoft.card.adaptive',
  ]);
  expect(body[0]).toMatchObject({
    color: 'good',
    text: String.raw`\[resolved\] Over: See \[this\]\(http://x\).`,
  });
  expect(seen[0]!.url).toBe('/workflows/1?sig=abcdefgh');
});

test('pagerduty: one situation is one incident, and its end resolves it', async () => {
  const { url, seen } = await serve(() => ({ status: 202, body: '{"status":"success"}' }));
  const channel = open(
    { ...common, kind: 'pagerduty', routingKey: reference('KEY'), url: `${url}/v2/enqueue` },
    { KEY: '0123456789abcdef0123456789abcdef' },
  );
  for (const kind of ['opened', 'reminder', 'resolved'] as const) await channel.send(notice({ kind }));
  const events = seen.map(({ body }) => JSON.parse(body));
  expect(events.map(({ event_action }) => event_action)).toEqual(['trigger', 'trigger', 'resolve']);
  expect(new Set(events.map(({ dedup_key }) => dedup_key)).size).toBe(1);
  expect(events[0]).toMatchObject({
    routing_key: '0123456789abcdef0123456789abcdef',
    payload: { severity: 'critical', source: 'postern-1', component: 'production', class: 'locked-out' },
  });
  expect(events[2].payload).toBeUndefined();
});

test('pagerduty: what one worker began another ends; Posterns with one routing key differ by the channel’s name', async () => {
  const { url, seen } = await serve(() => ({ status: 202, body: '{"status":"success"}' }));
  const from = (source: string, name = 'oncall') =>
    open(
      { ...common, name, kind: 'pagerduty', routingKey: reference('KEY'), url: `${url}/v2/enqueue` },
      { KEY: '0123456789abcdef0123456789abcdef' },
      source,
    );
  await from('postern-1').send(notice({ kind: 'opened' }));
  await from('postern-2').send(notice({ kind: 'resolved' }));
  await from('postern-1', 'oncall-eu').send(notice({ kind: 'opened' }));
  const [opened, resolved, elsewhere] = seen.map(({ body }) => JSON.parse(body).dedup_key);
  expect(resolved).toBe(opened);
  expect(elsewhere).not.toBe(opened);
});

/** As much of an SMTP server as taking a mail needs. */
async function smtpServer(refuse?: string): Promise<{ port: number; mails: string[] }> {
  const mails: string[] = [];
  const server = net.createServer(socket => {
    let data: string | undefined;
    const say = (line: string) => socket.write(`${line}\r\n`);
    say('220 lab ESMTP');
    socket.on('error', () => {});
    socket.on('data', chunk => {
      for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
        if (data !== undefined) {
          if (line === '.') {
            mails.push(data);
            data = undefined;
            say('250 taken');
          } else data += `${line}\n`;
        } else if (/^EHLO/i.test(line)) say('250 lab');
        else if (/^RCPT/i.test(line) && refuse) say(refuse);
        else if (/^DATA/i.test(line)) {
          data = '';
          say('354 go on');
        } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n');
        else if (/^STARTTLS/i.test(line)) say('502 not here');
        else say('250 ok');
      }
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, mails };
}

const email = (port: number, more: object = {}): ChannelConfig => ({
  ...common,
  kind: 'email',
  host: '127.0.0.1',
  port,
  tls: 'none',
  user: undefined,
  password: undefined,
  sender: 'postern@example.com',
  to: ['oncall@example.com'],
  ...more,
});

test('email: a plain mail, and the same notice has the same id', async () => {
  const { port, mails } = await smtpServer();
  const channel = open(email(port), {});
  await channel.send(notice());
  await channel.send(notice());
  const ids = mails.map(mail => /^Message-ID: (.*)$/im.exec(mail)?.[1]);
  expect(ids[0]).toMatch(/@example\.com>$/);
  expect(ids[0]).toBe(ids[1]);
  expect(mails[0]).toContain('To: oncall@example.com');
  expect(mails[0]).toContain('Auto-Submitted: auto-generated');
  expect(mails[0]).toContain('Addresses: 52.1.2.3/32, 52.1.2.4/32');
});

test('email: a server that offers no TLS gets no mail where TLS is asked for', async () => {
  const { port, mails } = await smtpServer();
  await expect(open(email(port, { tls: 'starttls' }), {}).send(notice())).rejects.toThrow(ChannelError);
  expect(mails).toEqual([]);
});

test('email: a refusal is told, and is lasting', async () => {
  const { port } = await smtpServer('550 no such user');
  await expect(open(email(port), {}).send(notice())).rejects.toMatchObject({
    name: 'ChannelError',
    channel: 'oncall',
    isLasting: true,
  });
});

test.each([
  [400, true],
  [403, true],
  [404, true],
  [429, false],
  [500, false],
  [503, false],
])('an answer %i is an error, lasting: %s', async (status, isLasting) => {
  const { url } = await serve(() => ({ status, body: 'what was sent: {"a":1}' }));
  const channel = open(
    { ...common, kind: 'slack', url: reference('URL') },
    { URL: `${url}/services/T0/B0/xyz` },
  );
  await expect(channel.send(notice())).rejects.toMatchObject({
    message: `Channel oncall answered ${status}.`,
    isLasting,
  });
});

test('the address of a channel is a secret: no error shows it', async () => {
  const base = await deadUrl();
  const secret = '/services/T00000000/B00000000/abcdefabcdef';
  const channel = open({ ...common, kind: 'slack', url: reference('URL') }, { URL: `${base}${secret}` });
  const error = await channel.send(notice()).catch(caught => caught);
  expect(error).toBeInstanceOf(ChannelError);
  expect(redactSecrets(error.message)).not.toContain('abcdefabcdef');
});
