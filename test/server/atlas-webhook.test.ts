import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { AtlasWebhook, maxAlertBytes } from '../../src/server/atlas-webhook.ts';
import { nowMs } from '../notify/fixtures.ts';
import { open, webhookSecret } from './fixtures.ts';

const sign = (body: string, secret = webhookSecret) =>
  createHmac('sha1', secret).update(body).digest('base64');
const alert = (more: object = {}) =>
  JSON.stringify({
    id: '6a793f60c0eb9e7a17714c01',
    groupId: '64f0c1a2b3d4e5f601234567',
    eventTypeName: 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
    status: 'OPEN',
    ...more,
  });

async function post(server: Awaited<ReturnType<typeof open>>, body: string, signature: string | undefined) {
  return await server.app.inject({
    method: 'POST',
    url: '/hooks/atlas',
    payload: body,
    headers: {
      'content-type': 'application/json',
      ...(signature !== undefined && { 'x-mms-signature': signature }),
    },
  });
}

test('a signed alert is a hint to read its project, and nothing more', async () => {
  const server = await open();
  const body = alert();
  expect((await post(server, body, sign(body))).statusCode).toBe(202);
  expect(server.hints).toEqual([
    {
      source: 'webhook',
      projectId: '64f0c1a2b3d4e5f601234567',
      because: 'ENCRYPTION_AT_REST_KMS_NETWORK_ACCESS_DENIED',
    },
  ]);
});

test.each([
  ['no signature', (_: string) => undefined],
  ['another secret', (body: string) => sign(body, 'another secret')],
  ['another body', () => sign(alert({ status: 'CLOSED' }))],
  [
    'hex, as old documents say',
    (body: string) => createHmac('sha1', webhookSecret).update(body).digest('hex'),
  ],
  ['something around it', (body: string) => ` ${sign(body)}`],
  ['a part of it', (body: string) => sign(body).slice(0, 12)],
  ['nothing', () => ''],
])('refused: %s', async (_, signatureOf) => {
  const server = await open();
  const body = alert();
  expect((await post(server, body, signatureOf(body))).statusCode).toBe(401);
  expect(server.hints).toEqual([]);
});

test('an alert that came before is refused for an hour', async () => {
  const server = await open();
  const body = alert();
  await post(server, body, sign(body));
  server.world.nowMs += 59 * 60_000;
  expect((await post(server, body, sign(body))).statusCode).toBe(409);
  server.world.nowMs += 2 * 60 * 60_000;
  expect((await post(server, body, sign(body))).statusCode).toBe(202);
  expect(server.hints).toHaveLength(2);
});

test('a body that is too large is refused before it is looked at', async () => {
  const server = await open();
  const body = alert({ padding: 'x'.repeat(maxAlertBytes) });
  expect((await post(server, body, sign(body))).statusCode).toBe(413);
  expect(server.hints).toEqual([]);
});

test('an alert without a project, or with something else for one, hints at all', async () => {
  const server = await open();
  for (const groupId of [undefined, '../../etc', 7]) {
    const body = alert({ groupId, eventTypeName: `evil\u001b[2J${groupId}` });
    await post(server, body, sign(body));
  }
  expect(server.hints).toEqual(Array(3).fill({ source: 'webhook', because: 'an alert of Atlas' }));
});

test('whatever bytes come, nothing is thrown, and only signed JSON hints', () => {
  const secret = new Secret(webhookSecret, 'env:WEBHOOK');
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.string(), fc.boolean(), (bytes, other, isSigned) => {
      const body = Buffer.from(bytes);
      const signature = isSigned ? createHmac('sha1', webhookSecret).update(body).digest('base64') : other;
      const verdict = new AtlasWebhook(secret).take(body, signature, nowMs);
      if (!isSigned) expect(verdict).toMatchObject({ taken: false, status: 401 });
      else if (!verdict.taken) expect(verdict.status).toBe(400);
      else expect(verdict.hint.source).toBe('webhook');
    }),
  );
});

test('it remembers a bounded number of bodies', () => {
  const webhook = new AtlasWebhook(new Secret(webhookSecret, 'env:WEBHOOK'));
  for (let index = 0; index < 10_050; index++) {
    const body = Buffer.from(`{"n":${index}}`);
    expect(webhook.take(body, sign(body.toString()), nowMs).taken).toBe(true);
  }
  const newest = Buffer.from('{"n":10049}');
  expect(webhook.take(newest, sign(newest.toString()), nowMs)).toMatchObject({ status: 409 });
});
