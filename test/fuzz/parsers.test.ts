/** Every parser at the border, against damaged documents; `npm run fuzz` does it for as long as one likes. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { routes } from '../../src/server/routes.ts';
import { bearer, open, tokens } from '../server/fixtures.ts';
import { attack } from './attack.ts';
import { damagedJsonText, damagedText } from './mutate.ts';
import { targets } from './targets.ts';

const seed = Number(process.env.POSTERN_SEED ?? Math.floor(Math.random() * 1e6));
const runs = Number(process.env.POSTERN_FUZZ_RUNS ?? 150);

test.each(targets)(`$name (seed ${seed})`, target => attack(target, { seed, runs }), 120_000);

test(`the API: no path, query or body makes it answer 500 (seed ${seed})`, async () => {
  const { app, faults, approvals } = await open();
  const paths = routes.map(({ path }) =>
    path.replace(':gate', 'production').replace(':feed', 'control-plane'),
  );
  const url = damagedText(
    paths.flatMap(path => [path, `${path}?limit=10&before=1&gate=production&since=2026-01-01`]),
  )
    // What is no URL at all never reaches a server.
    .map(text =>
      (text.startsWith('/') ? text : `/${text}`).toWellFormed().replace(/[^\x21-\x7e]/gu, encodeURIComponent),
    );
  const body = damagedJsonText([
    { gate: 'production' },
    { reason: 'I looked', checksum: 'abc', expiresIn: '1h' },
  ]);
  const request = fc.record({ url, body, isPost: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(request, async ({ url, body, isPost }) => {
      const headers = { ...bearer(tokens.all), ...(isPost && { 'content-type': 'application/json' }) };
      const answer = await app
        .inject({ method: isPost ? 'POST' : 'GET', url, headers, ...(isPost && { payload: body }) })
        .catch(error => {
          // The test's own client takes no such URL.
          if (/URL|escape/i.test(String(error))) return undefined;
          throw error;
        });
      if (!answer || url.startsWith('/api/v1/events')) return;
      expect(answer.statusCode, `${url} ${answer.body}`).not.toBe(500);
    }),
    { seed, numRuns: Math.min(runs, 400) },
  );
  expect(faults).toEqual([]);
  expect(approvals).toEqual([]);
}, 120_000);
