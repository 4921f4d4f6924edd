/** `npm run mutate` takes hours; that each guard it takes out still stands where it says is told at once. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { mutations } from '../scripts/mutations.ts';

test('each mutation has a name of its own, and the text it takes out stands once', () => {
  const textOf = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
  const stale = mutations.filter(({ file, find }) => textOf(file).split(find).length !== 2);
  expect(stale.map(({ name, file }) => `${name} (${file})`)).toEqual([]);
  expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
});
