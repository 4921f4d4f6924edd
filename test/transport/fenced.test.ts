import { expect, test } from 'vitest';
import { createTransport, fencedTransport } from '../../src/transport/index.ts';
import { FakeClock } from '../journal/fixtures.ts';
import { serve } from './server.ts';

test('what can write is asked about before each try, retries too; what only reads is not', async () => {
  let refusal: string | undefined;
  const { url, seen } = await serve(({ method }) => {
    if (method !== 'PUT') return {};
    // The lease ends while the retry waits.
    refusal = 'the lease is over';
    return { status: 429, headers: { 'retry-after': '1' } };
  });
  const transport = createTransport({ clock: new FakeClock(), random: () => 0, mode: 'read-write' });
  const fenced = fencedTransport(transport, () => refusal);
  const send = (method: string) => fenced.send({ method, url: `${url}/list`, headers: {} });

  expect((await send('PATCH')).status).toBe(200);
  const refused = {
    kind: 'refused-write',
    mayHaveBeenSent: false,
    message: expect.stringContaining('the lease is over'),
  };
  await expect(send('PUT')).rejects.toMatchObject(refused);
  await expect(send('PATCH')).rejects.toMatchObject(refused);
  expect((await send('GET')).status).toBe(200);
  expect(seen.map(({ method }) => method)).toEqual(['PATCH', 'PUT', 'GET']);
});
