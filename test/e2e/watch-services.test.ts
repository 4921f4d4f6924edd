/** `postern watch` with its HTTP server and a channel, as a real process over real HTTP. */
import { createHmac } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { hashToken, makeToken } from '../../src/server/access.ts';
import { serve } from '../transport/server.ts';
import { openSite } from './harness.ts';

vi.setConfig({ testTimeout: 120_000 });

const secret = 'the-secret-of-the-atlas-webhook';
const patiently = { watch: { controlPlane: '1h', nodes: '1h', gates: '1h', events: '1h', minGap: '1s' } };

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const endMs = Date.now() + 60_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > endMs) throw new Error(`not seen: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

test('the API, the metrics and a channel tell of it; a signed alert of Atlas has it look at once', async () => {
  const site = await openSite();
  const { token, hash } = makeToken();
  const messages: any[] = [];
  const channel = await serve(({ body }) => {
    messages.push(JSON.parse(body));
    return { status: 204 };
  });
  site.configure(
    {},
    {
      ...patiently,
      server: {
        listen: '127.0.0.1:0',
        tokens: [{ name: 'test', hash }],
        atlasWebhook: { secret: 'env:ATLAS_WEBHOOK_SECRET' },
      },
      notify: [{ name: 'team', kind: 'webhook', url: 'env:CHANNEL_URL', from: 'info' }],
    },
  );
  site.setEnv({ ATLAS_WEBHOOK_SECRET: secret, CHANNEL_URL: `${channel.url}/team/1` });
  const daemon = site.start('watch');
  onTestFinished(() => void daemon.process.kill('SIGKILL'));
  let log = '';
  daemon.process.stderr!.on('data', chunk => (log += chunk));
  const url = await until('the address', () => /"url":"(http:[^"]+)"/.exec(log)?.[1]);
  const get = async (path: string) => (await fetch(`${url}${path}`)).json() as any;

  await until('in step', async () =>
    (await get('/api/v1/gates'))[0].coverage === 'let-in' ? true : undefined,
  );
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('postern_gate_missing_addresses{gate="payments"} 0');
  expect(metrics).toContain('postern_removals_restored_total{gate="payments"} 0');
  expect(metrics).toContain('postern_notifications_total{channel="team",outcome="given-up"} 0');
  expect(await get('/api/v1/writes')).toMatchObject([{ kind: 'add', outcome: 'applied' }]);
  expect((await get('/api/v1/feeds/control-plane/addresses')).addresses.length).toBeGreaterThan(300);
  expect((await get('/api/v1/gates/payments/coverage')).at(-1)).toMatchObject({
    coverage: 'let-in',
    missing: 0,
  });
  await until('the message of the write', () =>
    messages.find(({ text }) => /let in \d+ addresses/.test(text)),
  );

  // Nothing would be read for an hour; an unsigned alert changes nothing about that.
  site.lab.atlas.addControlPlane('aws', 'us-east-1', ['44.206.200.18/32']);
  const alert = JSON.stringify({ groupId: site.project.id, eventTypeName: 'CLUSTER_UPDATE_STARTED' });
  const post = (signature: string) =>
    fetch(`${url}/hooks/atlas`, {
      method: 'POST',
      body: alert,
      headers: { 'content-type': 'application/json', 'x-mms-signature': signature },
    });
  expect((await post('AAAA')).status).toBe(401);
  expect(site.rules()).not.toContain('44.206.200.18/32');
  expect((await post(createHmac('sha1', secret).update(alert).digest('base64'))).status).toBe(202);
  // The hint speaks of a project; the token asks for all.
  expect(
    (
      await fetch(`${url}/api/v1/sync`, {
        method: 'POST',
        body: '{}',
        headers: { 'content-type': 'application/json' },
      })
    ).status,
  ).toBe(401);
  const authorized = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  expect(
    (await fetch(`${url}/api/v1/sync`, { method: 'POST', body: '{}', headers: authorized })).status,
  ).toBe(202);
  await until('the new address', () => (site.rules().includes('44.206.200.18/32') ? true : undefined));

  daemon.process.kill('SIGTERM');
  const { code, stdout, stderr } = await daemon.ended;
  expect(code).toBe(0);
  for (const hidden of [secret, token, '/team/1']) expect(stdout + stderr).not.toContain(hidden);
  expect(hash).toBe(hashToken(token));
});
