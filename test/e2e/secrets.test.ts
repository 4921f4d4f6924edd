import { expect, test } from 'vitest';
import { journalText, openSite } from './harness.ts';

test('no secret and no token is in any output, any error, any plan, or the journal', async () => {
  const site = await openSite();
  const outputs: string[] = [];
  const run = async (...args: readonly string[]) => {
    const { stdout, stderr } = await site.run(...args);
    outputs.push(stdout, stderr);
  };
  for (const format of ['text', 'json', 'markdown', 'html']) await run('plan', '--format', format);
  await run('apply', '--yes', '--json');
  await run('history', '--json');
  await run('history', '1');

  // Servers that quote what they were sent.
  const echo = `{"error":{"code":"Echo","message":"you sent ${site.lab.credentials.azure.clientSecret}"},"detail":"${site.lab.credentials.atlas.serviceAccount.clientSecret}"}`;
  for (const on of ['atlas', 'azure', 'entra'] as const) {
    const heal = site.lab.faults.add({ on, act: { kind: 'answer', status: 400, body: echo } });
    for (const command of ['check', 'plan', 'apply']) await run(command, '--json');
    await run('ips', '--project', site.project.id);
    heal();
  }
  const { atlas, azure } = site.lab.credentials;
  const all = [...outputs, journalText(site)].join('\n');
  const basic = Buffer.from(`${atlas.serviceAccount.clientId}:${atlas.serviceAccount.clientSecret}`).toString(
    'base64',
  );
  for (const secret of [atlas.serviceAccount.clientSecret, azure.clientSecret, basic, 'Bearer lab']) {
    expect(all).not.toContain(secret);
  }
  expect(all).toContain('Echo');
}, 120_000);
