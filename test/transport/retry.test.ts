import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TransportError } from '../../src/transport/errors.ts';
import { retryAfterMs, retryDelayMs } from '../../src/transport/retry.ts';

const nowMs = Date.UTC(2026, 0, 1);
const get = { method: 'GET', url: 'https://a.example/x', headers: {} };
const patch = { ...get, method: 'PATCH' };
const token = { method: 'POST', url: 'https://a.example/api/oauth/token', headers: {} };
const answer = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: new Uint8Array(),
});
const fault = (kind: 'timeout' | 'network' | 'truncated' | 'too-large', mayHaveBeenSent: boolean) =>
  new TransportError(kind, get, 'x', { mayHaveBeenSent });
const delay = (...[request, outcome]: [typeof get, Parameters<typeof retryDelayMs>[1]]) =>
  retryDelayMs(request, outcome, 0, { random: () => 0, nowMs });

describe('is sent again', () => {
  test.each([
    ['a read that was cut', get, fault('truncated', true)],
    ['a read that took too long', get, fault('timeout', true)],
    ['a read after 500', get, answer(500)],
    ['a read after 502', get, answer(502)],
    ['a read after 503', get, answer(503)],
    ['a read after 504', get, answer(504)],
    ['a read after 429', get, answer(429)],
    ['a token request after 500', token, answer(500)],
    ['a token request that was cut', token, fault('truncated', true)],
    ['a write that never left', patch, fault('network', false)],
    ['a write after 429', patch, answer(429)],
    ['a write after 503 with Retry-After', patch, answer(503, { 'retry-after': '3' })],
  ])('%s', (_, request, outcome) => {
    expect(delay(request, outcome)).toBeGreaterThan(0);
  });
});

describe('is not sent again', () => {
  test.each([
    ['a write that may have left', patch, fault('network', true)],
    ['a write that took too long', patch, fault('timeout', true)],
    ['a write whose answer was cut', patch, fault('truncated', true)],
    ['a write after 500', patch, answer(500)],
    ['a write after 502', patch, answer(502)],
    ['a write after 504', patch, answer(504)],
    ['a write after 503 without Retry-After', patch, answer(503)],
    ['a write after 503 with a Retry-After that means nothing', patch, answer(503, { 'retry-after': '-5' })],
    [
      'a write to a path that ends in token',
      { ...patch, url: 'https://a.example/x/token' },
      fault('timeout', true),
    ],
    ['a PUT to the token path', { ...token, method: 'PUT' }, fault('timeout', true)],
    ['a read whose answer is too large', get, fault('too-large', true)],
    ['a read after 200', get, answer(200)],
    ['a read after 404', get, answer(404)],
    ['a read after 302', get, answer(302, { 'retry-after': '1' })],
    ['a read that is told to wait for more than a minute', get, answer(429, { 'retry-after': '61' })],
  ])('%s', (_, request, outcome) => {
    expect(delay(request, outcome)).toBeUndefined();
  });
});

test.each([
  ['120', 120_000],
  [' 7 ', 7_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
  ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
  ['-5', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
])('Retry-After %j is %j ms', (value, expected) => {
  expect(retryAfterMs(value, nowMs)).toBe(expected);
});

test('a wait is never shorter than what was asked for, never zero, and bounded', () => {
  fc.assert(
    fc.property(
      fc.nat(60),
      fc.nat(50),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (asked, attempt, random) => {
        const waitMs = retryDelayMs(get, answer(429, { 'retry-after': String(asked) }), attempt, {
          random: () => random,
          nowMs,
        })!;
        expect(waitMs).toBeGreaterThanOrEqual(Math.max(250, asked * 1_000));
        expect(waitMs).toBeLessThanOrEqual(61_000);
      },
    ),
  );
});

test('a fleet that is told the same second does not come back as one', () => {
  const at = (random: number) =>
    retryDelayMs(get, answer(429, { 'retry-after': '10' }), 0, { random: () => random, nowMs });
  expect(at(0.1)).not.toBe(at(0.9));
});
