import { expect, test } from 'vitest';
import { openSite } from './harness.ts';

const tokenPaths = /^\/(api\/oauth\/token|[^/]+\/oauth2\/v2\.0\/token)$/;

test('plan, check, explain and apply on observe send nothing that could write', async () => {
  const site = await openSite();
  site.configure({ policy: 'observe' });
  await site.run('plan');
  await site.run('plan', '--policy', 'sync');
  await site.run('check');
  await site.run('explain', '3.92.113.229');
  await site.run('apply', '--yes');
  const writing = site.lab.requests.filter(
    ({ method, path }) => method !== 'GET' && !(method === 'POST' && tokenPaths.test(path.split('?')[0]!)),
  );
  expect(writing).toEqual([]);
  expect(site.lab.requests.length).toBeGreaterThan(20);
});
