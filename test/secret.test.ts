/** A secret shows where it came from, whatever prints it. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { redactSecrets, rememberSecret, rememberToken, Secret } from '../src/secret.ts';

const value = 'hunter2-and-more';
const secret = new Secret(value, 'env:ATLAS_SECRET');

test.each<[string, () => string]>([
  ['a template', () => `${secret}`],
  ['JSON', () => JSON.stringify({ secret })],
  ['inspect', () => inspect({ secret }, { showHidden: true, depth: 9 })],
  ['a spread', () => JSON.stringify({ ...secret })],
  ['an error', () => String(new Error(`no luck with ${secret}`))],
])('%s does not show it', (_, show) => {
  expect(show()).not.toContain(value);
  expect(show()).toContain('env:ATLAS_SECRET');
});

test('what quotes it is redacted, every time it occurs', () => {
  expect(redactSecrets(`a ${value} b ${value}`)).toBe('a [redacted] b [redacted]');
  rememberSecret('token-that-was-fetched');
  expect(redactSecrets('Bearer token-that-was-fetched')).toBe('Bearer [redacted]');
});

test('it is revealed where it is used', () => {
  expect(secret.reveal()).toBe(value);
});

test('one secret that begins as another is hidden whole, and overlapping ones leave nothing of the first', () => {
  rememberSecret('abcdef-short');
  rememberSecret('abcdef-short-and-long');
  rememberSecret('long-tail-of-it');
  expect(redactSecrets('<abcdef-short-and-long> <abcdef-short>')).toBe('<[redacted]> <[redacted]>');
  expect(redactSecrets('abcdef-short-and-long-tail-of-it')).toBe('[redacted]-tail-of-it');
});

test('of tokens that were fetched the newest are hidden, and what was configured always is', () => {
  rememberToken('token-number-0');
  // Fetched thousands of times, as by a daemon that runs for months.
  for (let n = 1; n <= 2_000; n++) rememberToken(`token-number-${n}`);
  expect(redactSecrets('token-number-1999, token-number-2000')).toBe('[redacted], [redacted]');
  expect(redactSecrets('sent token-number-0!')).toBe('sent token-number-0!');
  expect(redactSecrets(value)).toBe('[redacted]');
});
