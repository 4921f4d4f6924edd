/** A secret shows where it came from, whatever prints it. */
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { redactSecrets, rememberSecret, Secret } from '../src/secret.ts';

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
