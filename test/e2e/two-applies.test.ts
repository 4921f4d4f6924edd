import { expect, test } from 'vitest';
import { openSite } from './harness.ts';

test('two applies at once on one gate: one works, the other says who holds it', async () => {
  const site = await openSite();
  site.lab.faults.add({ on: 'azure', method: 'PATCH', times: 1, act: { kind: 'latency', ms: 1_500 } });
  const first = site.start('apply', '--yes');
  await untilRequested(site, 'PATCH');
  const second = await site.run('apply', '--yes');
  expect(second.code).toBe(4);
  expect(second.stdout).toContain(`pid ${first.process.pid}`);
  expect(await first.ended).toMatchObject({ code: 0 });
  expect(site.rules()).toHaveLength(388);
  expect(site.lab.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(1);
});

/** Until the lab is at work on such a request; its log has only those that are answered. */
async function untilRequested(site: Awaited<ReturnType<typeof openSite>>, method: string): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if (site.lab.faults.hits.some(hit => hit.method === method)) return;
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  throw new Error(`no ${method} came`);
}
